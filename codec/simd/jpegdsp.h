/* Kernels of JPEG for 8-bit samples, one table per instruction-set level. Every vector kernel equals its scalar body
 * bit for bit, on hostile coefficients too: products and sums wrap (the build has -fwrapv).
 *
 * Blocks are 64 int16. `_nat`: row-major; `_zz`: along the zig-zag (Figure A.6). */
#ifndef CODEC_JPEGDSP_H
#define CODEC_JPEGDSP_H

#include <stddef.h>
#include <stdint.h>

#include "levels.h"

/* RGB to YCbCr of T.871, n pixels `step` bytes apart (3 or 4). No byte beyond the third of the last pixel is read. */
typedef void (*jpeg_to_ycc_fn)(const uint8_t *rgb, ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr, ptrdiff_t n);

/* And back. Of each pixel three bytes are written; with a step of 4 the fourth may be written as well, except that of
 * the last pixel. */
typedef void (*jpeg_to_rgb_fn)(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, ptrdiff_t step,
                               ptrdiff_t n);

/* Means of 2 x 2 samples, n_out of them. Halves round up and down in turn along the row, so brightness does not
 * drift. */
typedef void (*jpeg_downsample_fn)(const uint8_t *row0, const uint8_t *row1, uint8_t *out, ptrdiff_t n_out);

/* The least-squares mean of a pair between `a`, from the pair outwards, and `b`, times 64 (see
 * downsample_least_squares_row of codec/_pixel.pyx). */
static inline int codec_jpeg_pair_mean(int a0, int b0, int a1, int b1, int a2, int b2, int a3, int b3)
{
    return 43 * (a0 + b0) - 14 * (a1 + b1) + 4 * (a2 + b2) - (a3 + b3);
}

/* Those of n columns of the rows `row` and the next one, `stride` bytes apart, of which six more are read on both
 * sides: at most 255 * 2 * (43 + 4) = 23970 in magnitude. */
typedef void (*jpeg_pair_rows_fn)(const uint8_t *row, ptrdiff_t stride, int16_t *sums, ptrdiff_t n);

/* Those of n_out pairs along a row of values within +-23970, which are 64 times samples; six more are read on both
 * sides. Whole samples, clamped to 0..255, and the sixteenths that they lack. */
typedef void (*jpeg_pair_columns_fn)(const int16_t *sums, uint8_t *out, uint8_t *sixteenths, ptrdiff_t n_out);

/* n -> 2n samples between two rows by the triangle filter: each sum 3 near + far, then 3/4 of its own and 1/4 of the
 * next one's, with one rounding; the outermost two have no neighbour. n >= 2. */
typedef void (*jpeg_upsample_fn)(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out, ptrdiff_t n);

/* Forward DCT of A.3.3, times 8, of n blocks side by side in rows `stride` bytes apart, after subtraction of `offset`
 * (128 is the level shift of A.3.1, and 0 is possible). */
typedef void (*jpeg_fdct_fn)(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, ptrdiff_t n);

/* A quantization table prepared for division by multiplication: see quantize_body. */
typedef struct {
    float recip_nat[64];
    float bias_nat[64];
} JpegQuantizer;

/* Divide n blocks by the steps, exactly, and reorder them along the zig-zag. */
typedef void (*jpeg_quantize_fn)(const int16_t *coef_nat, const JpegQuantizer *quantizer, int16_t *level_zz,
                                 ptrdiff_t n);

/* Dequantize (A.3.4), transform, level shift (A.3.1) and clamp n blocks into blocks side by side in rows `stride` bytes
 * apart. */
typedef void (*jpeg_idct_fn)(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride,
                             ptrdiff_t n);

/* A transform of 1 to JPEG_REDUCED_MOST points in each direction for blocks of 8x8: codec/jpeg/_reduced.pyx.
 * `rows`: by sample and frequency, for columns of coefficients; `columns`: by frequency and sample, for rows. The sums
 * are shifted by `first` and `second` bits, with rounding. A pair holds two frequencies in 16 bits each, the lower one
 * first; no constant but that of DC for 2 points, 2^15, needs more. */
enum { JPEG_REDUCED_MOST = 16 };
typedef struct {
    int size, first, second;
    int32_t rows[JPEG_REDUCED_MOST * 8];
    int32_t columns[8 * JPEG_REDUCED_MOST];
    int32_t row_pairs[JPEG_REDUCED_MOST][4];
    int32_t column_pairs[4][JPEG_REDUCED_MOST];
} JpegReduced;

