"""Huffman tables as decoders of any process need them."""
from codec._core cimport HuffmanReader

cdef class ReadTables:
    cdef HuffmanReader dc[4]
    cdef HuffmanReader ac[4]
