"""The sample-domain kernels of H.264, each as a `def` function on arrays, for tests and benchmarks.

Samples are C-contiguous 2-D arrays, uint8 for 8 bits and uint16 above; `max` is the largest sample value. Blocks are
given by the row and the column of their first sample. `level` selects the instructions, as counted by
`codec.cpu.level_index`. `times` repeats the call for benchmarks; kernels that work in place move one block to the right
each time and wrap around.
"""
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t

from codec._core cimport codec_member, levels_of_members
from ...cpu import register
from ...errors import ParameterError

cdef extern from "h264dsp.h" nogil:
    const H264Dsp *codec_h264_dsp(int deep, int level)
    const codec_member codec_h264_members[]

ctypedef fused Sample:
    uint8_t
    uint16_t

# width, height, modes
INTRA = {"4x4": (4, 4, 9), "8x8": (8, 8, 9), "16x16": (16, 16, 4), "chroma8": (8, 8, 4), "chroma16": (8, 16, 4)}


cdef const H264Dsp *h264_dsp(bint deep, int level) noexcept nogil:
    return codec_h264_dsp(deep, level)


cdef const void *table_8(int level) noexcept nogil:
    return codec_h264_dsp(0, level)


cdef const void *table_16(int level) noexcept nogil:
    return codec_h264_dsp(1, level)


# Members of H264Dsp -> the levels that have their own functions, for 8-bit and for deeper samples.
LEVELS_8 = levels_of_members(codec_h264_members, table_8)
LEVELS_16 = levels_of_members(codec_h264_members, table_16)
register({f"h264_{name}": levels for name, levels in LEVELS_8.items()})


cdef int check_block(samples, Py_ssize_t y, Py_ssize_t x, Py_ssize_t h, Py_ssize_t w, Py_ssize_t before=0,
                     Py_ssize_t after=0) except -1:
    """Check that the block, with `before` rows and columns ahead of it and `after` behind it, lies in the array."""
    if (y < before or x < before or h < 1 or w < 1
            or y + h + after > samples.shape[0] or x + w + after > samples.shape[1]):
        raise ParameterError(f"a block of {h}x{w} samples at row {y}, column {x} needs {before} samples before and "
                             f"{after} behind it; the array has {samples.shape[0]}x{samples.shape[1]}")
    return 0


cdef int check_choice(name, value, choices) except -1:
    if value not in choices:
        raise ParameterError(f"{name}: {value!r} is none of {tuple(choices)}")
    return 0


def luma(Sample[:, ::1] dst, Sample[:, ::1] src, Py_ssize_t y, Py_ssize_t x, int w, int h, int xFrac, int yFrac,
         bint average, int max, int level, int times=1):
    """Luma interpolation (8.4.2.2.1): dst[:h, :w] from around src[y, x]."""
    check_choice("w", w, (4, 8, 16))
    check_choice("h", h, (4, 8, 16))
    check_choice("xFrac", xFrac, range(4))
    check_choice("yFrac", yFrac, range(4))
    check_block(dst, 0, 0, h, w)
    check_block(src, y, x, h, w, 2, 3)
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_luma_fn kernel = dsp.avg_luma[xFrac + 4 * yFrac] if average else dsp.put_luma[xFrac + 4 * yFrac]
    cdef int i
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&dst[0, 0], dst.strides[0], <uint8_t *>&src[y, x], src.strides[0], w, h, max)


