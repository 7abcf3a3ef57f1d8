/* gradrun CONFIG...: what lm_grad_run promises beyond derivatives, for a model of random weights. The same
 * bytes on any number of threads; a sequence's losses the same bytes whatever it runs with; gradients of
 * parts that add up; the losses those of the forward pass that ppl takes, from a directory written to disk;
 * all precisions; masks of dropout. Prints what fails and ends with 1 then. The model's directory is
 * ./model-N for the N-th CONFIG. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/rng.h"
#include "io/outdir.h"
#include "lm/forward.h"
#include "lm/grad.h"
#include "lm/hfdir.h"
#include "lm/score.h"
#include "math/dropout.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEQ = 8, LONGEST = 200 };
static const size_t length[N_SEQ] = { 130, 64, 200, 1, 65, 150, 90, 10 }; /* two micro-batches */
static int n_failed;

static void check(int ok, const char *what)
{
    if (!ok)
        printf("failed: %s\n", what);
    n_failed += !ok;
}

/* ---- a model, a text, a run */

struct model {
    char *json;
    struct lm_config config;
    struct lm_params *params;
    float *w;
    size_t start[N_SEQ + 1], n;
    uint32_t *id, *target;
};

static void model_init(struct model *m, const char *path)
{
    char why[LM_WHY_MAX];
    struct rng r;
    FILE *f = fopen(path, "r");
    m->json = xcalloc(10000, 1);
    size_t n = f ? fread(m->json, 1, 9999, f) : 0;
    if (!f || lm_config_parse(m->json, n, &m->config, why) < 0)
        die("%s: %s", path, f ? why : "cannot be read");
    fclose(f);
    m->params = lm_params_new(&m->config);
    m->w = xnew(m->params->n, sizeof *m->w);
    lm_params_init(m->params, m->w, 5, 0.3);
    rng_init(&r, 2, 0);
    for (size_t i = 0; i < m->params->n; i++)
        m->w[i] += (float)(0.3 * (rng_unit(&r) - 0.5));
    m->start[0] = 0;
    for (size_t i = 0; i < N_SEQ; i++)
        m->start[i + 1] = m->start[i] + length[i];
    m->n = m->start[N_SEQ];
    m->id = xnew(m->n, sizeof *m->id);
    m->target = xnew(m->n, sizeof *m->target);
    for (size_t i = 0; i < m->n; i++) {
        m->id[i] = rng_below(&r, (uint32_t)m->config.vocab_size);
        m->target[i] = i % 11 == 5 ? UINT32_MAX : rng_below(&r, (uint32_t)m->config.vocab_size);
    }
}

static void model_clear(struct model *m)
{
    lm_params_free(m->params);
    free(m->json);
    free(m->w);
    free(m->id);
    free(m->target);
}

/* Sequences [from, end) into grad, if it is not NULL, and nll of those alone. */
static void run(const struct model *m, size_t from, size_t end, enum gemm_precision precision, int n_thread,
                const struct lm_dropout *d, double scale, float *grad, float *nll)
{
    char why[LM_WHY_MAX];
    size_t start[N_SEQ + 1];
    for (size_t i = from; i <= end; i++)
        start[i - from] = m->start[i] - m->start[from];
    struct lm_text text = { end - from, start, m->id + m->start[from] };
    struct lm_grad *g = lm_grad_new(m->params, LONGEST, precision, n_thread, why);
    if (!g)
        die("%s", why);
    if (lm_grad_run(g, m->w, &text, m->target + m->start[from], d, scale, grad, nll) < 0)
        die("lm_grad_run failed");
    lm_grad_free(g);
}

/* The largest |a - b| over the largest |b|; NaN if one is. */
static double difference(const float *a, const float *b, size_t n)
{
    double worst = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        double off = fabs((double)a[i] - b[i]);
        worst = off > worst || isnan(off) ? off : worst;
        most = fmax(most, fabs(b[i]));
    }
    return worst / most;
}

