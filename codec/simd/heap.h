/* Which free memory the C library keeps. */
#ifndef CODEC_HEAP_H
#define CODEC_HEAP_H

#include <stdlib.h> /* defines __GLIBC__, if that is the library */

#ifdef __GLIBC__
#include <malloc.h>

static inline int codec_keep_memory(int trim_bytes, int mmap_bytes, int heaps)
{
    return mallopt(M_TRIM_THRESHOLD, trim_bytes) && mallopt(M_MMAP_THRESHOLD, mmap_bytes) &&
           mallopt(M_ARENA_MAX, heaps);
}
#else
static inline int codec_keep_memory(int trim_bytes, int mmap_bytes, int heaps)
{
    (void)trim_bytes;
    (void)mmap_bytes;
    (void)heaps;
    return 0;
}
#endif

#endif