def chroma(Sample[:, :, ::1] dst, Sample[:, :, ::1] src, Py_ssize_t y, Py_ssize_t x, int w, int h, int xFrac, int yFrac,
           bint average, int level, int times=1):
    """Chroma interpolation (8.4.2.2.2) of two planes in eighths: dst[:, :h, :w] from around src[:, y, x]; 16
    bytes of each row must exist."""
    check_choice("w", w, (2, 4, 8))
    check_choice("h", h, (2, 4, 8, 16))
    check_choice("xFrac", xFrac, range(8))
    check_choice("yFrac", yFrac, range(8))
    check_choice("planes", (dst.shape[0], src.shape[0]), ((2, 2),))
    check_block(dst[0], 0, 0, h, w)
    check_block(src[0], y, x, h + (yFrac > 0), max(w + 1, 16 // <int>sizeof(Sample)))
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_chroma_fn kernel = dsp.avg_chroma if average else dsp.put_chroma
    cdef int i
    cdef uint8_t *to[2]
    cdef const uint8_t *of[2]
    for i in range(2):
        to[i], of[i] = <uint8_t *>&dst[i, 0, 0], <uint8_t *>&src[i, y, x]
    with nogil:
        for i in range(times):
            kernel(to, dst.strides[1], of, src.strides[1], w, h, xFrac, yFrac)


def weight(Sample[:, ::1] dst, int w, int h, int logWD, int weight, int offset, int max, int level, int times=1):
    """Weighted prediction from one list (8.4.2.3.2), in place over dst[:h, :w]."""
    check_choice("w", w, (2, 4, 8, 16))
    check_choice("logWD", logWD, range(8))
    check_block(dst, 0, 0, h, w)
    cdef h264_weight_fn kernel = h264_dsp(sizeof(Sample) == 2, level).weight
    cdef int i
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&dst[0, 0], dst.strides[0], w, h, logWD, weight, offset, max)


def biweight(Sample[:, ::1] dst, Sample[:, ::1] src, int w, int h, int logWD, int w0, int w1, int offset, int max,
             int level, int times=1):
    """Weighted prediction from both lists (8.4.2.3.2): dst[:h, :w] from itself (list 0) and src (list 1)."""
    check_choice("w", w, (2, 4, 8, 16))
    check_choice("logWD", logWD, range(8))
    check_block(dst, 0, 0, h, w)
    check_block(src, 0, 0, h, w)
    cdef h264_biweight_fn kernel = h264_dsp(sizeof(Sample) == 2, level).biweight
    cdef int i
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&dst[0, 0], dst.strides[0], <uint8_t *>&src[0, 0], src.strides[0], w, h, logWD, w0, w1,
                   offset, max)


def intra(Sample[:, ::1] picture, Py_ssize_t y, Py_ssize_t x, kind, int mode, int available, int max, int level,
          int times=1):
    """Intra prediction (8.3) of the block at (y, x), in place; `kind` is a key of INTRA, `available` a set of bits
    (LEFT 1, TOP 2, TOPRIGHT 4, TOPLEFT 8, and for chroma LEFT_UPPER 16, LEFT_LOWER 32)."""
    check_choice("kind", kind, INTRA)
    w, h, modes = INTRA[kind]
    check_choice("mode", mode, range(modes))
    check_block(picture, y, x, h, 2 * w if available & H264_TOPRIGHT else w, available != 0)
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_intra_fn kernel
    if kind == "4x4":
        kernel = dsp.intra4x4[mode]
    elif kind == "8x8":
        kernel = dsp.intra8x8[mode]
    elif kind == "16x16":
        kernel = dsp.intra16x16[mode]
    else:
        kernel = dsp.intra_chroma[4 * (kind == "chroma16") + mode]
    cdef int i, step = w, fit = (picture.shape[1] - x - (step if available & H264_TOPRIGHT else 0)) // step
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&picture[y, x + i % fit * step], picture.strides[0], available, max)


def idct_add(Sample[:, ::1] picture, Py_ssize_t y, Py_ssize_t x, int32_t[:, ::1] d, bint dc_only, int max, int level,
             int times=1):
    """Inverse transform of d, 4x4 or 8x8 (8.5.12.2, 8.5.13), added to the block at (y, x); d is zeroed."""
    check_choice("shape of d", (d.shape[0], d.shape[1]), ((4, 4), (8, 8)))
    check_block(picture, y, x, d.shape[0], d.shape[1])
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_idct_fn kernel
    if d.shape[0] == 4:
        kernel = dsp.idct4x4_dc_add if dc_only else dsp.idct4x4_add
    else:
        kernel = dsp.idct8x8_dc_add if dc_only else dsp.idct8x8_add
    cdef int i, step = <int>d.shape[0], fit = (picture.shape[1] - x) // step
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&picture[y, x + i % fit * step], picture.strides[0], &d[0, 0], max)


def bypass_add(Sample[:, ::1] picture, Py_ssize_t y, Py_ssize_t x, int32_t[:, ::1] d, int sums, int max, int level):
    """Residual without transform (8.5.15), added to the block at (y, x) unchanged (sums 0), summed downwards (1) or
    across (2); d is zeroed."""
    check_choice("shape of d", (d.shape[0], d.shape[1]), ((4, 4), (8, 8), (16, 16)))
    check_choice("sums", sums, (H264_SUM_NONE, H264_SUM_DOWN, H264_SUM_ACROSS))
    check_block(picture, y, x, d.shape[0], d.shape[1])
    h264_dsp(sizeof(Sample) == 2, level).bypass_add(<uint8_t *>&picture[y, x], picture.strides[0], &d[0, 0],
                                                    <int>d.shape[0], sums, max)


cdef int set_threshold(H264Threshold *t, values) except -1:
    """Set from (alpha, beta, tC0 of bS 1, 2, 3)."""
    t.alpha, t.beta, t.tC0[1], t.tC0[2], t.tC0[3] = values
    return 0


