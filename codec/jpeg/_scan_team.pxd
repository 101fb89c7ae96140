"""The scans of a progressive picture, for those who find them in other ways."""
from libc.stdint cimport uint64_t

from codec.jpeg._scan_read cimport ReadScan
from codec.jpeg._stream_read cimport BandTeam

cdef struct Progress:
    ReadScan *scan
    int component[4]            # of the frame
    int components              # the same as bits
    Py_ssize_t band             # bands that are read
    bint at_work

cdef class ScanTeam(BandTeam):
    cdef Progress *scans        # owned
    cdef Py_ssize_t count
    cdef Py_ssize_t chosen      # the scan to go on with
    cdef uint64_t *present[4]   # of `slots` bands: the coefficients that are not zero, as ReadComponent has them
    cdef uint64_t *masks        # owned

    cdef int expect(self, Py_ssize_t scans) except -1
    cdef void add(self, ReadScan *scan, const int *component) noexcept
    cdef uint64_t *masks_of(self, int i, Py_ssize_t band) noexcept nogil
    cdef bint can_go_on(self, Py_ssize_t which) noexcept nogil
    cdef bint is_read(self, Py_ssize_t band) noexcept nogil
    cdef int read_scan(self, Progress *p) noexcept nogil
    cdef void read_from_the_top(self) noexcept
