/* The kernel tables of H.264: portable bodies per sample size, compiled for the baseline and for AVX2. The hot ones for
 * 8 bits are written by hand for AVX2 (x86/h264_avx2.h). */
#include "h264dsp.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "h264_clip.h"
#include "h264_strengths.h"

/* Boundary strengths do not depend on samples: one body serves both sizes. */
#define deblock_strengths_8 deblock_strengths
#define deblock_strengths_16 deblock_strengths

/* A table is filled by naming the functions of this variant. */
#define TABLE_ONE(type, name) .name = NAME(name),
#define TABLE_MANY(type, name, dimensions, functions) .name = {functions(NAME, name)},

#define SAMPLE uint8_t
#define MAX_OF(m) (255 + 0 * (m))
#define TARGET
#define NAME(x) x##_8
#include "h264_bodies.h"
static const H264Dsp table_8 = {H264_DSP_MEMBERS(TABLE_ONE, TABLE_MANY)};
#undef NAME
#undef MAX_OF
#undef SAMPLE

#define SAMPLE uint16_t
#define MAX_OF(m) (m)
#define NAME(x) x##_16
#include "h264_bodies.h"
static const H264Dsp table_16 = {H264_DSP_MEMBERS(TABLE_ONE, TABLE_MANY)};
#undef NAME
#undef TARGET

#if CODEC_HAS_AVX2
#include "x86/h264_avx2.h"

#define deblock_strengths_16_avx2 codec_h264_deblock_strengths_avx2
#define TARGET CODEC_TARGET_AVX2
#define NAME(x) x##_16_avx2
#include "h264_bodies.h"
static const H264Dsp table_16_avx2 = {H264_DSP_MEMBERS(TABLE_ONE, TABLE_MANY)};
#undef NAME

/* Too rare on 8 bits to need their own variants. */
#define codec_h264_bypass_add_avx2 bypass_add_8
#define codec_h264_deblock_half_v_avx2 deblock_half_v_8
#define NAME H264_AVX2
static const H264Dsp table_8_avx2 = {H264_DSP_MEMBERS(TABLE_ONE, TABLE_MANY)};

static const H264Dsp *const TABLES[2][2] = {{&table_8, &table_8_avx2}, {&table_16, &table_16_avx2}};
#else
static const H264Dsp *const TABLES[2][1] = {{&table_8}, {&table_16}};
#endif

const H264Dsp *codec_h264_dsp(int deep, int level) { return TABLES[deep][codec_variant(level)]; }

#define MEMBER_ONE(type, name) {#name, offsetof(H264Dsp, name), sizeof(((H264Dsp *)0)->name)},
#define MEMBER_MANY(type, name, dimensions, functions) MEMBER_ONE(type, name)
const struct codec_member codec_h264_members[] = {H264_DSP_MEMBERS(MEMBER_ONE, MEMBER_MANY){NULL, 0, 0}};
