/* Counters that one thread writes and others read, pauses for polling them, the number of the process, and turns: the
 * number of further threads that may compute, behind a lock and a condition variable. */
#ifndef CODEC_SHARED_H
#define CODEC_SHARED_H

/* Tells the processor that the thread polls: about 50 nanoseconds on recent x86, less elsewhere. */
#if defined(_M_X64) || defined(_M_IX86)
#define shared_pause() _mm_pause()
#elif defined(__x86_64__) || defined(__i386__)
#define shared_pause() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define shared_pause() __asm__ volatile("isb")
#else
#define shared_pause() ((void)0)
#endif

#ifdef _MSC_VER
#include <intrin.h>
#include <windows.h>

static inline int shared_load(const int *p) { return _InterlockedOr((volatile long *)p, 0); }
static inline void shared_store(int *p, int v) { _InterlockedExchange((volatile long *)p, v); }
static inline void shared_add(int *p, int v) { _InterlockedExchangeAdd((volatile long *)p, v); }
static inline int shared_set(int *p) { return _InterlockedExchange((volatile long *)p, 1); }
static inline void shared_sleep(void) { Sleep(0); }
static inline int shared_process(void) { return 0; } /* Windows does not fork */

typedef struct { SRWLOCK lock; CONDITION_VARIABLE changed; int free; } Turns;
static inline void turns_open(Turns *t, int free) {
    InitializeSRWLock(&t->lock);
    InitializeConditionVariable(&t->changed);
    t->free = free;
}
static inline void turns_close(Turns *t) { (void)t; }
static inline void turns_lock(Turns *t) { AcquireSRWLockExclusive(&t->lock); }
static inline void turns_unlock(Turns *t) { ReleaseSRWLockExclusive(&t->lock); }
static inline void turns_wait(Turns *t) { SleepConditionVariableSRW(&t->changed, &t->lock, INFINITE, 0); }
static inline void turns_wait_ms(Turns *t, int ms) { SleepConditionVariableSRW(&t->changed, &t->lock, ms, 0); }
static inline void turns_wake(Turns *t) { WakeAllConditionVariable(&t->changed); }

#else
#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* A thread that loads a stored value also sees all writes before the store. */
static inline int shared_load(const int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void shared_store(int *p, int v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline void shared_add(int *p, int v) { __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }
/* Whether it was set already. */
static inline int shared_set(int *p) { return __atomic_exchange_n(p, 1, __ATOMIC_ACQ_REL); }

/* A row of macroblocks takes about 100 microseconds. */
static inline void shared_sleep(void) {
    struct timespec t = {0, 20000};
    nanosleep(&t, 0);
}

static inline int shared_process(void) { return (int)getpid(); }

typedef struct { pthread_mutex_t lock; pthread_cond_t changed; int free; } Turns;
static inline void turns_open(Turns *t, int free) {
    pthread_condattr_t clock;
    pthread_mutex_init(&t->lock, 0);
    pthread_condattr_init(&clock);
#ifndef __APPLE__
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&t->changed, &clock);
    pthread_condattr_destroy(&clock);
    t->free = free;
}
static inline void turns_close(Turns *t) { pthread_cond_destroy(&t->changed); pthread_mutex_destroy(&t->lock); }
static inline void turns_lock(Turns *t) { pthread_mutex_lock(&t->lock); }
static inline void turns_unlock(Turns *t) { pthread_mutex_unlock(&t->lock); }
static inline void turns_wait(Turns *t) { pthread_cond_wait(&t->changed, &t->lock); }
static inline void turns_wait_ms(Turns *t, int ms) {
    struct timespec end;
    long long ns;
#ifdef __APPLE__
    clock_gettime(CLOCK_REALTIME, &end);
#else
    clock_gettime(CLOCK_MONOTONIC, &end);
#endif
    ns = end.tv_nsec + ms % 1000 * 1000000LL;
    end.tv_sec += ms / 1000 + (time_t)(ns / 1000000000);
    end.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&t->changed, &t->lock, &end);
}
static inline void turns_wake(Turns *t) { pthread_cond_broadcast(&t->changed); }

#endif

/* The caller holds the lock. */
static inline void turns_take(Turns *t) {
    while (t->free == 0) turns_wait(t);
    t->free--;
}

static inline void turns_give(Turns *t) {
    t->free++;
    turns_wake(t);
}

#endif
