"""The arithmetic coder's table and its ends; the coder itself is inline, in _arith.pxd."""
from libc.stdint cimport uint32_t, uint8_t
from libc.string cimport memset

import numpy as np

from codec._core cimport BitWriter, close_writer, codec_assert_range, end_segment, open_writer
from ..errors import ParameterError
from .tables import T81_TABLE_D_3

for _index, (_Qe, _Next_Index_LPS, _Next_Index_MPS, _Switch_MPS) in enumerate(T81_TABLE_D_3):
    for _MPS in range(2):
        TRANSITION[2 * _index
                   + _MPS] = _Qe << 16 | 2 * _Next_Index_LPS + (_MPS ^ _Switch_MPS) << 8 | 2 * _Next_Index_MPS + _MPS
for _MPS in range(2):
    TRANSITION[FIXED + _MPS] = T81_TABLE_D_3[0][0] << 16 | FIXED + _MPS << 8 | FIXED + _MPS


cdef int flush(ArithWriter *w) noexcept nogil:
    """Flush, D.1.8: the value within the last interval that has the most trailing zeros, without its zero bytes; then
    stuffing.

    The caller has reserve()d 8 bytes.
    """
    cdef uint8_t *begin = w.out.start + w.out.segment
    cdef uint32_t top = (w.C + w.A - 1) & 0xFFFF0000u                    # Clear_final_bits
    w.C = top + 0x8000 if top < w.C else top
    w.C <<= w.CT
    put_byte(w)
    w.C <<= 8
    put_byte(w)
    while w.out.next > begin and (w.out.next - 1)[0] == 0:                   # Discard_final_zeros
        w.out.next -= 1
    return end_segment(w.out)


cdef object set_conditioning(Conditioning *conditioning, values):
    """Defaults of F.1.4.4.1.4 and F.1.4.4.2, and what DAC segments say: {(0, Tb): (L, U), (1, Tb): Kx}."""
    cdef int Tb
    for Tb in range(4):
        conditioning.L[Tb], conditioning.U[Tb] = values.get((0, Tb), (0, 1))
        conditioning.Kx[Tb] = values.get((1, Tb), 5)


cdef void attach(ArithComponent *c, Statistics *statistics, Conditioning *conditioning, int Td, int Ta) noexcept nogil:
    """Components with the same destinations share their statistics (F.1.4.4.1.1)."""
    codec_assert_range(0, Td, 3)
    codec_assert_range(0, Ta, 3)
    c.dc, c.ac = statistics.dc[Td], statistics.ac[Ta]
    c.L, c.U, c.Kx = conditioning.L[Td], conditioning.U[Td], conditioning.Kx[Ta]
    c.S0 = 0


# ================================================================ over arrays

def encode_decisions(decisions, bins):
    """Code decisions[i] in the statistics bin number bins[i] (0..255): an entropy-coded segment with its stuffing,
    without a marker."""
    cdef const uint8_t[::1] D = np.ascontiguousarray(decisions, np.uint8)
    cdef const uint8_t[::1] S = np.ascontiguousarray(bins, np.uint8)
    cdef uint8_t state[256]
    cdef BitWriter out
    cdef ArithWriter w
    cdef Py_ssize_t i
    if D.shape[0] != S.shape[0] or np.any(np.asarray(decisions) > 1):
        raise ParameterError("there is a bin for each decision, and decisions are 0 or 1")
    memset(state, 0, sizeof(state))
    if open_writer(&out, 2 * D.shape[0] + 16):
        raise MemoryError
    try:
        open_arith_writer(&w, &out)
        for i in range(D.shape[0]):
            code(&w, &state[S[i]], D[i])
        if flush(&w):
            raise MemoryError
        return out.start[:out.next - out.start]
    finally:
        close_writer(&out)


def decode_decisions(data, bins):
    """The decisions of `encode_decisions`."""
    cdef const uint8_t[::1] S = np.ascontiguousarray(bins, np.uint8)
    cdef bytes plain = bytes(data).replace(b"\xff\x00", b"\xff")
    cdef uint8_t state[256]
    cdef uint8_t[::1] D
    cdef ArithReader r
    cdef Py_ssize_t i, size = len(plain)
    plain += bytes(8)
    memset(state, 0, sizeof(state))
    decisions = np.empty(S.shape[0], np.uint8)
    D = decisions
    open_arith_reader(&r, plain, size)
    for i in range(S.shape[0]):
        D[i] = decide(&r, &state[S[i]])
    return decisions
