/* Counters that one thread writes and others read, and a pause between two looks at them. */
#ifndef CODEC_SHARED_H
#define CODEC_SHARED_H

#ifdef _MSC_VER
#include <intrin.h>
#include <windows.h>

static inline int shared_load(const int *p) { return _InterlockedOr((volatile long *)p, 0); }
static inline void shared_store(int *p, int v) { _InterlockedExchange((volatile long *)p, v); }
static inline void shared_add(int *p, int v) { _InterlockedExchangeAdd((volatile long *)p, v); }
static inline void shared_sleep(void) { Sleep(0); }

#else
#include <time.h>

/* What was written before a store is seen by whoever loads its value. */
static inline int shared_load(const int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void shared_store(int *p, int v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline void shared_add(int *p, int v) { __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }

/* A row of macroblocks takes about 100 microseconds. */
static inline void shared_sleep(void) {
    struct timespec t = {0, 20000};
    nanosleep(&t, 0);
}

#endif
#endif
