"""Loops of the scalar quantizers over contiguous arrays, on the kernels of codec/simd/scalar.c; without temporaries."""
from libc.stdint cimport int8_t, int16_t, uint8_t, uint16_t, uint32_t

from codec._core cimport codec_variant
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "scalar.h" nogil:
    enum:
        CODEC_FORMULAS
    struct codec_affine:
        int formula
        uint32_t plain
        float low, high, nan, wild
        int wraps
        float[2] up
        float[2] down
    void (*codec_affine_8[2])(const float *x, Py_ssize_t n, const float *factor, const float *zero,
                              const codec_affine *affine, uint8_t *codes, uint32_t *most)
    void (*codec_affine_16[2])(const float *x, Py_ssize_t n, const float *factor, const float *zero,
                               const codec_affine *affine, uint16_t *codes, uint32_t *most)
    void (*codec_affine_each_8[2])(const float *x, Py_ssize_t n, const float *factor, const float *zero,
                                   const codec_affine *affine, uint8_t *codes, uint32_t *most)
    void (*codec_affine_each_16[2])(const float *x, Py_ssize_t n, const float *factor, const float *zero,
                                    const codec_affine *affine, uint16_t *codes, uint32_t *most)
    void (*codec_affine_real_i8[2])(const int8_t *codes, Py_ssize_t n, const float *scale, const float *zero, int step,
                                    float *out)
    void (*codec_affine_real_u8[2])(const uint8_t *codes, Py_ssize_t n, const float *scale, const float *zero, int step,
                                    float *out)
    void (*codec_affine_real_i16[2])(const int16_t *codes, Py_ssize_t n, const float *scale, const float *zero,
                                     int step, float *out)
    void (*codec_affine_real_u16[2])(const uint16_t *codes, Py_ssize_t n, const float *scale, const float *zero,
                                     int step, float *out)
    void (*codec_search_f32_8[2])(const float *x, Py_ssize_t n, const float *thresholds, int depth, uint8_t *codes)
    void (*codec_search_f32_16[2])(const float *x, Py_ssize_t n, const float *thresholds, int depth, uint16_t *codes)
    void (*codec_search_f64_8[2])(const double *x, Py_ssize_t n, const double *thresholds, int depth, uint8_t *codes)
    void (*codec_search_f64_16[2])(const double *x, Py_ssize_t n, const double *thresholds, int depth, uint16_t *codes)

KERNELS = (
    "affine_8", "affine_16", "affine_each_8", "affine_each_16", "affine_real_i8", "affine_real_u8", "affine_real_i16",
    "affine_real_u16", "search_f32_8", "search_f32_16", "search_f64_8", "search_f64_16",
)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    INFINITE = 0x7F800000       # bits of |x|; NaN has more

# Formulas by name: their positions in the enum of scalar.h.
FORMULAS = ("divide", "multiply", "fused", "multiply-add", "divide-add")
assert len(FORMULAS) == CODEC_FORMULAS

ctypedef fused code:
    int8_t
    uint8_t
    int16_t
    uint16_t


cdef void encode_row(const float *x, Py_ssize_t n, const float *factor, const float *zero, bint each,
                     const codec_affine *affine, code *codes, uint32_t *most, int variant) noexcept nogil:
    if code is int8_t or code is uint8_t:
        if each:
            codec_affine_each_8[variant](x, n, factor, zero, affine, <uint8_t*>codes, most)
        else:
            codec_affine_8[variant](x, n, factor, zero, affine, <uint8_t*>codes, most)
    elif each:
        codec_affine_each_16[variant](x, n, factor, zero, affine, <uint16_t*>codes, most)
    else:
        codec_affine_16[variant](x, n, factor, zero, affine, <uint16_t*>codes, most)


