/* The checksums of PNG files: Adler-32 of what is compressed (RFC 1950, 8.2). */
#ifndef CODEC_CHECKSUMS_H
#define CODEC_CHECKSUMS_H
#include <stddef.h>
#include <stdint.h>

/* *sum of the bytes before, 1 for none, becomes that of `n` more. The table: by `codec_variant`. */
extern void (*const codec_adler32[2])(uint32_t *sum, const uint8_t *data, size_t n);

#endif
