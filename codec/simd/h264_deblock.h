/* Filtering of one edge of H.264 (8.7.2.2 to 8.7.2.4). A body for h264dsp.c, compiled per sample size and level. Lines are `along` samples
 * apart, samples of one line `across`: p3 p2 p1 p0 | q0 q1 q2 q3, q0 being q[0] and p0 q[-across]. */

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

/* bS equal to 4 (8.7.2.4): one side, from its samples p3..p0 and the other side's q0, q1; `out` is p0, the others lie `away` from the edge. */
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
    const int p1 = q[-2 * across], p0 = q[-across], q0 = q[0], q1 = q[across], small_step = abs(p0 - q0) < (alpha >> 2) + 2;
    if (!NAME(filter_samples)(q, across, alpha, beta)) return;
    NAME(strong_side)(q - across, -across, q0, q1, beta, small_step, chroma);
    NAME(strong_side)(q, across, p0, p1, beta, small_step, chroma);
}

INLINE void NAME(edge)(SAMPLE *q, ptrdiff_t across, ptrdiff_t along, int length, int alpha, int beta, const int16_t *tc0, int chroma, int max)
{
    const int lines = length >> 2;
    codec_assert(length == 4 || length == 8 || length == 16);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < lines; k++, q += along)
            if (tc0[i] >= 0) NAME(normal_line)(q, across, alpha, beta, tc0[i], chroma, max);
}

INLINE void NAME(edge_intra)(SAMPLE *q, ptrdiff_t across, ptrdiff_t along, int length, int alpha, int beta, int chroma)
{
    for (int k = 0; k < length; k++) NAME(strong_line)(q + k * along, across, alpha, beta, chroma);
}

#define EDGE(kind, direction, across, along, chroma)                                                                                                \
    KERNEL void NAME(deblock_##kind##_##direction)(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max)    \
    {                                                                                                                                               \
        const ptrdiff_t row = stride / (ptrdiff_t)sizeof(SAMPLE);                                                                                   \
        NAME(edge)((SAMPLE *)pix, across, along, length, alpha, beta, tc0, chroma, MAX_OF(max));                                                    \
    }                                                                                                                                               \
    KERNEL void NAME(deblock_##kind##_intra_##direction)(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max)                  \
    {                                                                                                                                               \
        const ptrdiff_t row = stride / (ptrdiff_t)sizeof(SAMPLE);                                                                                   \
        (void)max;                                                                                                                                  \
        NAME(edge_intra)((SAMPLE *)pix, across, along, length, alpha, beta, chroma);                                                                \
    }
EDGE(luma, v, 1, row, 0)
EDGE(luma, h, row, 1, 0)
EDGE(chroma, v, 1, row, 1)
EDGE(chroma, h, row, 1, 1)
#undef EDGE
