"""H.264 (Rec. ITU-T H.264, 08/2021): the decoder and its stages."""