def affine_encode(const float[:, :, ::1] x, const float[:, :, ::1] factor, const float[:, :, ::1] zero,
                  Py_ssize_t block, code[:, :, ::1] codes, *, int formula, float low, float high, float nan, float wild,
                  bint wraps, up, down, uint32_t plain, int level):
    """Codes of x (outer, n, inner), clipped to low..high.

    Parameters
    ----------
    factor, zero : (1 or outer, ceil(n / block), 1 or inner)
        Entry [o, i // block, j] belongs to x[o, i, j]; for the formula, see scalar.h.
    codes : like x, written
    formula : position in FORMULAS
    nan : the code of NaN
    wild : positions of this magnitude get `low`; NaN: none
    wraps : NaN and wild positions get `high` where the zero point is negative
    up, down : pairs, see scalar.h
    plain : the smallest bits of |x| that need more than clipping and rounding half to even

    Returns
    -------
    bool
        Whether all x are finite.
    """
    cdef codec_affine affine
    cdef Py_ssize_t outer = x.shape[0], n = x.shape[1], inner = x.shape[2], o, i, b, end
    cdef Py_ssize_t outer_step = 1 if factor.shape[0] > 1 else 0
    cdef int variant = codec_variant(level)
    cdef bint each = factor.shape[2] > 1
    cdef uint32_t most = 0
    assert (codes.shape[0], codes.shape[1], codes.shape[2]) == (outer, n, inner) and x.size and 0 <= formula < 5
    assert (factor.shape[0] in (1, outer) and factor.shape[2] in (1, inner)
            and block > 0 and factor.shape[1] == (n + block - 1) // block)
    assert (zero.shape[0], zero.shape[1], zero.shape[2]) == (factor.shape[0], factor.shape[1], factor.shape[2])
    affine.formula, affine.plain = formula, plain
    affine.low, affine.high, affine.nan, affine.wild = low, high, nan, wild
    affine.wraps, affine.up, affine.down = wraps, up, down
    with nogil:
        for o in range(outer):
            for b in range(factor.shape[1]):
                i, end = b * block, min(n, (b + 1) * block)
                if not each:
                    encode_row(&x[o, i, 0], (end - i) * inner, &factor[o * outer_step, b, 0],
                               &zero[o * outer_step, b, 0], False, &affine, &codes[o, i, 0], &most, variant)
                    continue
                for i in range(i, end):
                    encode_row(&x[o, i, 0], inner, &factor[o * outer_step, b, 0], &zero[o * outer_step, b, 0], True,
                               &affine, &codes[o, i, 0], &most, variant)
    return most < INFINITE


cdef void decode_row(const code *codes, Py_ssize_t n, const float *scale, const float *zero, bint each, float *out,
                     int variant) noexcept nogil:
    if code is int8_t:
        codec_affine_real_i8[variant](codes, n, scale, zero, each, out)
    elif code is uint8_t:
        codec_affine_real_u8[variant](codes, n, scale, zero, each, out)
    elif code is int16_t:
        codec_affine_real_i16[variant](codes, n, scale, zero, each, out)
    else:
        codec_affine_real_u16[variant](codes, n, scale, zero, each, out)


def affine_decode(const code[:, :, ::1] codes, const float[:, :, ::1] scale, const float[:, :, ::1] zero,
                  Py_ssize_t block, float[:, :, ::1] out, *, int level):
    """(code - zero) * scale in single precision into `out`; shapes as for `affine_encode`."""
    cdef Py_ssize_t outer = codes.shape[0], n = codes.shape[1], inner = codes.shape[2], o, i, b, end
    cdef Py_ssize_t outer_step = 1 if scale.shape[0] > 1 else 0
    cdef int variant = codec_variant(level)
    cdef bint each = scale.shape[2] > 1
    assert (out.shape[0], out.shape[1], out.shape[2]) == (outer, n, inner) and codes.size
    assert (scale.shape[0] in (1, outer) and scale.shape[2] in (1, inner)
            and block > 0 and scale.shape[1] == (n + block - 1) // block)
    assert (zero.shape[0], zero.shape[1], zero.shape[2]) == (scale.shape[0], scale.shape[1], scale.shape[2])
    with nogil:
        for o in range(outer):
            for b in range(scale.shape[1]):
                i, end = b * block, min(n, (b + 1) * block)
                if not each:
                    decode_row(&codes[o, i, 0], (end - i) * inner, &scale[o * outer_step, b, 0],
                               &zero[o * outer_step, b, 0], False, &out[o, i, 0], variant)
                    continue
                for i in range(i, end):
                    decode_row(&codes[o, i, 0], inner, &scale[o * outer_step, b, 0], &zero[o * outer_step, b, 0], True,
                               &out[o, i, 0], variant)


ctypedef fused real:
    float
    double

ctypedef fused cell:
    uint8_t
    uint16_t


def search(const real[::1] x, const real[::1] thresholds, cell[::1] codes, int level):
    """codes[i] = how many of the ascending thresholds are below x[i]: 2^depth - 1 of them, depth <= 16, padded with
    infinities."""
    cdef Py_ssize_t n = x.shape[0], last = thresholds.shape[0]
    cdef int variant = codec_variant(level), depth = 0
    while (1 << depth) - 1 < last:
        depth += 1
    assert codes.shape[0] == n and n > 0 and last == (1 << depth) - 1 and depth <= 8 * <int>sizeof(cell)
    cdef const real *t = &thresholds[0] if last else &x[0]
    with nogil:
        if real is float:
            if cell is uint8_t:
                codec_search_f32_8[variant](&x[0], n, t, depth, &codes[0])
            else:
                codec_search_f32_16[variant](&x[0], n, t, depth, &codes[0])
        else:
            if cell is uint8_t:
                codec_search_f64_8[variant](&x[0], n, t, depth, &codes[0])
            else:
                codec_search_f64_16[variant](&x[0], n, t, depth, &codes[0])
