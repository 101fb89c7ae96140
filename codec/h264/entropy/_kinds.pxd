"""Kinds of blocks of levels, which both entropy coders have tables by."""

cdef enum:
    KIND_DC_420 = 3         # ctxBlockCat (Table 9-42) ...
    KIND_AC_CHROMA = 4
    KIND_DC_422 = 14        # ... and one more, since chroma DC of 4:2:2 is longer
    KINDS = 15
