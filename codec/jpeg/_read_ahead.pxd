"""Readers of pieces of a sequential scan, which begin in the middle of its data."""
from libc.stdint cimport int16_t, int64_t

from codec.jpeg._scan_read cimport ReadScan

cdef enum:
    KNOWN = 96              # MCUs at the beginning of a piece of which it is known where they begin
    # where the MCUs of a piece belong
    GUESSED = 0             # nobody knows
    JOINED                  # the piece before ends where one of `begins` is
    DROPPED                 # it ends elsewhere

cdef struct Piece:
    ReadScan scan           # one row of `room` MCUs
    int16_t *plane[4]       # of a component: V rows of blocks
    Py_ssize_t room, most   # MCUs for which there is memory; that the piece may have
    Py_ssize_t ready        # MCUs that are read
    Py_ssize_t known        # of the first of them, in `begins`
    int64_t begins[KNOWN]   # the bits at which they begin, ascending
    bint noted              # no more are coming
    Py_ssize_t following    # the number of the piece behind
    int state
    # once it is joined:
    Py_ssize_t first        # the MCU of the scan that is the first one here
    Py_ssize_t valid        # the first one here that is not read by the piece before
    int missing[4]          # what the DC of each component lacks

cdef Py_ssize_t piece_bytes(const ReadScan *s, Py_ssize_t room) noexcept nogil
cdef void open_piece(Piece *p, const ReadScan *s, int16_t *levels, Py_ssize_t room) noexcept nogil
cdef void begin_piece(Piece *p, Py_ssize_t number, int state) noexcept nogil
cdef void settle(Piece *p, Py_ssize_t byte) noexcept nogil
cdef void note_some(Piece *p, Py_ssize_t past) noexcept nogil
cdef Py_ssize_t read_some(Piece *p, Py_ssize_t count) noexcept nogil
cdef int read_one(Piece *p) noexcept nogil
cdef int64_t bit_of(const Piece *p) noexcept nogil
cdef bint will_tell(const Piece *p, int64_t bit) noexcept nogil
cdef Py_ssize_t place_of(const Piece *p, int64_t bit) noexcept nogil
cdef void join(Piece *p, const Piece *before, Py_ssize_t place) noexcept nogil
cdef void use_up(Piece *p) noexcept nogil
cdef int16_t *blocks_of(Piece *p, int i, int v, Py_ssize_t at, Py_ssize_t past) noexcept nogil
