"""Sources of bytes and samples: files, containers of coded video, clips of planes. Below the codecs."""
