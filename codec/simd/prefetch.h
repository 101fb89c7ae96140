/* Bring a cache line into L1 before it is read or written. Any address is allowed. */
#ifndef CODEC_PREFETCH_H
#define CODEC_PREFETCH_H

#if defined(__GNUC__)
#define prefetch(p) __builtin_prefetch(p)
#define prefetch_to_write(p) __builtin_prefetch(p, 1)
#else
#define prefetch(p) ((void)(p))
#define prefetch_to_write(p) ((void)(p))
#endif

#endif
