/* AVX2 kernels of the H.264 encoder: the same bits as the bodies in h264enc_bodies.h. Contracts are in h264enc.h. */
#ifndef CODEC_H264ENC_AVX2_H
#define CODEC_H264ENC_AVX2_H

#include "../h264enc.h"

#define H264_ENC_AVX2(name) codec_h264_##name##_avx2
#define H264_ONE(type, name) __typeof__(*(type)0) H264_ENC_AVX2(name);
#define H264_MANY(type, name, dimensions, functions) __typeof__(*(type)0) functions(H264_ENC_AVX2, name);
H264_ENC_MEMBERS(H264_ONE, H264_MANY)
#undef H264_ONE
#undef H264_MANY

#endif
