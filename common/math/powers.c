/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/powers.h"
#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LANES = POWERS_LANES };

double powers_total(const double a[LANES])
{
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/* Two numbers, which every 64-bit processor has vectors for; LANES of them. */
typedef double pair __attribute__((vector_size(2 * sizeof(double))));
enum { PAIRS = LANES / 2 };
struct pair_sums {
    pair power[4][PAIRS];
};

static pair fuse(pair a, pair b, pair c)
{
    return (pair){ fma(a[0], b[0], c[0]), fma(a[1], b[1], c[1]) };
}

/* Adds n_group whole groups of LANES numbers to the sums, the first number's place being `first`. */
static void sum_plain(const char *x, enum powers_type type, size_t n_group, size_t first,
                      struct powers_watch *w, struct powers *s)
{
    const uint32_t inner = half_bits(w->inner), outer = half_bits(w->outer);
    struct pair_sums p;
    memcpy(p.power, s->sum, sizeof p.power);
    for (size_t i = 0; i < n_group * LANES; i += LANES) {
        float f[LANES];
        for (size_t k = 0; k < LANES; k++) {
            f[k] = powers_at(x, type, i + k);
            uint32_t size = half_bits(f[k]) & 0x7fffffff;
            s->max_abs = size > s->max_abs ? size : s->max_abs;
            w->n_beyond += size > outer;
            w->between[w->n_between] = (uint16_t)(first + i + k); /* a branch would often be guessed wrong */
            w->n_between += size > inner && size <= outer;
        }
        for (int k = 0; k < PAIRS; k++) {
            pair d = { f[2 * k], f[2 * k + 1] }, square = d * d;
            p.power[0][k] += d;
            p.power[1][k] += square;
            p.power[2][k] = fuse(square, d, p.power[2][k]);
            p.power[3][k] = fuse(square, square, p.power[3][k]);
        }
    }
    memcpy(s->sum, p.power, sizeof s->sum);
}

#ifdef __x86_64__
#define AVX2        __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

AVX2_INLINE __m256 load_eight(const char *x, enum powers_type type)
{
    if (type == POWERS_F32)
        return _mm256_loadu_ps((const float *)x);
    __m128i half = _mm_loadu_si128((const __m128i *)x);
    if (type == POWERS_F16)
        return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* The same as doubles. Memory is the cheapest operand of a conversion, the next best is one of four floats.
 */
AVX2_INLINE void widen_eight(const char *x, enum powers_type type, __m256d d[2])
{
    __m128 low, high;
    __m128i half;
    if (type == POWERS_F32) {
        low = _mm_loadu_ps((const float *)x);
        high = _mm_loadu_ps((const float *)x + 4);
    } else if (type == POWERS_F16) {
        half = _mm_loadu_si128((const __m128i *)x);
        low = _mm_cvtph_ps(half);
        high = _mm_cvtph_ps(_mm_unpackhi_epi64(half, half));
    } else {
        half = _mm_loadu_si128((const __m128i *)x);
        low = _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), half));
        high = _mm_castsi128_ps(_mm_unpackhi_epi16(_mm_setzero_si128(), half));
    }
    d[0] = _mm256_cvtps_pd(low);
    d[1] = _mm256_cvtps_pd(high);
}

/* The bits of the largest number of 16 bits that is <= f, which is >= 0. */
static uint16_t floor_16(float f, enum powers_type type)
{
    uint16_t half = half_f32_to_f16(f);
    if (type == POWERS_BF16)
        return (uint16_t)(half_bits(f) >> 16);
    return (uint16_t)(half - (half_f16_to_f32(half) > f));
}

/* Takes the sizes of eight into `most`, as bits; returns whether any is beyond the bits in `inner`. */
AVX2_INLINE int see_eight(const char *x, enum powers_type type, __m256i inner, __m256i *most)
{
    if (type == POWERS_F32) {
        const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
        __m256i size = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)x), no_sign);
        *most = _mm256_max_epu32(*most, size);
        return _mm256_movemask_epi8(_mm256_cmpgt_epi32(size, inner)) != 0;
    }
    __m128i size = _mm_and_si128(_mm_loadu_si128((const __m128i *)x), _mm_set1_epi16(0x7fff));
    *most = _mm256_castsi128_si256(_mm_max_epu16(_mm256_castsi256_si128(*most), size));
    return _mm_movemask_epi8(_mm_cmpgt_epi16(size, _mm256_castsi256_si128(inner))) != 0;
}

/* The largest of `most`, as bits of a float. */
AVX2_INLINE uint32_t largest(__m256i most, enum powers_type type)
{
    char sizes[sizeof most];
    uint32_t all = 0;
    _mm256_storeu_si256((__m256i *)sizes, most);
    for (size_t i = 0; i < LANES; i++) {
        uint32_t size = half_bits(powers_at(sizes, type, i));
        all = size > all ? size : all;
    }
    return all;
}

