/* Checksums. Contracts: checksums.h. */
#include "checksums.h"
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
