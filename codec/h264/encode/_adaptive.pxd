"""A division that the decisions before coding share."""
from libc.stdint cimport int64_t

cdef inline int64_t floored(int64_t a, int64_t b) noexcept nogil:
    """a / b, rounded down; b > 0."""
    return a // b - (a % b < 0)