/* Looks again at the groups that have numbers beyond `inner`, without branches: few of each are between. */
AVX2_INLINE void look_closer(const char *x, enum powers_type type, const uint16_t *group, size_t n_group,
                             struct powers_watch *w)
{
    const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
    const __m256i inner = _mm256_set1_epi32((int)half_bits(w->inner));
    const __m256i outer = _mm256_set1_epi32((int)half_bits(w->outer));
    uint32_t found[POWERS_CHUNK / LANES + 1], n_beyond[LANES]; /* found: a group's first place, and 8 bits */
    size_t n_found = 0, n = 0;
    __m256i count = _mm256_setzero_si256();
    for (size_t k = 0; k < n_group; k++) {
        __m256 f = load_eight(x + group[k] * LANES * powers_bytes(type), type);
        __m256i size = _mm256_and_si256(_mm256_castps_si256(f), no_sign);
        __m256i beyond = _mm256_cmpgt_epi32(size, outer); /* -1 where it is so */
        __m256i between = _mm256_andnot_si256(beyond, _mm256_cmpgt_epi32(size, inner));
        uint32_t bits = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(between));
        count = _mm256_sub_epi32(count, beyond);
        found[n_found] = (uint32_t)(group[k] * LANES) << 8 | bits;
        n_found += bits != 0;
    }
    _mm256_storeu_si256((__m256i *)n_beyond, count);
    for (int i = 0; i < LANES; i++)
        w->n_beyond += n_beyond[i];
    for (size_t k = 0; k < n_found; k++)
        for (uint32_t bits = found[k] & 255; bits; bits &= bits - 1)
            w->between[n++] = (uint16_t)((found[k] >> 8) + (uint32_t)__builtin_ctz(bits));
    w->n_between = n;
}

AVX2_INLINE void sum_groups(const char *x, enum powers_type type, size_t n_group, struct powers_watch *w,
                            struct powers *s)
{
    const __m256i inner = type == POWERS_F32 ? _mm256_set1_epi32((int)half_bits(w->inner))
                                             : _mm256_set1_epi16((short)floor_16(w->inner, type));
    const char *at = x;
    uint16_t far[POWERS_CHUNK / LANES + 1]; /* groups that have numbers beyond `inner` */
    size_t n_far = 0;
    __m256d p[4][2] = { { { 0 } } };
    __m256i most = _mm256_setzero_si256();
    for (size_t g = 0; g < n_group; g++, at += LANES * powers_bytes(type)) {
        __m256d d[2];
        _mm_prefetch(at + 2048, _MM_HINT_T0); /* into the next page, before which the processor stops */
        widen_eight(at, type, d);
        for (int half = 0; half < 2; half++) {
            __m256d square = _mm256_mul_pd(d[half], d[half]);
            p[0][half] = _mm256_add_pd(p[0][half], d[half]);
            p[1][half] = _mm256_fmadd_pd(d[half], d[half], p[1][half]); /* exact; adders are busier */
            p[2][half] = _mm256_fmadd_pd(square, d[half], p[2][half]);
            p[3][half] = _mm256_fmadd_pd(square, square, p[3][half]);
        }
        far[n_far] = (uint16_t)g; /* without a branch, which would often be guessed wrong */
        n_far += (size_t)see_eight(at, type, inner, &most);
    }
    look_closer(x, type, far, n_far, w);
    for (int k = 0; k < 4; k++)
        for (int half = 0; half < 2; half++)
            _mm256_storeu_pd(s->sum[k] + 4 * half, p[k][half]);
    s->max_abs = largest(most, type);
}

/* As sum_plain, to sums that are 0, of a chunk's first groups. */
AVX2 static void sum_avx2(const char *x, enum powers_type type, size_t n_group, struct powers_watch *w,
                          struct powers *s)
{
    if (type == POWERS_F32)
        sum_groups(x, POWERS_F32, n_group, w, s);
    else if (type == POWERS_BF16)
        sum_groups(x, POWERS_BF16, n_group, w, s);
    else
        sum_groups(x, POWERS_F16, n_group, w, s);
}
#endif

void powers_sum(const void *x, enum powers_type type, size_t n, struct powers_watch *watch,
                struct powers *out)
{
    size_t n_group = n / LANES, n_rest = n % LANES, bytes = powers_bytes(type);
    *out = (struct powers){ .max_abs = 0 };
    watch->n_beyond = watch->n_between = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) /* what has these has F16C */
        sum_avx2(x, type, n_group, watch, out);
    else
#endif
        sum_plain(x, type, n_group, 0, watch, out);
    if (n_rest) {
        char padded[LANES * sizeof(float)] = { 0 }; /* zeros add nothing */
        memcpy(padded, (const char *)x + n_group * LANES * bytes, n_rest * bytes);
        sum_plain(padded, type, 1, n_group * LANES, watch, out);
    }
}

void powers_sum_f64(const double *x, size_t n, double origin, struct powers *out)
{
    struct pair_sums p = { { { { 0 } } } };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < PAIRS; k++) {
            pair d = (pair){ x[i + 2 * k], x[i + 2 * k + 1] } - origin, square = d * d;
            p.power[0][k] += d;
            p.power[1][k] += square;
            p.power[2][k] += square * d;
            p.power[3][k] += square * square;
        }
    *out = (struct powers){ .max_abs = 0 };
    memcpy(out->sum, p.power, sizeof out->sum);
    for (int k = 0; i < n; i++, k++) {
        double d = x[i] - origin, square = d * d;
        out->sum[0][k] += d;
        out->sum[1][k] += square;
        out->sum[2][k] += square * d;
        out->sum[3][k] += square * square;
    }
}
