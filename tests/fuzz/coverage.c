/* Native coverage for libFuzzer from gcc.
 *
 * gcc's -fsanitize-coverage=trace-pc,trace-cmp calls a function on every edge and every comparison; libFuzzer, which
 * Atheris brings along, needs registered 8-bit counters, and comparisons. So this file, linked into each extension of
 * the fuzzing build, counts edges by a hash of their address and passes comparisons on by a tail call, so that
 * libFuzzer sees their own return address. libFuzzer's functions are looked up in the library named by CODEC_FUZZ_CORE,
 * since libasan has empty ones of the same names.
 */
#pragma GCC optimize("O2")
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SLOTS_LOG2 15                   /* the largest extension had about 10 000 instrumented places */
#define SLOTS (1 << SLOTS_LOG2)
#define PLAIN __attribute__((visibility("hidden"), no_sanitize_coverage, no_sanitize_address, no_sanitize_undefined))

static uint8_t counters[SLOTS];
static struct { uintptr_t pc, flags; } pcs[SLOTS];

PLAIN void __sanitizer_cov_trace_pc(void)
{
    uint32_t distance = (uint32_t)((uintptr_t)__builtin_return_address(0) - (uintptr_t)counters);
    counters[distance * 0x9E3779B1u >> (32 - SLOTS_LOG2)]++;
}

#define FORWARD(name, type)                                                                                 \
    PLAIN static void nothing_##name(type a, type b) { (void)a; (void)b; }                                  \
    static void (*core_##name)(type, type) = nothing_##name;                                                \
    PLAIN void __sanitizer_cov_trace_##name(type a, type b) { core_##name(a, b); }
FORWARD(cmp1, uint8_t)
FORWARD(cmp2, uint16_t)
FORWARD(cmp4, uint32_t)
FORWARD(cmp8, uint64_t)
FORWARD(const_cmp1, uint8_t)
FORWARD(const_cmp2, uint16_t)
FORWARD(const_cmp4, uint32_t)
FORWARD(const_cmp8, uint64_t)

PLAIN static void nothing_switch(uint64_t value, uint64_t *cases) { (void)value; (void)cases; }
static void (*core_switch)(uint64_t, uint64_t *) = nothing_switch;
PLAIN void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases) { core_switch(value, cases); }
PLAIN void __sanitizer_cov_trace_cmpf(float a, float b) { (void)a; (void)b; }
PLAIN void __sanitizer_cov_trace_cmpd(double a, double b) { (void)a; (void)b; }

PLAIN __attribute__((constructor)) static void tell_libfuzzer(void)
{
    const char *path = getenv("CODEC_FUZZ_CORE");
    void *core = path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    void (*init)(uint8_t *, uint8_t *), (*init_pcs)(const uintptr_t *, const uintptr_t *);
    if (core == NULL)
        return;
    for (int i = 0; i < SLOTS; i++)
        pcs[i].pc = (uintptr_t)&counters[i];            /* any unique address will do */
    *(void **)&init = dlsym(core, "__sanitizer_cov_8bit_counters_init");
    *(void **)&init_pcs = dlsym(core, "__sanitizer_cov_pcs_init");
    if (init == NULL || init_pcs == NULL)
        return;
    init(counters, counters + SLOTS);
    init_pcs((const uintptr_t *)pcs, (const uintptr_t *)(pcs + SLOTS));
#define RESOLVE(name) \
    do { void *f = dlsym(core, "__sanitizer_cov_trace_" #name); if (f) *(void **)&core_##name = f; } while (0)
    RESOLVE(cmp1); RESOLVE(cmp2); RESOLVE(cmp4); RESOLVE(cmp8);
    RESOLVE(const_cmp1); RESOLVE(const_cmp2); RESOLVE(const_cmp4); RESOLVE(const_cmp8);
    RESOLVE(switch);
}
