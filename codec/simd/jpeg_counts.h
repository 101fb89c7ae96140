/* Symbols of all AC scans of a component between given borders: codec/jpeg/_scan_search.pyx tells the method. */
#ifndef CODEC_JPEG_COUNTS_H
#define CODEC_JPEG_COUNTS_H

#include <stdint.h>

enum { JPEG_SEGMENTS = 24 }; /* at most; a multiple of eight, which are counted side by side */

/* At most 2^24 blocks, whose correction bits then are below 2^30. A band from segment s to segment e: [s][e]. Symbols:
 * 256 counts for each pair of segments, n rows and columns. */
typedef struct {
    int n;                                             /* segments */
    int most;                                          /* correction bits after which the writer ends a run */
    int start[JPEG_SEGMENTS + 1];                      /* first position of each; then 64 */
    uint8_t segment[64];                               /* which one a position belongs to */
    uint32_t *between;                                 /* by segment of the coefficient before, and its own */
    uint32_t *opening;                                 /* by border, and the segment of the coefficient */
    uint32_t ended[JPEG_SEGMENTS][JPEG_SEGMENTS][16];  /* by bits of EOBRUN; 0: there was no run */
    uint32_t once[JPEG_SEGMENTS][JPEG_SEGMENTS];       /* runs of one block that are not in `ended` yet */
    int32_t since[JPEG_SEGMENTS][JPEG_SEGMENTS];       /* block with which the pending run began */
    int32_t corrected[JPEG_SEGMENTS][JPEG_SEGMENTS];   /* correction bits sent, or before the pending run */
    int32_t corrections[JPEG_SEGMENTS + 1];            /* correction bits of all blocks so far below each border */
} JpegCounts;

/* First scans of n blocks (Figure G.3), and refinements (Figure G.7), the runs that are pending at the end included.
 * `now`, `before`: by block, the coefficients that are not zero after division by 2^Al and by 2^(Al + 1). */
extern void (*const codec_jpeg_count_first[2])(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n,
                                               int Al);
extern void (*const codec_jpeg_count_refined[2])(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n);
#endif