/* As jpeg_idct_fn, with blocks of `size` samples in each direction, 2 at least. */
typedef void (*jpeg_reduced_fn)(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out,
                                ptrdiff_t stride, ptrdiff_t n);

/* ---------------------------------------------------------------- entropy coding of sequential scans */

/* Bits being written; stuffing comes later. The `count` low bits of acc are pending, 0 to 7 of them between calls. */
typedef struct {
    uint8_t *next;
    uint64_t acc;
    uint64_t has_code; /* the top bit is cleared if a symbol had no code */
    int count;
} JpegBits;

/* The code of a symbol, shifted to make room for the bits that follow it, << 8 | the size of both, at most 32 | the top
 * bit; 0: no code. */
typedef uint64_t JpegWord;

/* The words of a table by symbol, and for AC those of small levels, which follow a run of zeros, with all of their
 * bits. */
enum { JPEG_SMALL = 16 };
typedef struct {
    JpegWord word[256];
    JpegWord small[16][2 * JPEG_SMALL]; /* by run, and level + JPEG_SMALL */
} JpegCodes;

/* The blocks of one component in a row of MCUs: rows of `wide` blocks, `high` of them, of which an MCU takes V x H.
 * Blocks beyond complete an MCU (A.2.4). */
typedef struct {
    const int16_t *level_zz;
    ptrdiff_t wide;
    int high, H, V, pred;
    const JpegCodes *dc, *ac;
} JpegRow;

/* Write MCUs `from` to `to` - 1 of a row. JPEG_BLOCK_BYTES for each block and 8 more bytes must be free. */
enum { JPEG_BLOCK_BYTES = 264 }; /* 64 symbols of 32 bits, and slack */
typedef void (*jpeg_put_fn)(JpegBits *bits, JpegRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to);

/* ---------------------------------------------------------------- progressive scans: symbols now, bits later */

/* Tokens: a uint32 per symbol, or raw string of at most 16 bits.
 *   bits 31..28  number of the table; JPEG_RAW_TOKEN: none, and the symbol is the number of bits
 *   bits 27..20  symbol
 *   bits 19..16  correction bits behind those of the symbol (G.1.2.3)
 *   bits 15..0   the bits that follow it
 * A JPEG_RESTART_TOKEN stands for RSTm, m being its lowest bits. */
enum {
    JPEG_RAW_TOKEN = 8,        /* from here on, the top bit is set */
    JPEG_RESTART_TOKEN = 9,
    JPEG_BLOCK_TOKENS = 256,   /* more than a block makes: 128, and 64 of an end-of-band run with its corrections */
    JPEG_CORRECTION_WORDS = 17 /* 1024 bits, and one more word */
};

/* A scan of one component on its way. `step`: 1; for DC also 0, to count without keeping tokens. The caller ends the
 * last run by `n` 0. */
typedef struct {
    uint32_t *next;   /* JPEG_BLOCK_TOKENS for each block must be free */
    ptrdiff_t step;
    uint32_t *counts; /* of 256 symbols: added to */
    uint32_t table;   /* its number << 28 */
    int Ss, Se, Al;
    int pred;         /* of DC, in units of 2^Al */
    int most;         /* correction bits after which a run ends, up to 960 */
    uint64_t band;    /* mask of Ss..Se */
    uint32_t EOBRUN;  /* blocks with an ended band, not yet announced (G.1.2.2) */
    int BE;           /* correction bits of those blocks (G.1.2.3), the first one in the top bit of the first word */
    uint64_t corrections[JPEG_CORRECTION_WORDS];
} JpegTokens;

/* DC of n blocks side by side, `pitch` levels apart. */
typedef void (*jpeg_dc_tokens_fn)(JpegTokens *t, const int16_t *dc, ptrdiff_t pitch, ptrdiff_t n);

/* AC for the first time (Figure G.3), and for one more bit (Figures G.7 to G.9). `now`, `before`: by block, the levels
 * that are not zero after division by 2^Al and by 2^(Al + 1). */
typedef void (*jpeg_first_tokens_fn)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now, ptrdiff_t n);
typedef void (*jpeg_refined_tokens_fn)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                       const uint64_t *before, ptrdiff_t n);

/* Write tokens up to `stop` or a restart token, which is returned. `words` by table number and symbol. Four bytes for
 * each and 8 more must be free. */
