"""Where the encoder's syntax elements go: bits of CAVLC and bins of CABAC, each written, or counted for a decision.

One writer of the macroblock layer (_mb_write.pyx) takes any of the four sinks as a fused type, so that a mode is judged
by the code that writes it. A CabacCounter works on its own copy of the states. Costs are in 1/256 bit.
"""
from libc.stdint cimport uint8_t, int16_t, uint16_t, int64_t, uint32_t, uint64_t

from codec._core cimport BitCounter, BitWriter, codec_assert_range, codec_bit_length, put_bits
from codec.h264.tables.values cimport H264_CABAC_LPS, H264_CABAC_NEXT

cdef enum:
    STATES = 460            # of ctxIdx below 460; the others belong to fields and 4:4:4
    ALL_STATES = 1024
    BIT = 256               # cost of one bit
    MACROBLOCK_BYTES = 8192 # more than any macroblock takes: 768 levels of at most 16 + 15 + 1 bits and their positions

# Levels of a macroblock in scan order. ac: by transform block as Macroblock.coef, 16 or 64 levels each; those without
# DC begin at index 1. dc: Intra16x16DCLevel, ChromaDCLevel. any: bit k: block k has a level in ac; bit 16: in dc.
cdef struct Levels:
    int16_t ac[3][256]
    int16_t dc[3][16]
    uint32_t any[3]

# 9.3.4.2: codILow is the low end of a number that is shifted out; `queue` counts its bits above the lowest 10, less 8.
# The first bit is never sent. A carry runs back into the bytes, which 0xFF cannot stop.
cdef struct CabacWriter:
    uint64_t low
    uint32_t range
    int queue
    BitWriter *out          # byte aligned; the caller reserves MACROBLOCK_BYTES
    uint8_t state[ALL_STATES]   # as SliceReader.state

cdef struct CabacCounter:
    int64_t cost
    uint8_t state[ALL_STATES]

ctypedef BitWriter* BitWriter_p
ctypedef BitCounter* BitCounter_p
ctypedef CabacWriter* CabacWriter_p
ctypedef CabacCounter* CabacCounter_p

ctypedef fused Bits:
    BitWriter_p
    BitCounter_p

ctypedef fused Bins:
    CabacWriter_p
    CabacCounter_p

ctypedef fused Sink:
    BitWriter_p
    BitCounter_p
    CabacWriter_p
    CabacCounter_p

# Cost of a bin by state ^ bin: even entries for the more probable symbol of the 64 states, odd ones for the other;
# -log2 of the probabilities 0.5 * (0.01875 / 0.5)^(pStateIdx / 63) that Table 9-44 approximates.
cdef extern from *:
    """
    static const unsigned short CABAC_COST[128] = {
    256, 256, 238, 275, 221, 294, 206, 314, 192, 333, 180, 352, 168, 371, 157, 391,
    148, 410, 139, 429, 130, 448, 122, 468, 115, 487, 108, 506, 102, 525, 96, 545,
    90, 564, 85, 583, 80, 602, 76, 622, 72, 641, 68, 660, 64, 679, 60, 699,
    57, 718, 54, 737, 51, 756, 48, 776, 46, 795, 43, 814, 41, 833, 39, 853,
    37, 872, 35, 891, 33, 910, 31, 930, 29, 949, 28, 968, 26, 987, 25, 1007,
    24, 1026, 22, 1045, 21, 1064, 20, 1084, 19, 1103, 18, 1122, 17, 1141, 16, 1161,
    15, 1180, 15, 1199, 14, 1218, 13, 1238, 12, 1257, 12, 1276, 11, 1295, 11, 1315,
    10, 1334, 10, 1353, 9, 1372, 9, 1392, 8, 1411, 8, 1430, 7, 1449, 7, 1469};
    """
    const uint16_t CABAC_COST[128]

# ---------------------------------------------------------------- bits

cdef inline void put(Bits sink, uint32_t bits, int n) noexcept nogil:
    """The n low bits, 1 to 32; higher ones are zero."""
    if Bits is BitWriter_p:
        put_bits(sink, bits, n)
    else:
        sink.bits += n

cdef inline void put_ue(Bits sink, uint32_t value) noexcept nogil:
    """ue(v), below 2^16 - 1 (9.1)"""
    cdef int length = 2 * codec_bit_length(value + 1) - 1
    codec_assert_range(1, length, 32)
    put(sink, value + 1, length)

cdef inline void put_se(Bits sink, int value) noexcept nogil:
    """se(v)"""
    put_ue(sink, 2 * value - 1 if value > 0 else -2 * value)

cdef inline void put_te(Bits sink, int value, int largest) noexcept nogil:
    """te(v) with the range 0..largest"""
    if largest == 1:
        put(sink, 1 - value, 1)
    else:
        put_ue(sink, value)

# ---------------------------------------------------------------- bins

cdef inline void shift_out(CabacWriter *c, int n) noexcept nogil:
    """Shift codILow by n bits, at most 8, and store a byte if there is one."""
    cdef uint32_t out
    cdef uint8_t *at
    c.low <<= n
    c.queue += n
    if c.queue >= 0:
        out = <uint32_t>(c.low >> (c.queue + 10))
        c.low &= (1ull << (c.queue + 10)) - 1
        c.queue -= 8
        if out >> 8:                                    # a carry
            at = c.out.next - 1
            while at[0] == 0xFF:
                at[0] = 0
                at -= 1
            at[0] += 1
        c.out.next[0] = <uint8_t>out
        c.out.next += 1

cdef inline void put_bin(Bins c, int ctxIdx, int bin) noexcept nogil:
    """EncodeDecision (9.3.4.2)"""
    cdef uint32_t s = c.state[ctxIdx], other = -(<uint32_t>(s ^ bin) & 1), lps
    codec_assert_range(0, ctxIdx, ALL_STATES - 1)
    codec_assert_range(0, bin, 1)
    if Bins is CabacWriter_p:
        lps = H264_CABAC_LPS[(c.range >> 6) & 3][s]
        c.range -= lps
        if other:
            c.low += c.range
            c.range = lps
        if c.range < 256:
            lps = 9 - codec_bit_length(c.range)
            c.range <<= lps
            shift_out(c, lps)
    else:
        c.cost += CABAC_COST[s ^ bin]
    c.state[ctxIdx] = H264_CABAC_NEXT[(s ^ other) & 255]

cdef inline void put_bypass(Bins c, int bin) noexcept nogil:
    """EncodeBypass"""
    if Bins is CabacWriter_p:
        c.low <<= 1
        if bin:
            c.low += c.range
        c.queue += 1
        shift_out(c, 0)
    else:
        c.cost += BIT

cdef inline void put_terminate(Bins c, int bin) noexcept nogil:
    """EncodeTerminate; a bin of 1 ends the data: cabac_close follows."""
    if Bins is CabacWriter_p:
        c.range -= 2
        if bin:
            c.low += c.range
            c.range = 2 << 7
            shift_out(c, 7)
        elif c.range < 256:
            c.range <<= 1
            shift_out(c, 1)

cdef void cabac_start(CabacWriter *c, BitWriter *out) noexcept nogil
cdef void cabac_close(CabacWriter *c) noexcept nogil
