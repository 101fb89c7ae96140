/* Symbols of all AC scans of a component between given borders: codec/jpeg/_scan_search.pyx tells the method. */
#ifndef CODEC_JPEG_COUNTS_H
#define CODEC_JPEG_COUNTS_H

#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_SEGMENTS = 24,  /* at most */
    JPEG_RUN_SIZES = 15, /* a run has fewer than 2^15 blocks (G.1.2.2) */
    JPEG_WORK_MAPS = 5,
    JPEG_ARRIVALS = 64 << 4, /* by position and size */
};

/* At most 2^24 blocks, whose correction bits then are below 2^30. A band from segment s to segment e: [s][e]. Symbols:
 * 256 counts for each pair of segments, of which the first is not behind the second. Maps have a bit for each block,
 * behind one that stands for what comes before the first; words of 64 bits, behind one that is zero. */
typedef struct {
    int n;                                             /* segments */
    int most;                                          /* correction bits after which the writer ends a run */
    int start[JPEG_SEGMENTS + 1];                      /* first position of each; 64 behind the last one */
    uint8_t segment[64];                               /* which one a position belongs to */
    int64_t blocks;
    ptrdiff_t words;                                   /* (blocks + 2) / 64, rounded up */
    int row[JPEG_SEGMENTS];                            /* with 256 e: where the counts of a pair (s, e) are */
    uint32_t *between;                                 /* by segment of the coefficient before, and its own */
    uint32_t *opening;                                 /* by border, and the segment of the coefficient */
    uint32_t *arrivals;                                /* of first scans, coefficients by the segment of the one before:
                                                          JPEG_ARRIVALS without one, then as many for each */
    uint64_t *present[JPEG_SEGMENTS];                  /* maps of the blocks with a coefficient in a segment, */
    uint64_t *last[JPEG_SEGMENTS];                     /* and of those with one at its last position */
    uint64_t *work[JPEG_WORK_MAPS];                    /* maps for what is needed on the way */
    uint32_t runs[JPEG_SEGMENTS][JPEG_SEGMENTS][JPEG_RUN_SIZES]; /* ended runs of at least 2^k blocks */
    uint8_t nothing[JPEG_SEGMENTS];                    /* whether a band that ends here is like one a segment shorter */
    int32_t corrections[JPEG_SEGMENTS];                /* correction bits of all blocks by segment */
    int32_t *so_far;                                   /* [blocks + 1], of refinements: those of the blocks before */
} JpegCounts;

/* First scans of all blocks (Figure G.3), and refinements (Figure G.7), the runs that are pending at the end included.
 * `now`, `before`: by block, the coefficients that are not zero after division by 2^Al and by 2^(Al + 1). Counts, maps,
 * and so_far[0] are zero before. */
extern void (*const codec_jpeg_count_first[2])(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int Al);
extern void (*const codec_jpeg_count_refined[2])(JpegCounts *c, const uint64_t *now, const uint64_t *before);
#endif
