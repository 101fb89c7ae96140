"""The binary arithmetic coder of T.81 Annex D (QM coder), inlined into its users: a call
per decision costs too much.

A statistics bin is a byte, 2 x index of Table D.3 + sense of the more probable symbol (MPS); 0 at the start of every
scan and restart interval. TRANSITION holds for each value of a bin the whole row of the table: Qe << 16 | bin after an
LPS << 8 | bin after an MPS.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t

from codec._core cimport E_RANGE, BitReader, BitWriter, codec_assert, codec_bit_length, open_reader, refill, skip_bits

cdef enum:
    FIXED = 226             # a bin that never adapts: Qe = X'5A1D', about one half (F.1.4.4.2, G.1.3)
    DC_BINS = 49            # Table F.4
    AC_BINS = 245           # Table F.5
    LOSSLESS_BINS = 158     # Table H.3
    X1 = 20                 # first bin of the magnitude categories of DC
    M_OFFSET = 14           # from the category bin Xn to the bin Mn of its bits, in all three tables
    LARGEST = 0x4000        # leading bit of the largest Sz: X15 is the last category

cdef uint32_t TRANSITION[228]


# ---------------------------------------------------------------- reading, D.2

cdef struct ArithReader:
    # its top 16 bits are Cx, which stays below A: the code string relative to the base of the interval
    BitReader bits
    uint32_t A              # the interval, X'8000' .. X'10000' between decisions

cdef inline void open_arith_reader(ArithReader *r, const uint8_t *data, Py_ssize_t size) noexcept nogil:
    """Initdec; `data` is a segment without stuffing, as for a BitReader. Zeros follow its end, as D.2 requires at a
    marker."""
    open_reader(&r.bits, data, size)
    refill(&r.bits)
    r.A = 0x10000

cdef inline int decide(ArithReader *r, uint8_t *bin) noexcept nogil:
    """Decode(S), D.2: the next decision, 0 or 1, of the statistics bin."""
    cdef uint32_t row = TRANSITION[bin[0]], Qe = row >> 16
    cdef int D = bin[0] & 1, n
    codec_assert(bin[0] <= FIXED)
    r.A -= Qe
    if r.bits.acc >> 48 < r.A:
        if r.A >= 0x8000:
            return D
        # the sub-intervals have changed places: this is the less probable one
        if r.A < Qe:
            D ^= 1
            bin[0] = row >> 8 & 0xFF
        else:
            bin[0] = row & 0xFF
    else:
        r.bits.acc -= <uint64_t>r.A << 48
        if r.A < Qe:
            bin[0] = row & 0xFF
        else:
            D ^= 1
            bin[0] = row >> 8 & 0xFF
        r.A = Qe
    n = 16 - codec_bit_length(r.A)                  # Renorm_d: at most 15, for A >= 1
    r.A <<= n
    if r.bits.count < 32:
        refill(&r.bits)
    skip_bits(&r.bits, n)
    return D

cdef inline bint ran_dry(ArithReader *r) noexcept nogil:
    """True once decisions depend on bits past the end of the segment: Cx holds 16 beyond those shifted out.

    Every segment ends so, as all its trailing zero bytes are dropped (D.1.8). Before a marker this is no sign of
    damage; where the file breaks off, the missing bytes are unknown.
    """
    return r.bits.pos * 8 - r.bits.count + 16 > r.bits.size * 8


# ---------------------------------------------------------------- writing, D.1

cdef struct ArithWriter:
    BitWriter *out          # whole bytes, unstuffed until end_segment(); the caller has reserve()d room for them
    uint32_t C              # below 2^28: carry, byte and spacer bits above, 16 bits of fraction below
    uint32_t A
    int CT                  # shifts until the next byte is complete
    int64_t shifts          # since open_arith_writer(): the bits spent, short of the fraction that A holds

cdef inline void open_arith_writer(ArithWriter *w, BitWriter *out) noexcept nogil:
    """Initenc; `out` is at the beginning of a segment."""
    w.out = out
    w.C = 0
    w.A = 0x10000
    w.CT = 11
    w.shifts = 0

cdef inline void put_byte(ArithWriter *w) noexcept nogil:
    """Byte_out: bits 19 to 26 of C are complete. A carry in bit 27 runs through the bytes before; the bytes FF that it
    turns into 00 are what T.81 keeps on a stack of their own. It never runs past the segment's first byte, for the code
    string stays below 1.
    """
    cdef uint8_t *byte = w.out.next
    codec_assert(w.out.end - byte >= 1)
    if w.C >> 27:
        byte -= 1
        while byte[0] == 0xFF:
            byte[0] = 0
            byte -= 1
        codec_assert(byte >= w.out.start + w.out.segment)
        byte[0] += 1
    w.out.next[0] = w.C >> 19 & 0xFF
    w.out.next += 1
    w.C &= 0x7FFFF
    w.CT = 8

cdef inline void code(ArithWriter *w, uint8_t *bin, int D) noexcept nogil:
    """Code_0(S), Code_1(S) with the conditional exchange, then Renorm_e (D.1)."""
    cdef uint32_t row = TRANSITION[bin[0]], Qe = row >> 16
    cdef int n
    codec_assert(bin[0] <= FIXED)
    w.A -= Qe
    if (bin[0] & 1) == D:
        if w.A >= 0x8000:
            return
        if w.A < Qe:
            w.C += w.A
            w.A = Qe
        bin[0] = row & 0xFF
    else:
        if w.A >= Qe:
            w.C += w.A
            w.A = Qe
        bin[0] = row >> 8 & 0xFF
    n = 16 - codec_bit_length(w.A)
    w.A <<= n
    w.shifts += n
    while n >= w.CT:
        w.C <<= w.CT
        n -= w.CT
        put_byte(w)
    w.C <<= n
    w.CT -= n

cdef int flush(ArithWriter *w) noexcept nogil


# ---------------------------------------------------------------- the statistical models of F.1.4

cdef struct Statistics:
    uint8_t dc[4][DC_BINS]
    uint8_t ac[4][AC_BINS]

cdef struct Conditioning:
    uint8_t L[4]            # bounds of the classes of DC differences, by destination (F.1.4.4.1.2)
    uint8_t U[4]
    uint8_t Kx[4]           # last coefficient of the low band (F.1.4.4.2)

cdef struct ArithComponent:
    uint8_t *dc             # its bins in the Statistics of the scan
    uint8_t *ac
    int L, U, Kx
    int S0                  # DC_Context(Da): first bin for the next DC difference

cdef inline int difference_class(int m, bint negative, int L, int U) noexcept nogil:
    """0 zero, 1 and 2 small positive and negative, 3 and 4 large ones (F.1.4.4.1.2), for a difference that is not 0.

    `m` is the leading bit of Sz = |difference| - 1, 0 for Sz = 0. |difference| <= 2^(L-1) counts as zero, and <= 2^U as
    small: both bounds are powers of two, so that the leading bit decides.
    """
    if m < (1 << L) >> 1:
        return 0
    return 1 + negative + (2 if m > (1 << U) >> 1 else 0)

cdef inline int read_magnitude(ArithReader *r, uint8_t *Mn, int m) noexcept nogil:
    """Sz: its leading bit m and those below, from the bin of their category (Figure F.9, mirrored)."""
    cdef int Sz = m
    while True:
        m >>= 1
        if m == 0:
            return Sz
        if decide(r, Mn):
            Sz |= m

cdef inline int read_difference(ArithReader *r, uint8_t *S0, uint8_t *X, int L, int U, int *kind) noexcept nogil:
    """A difference of DC or of samples (F.1.4.1, H.1.2.3) and its class; S0 is followed by SS, SP and SN, X is X1."""
    cdef int Sz = 0, m = 0
    cdef bint negative
    kind[0] = 0
    if not decide(r, S0):
        return 0
    negative = decide(r, S0 + 1)
    if decide(r, S0 + 2 + negative):
        m = 1
        while decide(r, X):
            if m == LARGEST:
                r.bits.status = E_RANGE
                return 0
            m <<= 1
            X += 1
        Sz = read_magnitude(r, X + M_OFFSET, m)
    kind[0] = difference_class(m, negative, L, U)
    return -Sz - 1 if negative else Sz + 1

cdef object set_conditioning(Conditioning *conditioning, values)
cdef void attach(ArithComponent *c, Statistics *statistics, Conditioning *conditioning, int Td, int Ta) noexcept nogil
