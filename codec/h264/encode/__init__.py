"""Encode H.264: the mode decision fills the macroblocks that the decoder's parser fills (macroblock/_slice.pxd)."""
