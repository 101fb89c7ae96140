/* Kernels of JPEG for 8-bit samples, one table per instruction-set level. Every vector kernel equals its scalar body bit
 * for bit, on hostile coefficients too: products and sums wrap (the build has -fwrapv).
 *
 * Blocks are 64 int16. `_nat`: row-major; `_zz`: along the zig-zag (Figure A.6). */
#ifndef CODEC_JPEGDSP_H
#define CODEC_JPEGDSP_H

#include <stddef.h>
#include <stdint.h>

#include "levels.h"

/* RGB to YCbCr of T.871, n pixels `step` bytes apart (3 or 4). No byte beyond the third of the last pixel is read. */
typedef void (*jpeg_to_ycc_fn)(const uint8_t *rgb, ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr, ptrdiff_t n);

/* And back. Of each pixel three bytes are written; with a step of 4 the fourth may be written as well, except that of the
 * last pixel. */
typedef void (*jpeg_to_rgb_fn)(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, ptrdiff_t step,
                               ptrdiff_t n);

/* Means of 2 x 2 samples, n_out of them. Halves round up and down in turn along the row, so brightness does not
 * drift. */
typedef void (*jpeg_downsample_fn)(const uint8_t *row0, const uint8_t *row1, uint8_t *out, ptrdiff_t n_out);

/* n -> 2n samples between two rows by the triangle filter: each sum 3 near + far, then 3/4 of its own and 1/4 of the
 * next one's, with one rounding; the outermost two have no neighbour. n >= 2. */
typedef void (*jpeg_upsample_fn)(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out, ptrdiff_t n);

/* Forward DCT of A.3.3, times 8, of n blocks side by side in rows `stride` bytes apart, after subtraction of `offset` (128
 * is the level shift of A.3.1, and 0 is possible). */
typedef void (*jpeg_fdct_fn)(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, ptrdiff_t n);

/* A quantization table prepared for division by multiplication: see quantize_body. */
typedef struct {
    float recip_nat[64];
    float bias_nat[64];
} JpegQuantizer;

/* Divide n blocks by the steps, exactly, and reorder them along the zig-zag. */
typedef void (*jpeg_quantize_fn)(const int16_t *coef_nat, const JpegQuantizer *quantizer, int16_t *level_zz, ptrdiff_t n);

/* Dequantize (A.3.4), transform, level shift (A.3.1) and clamp n blocks into blocks side by side in rows `stride` bytes
 * apart. */
typedef void (*jpeg_idct_fn)(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride, ptrdiff_t n);

/* All members of JpegDsp, once. Cython's declarations are in codec/_core.pxd; a test compares the two. */
#define JPEG_DSP_MEMBERS(ONE)               \
    ONE(jpeg_to_ycc_fn, rgb_to_ycc)         \
    ONE(jpeg_to_rgb_fn, ycc_to_rgb)         \
    ONE(jpeg_downsample_fn, downsample_h2v2) \
    ONE(jpeg_upsample_fn, upsample_h2v2)    \
    ONE(jpeg_fdct_fn, fdct)                 \
    ONE(jpeg_quantize_fn, quantize)         \
    ONE(jpeg_idct_fn, idct)

#define JPEG_ONE(type, name) type name;
typedef struct {
    JPEG_DSP_MEMBERS(JPEG_ONE)
} JpegDsp;
#undef JPEG_ONE

/* The kernels that are allowed at a CPU level (cpu.h). */
const JpegDsp *codec_jpeg_dsp(int level);

/* The members by name, for tests and `codec doctor`. */
extern const struct codec_member codec_jpeg_members[];

/* The inverse transform alone, in 32 bits, for 12-bit pictures (pass1_bits = 1) and tests (2). */
void codec_idct8x8_wide(const int32_t *coef_nat, int32_t *samples, int pass1_bits);

#endif