typedef const uint32_t *(*jpeg_put_tokens_fn)(JpegBits *bits, const uint32_t *token, const uint32_t *stop,
                                              const JpegWord *words);

/* ---------------------------------------------------------------- reading */

/* A Huffman table for reading. Codes up to JPEG_LOOKAHEAD bits cost one load; measured: 9 and 11 are slower on
 * photographs. */
enum { JPEG_LOOKAHEAD = 10, JPEG_END_OF_BLOCK = 128 };
typedef struct {
    uint16_t lookup[1 << JPEG_LOOKAHEAD]; /* symbol << 8 | code length; 0: the code is longer */
    /* value << 16 | advance << 8 | bits, where a whole AC coefficient fits, else 0: how far the coefficient is from the
     * last one, 16 for ZRL (a zero), JPEG_END_OF_BLOCK for EOB; 0 for EOBn */
    int32_t lookup_ac[1 << JPEG_LOOKAHEAD];
    uint32_t limit[18]; /* by length: first code, left-justified in 16 bits, that is longer */
    int32_t offset[17]; /* by length: HUFFVAL index minus code */
    uint8_t HUFFVAL[256];
} JpegHuffman;

/* How to pass over AC coefficients of a sequential scan: for the next JPEG_SKIM_BITS bits, how far the last one of as
 * many whole ones as fit is << 8 | JPEG_SKIM_END if EOB follows it | their bits; 0: not even one fits. */
enum { JPEG_SKIM_BITS = 12, JPEG_SKIM_END = 128 };
typedef struct {
    uint16_t passed[1 << JPEG_SKIM_BITS];
} JpegSkim;

/* What the next JPEG_LOOKAHEAD bits of a sequential scan hold of AC coefficients: two, or one, with EOB or without.
 * Level of the last << 48 | of the first << 32 | how far the last is from the coefficient before these, with EOB
 * JPEG_END_OF_BLOCK, << 16 | how far the first is << 8 | bits. Where not one fits, both are JPEG_NO_PAIR away. */
enum { JPEG_NO_PAIR = 64 };
typedef struct {
    uint64_t entry[1 << JPEG_LOOKAHEAD];
} JpegPairs;

/* Unstuffed bits being read: acc holds the next `count` ones, first one in the top bit; `next` is the byte to load. */
typedef struct {
    const uint8_t *next, *limit;
    uint64_t acc;
    int count;
} JpegReader;

/* As JpegRow. Blocks are cleared. `skim` is for `skim_mcus`: NULL, or blocks hold DC alone, one int16 each. `pairs`:
 * NULL, or those of `ac`. */
typedef struct {
    int16_t *level_nat;
    ptrdiff_t wide;
    int high, H, V, pred;
    const JpegHuffman *dc, *ac;
    const JpegSkim *skim;
    const JpegPairs *pairs;
} JpegReadRow;

/* Read MCUs from `from` on; returns the one to go on with: `to`, or the first that begins at `limit` or later, or that
 * is damaged, which is left as if it had not been tried. An MCU takes JPEG_BLOCK_BYTES for each block at most; as many,
 * and 8 more bytes, must be readable from `limit` on. */
typedef ptrdiff_t (*jpeg_read_fn)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to);

/* The same in a progressive scan of DC, Ah and Al as in its header. Blocks keep their AC coefficients. */
typedef ptrdiff_t (*jpeg_dc_fn)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to, int Ah,
                                int Al);

/* A row of blocks in a progressive scan of AC coefficients (Annex G). `present`: the coefficients of each block that
 * are not zero, bit 63 - k for position k of the zig-zag; read for refinement, and kept up to date. EOBRUN: blocks of a
 * run to come. */
typedef struct {
    int16_t *level_nat;
    uint64_t *present;
    const JpegHuffman *ac;
    int Ss, Se, Al;
    uint32_t EOBRUN;
} JpegBand;

/* Read blocks from `from` on, for the first time or for one more bit; as jpeg_read_fn, but blocks of a run that take no
 * bits are passed beyond `limit` as well. */
typedef ptrdiff_t (*jpeg_band_fn)(JpegReader *reader, JpegBand *band, ptrdiff_t from, ptrdiff_t to);

/* ---------------------------------------------------------------- masks */

/* Of n blocks: bit k of a mask is set where the magnitude of level k is above `least` (0 to 32766). */
typedef void (*jpeg_mask_fn)(const int16_t *level_zz, int least, uint64_t *masks, ptrdiff_t n);

