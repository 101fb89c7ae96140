"""The activity of blocks, for the module that makes their coefficients: they are in the cache there."""
from libc.stdint cimport int16_t, int32_t

cdef int check_activity(int H) except -1
cdef void block_logarithms(const int16_t *coef_zz, Py_ssize_t blocks, int H, int32_t *logarithm) noexcept nogil
