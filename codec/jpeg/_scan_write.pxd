"""Huffman tables as encoders of any process need them."""
from codec._core cimport EntropyTable

cdef class Tables:
    cdef EntropyTable dc[4]
    cdef EntropyTable ac[4]
