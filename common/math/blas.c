/* OpenBLAS chooses its kernels while it is loaded, by the model number of the processor. Version 0.3.21
 * (Debian 12) takes Intel's family 6 from model 0xb0 on, such as Raptor Lake and Emerald Rapids, for a
 * Prescott of 2004 (driver/others/dynamic.c: a `case` falls through) and then runs at a quarter of its speed;
 * it knows no AMD after Zen 4 by name. Only OPENBLAS_CORETYPE in the environment overrides that, and only
 * before the library is loaded. So it is not linked but loaded here, asked what it found, and loaded again if
 * that was wrong; the user need not know, and programs that multiply nothing do not load 36 MB. To run the
 * whole program again under a changed environment would do the same, but show in ps, debuggers and profilers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/blas.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct {
    pthread_once_t once;
    struct blas blas;
    char why[256];
    int ok;
} self = { .once = PTHREAD_ONCE_INIT };

static unsigned cpu_features(void)
{
    unsigned f = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        f |= BLAS_CPU_AVX2;
    if ((f & BLAS_CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        f |= BLAS_CPU_AVX512;
#endif
    return f;
}

const char *blas_better_core(const char *core, unsigned cpu)
{
    /* Kernels for AVX2 or more; what is not here was written for older processors. */
    static const char *const modern[] = { "Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids" };
    if (!(cpu & BLAS_CPU_AVX2))
        return NULL;
    for (size_t i = 0; i < sizeof modern / sizeof *modern; i++)
        if (!strcasecmp(core, modern[i]))
            return NULL;
    return cpu & BLAS_CPU_AVX512 ? "SKYLAKEX" : "HASWELL";
}

static void *open_library(void)
{
    static const char *const names[] = {
        "libopenblas.so.0",    "libopenblas.so",
        "libopenblas.0.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
        "libopenblas.dylib",   "/usr/local/opt/openblas/lib/libopenblas.dylib"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (lib)
            return lib;
        if (i == 0) {
            const char *error = dlerror();
            snprintf(self.why, sizeof self.why, "cannot load OpenBLAS: %s", error ? error : names[0]);
        }
    }
    return NULL;
}

/* A function of the library, whatever its type: *(void **) would not be C. */
static int find(void *lib, const char *name, void *fn, size_t size)
{
    void *p = dlsym(lib, name);
    if (!p)
        snprintf(self.why, sizeof self.why, "OpenBLAS has no %s()", name);
    else
        memcpy(fn, &p, size);
    return p ? 0 : -1;
}

static const char *core_name(void *lib)
{
    char *(*get)(void) = NULL;
    if (find(lib, "openblas_get_corename", &get, sizeof get) < 0)
        return NULL;
    const char *name = get();
    return name ? name : "";
}

static void load(void)
{
    /* Our threads share out the work; OpenBLAS would start as many of its own while it is loaded. */
    const char *user_threads = getenv("OPENBLAS_NUM_THREADS");
    char *threads = user_threads ? strdup(user_threads) : NULL;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *lib = open_library();
    const char *core = lib ? core_name(lib) : NULL;
    const char *better = core && !getenv("OPENBLAS_CORETYPE") ? blas_better_core(core, cpu_features()) : NULL;
    if (better) {
        dlclose(lib);
        setenv("OPENBLAS_CORETYPE", better, 1);
        lib = open_library();
        core = lib ? core_name(lib) : NULL;
        unsetenv("OPENBLAS_CORETYPE");
    }
    if (user_threads && threads)
        setenv("OPENBLAS_NUM_THREADS", threads, 1);
    else
        unsetenv("OPENBLAS_NUM_THREADS");
    free(threads);
    void (*set_threads)(int) = NULL;
    if (!core || find(lib, "openblas_set_num_threads", &set_threads, sizeof set_threads) < 0 ||
        find(lib, "cblas_sgemm", &self.blas.sgemm, sizeof self.blas.sgemm) < 0)
        return;
    set_threads(1);
    snprintf(self.blas.core, sizeof self.blas.core, "%s", core);
    self.ok = 1;
}

const struct blas *blas_load(const char **why)
{
    pthread_once(&self.once, load);
    if (!self.ok && why)
        *why = self.why;
    return self.ok ? &self.blas : NULL;
}
