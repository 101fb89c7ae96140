"""Kernels ask whether they must end; see _stop.pyx."""

cdef bint stopped() noexcept nogil
cdef int raise_stopped() except -1