/* ---- the promises */

static void test_company(const struct model *m)
{
    size_t n = m->params->n;
    struct lm_dropout masks = { 0.1, 0.2, 1, 2 };
    float *grad = xcalloc(n, sizeof *grad), *other = xcalloc(n, sizeof *other),
          *parts = xcalloc(n, sizeof *parts);
    float *nll = xnew(m->n, sizeof *nll), *again = xnew(m->n, sizeof *again);
    for (int k = 0; k < 2; k++) { /* without dropout and with it */
        memset(grad, 0, n * sizeof *grad);
        memset(other, 0, n * sizeof *other);
        run(m, 0, N_SEQ, GEMM_F32, 1, k ? &masks : NULL, 1, grad, nll);
        run(m, 0, N_SEQ, GEMM_F32, 3, k ? &masks : NULL, 1, other, again);
        check(!memcmp(grad, other, n * sizeof *grad) && !memcmp(nll, again, m->n * sizeof *nll),
              "the same bytes on three threads");
    }
    run(m, 0, N_SEQ, GEMM_F32, 1, NULL, 1, NULL, again);
    memset(grad, 0, n * sizeof *grad);
    run(m, 0, N_SEQ, GEMM_F32, 1, NULL, 1, grad, nll);
    check(!memcmp(nll, again, m->n * sizeof *nll), "the same losses without a gradient");
    for (size_t i = 0; i < N_SEQ; i++)
        run(m, i, i + 1, GEMM_F32, 1, NULL, 0.5, parts, again + m->start[i]);
    check(!memcmp(nll, again, m->n * sizeof *nll), "the same losses of each sequence by itself");
    for (size_t i = 0; i < n; i++)
        parts[i] *= 2;
    check(difference(parts, grad, n) < 2e-6, "gradients of sequences add up, scaled");
    int scored = 1;
    for (size_t i = 0; i < m->n; i++)
        scored &= m->target[i] == UINT32_MAX ? nll[i] == 0 : nll[i] > 0;
    check(scored, "no loss where there is no target");
    void *all[] = { grad, other, parts, nll, again };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void test_precisions(const struct model *m)
{
    size_t n = m->params->n;
    float *grad = xcalloc(n, sizeof *grad), *nll = xnew(m->n, sizeof *nll),
          *again = xnew(m->n, sizeof *again);
    run(m, 0, N_SEQ, GEMM_F32, 2, NULL, 1, grad, nll);
    for (enum gemm_precision p = GEMM_BF16X3; p <= GEMM_BF16; p++) {
        float *other = xcalloc(n, sizeof *other);
        run(m, 0, N_SEQ, p, 2, NULL, 1, other, again);
        double off = fmax(difference(other, grad, n), difference(again, nll, m->n));
        check(p == GEMM_BF16X3 ? off < 1e-5 : off > 1e-4 && off < 0.1, gemm_precision_name(p));
        free(other);
    }
    free(grad);
    free(nll);
    free(again);
}

/* nll as ppl has it, of the model in a directory. */
static void score(const char *dir, const struct model *m, double *nll)
{
    const char *why;
    size_t bad;
    struct lm_checkpoint *c = lm_checkpoint_open(dir, 1, &why);
    if (!c)
        die("%s: %s", dir, why);
    struct lm_model *model = lm_model_new(c, GEMM_F32, 1, NULL, 0, 0);
    struct lm_text text = { N_SEQ, m->start, m->id };
    struct lm_forward *f = lm_forward_new(&m->config, LONGEST, 1);
    float *x = xnew(m->n, m->config.d_model * sizeof *x);
    struct lm_score *s = xnew(m->n, sizeof *s);
    int e = lm_forward_embed(f, model, 0, &text, x, NULL);
    for (int layer = 0; layer < m->config.n_layer && e == 0; layer++)
        e = lm_forward_layer(f, model, 0, layer, &text, x, NULL);
    if (e < 0 || lm_forward_final(f, model, 0, &text, x, x, NULL) < 0 ||
        lm_score_rows(&(struct lm_side){ model, 0, x, s }, 1, m->target, m->n, NULL, 1, NULL, &bad) < 0)
        die("%s", lm_model_error(model));
    for (size_t i = 0; i < m->n; i++)
        nll[i] = m->target[i] == UINT32_MAX ? 0 : lm_score_nll(&s[i]);
    free(s);
    free(x);
    lm_forward_free(f);
    lm_model_free(model);
}

static void test_forward(const struct model *m, int number)
{
    struct lm_hfdir_tokens tokens = { NULL, NULL, NULL, NULL };
    char *path = xsprintf("model-%d", number);
    struct outdir *dir = outdir_open(path);
    double off = 0, *want = xnew(m->n, sizeof *want);
    float *nll = xnew(m->n, sizeof *nll);
    lm_hfdir_write(dir, m->params, m->w, TENSOR_F32, m->json, "gradrun", "{}", 2, &tokens);
    outdir_close(dir);
    score(path, m, want);
    run(m, 0, N_SEQ, GEMM_F32, 1, NULL, 1, NULL, nll);
    for (size_t i = 0; i < m->n; i++) {
        double d = fabs(nll[i] - want[i]) / fmax(1, want[i]);
        off = d > off || isnan(d) ? d : off;
    }
    check(off < 1e-5, "the losses of the forward pass");
    free(path);
    free(want);
    free(nll);
}

static void test_masks(void)
{
    enum { ROWS = 1000, WIDTH = 1001 };
    const double rates[] = { 0.1, 0.5, 0.9 };
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        double rate = rates[k], kept = 0, sum = 0, both = 0, beside = 0, below = 0, n = (double)ROWS * WIDTH;
        struct dropout d = dropout_at(rate, 3, 4, 1, 5), e = dropout_at(rate, 3, 5, 1, 5);
        float x[WIDTH], y[WIDTH], last[WIDTH] = { 0 };
        for (size_t row = 0; row < ROWS; row++) {
            for (size_t i = 0; i < WIDTH; i++)
                x[i] = y[i] = 1;
            dropout_row(&d, row, x, WIDTH);
            dropout_row(&e, row, y, WIDTH);
            for (size_t i = 0; i < WIDTH; i++) {
                sum += x[i];
                kept += x[i] != 0;
                both += x[i] != 0 && y[i] != 0;
                beside += i && x[i] != 0 && x[i - 1] != 0;
                below += x[i] != 0 && last[i] != 0;
                last[i] = x[i];
            }
        }
        /* a share of 1e6 lies within 4 standard deviations of its expectation */
        double keep = 1 - rate, pair = keep * keep, sd = sqrt(rate * keep / n),
               pair_sd = sqrt(pair * (1 - pair) / n);
        check(fabs(kept / n - keep) < 4 * sd, "the share that is kept");
        check(fabs(sum / n - 1) < 4 * sd / keep, "what is kept is as large as all was");
        check(fabs(both / n - pair) < 4 * pair_sd, "masks of two steps have nothing to do with each other");
        check(fabs(beside / (n - ROWS) - pair) < 4 * pair_sd, "nor have neighbours");
        check(fabs(below / (n - WIDTH) - pair) < 4 * pair_sd, "nor rows");
    }
}

int main(int argc, char **argv)
{
    const char *why;
    msg_set_prog("gradrun");
    if (argc < 2 || gemm_load(&why) < 0)
        return 2;
    test_masks();
    for (int i = 1; i < argc; i++) {
        struct model m;
        int failed = n_failed;
        model_init(&m, argv[i]);
        test_company(&m);
        test_precisions(&m);
        test_forward(&m, i);
        model_clear(&m);
        if (n_failed > failed)
            printf("%s\n", argv[i]);
    }
    return n_failed > 0;
}
