/* How many bits Huffman codes take. */
#ifndef CODEC_HUFFMAN_H
#define CODEC_HUFFMAN_H

#include <stdint.h>

/* The total of counts times code lengths in Huffman's tree over n counts, 1 to 257, in ascending order; height: that of
 * the tree. Made with two queues (leaves, and inner nodes, which arise in ascending order); the sum of the inner nodes
 * is the total. On ties leaves go first, so the tree is as low as possible. */
static inline uint64_t codec_tree_bits(const uint64_t *leaf, int n, int *height)
{
    uint64_t inner[257], total = 0;
    uint8_t above[257]; /* height of a node */
    int leaves = 0, nodes = 0;
    above[0] = 0;
    for (int i = 0; i < n - 1; i++) {
        int taller = 0;
        inner[i] = 0;
        for (int j = 0; j < 2; j++)
            if (leaves < n && (nodes == i || leaf[leaves] <= inner[nodes])) {
                inner[i] += leaf[leaves++];
            } else {
                taller = taller > above[nodes] ? taller : above[nodes];
                inner[i] += inner[nodes++];
            }
        above[i] = (uint8_t)(taller + 1);
        total += inner[i];
    }
    *height = n > 1 ? above[n - 2] : 0;
    return total;
}

#endif
