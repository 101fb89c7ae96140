/* The checksums of PNG files: Adler-32 of what is compressed (RFC 1950, 8.2), CRC-32 of each chunk (PNG annex D). */
#ifndef CODEC_CHECKSUMS_H
#define CODEC_CHECKSUMS_H
#include <stddef.h>
#include <stdint.h>

/* *sum of the bytes before, 1 for none, becomes that of `n` more. The table: by `codec_variant`. */
extern void (*const codec_adler32[2])(uint32_t *sum, const uint8_t *data, size_t n);

/* The same, 0 for none. `codec_crc32_begin` comes before any other call; it costs microseconds. */
typedef void codec_crc32er(uint32_t *sum, const uint8_t *data, size_t n);
extern codec_crc32er *const codec_crc32[2];
codec_crc32er codec_crc32_bytes, codec_crc32_avx2;
void codec_crc32_begin(void);

#endif
