"""See _setup.pyx."""
from codec.h264.macroblock._scaling cimport Scaling
from codec.h264.macroblock._slice cimport Reference, SequenceParams, SliceContext
from codec.h264.pictures._picture cimport Picture, PictureData

cdef class SliceSetup:
    cdef SequenceParams seq                     # of the parameter sets in `sets`
    cdef Scaling scaling
    cdef object sets
    cdef readonly int level # of the kernels

    cdef int setup(self, SliceContext *s, header, sps, pps, Picture picture, lists) except -1
    cdef int _set_scaling(self, lists) except -1
    cdef int _set_sequence(self, sps, pps, PictureData *p) except -1
    cdef int _set_switching(self, SliceContext *s, header, pps) except -1
    cdef int _set_slice(self, SliceContext *s, header, sps, pps) except -1
    cdef int _set_reference(self, Reference *r, Picture picture, int parity, int current) except -1
    cdef int _set_references(self, SliceContext *s, Picture picture, lists, header) except -1
    cdef void _set_missing(self, SliceContext *s, int list, int i) noexcept
    cdef int _set_weights(self, SliceContext *s, table) except -1
