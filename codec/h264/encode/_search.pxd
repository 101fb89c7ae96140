"""See _search.pyx."""
from libc.stdint cimport int16_t, uint8_t, uint16_t

from codec.h264.encode._coder cimport Coder, Motion, RefPlanes

cdef enum:
    MOST_VECTOR_BITS = 16385

cdef uint16_t[MOST_VECTOR_BITS] VECTOR_BITS             # cost of a difference of this magnitude, in 1/256 bit

cdef const uint8_t *predicted(Coder *c, RefPlanes *r, int x, int y, int w, int h, int mvx, int mvy, int scratch,
                              Py_ssize_t *stride) noexcept nogil
cdef void search(Coder *c, RefPlanes *r, int x, int y, int w, int h, Motion *m,
                 const int16_t (*candidates)[2], int count) noexcept nogil
cdef void refine_two(Coder *c, RefPlanes *r0, RefPlanes *r1, int x, int y, int w, int h, Motion *m0,
                     Motion *m1, int w1, int rounds) noexcept nogil
cdef int one_cost(Coder *c, RefPlanes *r, int x, int y, int w, int h, const Motion *m, int mvx,
                  int mvy) noexcept nogil
cdef int two_cost(Coder *c, RefPlanes *r0, RefPlanes *r1, int x, int y, int w, int h, const Motion *m0,
                  const Motion *m1, int w1) noexcept nogil
cdef void refine(Coder *c, RefPlanes *r, int x, int y, int w, int h, Motion *m, int half_steps,
                 int quarter_steps) noexcept nogil
