/* PNG: its chunks, its filters, and its rows. Contracts: png.h. */
#include "png.h"
#include "bits.h"
#include "checksums.h"
#include "inflate.h"
#include "levels.h"

int codec_png_chunk_at(const uint8_t *file, size_t n, size_t at, struct codec_png_chunk *chunk)
{
    if (n < CODEC_PNG_OWN || at > n - CODEC_PNG_OWN)
        return 0;
    chunk->at = at;
    chunk->size = codec_load_be32(file + at);
    chunk->kind = codec_load_be32(file + at + 4);
    return chunk->size <= n - CODEC_PNG_OWN - at;
}

int codec_png_is_sound(const uint8_t *file, const struct codec_png_chunk *chunk, int variant)
{
    const uint8_t *const kind = file + chunk->at + 4;
    uint32_t sum = 0;
    codec_crc32[variant](&sum, kind, (size_t)chunk->size + 4);
    return sum == codec_load_be32(kind + 4 + chunk->size);
}

static inline size_t behind(const struct codec_png_chunk *chunk)
{
    return chunk->at + CODEC_PNG_OWN + chunk->size;
}

#define KIND(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

int codec_png_find(const uint8_t *file, size_t n, size_t at, struct codec_png_idat *found, int variant)
{
    struct codec_png_chunk chunk;
    *found = (struct codec_png_idat){ 0, 0, 0 };
    for (; codec_png_chunk_at(file, n, at, &chunk) && codec_png_is_sound(file, &chunk, variant); at = behind(&chunk))
        switch (chunk.kind) {
        case KIND('I', 'E', 'N', 'D'):
            return found->count ? 0 : -1;
        case KIND('I', 'D', 'A', 'T'):
            if (!found->count)
                found->at = at;
            found->count++;
            found->bytes += chunk.size;
            break;
        case KIND('I', 'H', 'D', 'R'):
        case KIND('P', 'L', 'T', 'E'):
        case KIND('t', 'R', 'N', 'S'):
        case KIND('a', 'c', 'T', 'L'):
        case KIND('f', 'c', 'T', 'L'):
        case KIND('f', 'd', 'A', 'T'):
            return -1;
        default:
            if (found->count)
                return -1;
        }
    return -1;
}

void codec_png_gather(const uint8_t *file, size_t n, const struct codec_png_idat *idat, uint8_t *out)
{
    struct codec_png_chunk chunk = { idat->at, 0, 0 };
    for (size_t i = 0, at = idat->at; i < idat->count; i++, at = behind(&chunk)) {
        const int whole = codec_png_chunk_at(file, n, at, &chunk);
        codec_assert(whole);
        (void)whole;
        memcpy(out, file + at + CODEC_PNG_CONTENT, chunk.size);
        out += chunk.size;
    }
}

/* The filters (PNG 9.2). x is a byte of the row, a the one a pixel to its left, b above, c above a; those
 * outside of the picture are 0. Each channel depends on the pixel before, and the channels of a pixel not on each
 * other: with the number of channels known, the compiler keeps them in registers and interleaves their chains. */
static inline uint8_t paeth(int a, int b, int c)
{
    int pa = b - c, pb = a - c, pc = pa + pb;
    pa = pa < 0 ? -pa : pa;
    pb = pb < 0 ? -pb : pb;
    pc = pc < 0 ? -pc : pc;
    a = pb < pa ? b : a;
    pa = pb < pa ? pb : pa;
    return (uint8_t)(pc < pa ? c : a);
}

static inline void sub_row(const uint8_t *x, uint8_t *out, size_t n, const int bpp)
{
    uint8_t a[6] = { 0 };
    for (size_t i = 0; i + (size_t)bpp <= n; i += (size_t)bpp)
        for (int k = 0; k < bpp; k++)
            out[i + k] = a[k] = (uint8_t)(x[i + k] + a[k]);
}

