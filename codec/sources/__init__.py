"""Where bytes and samples come from: files, containers of coded video, clips of planes. Below the codecs."""
