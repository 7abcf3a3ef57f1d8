/* base - the ground layer against references that are not ours; prints one line for each check that fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "base/rng.h"
#include "base/threads.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

static int n_failed;

static void check(int ok, const char *what)
{
    if (!ok) {
        printf("failed: %s\n", what);
        n_failed++;
    }
}

/* Every sequence of up to four bytes whose bytes matter to the table, against ICU. */
static void test_utf8(void)
{
    static const unsigned char edge[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                          0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
    enum { N = sizeof edge };
    int wrong = 0;
    for (size_t length = 1; length <= 4; length++) {
        size_t count = 1;
        for (size_t i = 0; i < length; i++)
            count *= N;
        for (size_t k = 0; k < count; k++) {
            char s[5];
            size_t rest = k;
            for (size_t i = 0; i < length; i++, rest /= N)
                s[i] = (char)edge[rest % N];
            int32_t i = 0, start = 0, c = 0;
            while (i < (int32_t)length) {
                start = i;
                U8_NEXT(s, i, (int32_t)length, c);
                if (c < 0)
                    break;
            }
            size_t want = c < 0 ? (size_t)start : length;
            wrong += utf8_check(s, length) != want;
        }
    }
    check(!wrong, "utf8_check agrees with ICU");
    char s[4];
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t n = utf8_encode(c, s), m;
        wrong += utf8_check(s, n) != n || utf8_decode(s, &m) != c || m != n || utf8_length(s, n) != 1;
    }
    check(!wrong, "every code point survives encoding");
}

static void test_numbers(void)
{
    struct rng r;
    rng_init(&r, 1, 0);
    int wrong = 0;
    char text[NUM_TEXT_MAX];
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = rng_u64(&r);
        double v, back;
        memcpy(&v, &bits, 8);
        if (!isfinite(v))
            continue;
        wrong += num_parse_f64(num_text(v, text), &back) < 0 || back != v || strlen(text) >= NUM_TEXT_MAX;
    }
    check(!wrong, "num_text reads back");
    check(!strcmp(num_text(0.1, text), "0.1"), "num_text is short");
    double d;
    static const char *const bad[] = { "",    " 1",     "1 ", "1e999", "0x10", "1,5",
                                       "--1", "nan(1)", "+",  "e5",    "1e" };
    check(num_parse_f64("18446744073709551616", &d) == 0 && d == 0x1p64, "2^64");
    check(num_parse_f64("-0018446744073709551616.0", &d) == 0 && d == -0x1p64, "-2^64");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(num_parse_f64(bad[i], &d) < 0, bad[i]);
    int64_t n;
    uint64_t u;
    check(num_parse_i64("-9223372036854775808", &n) == 0 && n == INT64_MIN, "least i64");
    check(num_parse_i64("9223372036854775808", &n) < 0, "past i64");
    check(num_parse_u64("18446744073709551615", &u) == 0 && u == UINT64_MAX, "most u64");
    check(num_parse_u64("-1", &u) < 0 && num_parse_u64("18446744073709551616", &u) < 0, "past u64");
}

/* The generator from state 1, 2, 3, 4: the first outputs that its authors' definition gives by hand. */
static void test_rng(void)
{
    struct rng r = { { 1, 2, 3, 4 } };
    check(rng_u64(&r) == 41943041 && rng_u64(&r) == 58720359, "xoshiro256++ from {1, 2, 3, 4}");
    enum { CELLS = 13, DRAWS = 1300000 };
    double count[CELLS] = { 0 }, chi2 = 0;
    rng_init(&r, 5, 7);
    for (int i = 0; i < DRAWS; i++)
        count[rng_below(&r, CELLS)]++;
    for (int i = 0; i < CELLS; i++)
        chi2 += (count[i] - DRAWS / CELLS) * (count[i] - DRAWS / CELLS) / (DRAWS / CELLS);
    check(chi2 < 32.9, "rng_below is uniform (chi square, 12 df, p > 0.001)");
    struct rng least = { { 0 } }, most = { { 0, 0, 0, UINT64_MAX } }, unit = most;
    check(rng_unit(&unit) == 1 - 0x1p-53, "the largest draw");
    check(rng_inside(&least) > 0 && rng_inside(&most) < 1, "inside is neither 0 nor 1");
    struct rng a, b;
    rng_init(&a, 1, 0);
    msg_set_prog("other");
    rng_init(&b, 1, 0);
    check(rng_u64(&a) != rng_u64(&b), "two programs with one seed draw differently");
}

