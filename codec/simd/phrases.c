/* The kernel of lossy LZW. Its contract is in phrases.h. */
#include "phrases.h"

#include "levels.h"

/* Products of 16 bits, which every level has as vectors. */
CODEC_BODY void codec_near_entries_body(const int16_t *CODEC_RESTRICT palette, ptrdiff_t n, const int16_t *point,
                                        int32_t reach, uint8_t *CODEC_RESTRICT near)
{
    const int16_t x = point[0], y = point[1], z = point[2];
    int32_t squared[CODEC_ENTRIES], nearest = INT32_MAX;
    n &= ~(ptrdiff_t)15;
    for (ptrdiff_t i = 0; i < n; i++) {
        const int16_t a = (int16_t)(x - palette[i]), b = (int16_t)(y - palette[i + CODEC_ENTRIES]);
        const int16_t c = (int16_t)(z - palette[i + 2 * CODEC_ENTRIES]);
        const int32_t d = a * a + b * b + c * c;
        squared[i] = d;
        nearest = d < nearest ? d : nearest;
    }
    nearest = nearest > reach ? nearest : reach;
    for (ptrdiff_t i = 0; i < n; i++)
        near[i] = squared[i] <= nearest;
}
CODEC_KERNEL(codec_near_entries,
             (const int16_t *palette, ptrdiff_t n, const int16_t *point, int32_t reach, uint8_t *near),
             (palette, n, point, reach, near))
