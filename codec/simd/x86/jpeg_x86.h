/* AVX2 and AVX-512 kernels of JPEG: the same bits as the bodies in jpegdsp.c. Contracts are in jpegdsp.h. */
#ifndef CODEC_JPEG_X86_H
#define CODEC_JPEG_X86_H

#include "../jpegdsp.h"

#define JPEG_AVX2(type, name) __typeof__(*(type)0) codec_jpeg_##name##_avx2;
#define JPEG_AVX512(type, name) __typeof__(*(type)0) codec_jpeg_##name##_avx512;
JPEG_DSP_MEMBERS(JPEG_AVX2)
JPEG_DSP_WIDE_MEMBERS(JPEG_AVX512)
#undef JPEG_AVX2
#undef JPEG_AVX512

#endif