static inline void average_row(const uint8_t *x, const uint8_t *above, uint8_t *out, size_t n, const int bpp)
{
    uint8_t a[6] = { 0 };
    for (size_t i = 0; i + (size_t)bpp <= n; i += (size_t)bpp)
        for (int k = 0; k < bpp; k++)
            out[i + k] = a[k] = (uint8_t)(x[i + k] + ((a[k] + above[i + k]) >> 1));
}

static inline void paeth_row(const uint8_t *x, const uint8_t *above, uint8_t *out, size_t n, const int bpp)
{
    uint8_t a[6] = { 0 }, c[6] = { 0 };
    for (size_t i = 0; i + (size_t)bpp <= n; i += (size_t)bpp)
        for (int k = 0; k < bpp; k++) {
            uint8_t b = above[i + k];
            out[i + k] = a[k] = (uint8_t)(x[i + k] + paeth(a[k], b, c[k]));
            c[k] = b;
        }
}

static inline int rows_of(const uint8_t *in, const uint8_t *above, uint8_t *out, size_t rows, size_t n, const int bpp)
{
    for (size_t y = 0; y < rows; y++, in += n + 1, above = out, out += n) {
        const uint8_t *x = in + 1;
        int filter = in[0];
        if (filter > 4)
            return -1;
        if (!above)         /* the row above the first is 0: Up is None, and Paeth is Sub */
            filter = filter == 2 ? 0 : filter == 4 ? 1 : filter;
        if (filter == 0)
            memcpy(out, x, n);
        else if (filter == 1)
            sub_row(x, out, n, bpp);
        else if (filter == 2)
            for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)(x[i] + above[i]);
        else if (filter == 4)
            paeth_row(x, above, out, n, bpp);
        else if (above)
            average_row(x, above, out, n, bpp);
        else
            for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)(x[i] + (i < (size_t)bpp ? 0 : out[i - bpp] >> 1));
    }
    return 0;
}

int codec_png_rows(const uint8_t *filtered, const uint8_t *above, uint8_t *out, size_t rows, size_t row_bytes, int bpp)
{
    codec_assert_range(1, bpp, 6);
    codec_assert(bpp != 5);
    codec_assert(row_bytes % (size_t)bpp == 0);
    switch (bpp) {
    case 1: return rows_of(filtered, above, out, rows, row_bytes, 1);
    case 2: return rows_of(filtered, above, out, rows, row_bytes, 2);
    case 3: return rows_of(filtered, above, out, rows, row_bytes, 3);
    case 4: return rows_of(filtered, above, out, rows, row_bytes, 4);
    default: return rows_of(filtered, above, out, rows, row_bytes, 6);
    }
}

#if CODEC_HAS_AVX2
codec_png_unfilterer *const codec_png_unfilter[2] = { codec_png_rows, codec_png_unfilter_avx2 };
#else
codec_png_unfilterer *const codec_png_unfilter[2] = { codec_png_rows, codec_png_rows };
#endif

/* Rows are made while what was inflated is in the cache, four at a time, as the AVX2 kernel likes them best. */
enum { TOGETHER = 4 };

struct picture {
    uint8_t *out;
    const uint8_t *above;
    size_t row_bytes;
    int bpp, variant;
};

static ptrdiff_t take_rows(void *to, const uint8_t *data, size_t n, int last)
{
    struct picture *const p = to;
    size_t rows = n / (p->row_bytes + 1);
    rows -= last ? 0 : rows % TOGETHER;
    if (!rows)
        return 0;
    if (codec_png_unfilter[p->variant](data, p->above, p->out, rows, p->row_bytes, p->bpp))
        return -1;
    p->out += rows * p->row_bytes;
    p->above = p->out - p->row_bytes;
    return (ptrdiff_t)(rows * (p->row_bytes + 1));
}

int codec_png_read(const uint8_t *stream, size_t size, uint8_t *out, size_t rows, size_t row_bytes, int bpp,
                   int variant)
{
    struct picture p = { out, 0, row_bytes, bpp, variant };
    const size_t most_left = (rows < TOGETHER ? rows : TOGETHER) * (row_bytes + 1);
    return codec_inflate[variant](stream, size, rows * (row_bytes + 1), most_left, take_rows, &p);
}