def deblock_luma(Sample[:, ::1] picture, Py_ssize_t y, Py_ssize_t x, bint vertical, uint32_t[::1] bS, thresholds,
                 int max, int level, int times=1):
    """Filter the four luma edges in one direction (8.7) of the macroblock at (y, x). bS: one number of four
    bytes per edge. thresholds: of edge 0 and of the others, before scaling to the bit depth, each (alpha,
    beta, tC0 of bS 1, 2, 3)."""
    cdef H264Threshold t[2]
    cdef int i, fit = <int>(picture.shape[1] - x) // 16
    check_choice("number of bS", bS.shape[0], (4,))
    check_block(picture, y, x, 16, 16)
    check_block(picture, y - (4 if bS[0] and not vertical else 0), x - (4 if vertical else 0), 16, 16)
    for i in range(2):
        set_threshold(&t[i], thresholds[i])
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_deblock_luma_fn kernel = dsp.deblock_luma_v if vertical else dsp.deblock_luma_h
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&picture[y, x + i % fit * 16], picture.strides[0], &bS[0], t, max)


def deblock_chroma(Sample[:, ::1] cb, Sample[:, ::1] cr, Py_ssize_t y, Py_ssize_t x, bint vertical, uint32_t[::1] bS,
                   thresholds, int max, int level, int times=1):
    """Filter edges 0 and 4 in one direction (8.7) of the 8x8 blocks at (y, x), with bS[0] and bS[2];
    thresholds by plane and edge."""
    cdef H264Threshold t[2][2]
    cdef int i, fit = <int>(cb.shape[1] - x) // 8
    check_choice("number of bS", bS.shape[0], (4,))
    check_choice("shape of cr", (cr.shape[0], cr.shape[1]), ((cb.shape[0], cb.shape[1]),))
    check_block(cb, y, x, 8, 8)
    check_block(cb, y - (2 if bS[0] and not vertical else 0), x - (2 if vertical else 0), 8, 8)
    for i in range(4):
        set_threshold(&t[i >> 1][i & 1], thresholds[i >> 1][i & 1])
    cdef const H264Dsp *dsp = h264_dsp(sizeof(Sample) == 2, level)
    cdef h264_deblock_chroma_fn kernel = dsp.deblock_chroma_v if vertical else dsp.deblock_chroma_h
    with nogil:
        for i in range(times):
            kernel(<uint8_t *>&cb[y, x + i % fit * 8], <uint8_t *>&cr[y, x + i % fit * 8], cb.strides[0], &bS[0], t,
                   max)


def deblock_half(Sample[:, ::1] picture, Py_ssize_t y, Py_ssize_t x, int lines, uint32_t bS, threshold, bint chroma,
                 int max, int level):
    """Filter a vertical edge of 8 or 4 lines (MBAFF) whose first q0 is at (y, x)."""
    cdef H264Threshold t
    check_choice("lines", lines, (4, 8))
    check_block(picture, y, x - (2 if chroma else 4), lines, 4 if chroma else 8)
    set_threshold(&t, threshold)
    h264_dsp(sizeof(Sample) == 2, level).deblock_half_v(<uint8_t *>&picture[y, x], picture.strides[0], lines, bS, &t,
                                                        chroma, max)


def deblock_strengths(int16_t[:, :, :, ::1] mv, int32_t[:, :, ::1] ref_id, mbs, uint32_t coefficients, int lists,
                      int limit_y, int level, bint deep=False, int times=1):
    """bS of an inter macroblock (8.7.2.1), one number per direction and edge, from vectors [macroblock][2 lists][16
    blocks][x, y] and references [macroblock][2 lists][4 blocks]. mbs: this macroblock, the left one, the upper one."""
    cdef uint32_t bS[2][4]
    cdef int mb[3]
    cdef int i
    cdef h264_deblock_strengths_fn kernel = h264_dsp(deep, level).deblock_strengths
    if tuple(mv.shape)[1:4] != (2, 16, 2) or tuple(ref_id.shape)[1:3] != (2, 4) or mv.shape[0] != ref_id.shape[0]:
        raise ParameterError("mv and ref_id do not describe macroblocks")
    for i in range(3):
        mb[i] = mbs[i]
        check_choice("mb", mb[i], range(mv.shape[0]))
    with nogil:
        for i in range(times):
            kernel(bS, &mv[0, 0, 0, 0], &ref_id[0, 0, 0], mb, coefficients, lists, limit_y)
    return [[bS[i][k] for k in range(4)] for i in range(2)]
