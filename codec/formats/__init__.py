"""Other file formats, through other libraries: pictures (Pillow) and animations. Above the codecs."""
