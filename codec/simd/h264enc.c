/* The kernel table of the H.264 encoder: portable bodies, compiled for the baseline and for AVX2, where the hot ones
 * are written by hand (x86/h264enc_avx2.c). */
#include "h264enc.h"

#include <stdlib.h>

#include "h264_clip.h"

#define TABLE_ONE(type, name) .name = NAME(name),
#define TABLE_MANY(type, name, dimensions, functions) .name = {functions(NAME, name)},

#define TARGET
#define NAME(x) x##_scalar
#include "h264enc_bodies.h"
static const H264Enc table_scalar = {H264_ENC_MEMBERS(TABLE_ONE, TABLE_MANY)};
#undef NAME
#undef TARGET

#if CODEC_HAS_AVX2
#include "x86/h264enc_avx2.h"

#define TARGET CODEC_TARGET_AVX2
#define NAME(x) x##_compiled
#include "h264enc_bodies.h"
#undef NAME

/* What the compiler vectorizes well. */
#define codec_h264_sad_4_avx2 sad_4_compiled
#define codec_h264_sad4_4_avx2 sad4_4_compiled
#define codec_h264_ssd_4_avx2 ssd_4_compiled
#define NAME H264_ENC_AVX2
static const H264Enc table_avx2 = {H264_ENC_MEMBERS(TABLE_ONE, TABLE_MANY)};

static const H264Enc *const TABLES[2] = {&table_scalar, &table_avx2};
#else
static const H264Enc *const TABLES[1] = {&table_scalar};
#endif

const H264Enc *codec_h264_enc(int level) { return TABLES[codec_variant(level)]; }

#define MEMBER_ONE(type, name) {#name, offsetof(H264Enc, name), sizeof(((H264Enc *)0)->name)},
#define MEMBER_MANY(type, name, dimensions, functions) MEMBER_ONE(type, name)
const struct codec_member codec_h264_enc_members[] = {H264_ENC_MEMBERS(MEMBER_ONE, MEMBER_MANY){NULL, 0, 0}};
