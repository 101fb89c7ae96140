/* Preloaded before libasan, whose empty namesakes would discard the counters of Atheris for Python code. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

typedef void (*Init)(const void *, const void *);

static void forward(const char *name, const void *begin, const void *end)
{
    const char *path = getenv("CODEC_FUZZ_CORE");
    void *core = path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    Init init = core ? (Init)dlsym(core, name) : NULL;
    if (init)
        init(begin, end);
}

void __sanitizer_cov_8bit_counters_init(uint8_t *begin, uint8_t *end)
{
    forward("__sanitizer_cov_8bit_counters_init", begin, end);
}
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end)
{
    forward("__sanitizer_cov_pcs_init", begin, end);
}
