/* Sample-domain kernels of H.264, one table per bit depth and instruction-set level.
 *
 * Samples are uint8_t at bit depth 8 and uint16_t above; pointers are uint8_t * for both, strides are in BYTES, widths
 * and heights in samples. `max` is (1 << BitDepth) - 1; the kernels for 8 bits may ignore it. Every vector kernel
 * equals its scalar body bit for bit, on hostile coefficients too: sums wrap as int32 (the build has -fwrapv).
 *
 * Field rows of a frame are addressed by doubling the stride; kernels do not distinguish fields from frames. */
#ifndef CODEC_H264DSP_H
#define CODEC_H264DSP_H

#include <stddef.h>
#include <stdint.h>

#include "levels.h"

/* Availability of neighbouring samples for intra prediction (6.4.11). With MBAFF and constrained_intra_pred_flag the
 * left column of a field macroblock may be available beside its upper or its lower half alone. Only DC prediction of
 * chroma uses such a half; H264_LEFT is not set then. */
enum { H264_LEFT = 1, H264_TOP = 2, H264_TOPRIGHT = 4, H264_TOPLEFT = 8, H264_LEFT_UPPER = 16, H264_LEFT_LOWER = 32 };

/* 8.4.2.2.1 luma interpolation. src points at the full-sample position of the block's first sample; rows and
 * columns -2..+3 around the block are readable if the fraction needs them. Index: xFrac + 4 * yFrac. w and h are
 * 16, 8 or 4 (any combination that a partition can have). put writes; avg writes (dst + value + 1) >> 1, which is
 * default bi-prediction (8-273). */
typedef void (*h264_luma_fn)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h,
                             int max);

/* 8.4.2.2.2 chroma interpolation of Cb and Cr: xFrac and yFrac in eighths (4:2:2 doubles its vertical quarter, see
 * Table 8-9), w and h 8, 4 or 2 (h to 16). In each row w + 1 samples, and 16 bytes, are readable from src on. */
typedef void (*h264_chroma_fn)(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2],
                               ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac);

/* 8.4.2.3.2 explicit and implicit weights, in place. offset is already scaled to the bit depth (o << (BitDepth - 8)).
 * weight: 8-274, 8-275. biweight: dst is the list 0 prediction, src that of list 1; offset is (o0 + o1 + 1) >> 1
 * (8-276). w: 16, 8, 4 or 2. */
typedef void (*h264_weight_fn)(uint8_t *dst, ptrdiff_t stride, int w, int h, int logWD, int weight, int offset,
                               int max);
typedef void (*h264_biweight_fn)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w,
                                 int h, int logWD, int w0, int w1, int offset, int max);

/* 8.3 intra prediction, in place from the neighbours in the picture. `available` is a set of H264_LEFT..., also for
 * chroma and 16x16. The caller guarantees the neighbours that a mode requires (checked when the mode is parsed). */
typedef void (*h264_intra_fn)(uint8_t *dst, ptrdiff_t stride, int available, int max);

/* 8.5.12, 8.5.13 inverse transforms of scaled coefficients d, rounded by (x + 32) >> 6, added to dst and clipped. `d`
 * is row-major (d[4 * row + column], d[8 * row + column]) and is zeroed afterwards. The _dc forms expect d[0] alone to
 * be nonzero. */
typedef void (*h264_idct_fn)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);

/* 8.5.15 lossless bypass: the n x n residual d (n: 4, 8 or 16, row-major) is added without a transform; with
 * horizontal or vertical intra prediction it is first summed along the direction of prediction (nW and nH of that
 * clause are n). d is zeroed afterwards. */
enum { H264_SUM_NONE = 0, H264_SUM_DOWN = 1, H264_SUM_ACROSS = 2 };
typedef void (*h264_bypass_fn)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int n, int sums, int max);

/* Deblocking (8.7.2). An edge has four parts, a quarter of its lines each. Their bS are the four bytes of a number, the
 * first part in the lowest. bS 4 occurs only on edge 0, in all of its parts or in none. Thresholds are those of the
 * tables, for 8 bits; kernels scale them to the bit depth. Vertical edges (`_v`) are filtered across columns,
 * horizontal ones (`_h`) across rows. */
typedef struct {
    int8_t tC0[4]; /* row of Table 8-17, by bS; the first is never used */
    uint8_t alpha, beta;
    uint8_t unused[2]; /* eight bytes: one load */
} H264Threshold;

/* Luma edges 0 to 3 of a macroblock, 4 samples apart, with one number of bS each. t: thresholds of edge 0, then of the
 * others. The four columns before a vertical edge 0 are read, and may be written back, whatever its bS; the rows before
 * a horizontal edge 0 need not exist if its bS is 0. */
typedef void (*h264_deblock_luma_fn)(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2],
                                     int max);

/* Edges 0 and 4 of an 8x8 block of Cb and of Cr, with the bS of luma edges 0 and 2. t: thresholds of Cb and of Cr, by
 * edge. The two samples before edge 0 are treated as above. */
