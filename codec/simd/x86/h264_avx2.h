/* AVX2 kernels of H.264 for 8-bit samples: the same bits as the bodies in h264dsp.c. Contracts are in h264dsp.h. */
#ifndef CODEC_H264_AVX2_H
#define CODEC_H264_AVX2_H

#include "../h264dsp.h"

/* The name of the AVX2 variant of a function, and a declaration for each function of H264Dsp. */
#define H264_AVX2(name) codec_h264_##name##_avx2
#define H264_ONE(type, name) __typeof__(*(type)0) H264_AVX2(name);
#define H264_MANY(type, name, dimensions, functions) __typeof__(*(type)0) functions(H264_AVX2, name);
H264_DSP_MEMBERS(H264_ONE, H264_MANY)
#undef H264_ONE
#undef H264_MANY

#endif
