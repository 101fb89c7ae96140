/* Boundary strengths below 3 (8.7.2.1), a body for h264dsp.c. */

/* Whether two vectors differ by a whole frame sample: limit_y is 4 in frame, 2 in field macroblocks, whose lines are
 * twice as far apart. */
static inline int far(const int16_t *a, const int16_t *b, int limit_y)
{
    return abs(a[0] - b[0]) >= 4 || abs(a[1] - b[1]) >= limit_y;
}

/* Whether two 4x4 blocks of inter macroblocks have different reference pictures or distant vectors. Which list a
 * picture comes from does not matter; unused lists have reference -1 and vector 0. p0, q0, ref_p and ref_q belong to
 * list 0; the values of list 1 lie 32 vector components and 4 references further on. */
static inline int motion_differs(const int16_t *p0, const int16_t *q0, const int32_t *ref_p, const int32_t *ref_q,
                                 int lists, int limit_y)
{
    const int16_t *const p1 = p0 + 32, *const q1 = q0 + 32;
    if (lists == 1) return ref_p[0] != ref_q[0] || far(p0, q0, limit_y);
    if (ref_p[0] == ref_q[0] && ref_p[4] == ref_q[4] && !far(p0, q0, limit_y) && !far(p1, q1, limit_y)) return 0;
    return ref_p[0] != ref_q[4] || ref_p[4] != ref_q[0] || far(p0, q1, limit_y) || far(p1, q0, limit_y);
}

static void deblock_strengths(uint32_t bS[2][4], const int16_t *mv, const int32_t *ref_id, const int mb[3],
                              uint32_t coefficients, int lists, int limit_y)
{
    for (int direction = 0; direction < 2; direction++) {
        const int step = direction ? 4 : 1, along = direction ? 1 : 4;
        for (int edge = 0; edge < 4; edge++) {
            const int p = mb[edge ? 0 : 1 + direction], q = mb[0];
            bS[direction][edge] = 0;
            for (int part = 0; part < 4; part++) {
                const int b_q = edge * step + part * along, b_p = (edge + 3) % 4 * step + part * along;
                const int two = coefficients >> (16 * direction + b_q) & 1;
                const int one = motion_differs(mv + 64 * p + 2 * b_p, mv + 64 * q + 2 * b_q,
                                               ref_id + 8 * p + (b_p >> 3 << 1 | (b_p >> 1 & 1)),
                                               ref_id + 8 * q + (b_q >> 3 << 1 | (b_q >> 1 & 1)), lists, limit_y);
                bS[direction][edge] |= (uint32_t)(two ? 2 : one) << 8 * part;
            }
        }
    }
}
