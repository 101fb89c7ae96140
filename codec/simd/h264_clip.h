/* Clip3 and Clip1 (5-8, 5-9 of H.264). */
#ifndef CODEC_H264_CLIP_H
#define CODEC_H264_CLIP_H

static inline int clip3(int low, int high, int v) { return v < low ? low : v > high ? high : v; }
static inline int clip1(int v, int max) { return clip3(0, max, v); }

#endif
