"""See _motion.pyx."""
from libc.stdint cimport int16_t

from codec.h264.macroblock._slice cimport SliceContext

cdef void predict_vector(SliceContext *s, int list, int x, int y, int w, int ref, int16_t *mv) noexcept nogil
cdef void predict_partition(SliceContext *s, int list, int x, int y, int w, int ref, int16_t *mv) noexcept nogil
cdef void derive_p_skip(SliceContext *s) noexcept nogil
cdef int derive_motion(SliceContext *s) noexcept nogil
cdef void store_motion(SliceContext *s) noexcept nogil
cdef void store_intra_motion(SliceContext *s) noexcept nogil
