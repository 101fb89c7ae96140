/* Edge filters of H.264 (8.7.2.2 to 8.7.2.4). A body for h264dsp.c, compiled per sample size and level. Lines are
 * `along` samples apart, samples of one line `across`: p3 p2 p1 p0 | q0 q1 q2 q3, q0 being q[0] and p0 q[-across]. */

INLINE int NAME(filter_samples)(const SAMPLE *q, ptrdiff_t across, int alpha, int beta)
{
    const int p1 = q[-2 * across], p0 = q[-across], q0 = q[0], q1 = q[across];
    return abs(p0 - q0) < alpha && abs(p1 - p0) < beta && abs(q1 - q0) < beta;
}

/* bS < 4 (8.7.2.3). */
INLINE void NAME(normal_line)(SAMPLE *q, ptrdiff_t across, int alpha, int beta, int tC0, int chroma, int max)
{
    const int p1 = q[-2 * across], p0 = q[-across], q0 = q[0], q1 = q[across];
    int tC = tC0 + 1, delta;
    if (!NAME(filter_samples)(q, across, alpha, beta)) return;
    if (!chroma) {
        const int p2 = q[-3 * across], q2 = q[2 * across];
        const int ap = abs(p2 - p0) < beta, aq = abs(q2 - q0) < beta;
        tC = tC0 + ap + aq;
        if (ap) q[-2 * across] = (SAMPLE)(p1 + clip3(-tC0, tC0, (p2 + ((p0 + q0 + 1) >> 1) - 2 * p1) >> 1));
        if (aq) q[across] = (SAMPLE)(q1 + clip3(-tC0, tC0, (q2 + ((p0 + q0 + 1) >> 1) - 2 * q1) >> 1));
    }
    delta = clip3(-tC, tC, (4 * (q0 - p0) + (p1 - q1) + 4) >> 3);
    q[-across] = (SAMPLE)clip1(p0 + delta, max);
    q[0] = (SAMPLE)clip1(q0 - delta, max);
}

/* bS equal to 4 (8.7.2.4): one side, from its samples p3..p0 and the other side's q0, q1; `out` points at p0; p1, p2
 * and p3 follow in steps of `away`. */
INLINE void NAME(strong_side)(SAMPLE *out, ptrdiff_t away, int q0, int q1, int beta, int small_step, int chroma)
{
    const int p0 = out[0], p1 = out[away];
    if (!chroma && small_step && abs(out[2 * away] - p0) < beta) {
        const int p2 = out[2 * away], p3 = out[3 * away];
        out[0] = (SAMPLE)((p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1 + 4) >> 3);
        out[away] = (SAMPLE)((p2 + p1 + p0 + q0 + 2) >> 2);
        out[2 * away] = (SAMPLE)((2 * p3 + 3 * p2 + p1 + p0 + q0 + 4) >> 3);
    } else {
        out[0] = (SAMPLE)((2 * p1 + p0 + q1 + 2) >> 2);
    }
}

INLINE void NAME(strong_line)(SAMPLE *q, ptrdiff_t across, int alpha, int beta, int chroma)
{
    const int p1 = q[-2 * across], p0 = q[-across], q0 = q[0], q1 = q[across];
    const int small_step = abs(p0 - q0) < (alpha >> 2) + 2;
    if (!NAME(filter_samples)(q, across, alpha, beta)) return;
    NAME(strong_side)(q - across, -across, q0, q1, beta, small_step, chroma);
    NAME(strong_side)(q, across, p0, p1, beta, small_step, chroma);
}

/* One edge of 4 * lines lines. */
INLINE void NAME(edge)(SAMPLE *q, ptrdiff_t across, ptrdiff_t along, int lines, uint32_t bS, const H264Threshold *t,
                       int chroma, int max)
{
    const int scale = (max + 1) >> 8, alpha = t->alpha * scale, beta = t->beta * scale;
    for (int part = 0; part < 4; part++, bS >>= 8) {
        for (int k = 0; k < lines; k++, q += along) {
            if ((bS & 7) == 4) NAME(strong_line)(q, across, alpha, beta, chroma);
            else if (bS & 3) NAME(normal_line)(q, across, alpha, beta, t->tC0[bS & 3] * scale, chroma, max);
        }
    }
}

INLINE void NAME(luma_edges)(SAMPLE *q, ptrdiff_t across, ptrdiff_t along, const uint32_t bS[4],
                             const H264Threshold t[2], int max)
{
    for (int e = 0; e < 4; e++) NAME(edge)(q + 4 * e * across, across, along, 4, bS[e], &t[e > 0], 0, max);
}

INLINE void NAME(chroma_edges)(SAMPLE *q, ptrdiff_t across, ptrdiff_t along, const uint32_t bS[4],
                               const H264Threshold t[2], int max)
{
    for (int e = 0; e < 2; e++) NAME(edge)(q + 4 * e * across, across, along, 2, bS[2 * e], &t[e], 1, max);
}

#define MACROBLOCK(direction, across, along)                                                                       \
    KERNEL void NAME(deblock_luma_##direction)(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4],               \
                                               const H264Threshold t[2], int max)                                  \
    {                                                                                                              \
        const ptrdiff_t row = stride / (ptrdiff_t)sizeof(SAMPLE);                                                  \
        NAME(luma_edges)((SAMPLE *)pix, across, along, bS, t, MAX_OF(max));                                        \
    }                                                                                                              \
    KERNEL void NAME(deblock_chroma_##direction)(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4], \
                                                 const H264Threshold t[2][2],                                      \
                                                 int max)                                                          \
    {                                                                                                              \
        const ptrdiff_t row = stride / (ptrdiff_t)sizeof(SAMPLE);                                                  \
        NAME(chroma_edges)((SAMPLE *)cb, across, along, bS, t[0], MAX_OF(max));                                    \
        NAME(chroma_edges)((SAMPLE *)cr, across, along, bS, t[1], MAX_OF(max));                                    \
    }
MACROBLOCK(v, 1, row)
MACROBLOCK(h, row, 1)
#undef MACROBLOCK

KERNEL void NAME(deblock_half_v)(uint8_t *pix, ptrdiff_t stride, int lines, uint32_t bS, const H264Threshold *t,
                                 int chroma, int max)
{
    codec_assert(lines == 4 || lines == 8);
    NAME(edge)((SAMPLE *)pix, 1, stride / (ptrdiff_t)sizeof(SAMPLE), lines >> 2, bS, t, chroma, MAX_OF(max));
}
