"""Huffman tables as decoders of any process need them."""
from codec._core cimport HuffmanReader

cdef class HuffmanTable:
    cdef HuffmanReader reader

cdef class ReadTables:
    cdef const HuffmanReader *dc[4]     # NULL: not set
    cdef const HuffmanReader *ac[4]
    cdef dict keep                      # (Tc, Th) -> HuffmanTable
