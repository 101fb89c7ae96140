/* DEFLATE (RFC 1951): one whole stream into a buffer whose size is known. */
#ifndef CODEC_INFLATE_H
#define CODEC_INFLATE_H
#include <stddef.h>
#include <stdint.h>

enum { CODEC_INFLATE_PADDING = 16, CODEC_INFLATE_SLACK = 16 };

/* Exactly `out_size` bytes from `in_size` bytes. Returns the number of input bytes that the stream takes, or -1: it is
 * damaged, ends early, or holds more or fewer bytes. Behind the input CODEC_INFLATE_PADDING bytes can be read, and
 * behind the output CODEC_INFLATE_SLACK bytes can be written; their values do not matter. It uses 45 kB of stack. */
ptrdiff_t codec_inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);

#endif