typedef void (*h264_deblock_chroma_fn)(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4],
                                       const H264Threshold t[2][2], int max);

/* Half of a left edge between frame and field macroblocks, in one plane: 8 or 4 lines. */
typedef void (*h264_deblock_half_fn)(uint8_t *pix, ptrdiff_t stride, int lines, uint32_t bS, const H264Threshold *t,
                                     int chroma, int max);

/* bS below 3 of an inter macroblock (8.7.2.1), by direction (vertical edges, horizontal edges) and edge. mb: this
 * macroblock, the one at its left edge, the one at its top edge, all inter. mv (x, y of each block) and ref_id are
 * arrays of the picture as in _picture.pxd; `lists` lists of them are compared. coefficients: bit b4 is set if block b4
 * or its neighbour across the block's left edge has coefficients, bit 16 + b4 likewise for the top edge. limit_y: the
 * vertical difference of vectors that gives bS 1. */
typedef void (*h264_deblock_strengths_fn)(uint32_t bS[2][4], const int16_t *mv, const int32_t *ref_id, const int mb[3],
                                          uint32_t coefficients, int lists, int limit_y);

/* The functions of an array member, in its order: F(name), ... */
#define H264_QUARTERS(F, name)                                                                                       \
    F(name##_00), F(name##_10), F(name##_20), F(name##_30), F(name##_01), F(name##_11), F(name##_21), F(name##_31), \
    F(name##_02), F(name##_12), F(name##_22), F(name##_32), F(name##_03), F(name##_13), F(name##_23), F(name##_33)
#define H264_MODES4(F, name) F(name##_0), F(name##_1), F(name##_2), F(name##_3)
#define H264_MODES9(F, name) \
    H264_MODES4(F, name), F(name##_4), F(name##_5), F(name##_6), F(name##_7), F(name##_8)
#define H264_CHROMA_MODES(F, name) H264_MODES4(F, name##8), H264_MODES4(F, name##16)

/* All members of H264Dsp, once: ONE(type, name) for a function, MANY(type, name, dimensions, functions) for an array.
 * Modes are those of the tables in clause 7 and 8:
 *   intra4x4      Intra4x4PredMode, Table 8-2; DC reads `available`; a missing top right repeats the end of the top
 *   intra8x8      Intra8x8PredMode, Table 8-3, with the reference sample filter of 8.3.2.2.1
 *   intra16x16    Table 8-4
 *   intra_chroma  Table 7-16, for 8x8 blocks (4:2:0); 4 further on, for blocks 8 wide and 16 high (4:2:2)
 * Cython's declarations are in codec/h264/macroblock/_kernels.pxd; a test compares the two. */
#define H264_DSP_MEMBERS(ONE, MANY)                                        \
    MANY(h264_luma_fn, put_luma, [16], H264_QUARTERS)                      \
    MANY(h264_luma_fn, avg_luma, [16], H264_QUARTERS)                      \
    ONE(h264_chroma_fn, put_chroma)                                        \
    ONE(h264_chroma_fn, avg_chroma)                                        \
    ONE(h264_weight_fn, weight)                                            \
    ONE(h264_biweight_fn, biweight)                                        \
    MANY(h264_intra_fn, intra4x4, [9], H264_MODES9)                        \
    MANY(h264_intra_fn, intra8x8, [9], H264_MODES9)                        \
    MANY(h264_intra_fn, intra16x16, [4], H264_MODES4)                      \
    MANY(h264_intra_fn, intra_chroma, [8], H264_CHROMA_MODES)              \
    ONE(h264_bypass_fn, bypass_add)                                        \
    ONE(h264_idct_fn, idct4x4_add)                                         \
    ONE(h264_idct_fn, idct4x4_dc_add)                                      \
    ONE(h264_idct_fn, idct8x8_add)                                         \
    ONE(h264_idct_fn, idct8x8_dc_add)                                      \
    ONE(h264_deblock_luma_fn, deblock_luma_v)                              \
    ONE(h264_deblock_luma_fn, deblock_luma_h)                              \
    ONE(h264_deblock_chroma_fn, deblock_chroma_v)                          \
    ONE(h264_deblock_chroma_fn, deblock_chroma_h)                          \
    ONE(h264_deblock_strengths_fn, deblock_strengths)                      \
    ONE(h264_deblock_half_fn, deblock_half_v)

#define H264_ONE(type, name) type name;
#define H264_MANY(type, name, dimensions, functions) type name dimensions;
typedef struct {
    H264_DSP_MEMBERS(H264_ONE, H264_MANY)
} H264Dsp;
#undef H264_ONE
#undef H264_MANY

/* The table for a bit depth of 8 (deep = 0) or 9 to 14 (deep = 1), with the kernels that are
 * allowed at a CPU level (cpu.h). */
const H264Dsp *codec_h264_dsp(int deep, int level);

/* The members by name, for tests and `codec doctor`. */
extern const struct codec_member codec_h264_members[];

#endif
