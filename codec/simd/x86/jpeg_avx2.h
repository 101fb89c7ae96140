/* AVX2 kernels of JPEG: the same bits as the bodies in jpegdsp.c. Contracts are in jpegdsp.h. */
#ifndef CODEC_JPEG_AVX2_H
#define CODEC_JPEG_AVX2_H

#include "../jpegdsp.h"

#define JPEG_AVX2(type, name) __typeof__(*(type)0) codec_jpeg_##name##_avx2;
JPEG_DSP_MEMBERS(JPEG_AVX2)
#undef JPEG_AVX2

#endif
