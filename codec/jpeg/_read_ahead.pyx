"""Reading a piece of a sequential scan in the middle of its data, before it is known which MCU that is.

Huffman codes find back to the beginnings of symbols, and the order of the components in an MCU does too, as bits read
by tables of another component soon make no sense: mostly within some MCUs (S. Klein and Y. Wiseman, Parallel Huffman
decoding with applications to JPEG files, The Computer Journal 46(5), 2003). Whether a reader has found back is known
when the one of the piece before comes to a bit at which an MCU began here: from there on both would read the same. Two
things are missing until then: the number of the MCU, so MCUs are stored as one long row; and the DC predictions, a
difference that is the same for all blocks of a component.
"""
from libc.stdint cimport int16_t, int64_t
from libc.string cimport memcpy, memset

from codec.jpeg._scan_read cimport ReadComponent, ReadScan, read_mcu_row, read_undamaged


cdef enum:
    SETTLED = 32            # MCUs without damage after which a reader is taken to have found back
    TRIES = 256             # bytes at which it begins, at most


cdef Py_ssize_t piece_bytes(const ReadScan *s, Py_ssize_t room) noexcept nogil:
    """Of the levels of `room` MCUs."""
    cdef Py_ssize_t blocks = 0
    cdef int i
    for i in range(s.Ns):
        blocks += s.component[i].H * s.component[i].V
    return room * blocks * 64 * <Py_ssize_t>sizeof(int16_t)


cdef void open_piece(Piece *p, const ReadScan *s, int16_t *levels, Py_ssize_t room) noexcept nogil:
    """For a scan that is Huffman coded, sequential, and one interval, which is open."""
    cdef ReadComponent *c
    cdef int i
    memcpy(&p.scan, s, sizeof(ReadScan))
    p.room, p.scan.mcus_high = room, 1
    for i in range(s.Ns):
        c = &p.scan.component[i]
        p.plane[i] = c.level_nat = levels
        c.wide, c.high = room * c.H, c.V
        levels += c.wide * c.V * 64


cdef int64_t bit_of(const Piece *p) noexcept nogil:
    """Where the next MCU begins."""
    return p.scan.reader.bits.pos * 8 - p.scan.reader.bits.count


cdef void begin_piece(Piece *p, Py_ssize_t number, int state) noexcept nogil:
    """Forget the piece before."""
    cdef int i
    p.following, p.state, p.most = number + 1, state, p.room
    p.ready = p.known = p.first = p.valid = 0
    p.noted = False
    for i in range(p.scan.Ns):
        p.missing[i] = 0


cdef void settle(Piece *p, Py_ssize_t byte) noexcept nogil:
    """Find back to the beginning of an MCU, probably, from a byte on; else nothing is `ready`."""
    cdef Py_ssize_t tries
    cdef int i
    for tries in range(TRIES):
        p.scan.reader.bits.pos, p.scan.reader.bits.acc, p.scan.reader.bits.count = byte + tries, 0, 0
        for i in range(p.scan.Ns):
            p.scan.component[i].pred = 0
        p.ready = 0
        note_some(p, SETTLED)
        if p.ready == SETTLED:
            return
    p.ready = 0


cdef void note_some(Piece *p, Py_ssize_t past) noexcept nogil:
    """Read the MCUs up to the one before `past`, KNOWN at most, and note where they begin."""
    while p.ready < past:
        p.begins[p.ready] = bit_of(p)
        if read_some(p, 1) == 0:
            break


cdef Py_ssize_t read_some(Piece *p, Py_ssize_t count) noexcept nogil:
    """Read up to `count` MCUs more, for which there is room. Returns how many: fewer at damage, and at the end of the
    data."""
    cdef ReadComponent *c
    cdef Py_ssize_t done
    cdef int i, v
    for i in range(p.scan.Ns):
        c = &p.scan.component[i]
        for v in range(c.V):
            memset(p.plane[i] + (v * c.wide + p.ready * c.H) * 64, 0, count * c.H * 64 * sizeof(int16_t))
    p.scan.mcus_wide, p.scan.left = p.room, count
    done = read_undamaged(&p.scan, 0, 0, p.ready)
    p.ready += done
    return done


cdef int read_one(Piece *p) noexcept nogil:
    """Read the MCU before which `read_some` stopped. Returns a status other than OK for damage."""
    cdef int status
    p.scan.mcus_wide, p.scan.left = p.ready + 1, 1
    status = read_mcu_row(&p.scan, 0, 0, p.ready)
    if status:
        p.scan.segments.mcu += p.first
    else:
        p.ready += 1
    return status


cdef bint will_tell(const Piece *p, int64_t bit) noexcept nogil:
    """Whether `begins` may hold a bit later, and does not yet."""
    return not p.noted and (p.known == 0 or p.begins[p.known - 1] < bit)


cdef Py_ssize_t place_of(const Piece *p, int64_t bit) noexcept nogil:
    """Which of the MCUs here begins at a bit. -1: none; -2: none, and none behind."""
    cdef Py_ssize_t low = 0, high = p.known, middle
    while low < high:
        middle = (low + high) // 2
        if p.begins[middle] < bit:
            low = middle + 1
        else:
            high = middle
    if low == p.known:
        return -2
    return low if p.begins[low] == bit else -1


cdef void join(Piece *p, const Piece *before, Py_ssize_t place) noexcept nogil:
    """`before`, which is joined itself, has read all MCUs up to the one at `place` here."""
    cdef int i, last
    p.first, p.valid = before.first + before.ready - place, place
    for i in range(p.scan.Ns):
        p.missing[i] = before.scan.component[i].pred + before.missing[i]
        if place:
            last = p.scan.component[i].V - 1
            p.missing[i] -= (p.plane[i] + (last * p.scan.component[i].wide + place * p.scan.component[i].H - 1) * 64)[0]


cdef void use_up(Piece *p) noexcept nogil:
    """What is read has been taken: go on with an empty memory."""
    cdef int i
    p.first += p.ready
    p.ready = p.valid = 0
    for i in range(p.scan.Ns):
        p.scan.component[i].pred += p.missing[i]
        p.missing[i] = 0


cdef int16_t *blocks_of(Piece *p, int i, int v, Py_ssize_t at, Py_ssize_t past) noexcept nogil:
    """Row v of the blocks in MCUs `at` to `past` - 1 of the piece, in component i, with all of their DC. To be called
    once."""
    cdef Py_ssize_t H = p.scan.component[i].H, bx
    cdef int16_t *found = p.plane[i] + (v * p.scan.component[i].wide + at * H) * 64
    if p.missing[i]:
        for bx in range((past - at) * H):
            found[64 * bx] = <int16_t>(found[64 * bx] + p.missing[i])
    return found
