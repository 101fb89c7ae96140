"""Steps of the quantizer and their reciprocals, for a set of scaling lists (8.5.9).

With the normalization N of the forward transform (16, 20, 25 for 4x4; 64, 72.25, 81.57 and so on for 8x8), normAdjust V
and the weight w of the list, the step of a coefficient is w V N 2^(QP / 6) / 1024 for 4x4, and / 4096 for 8x8; that of
DC levels is twice that of DC for 4x4. All divisions are rounded as fractions, ties to even: the same on every machine.
"""
from libc.stdint cimport int64_t, uint16_t
from libc.stdlib cimport calloc, free

from codec.h264.encode._coder cimport QuantizerTables
from codec.h264.tables.values cimport (
    H264_EQUATION_8_315_NORM_ADJUST_4X4, H264_EQUATION_8_318_NORM_ADJUST_8X8, H264_TABLE_8_13_SCAN_4X4,
    H264_TABLE_8_14_SCAN_8X8,
)

cdef int[4] LINE4 = [4, 5, 4, 5]                        # N is the product of both lines
cdef int[8] LINE8 = [256, 289, 160, 289, 256, 289, 160, 289]    # in 1/32
cdef int[3] BIAS = [3, 6, 2]                            # a step divided by them: intra, inter, nearest


cdef inline int64_t rounded(int64_t a, int64_t b) noexcept nogil:
    """a / b, to the nearest, ties to even."""
    cdef int64_t q = a // b, twice = 2 * (a - q * b)
    return q + 1 if twice > b or (twice == b and q & 1) else q


cdef inline int reciprocal(int64_t a, int64_t b) noexcept nogil:
    """2^16 over the step a / b, bounded to 16 bits: as if the step were 1."""
    return <int>min(rounded(b << 16, a), 65535)


cdef class Scales:
    """Tables of a set of scaling lists; never changed.

    Parameters
    ----------
    lists : twelve tuples of int
        In the order of Table 7-2, each in zig-zag order, 1 to 255. Those of 8x8 chroma are not used.

    Attributes
    ----------
    least_qp : int
        From which on all steps are above 1: levels fit into 16 bits, and reciprocals too. 0 with flat lists.
    """

    def __cinit__(self, lists):
        cdef int k
        self.tables = <QuantizerTables *>calloc(1, sizeof(QuantizerTables))
        if not self.tables:
            raise MemoryError("no memory for scaling tables")
        self.least_qp = 0
        for k in range(6):
            self._fill_4x4(k, lists[k])
        for k in range(2):
            self._fill_8x8(k, lists[6 + k])

    def __dealloc__(self):
        free(self.tables)

    cdef int _fill_4x4(self, int k, rows) except -1:
        cdef int qp, i, j, at, r
        cdef int64_t weight, step
        cdef QuantizerTables *t = self.tables
        for qp in range(52):
            for i in range(16):
                at, weight = H264_TABLE_8_13_SCAN_4X4[0][i], rows[i]
                step = weight * H264_EQUATION_8_315_NORM_ADJUST_4X4[qp % 6][at] * LINE4[at // 4] * LINE4[at % 4]
                step <<= qp // 6
                t.step4[k][qp][at] = <int>(step // 4)
                for j in range(at, 64, 16):
                    t.scale4[k][qp][j] = <uint16_t>reciprocal(step, 1024)
                    for r in range(3):
                        t.bias4[k][r][qp][j] = <uint16_t>rounded(step, 1024 * BIAS[r])
                if t.scale4[k][qp][at] == 65535:
                    self.least_qp = max(self.least_qp, qp + 1)
            weight = rows[0]
            step = weight * H264_EQUATION_8_315_NORM_ADJUST_4X4[qp % 6][0] * 16 << qp // 6
            for i in range(16):
                t.step_dc[k][qp][i] = <int>(step // 2)
                t.scale_dc[k][qp][i] = <uint16_t>reciprocal(step, 512)
                for r in range(3):
                    t.bias_dc[k][r][qp][i] = <uint16_t>rounded(step, 512 * BIAS[r])
        return 0

    cdef int _fill_8x8(self, int k, rows) except -1:
        cdef int qp, i, at, r
        cdef int64_t weight, step
        cdef QuantizerTables *t = self.tables
        for qp in range(52):
            for i in range(64):
                at, weight = H264_TABLE_8_14_SCAN_8X8[0][i], rows[i]
                step = weight * H264_EQUATION_8_318_NORM_ADJUST_8X8[qp % 6][at] * LINE8[at // 8] * LINE8[at % 8]
                step <<= qp // 6
                t.step8[k][qp][at] = <int>rounded(step, 16384)
                t.scale8[k][qp][at] = <uint16_t>reciprocal(step, 1 << 22)
                for r in range(3):
                    t.bias8[k][r][qp][at] = <uint16_t>rounded(step, (1 << 22) * BIAS[r])
                if t.scale8[k][qp][at] == 65535:
                    self.least_qp = max(self.least_qp, qp + 1)
        return 0
