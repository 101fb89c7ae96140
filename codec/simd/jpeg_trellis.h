/* Levels of least cost, a block at a time: codec/jpeg/_trellis.pyx tells the method. The including file defines
 * NAME(x), TARGET and PRESENT(zz), the mask of nonzero levels of a block.
 *
 * Single precision, the same operations in the same order at every level. */

/* Magnitudes in steps, and their whole parts after `rounding` is added. */
TARGET CODEC_BODY void NAME(in_steps)(const int16_t *CODEC_RESTRICT coef_zz, const float *CODEC_RESTRICT recip_zz,
                                      float rounding, float *CODEC_RESTRICT x, int16_t *CODEC_RESTRICT level)
{
    for (int k = 0; k < 64; k++) {
        const int32_t c = coef_zz[k], sign = c >> 31;
        x[k] = (float)((c ^ sign) - sign) * recip_zz[k];
        level[k] = (int16_t)(int32_t)(x[k] + rounding);
    }
}

TARGET CODEC_BODY void NAME(count_run)(uint32_t *counts, int run, int size)
{
    counts[0xF0] += (uint32_t)(run >> 4);
    counts[(run & 15) << 4 | size]++;
}

TARGET static void NAME(count_levels)(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                                      ptrdiff_t n)
{
    for (; n > 0; n--, coef_zz += 64) {
        float x[64];
        int16_t level[64];
        int previous = 0;
        NAME(in_steps)(coef_zz, recip_zz, rounding, x, level);
        for (uint64_t present = PRESENT(level) & ~1ull; present; present &= present - 1) {
            const int k = codec_lowest_bit(present);
            const int top = level[k] < JPEG_TOP_LEVEL ? level[k] : JPEG_TOP_LEVEL;
            NAME(count_run)(counts, k - previous - 1, codec_bit_length((uint32_t)top));
            previous = k;
        }
        counts[0] += previous < 63;
    }
}

/* A node is a level that may be nonzero. best: the least cost of the block up to it, less what it would cost if all
 * were zero; then a skipped level costs nothing, and an edge is one addition. Node 0: nothing yet. */
typedef struct {
    float best[64];
    int position[64], previous[64];
    int16_t level[64];
    uint8_t size[64];
} NAME(Nodes);

/* The path that ends at the cheapest of nodes first..n, into levels and counts. */
TARGET CODEC_BODY void NAME(take_path)(const NAME(Nodes) *nodes, int first, int n, const JpegRates *rates,
                                       const int16_t *coef_zz, int16_t *level_zz, uint32_t *counts)
{
    int last = 0;
    float least = first == 0 ? rates->empty : 1e30f;
    for (int i = first > 1 ? first : 1; i <= n; i++) {
        const float cost = nodes->best[i] + (nodes->position[i] < 63 ? rates->eob : 0);
        last = cost < least ? i : last;
        least = cost < least ? cost : least;
    }
    counts[0] += last == 0 || nodes->position[last] < 63;
    while (last) {
        const int k = nodes->position[last], before = nodes->previous[last];
        NAME(count_run)(counts, k - nodes->position[before] - 1, nodes->size[last]);
        level_zz[k] = (int16_t)(coef_zz[k] < 0 ? -nodes->level[last] : nodes->level[last]);
        last = before;
    }
}

/* `active` are the nodes that an edge may still leave: not those from which every edge, being longer, costs more than
 * from a later node. Mostly there is one. */
TARGET CODEC_BODY void NAME(trellis_block)(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                           float weight, int16_t *level_zz, uint32_t *counts)
{
    NAME(Nodes) nodes;
    float x[64];
    int16_t nearest[64];
    int active[64], actives = 1, first = 0, n = 0;
    NAME(in_steps)(coef_zz, recip_zz, 0.5f, x, nearest);
    memset(level_zz + 1, 0, 63 * sizeof(int16_t));
    nodes.best[0] = 0;
    nodes.position[0] = active[0] = 0;
    for (uint64_t present = PRESENT(nearest) & ~1ull; present; present &= present - 1) {
        /* the nearest level, and the largest one of the next smaller size; ac[0] is out of reach */
        const int k = codec_lowest_bit(present), level = nearest[k] < JPEG_TOP_LEVEL ? nearest[k] : JPEG_TOP_LEVEL;
        const int size = codec_bit_length((uint32_t)level), below = (1 << (size - 1)) - 1;
        const float *ac0 = rates->ac[size] + k - 1, *ac1 = rates->ac[size - 1] + k - 1;
        const float zero = weight * x[k] * x[k], e0 = x[k] - (float)level, e1 = x[k] - (float)below;
        const float gain0 = zero - weight * e0 * e0, gain1 = zero - weight * e1 * e1;
        int from0 = active[0], from1 = active[0], kept = 0;
        float least0 = nodes.best[from0] + ac0[-nodes.position[from0]] - gain0;
        float least1 = nodes.best[from1] + ac1[-nodes.position[from1]] - gain1;
        for (int a = 1; a < actives; a++) {
            const int j = active[a];
            const float cost0 = nodes.best[j] + ac0[-nodes.position[j]] - gain0;
            const float cost1 = nodes.best[j] + ac1[-nodes.position[j]] - gain1;
            from0 = cost0 < least0 ? j : from0;
            least0 = cost0 < least0 ? cost0 : least0;
            from1 = cost1 < least1 ? j : from1;
            least1 = cost1 < least1 ? cost1 : least1;
        }
        n++;
        nodes.position[n] = k;
        nodes.best[n] = least1 < least0 ? least1 : least0;
        nodes.previous[n] = least1 < least0 ? from1 : from0;
        nodes.level[n] = (int16_t)(least1 < least0 ? below : level);
        nodes.size[n] = (uint8_t)(least1 < least0 ? size - 1 : size);
        if (gain0 > JPEG_LARGEST_SAVING) {
            first = n;
        } else {
            const float bound = nodes.best[n] + rates->slack;
            for (int a = 0; a < actives; a++) {
                active[kept] = active[a];
                kept += nodes.best[active[a]] < bound;
            }
        }
        active[kept] = n;
        actives = kept + 1;
    }
    NAME(take_path)(&nodes, first, n, rates, coef_zz, level_zz, counts);
}

TARGET static void NAME(trellis)(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                 const float *weights, int16_t *level_zz, uint32_t *counts, ptrdiff_t n)
{
    for (; n > 0; n--, coef_zz += 64, level_zz += 64)
        NAME(trellis_block)(coef_zz, recip_zz, rates, *weights++, level_zz, counts);
}