/* ---------------------------------------------------------------- entropy-coded segments */

/* Where the first marker in n bytes begins: an FF before another byte than 00 (F.1.2.3) and FF (B.1.1.2); n: none. */
typedef ptrdiff_t (*jpeg_marker_fn)(const uint8_t *data, ptrdiff_t n);

/* Copy n bytes without the zero after each FF, and without each FF that no zero follows; returns how many remain. What
 * comes after those among the first n bytes of `plain` is undefined. */
typedef ptrdiff_t (*jpeg_unstuff_fn)(const uint8_t *data, ptrdiff_t n, uint8_t *plain);

/* ---------------------------------------------------------------- choice of levels */

enum {
    JPEG_SIZES = 11,       /* categories of AC levels of 8-bit samples (Table F.2) */
    JPEG_TOP_LEVEL = 1023, /* size 10 */
    JPEG_LANES = 8,        /* blocks that take the steps of a trellis together */
    /* Most bits that dropping a level can save: its symbol and extra bits, and the longer run's ZRLs. A level whose
     * error would cost more stays, and no edge needs to skip it. */
    JPEG_LARGEST_SAVING = 64
};

/* The cost of a path that does not exist. */
#define JPEG_NO_PATH 1e30f

/* Bits. ac[size][run]: of a level after a run of zeros, with its ZRLs and extra bits; JPEG_NO_PATH for size 0. zrl: of
 * a ZRL; ac[size][16 q + r] is ac[size][r] + q zrl, where the product is rounded first. eob: of the end of a block.
 * least: a level that gains no more than these is zero; not negative. */
typedef struct {
    float ac[JPEG_SIZES][64];
    float zrl, eob, least;
} JpegRates;

/* AC levels of least cost of n blocks, with a weight for each; DC is 0. coef_zz: times 8; recip_zz: 1 / (8 steps).
 * level_zz may be coef_zz. */
typedef void (*jpeg_trellis_fn)(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                const float *weights, int16_t *level_zz, ptrdiff_t n);

/* Add the AC symbols of n blocks whose levels are the whole parts of coefficients in steps plus `rounding`. */
typedef void (*jpeg_count_fn)(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                              ptrdiff_t n);

/* All members of JpegDsp, once: those that have AVX-512 variants, and the others. Cython's declarations are in
 * codec/_core.pxd, in this order; a test compares the two. */
#define JPEG_DSP_WIDE_MEMBERS(ONE)              \
    ONE(jpeg_to_ycc_fn, rgb_to_ycc)             \
    ONE(jpeg_to_rgb_fn, ycc_to_rgb)             \
    ONE(jpeg_fdct_fn, fdct)                     \
    ONE(jpeg_quantize_fn, quantize)             \
    ONE(jpeg_idct_fn, idct)                     \
    ONE(jpeg_trellis_fn, trellis)               \
    ONE(jpeg_mask_fn, significance)             \
    ONE(jpeg_first_tokens_fn, first_tokens)     \
    ONE(jpeg_refined_tokens_fn, refined_tokens)
#define JPEG_DSP_OTHER_MEMBERS(ONE)          \
    ONE(jpeg_downsample_fn, downsample_h2v2) \
    ONE(jpeg_pair_rows_fn, pair_rows)        \
    ONE(jpeg_pair_columns_fn, pair_columns)  \
    ONE(jpeg_upsample_fn, upsample_h2v2)     \
    ONE(jpeg_reduced_fn, idct_reduced)       \
    ONE(jpeg_put_fn, put_mcus)               \
    ONE(jpeg_dc_tokens_fn, dc_tokens)        \
    ONE(jpeg_put_tokens_fn, put_tokens)      \
    ONE(jpeg_read_fn, read_mcus)             \
    ONE(jpeg_read_fn, skim_mcus)             \
    ONE(jpeg_band_fn, read_bands)            \
    ONE(jpeg_band_fn, refine_bands)          \
    ONE(jpeg_dc_fn, read_dcs)                \
    ONE(jpeg_marker_fn, next_marker)         \
    ONE(jpeg_unstuff_fn, unstuff)            \
    ONE(jpeg_count_fn, count_levels)
#define JPEG_DSP_MEMBERS(ONE)   \
    JPEG_DSP_WIDE_MEMBERS(ONE)  \
    JPEG_DSP_OTHER_MEMBERS(ONE)

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