static void add_task(void *ctx, size_t task, int worker)
{
    (void)worker;
    ((size_t *)ctx)[task] += task + 1;
}

static void test_threads(void)
{
    enum { TASKS = 10000 };
    for (int n_thread = 0; n_thread <= 5; n_thread++) {
        size_t *done = xcalloc(TASKS, sizeof *done), wrong = 0;
        threads_for(n_thread, TASKS, add_task, done);
        for (size_t i = 0; i < TASKS; i++)
            wrong += done[i] != i + 1;
        check(!wrong, "every task runs once");
        free(done);
    }
    threads_for(4, 0, add_task, NULL);
}

/* Tasks that have tasks of their own, and say who is at which. */
struct crowd {
    atomic_int present[8], n_clash, n_done;
    int n_thread;
};

static void count_in(void *ctx, size_t task, int worker)
{
    struct crowd *c = ctx;
    (void)task, (void)worker;
    atomic_fetch_add(&c->n_done, 1);
}

static void enter(void *ctx, size_t task, int worker)
{
    struct crowd *c = ctx;
    int clash = worker < 0 || worker >= c->n_thread || atomic_fetch_add(&c->present[worker], 1) != 0;
    atomic_fetch_add(&c->n_clash, clash);
    threads_for(3, 5, count_in, c);
    if (!clash)
        atomic_fetch_sub(&c->present[worker], 1);
    (void)task;
}

static void *many_crowds(void *arg)
{
    struct crowd *wrong = arg;
    for (int round = 0; round < 3000; round++) {
        struct crowd c = { .n_thread = 1 + round % 8 };
        size_t n_task = (size_t)(round % 11);
        threads_for(c.n_thread, n_task, enter, &c);
        atomic_fetch_add(&wrong->n_clash, c.n_clash);
        atomic_fetch_add(&wrong->n_done, c.n_done != 5 * (int)n_task);
    }
    return NULL;
}

static void test_crowds(void)
{
    struct crowd wrong = { .n_thread = 0 };
    pthread_t other;
    check(pthread_create(&other, NULL, many_crowds, &wrong) == 0, "a thread");
    many_crowds(&wrong); /* two callers at once */
    pthread_join(other, NULL);
    check(!wrong.n_clash, "no two tasks at once have the same worker");
    check(!wrong.n_done, "all tasks are done on return, those of tasks too");
}

/* Floats of every size, and those that are short in decimal, against printf with as few digits as read back.
 */
static void test_f32_text(void)
{
    struct rng r;
    int wrong = 0;
    rng_init(&r, 1, 0);
    for (int i = 0; i < 400000; i++) {
        char text[NUM_TEXT_MAX], want[NUM_TEXT_MAX];
        uint32_t u = (uint32_t)rng_u64(&r);
        float v = (float)((double)(u % 1000000) / pow(10, i / 4 % 12 - 3));
        if (i % 4 == 0)
            memcpy(&v, &u, sizeof v);
        else if (i % 4 == 1)
            v = (float)ldexp((double)(int32_t)u, i / 4 % 64 - 48);
        else if (i % 4 == 2)
            v = (float)(rng_unit(&r) - 0.5);
        for (int digits = 6; digits <= 9 && isfinite(v); digits++) {
            snprintf(want, sizeof want, "%.*g", digits, (double)v);
            if (strtof(want, NULL) == v)
                break;
        }
        wrong += isfinite(v) && strcmp(num_text_f32(v, text), want) != 0;
    }
    check(!wrong, "num_text_f32 is the shortest that reads back");
    char text[NUM_TEXT_MAX];
    check(!strcmp(num_text_f32(-0.0f, text), "-0") && !strcmp(num_text_f32(NAN, text), "NaN") &&
              !strcmp(num_text_f32(-INFINITY, text), "-Inf"),
          "floats that are no numbers");
}

static void test_memory(void)
{
    size_t v;
    check(mem_mul(SIZE_MAX / 2, 3, &v) < 0 && mem_add(SIZE_MAX, 1, &v) < 0, "overflow is seen");
    check(mem_mul(6, 7, &v) == 0 && v == 42, "6 x 7");
    char *p = xaligned(3, 5);
    check((uintptr_t)p % 64 == 0, "xaligned aligns");
    free(p);
}

int main(void)
{
    msg_set_prog("unit");
    test_utf8();
    test_numbers();
    test_rng();
    test_threads();
    test_crowds();
    test_f32_text();
    test_memory();
    return n_failed != 0;
}
