"""Files of other formats, through the libraries that keep them: pictures (Pillow) and animations. Above the codecs."""
