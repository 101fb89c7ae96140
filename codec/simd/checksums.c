/* Checksums. Contracts: checksums.h. */
#include "checksums.h"
#include "bits.h"
#include "levels.h"

/* Adler-32 is two sums modulo 65521 (RFC 1950, 8.2): a of the bytes, b of all values of a. Bytes are summed in rows of
 * 32, column by column; below[c] has the bytes of its column as often as there are rows behind them. A byte of column c
 * counts in b once for each byte from it on: 32 times for each row behind it, and 32 - c times for its own.
 * 255 (0 + 1 + ... + 22) < 2^16, and b gets less than 65521 x 32 x 23 + 32 x 32 x 2^16 + 255 x 23 x 528 < 2^32. */
enum { ADLER = 65521, COLUMNS = 32, ROWS = 23 };

CODEC_BODY void codec_adler32_body(uint32_t *sum, const uint8_t *data, size_t n)
{
    uint32_t a = *sum & 0xffff, b = *sum >> 16;
    while (n >= COLUMNS) {
        const size_t rows = n / COLUMNS < ROWS ? n / COLUMNS : ROWS;
        uint16_t column[COLUMNS] = { 0 }, below[COLUMNS] = { 0 };
        uint32_t all = 0, all_below = 0, weighted = 0;
        for (size_t row = 0; row < rows; row++, data += COLUMNS)
            for (int c = 0; c < COLUMNS; c++) {
                below[c] = (uint16_t)(below[c] + column[c]);
                column[c] = (uint16_t)(column[c] + data[c]);
            }
        for (int c = 0; c < COLUMNS; c++) {
            all += column[c];
            all_below += below[c];
            weighted += column[c] * (uint32_t)(COLUMNS - c);
        }
        b = (b + a * (uint32_t)rows * COLUMNS + all_below * COLUMNS + weighted) % ADLER;
        a = (a + all) % ADLER;
        n -= rows * COLUMNS;
    }
    for (; n; n--, data++) {
        a += *data;
        b += a;
    }
    *sum = b % ADLER << 16 | a % ADLER;
}
CODEC_KERNEL(codec_adler32, (uint32_t *sum, const uint8_t *data, size_t n), (sum, data, n))

/* CRC-32 is the remainder of the message as a polynomial over GF(2), first bit highest, by
 * P = x^32 + x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1 (PNG annex D). The
 * first 32 bits of the message are inverted before, and the remainder behind. The lowest bit of a byte comes first, so
 * a register has its coefficients the other way round: bit 31 - i is that of x^i, and >> 1 is times x.
 *
 * LEFT[k][b] is the remainder of byte b with k bytes of 0 behind it. That of sixteen bytes is the sum of theirs. */
enum { TOGETHER = 16 };
static uint32_t LEFT[TOGETHER][256];

void codec_crc32_begin(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t left = b;
        for (int bit = 0; bit < 8; bit++)
            left = left >> 1 ^ (left & 1 ? 0xedb88320 : 0);
        LEFT[0][b] = left;
    }
    for (int k = 1; k < TOGETHER; k++)
        for (int b = 0; b < 256; b++)
            LEFT[k][b] = LEFT[k - 1][b] >> 8 ^ LEFT[0][LEFT[k - 1][b] & 0xff];
}

void codec_crc32_bytes(uint32_t *sum, const uint8_t *data, size_t n)
{
    uint32_t left = ~*sum;
    for (; n >= TOGETHER; n -= TOGETHER, data += TOGETHER) {
        const uint64_t next = codec_load_le64(data) ^ left, behind = codec_load_le64(data + 8);
        left = 0;
        for (int k = 0; k < 8; k++)
            left ^= LEFT[15 - k][next >> 8 * k & 0xff] ^ LEFT[7 - k][behind >> 8 * k & 0xff];
    }
    for (; n; n--, data++)
        left = left >> 8 ^ LEFT[0][(left ^ *data) & 0xff];
    *sum = ~left;
}

#if CODEC_HAS_AVX2
codec_crc32er *const codec_crc32[2] = { codec_crc32_bytes, codec_crc32_avx2 };
#else
codec_crc32er *const codec_crc32[2] = { codec_crc32_bytes, codec_crc32_bytes };
#endif
