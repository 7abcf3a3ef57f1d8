/* decoder MODEL GOLDEN [CHANGE]: runs the sequences of GOLDEN/input_ids.json through MODEL and compares every
 * number in GOLDEN/expected.safetensors: prints the kind of each and the largest |got - expected| / max(1,
 * |expected|), and ends with 1 if one is above the tolerance. CHANGE breaks the model on the way, which must
 * not pass: swap-qk, neighbours (rotary pairs), shift (learned positions), gelu-other (the other GELU).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "io/tstream.h"
#include "lm/forward.h"
#include "lm/score.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double tolerance = 1e-4, nll_tolerance = 1e-4, mean_tolerance = 2e-5;
enum kind { HIDDEN, FINAL, MLP_ACT, MLP_OUT, LOGITS, NLL, MEAN_NLL, N_KIND };
static const char *const kind_name[] = {
    "hidden", "final", "mlp_act", "mlp_out", "logits", "nll", "mean_nll"
};
static double worst[N_KIND], *got[8][N_KIND][64];
static struct lm_text text;
static struct lm_config config;

/* ---- what is expected */

static json_t *read_ids(const char *dir)
{
    json_error_t e;
    char *path = xsprintf("%s/input_ids.json", dir);
    json_t *lists = json_load_file(path, 0, &e);
    size_t n = 0, *start = xcalloc(json_array_size(lists) + 1, sizeof *start);
    uint32_t *id = xcalloc(100000, sizeof *id);
    text = (struct lm_text){ json_array_size(lists), start, id };
    for (size_t i = 0; i < text.n_seq; i++) {
        json_t *list = json_array_get(lists, i);
        for (size_t k = 0; k < json_array_size(list); k++)
            id[n++] = (uint32_t)json_integer_value(json_array_get(list, k));
        start[i + 1] = n;
    }
    free(path);
    return lists;
}

static void compare(enum kind kind, const double *mine, const struct tensor *t, double scale_from)
{
    for (size_t i = 0; i < t->n; i++) {
        double want;
        tensor_to_f64(t, i, 1, &want);
        double off = fabs(mine[i] - want) / fmax(scale_from, fabs(want));
        if (!(off <= worst[kind]))
            worst[kind] = off;
    }
}

static void compare_all(const char *dir)
{
    char *path = xsprintf("%s/expected.safetensors", dir);
    struct ts_reader *in = ts_open_in(path, 1);
    struct tensor t;
    size_t n_seen = 0;
    while (ts_next(in, &t) > 0) {
        size_t seq;
        int layer = 0, used = 0;
        char what[32];
        if (sscanf(t.name, "seq%zu.%31[a-z_].%d%n", &seq, what, &layer, &used) < 2)
            die("%s: '%s'", path, t.name);
        for (int k = 0; k < MEAN_NLL; k++)
            if (!strcmp(what, kind_name[k])) {
                if (t.n && !got[seq][k][layer])
                    die("no %s", t.name);
                compare((enum kind)k, got[seq][k][layer], &t, 1);
                n_seen++;
                if (k == NLL && t.n) {
                    double a = 0, b = 0, want;
                    for (size_t i = 0; i < t.n; i++) {
                        tensor_to_f64(&t, i, 1, &want);
                        a += got[seq][k][0][i];
                        b += want;
                    }
                    worst[MEAN_NLL] = fmax(worst[MEAN_NLL], fabs(a - b) / (double)t.n);
                }
            }
    }
    if (n_seen < text.n_seq * 9)
        die("only %zu tensors were compared", n_seen);
    ts_close(in);
    free(path);
}

/* ---- what the decoder gives */

static void keep(enum kind kind, int layer, size_t from, size_t n, const float *x, size_t width)
{
    for (size_t seq = 0; seq < text.n_seq; seq++)
        for (size_t row = text.start[seq]; row < text.start[seq + 1]; row++)
            if (row >= from && row < from + n) {
                double **to = &got[seq][kind][layer];
                if (!*to)
                    *to = xcalloc((text.start[seq + 1] - text.start[seq]) * width, sizeof **to);
                for (size_t i = 0; i < width; i++)
                    (*to)[(row - text.start[seq]) * width + i] = x[(row - from) * width + i];
            }
}

static void see(void *ctx, enum lm_site site, int layer, size_t from, size_t n, const float *x, size_t width)
{
    (void)ctx;
    int bloom = !strcmp(config.family->model_type, "bloom");
    if (site == LM_AT_EMBED)
        keep(HIDDEN, 0, from, n, x, width);
    if (site == LM_AT_RESID)
        keep(HIDDEN, layer + 1, from, n, x, width);
    if (site == (bloom ? LM_AT_RESID : LM_AT_MLP_OUT))
        keep(MLP_OUT, layer, from, n, x, width);
    if (site == LM_AT_MLP_ACT)
        keep(MLP_ACT, layer, from, n, x, width);
    if (site == LM_AT_FINAL)
        keep(FINAL, 0, from, n, x, width);
}

static float *logits;

static void see_logits(void *ctx, size_t side, size_t from, size_t n, size_t vocab, size_t n_vocab,
                       const float *z)
{
    (void)ctx;
    (void)side;
    for (size_t i = 0; i < n; i++)
        memcpy(logits + (from + i) * config.vocab_size + vocab, z + i * n_vocab, n_vocab * sizeof *z);
}

static void run(struct lm_model *m, size_t variant)
{
    size_t n = text.start[text.n_seq], longest = 0, bad;
    for (size_t i = 0; i < text.n_seq; i++)
        longest = text.start[i + 1] - text.start[i] > longest ? text.start[i + 1] - text.start[i] : longest;
    struct lm_forward *f = lm_forward_new(&config, longest, 2);
    struct lm_tap tap = { ~0u, see, NULL };
    float *x = xcalloc(n, config.d_model * sizeof *x), *final = xcalloc(n, config.d_embed * sizeof *final);
    int e = lm_forward_embed(f, m, variant, &text, x, &tap);
    for (int layer = 0; layer < config.n_layer && e == 0; layer++) {
        e = lm_forward_layer(f, m, variant, layer, &text, x, &tap);
        lm_model_drop(m, layer);
    }
    if (e < 0 || lm_forward_final(f, m, variant, &text, x, final, &tap) < 0)
        die("%s", lm_model_error(m));
    struct lm_score *score = xcalloc(n, sizeof *score);
    uint32_t *target = xcalloc(n + 1, sizeof *target);
    memcpy(target, text.id + 1, (n - 1) * sizeof *target);
    logits = xcalloc(n, config.vocab_size * sizeof *logits);
    struct lm_side side = { m, variant, final, score };
    struct lm_logits_tap logits_tap = { see_logits, NULL };
    if (lm_score_rows(&side, 1, target, n, NULL, 2, &logits_tap, &bad) < 0)
        die("%s", lm_model_error(m));
    keep(LOGITS, 0, 0, n, logits, config.vocab_size);
    for (size_t seq = 0; seq < text.n_seq; seq++) {
        size_t first = text.start[seq], n_nll = text.start[seq + 1] - first - 1;
        got[seq][NLL][0] = xcalloc(n_nll + 1, sizeof(double));
        for (size_t i = 0; i < n_nll; i++)
            got[seq][NLL][0][i] = lm_score_nll(&score[first + i]);
    }
    lm_forward_free(f);
    free(x);
    free(final);
    free(score);
    free(target);
    free(logits);
}

/* ---- models that are wrong */

static const char *how;

static size_t way(void *ctx, const struct lm_place *p, const char *name)
{
    (void)ctx;
    (void)name;
    if (!strcmp(how, "shift"))
        return p->role == LM_POSITION;
    return p->role == LM_ATTN_QKV || p->role == LM_ATTN_Q || p->role == LM_ATTN_K;
}

static float *row_of(float *w, size_t n_in, size_t row, int part, size_t head)
{
    size_t d = config.d_head, h = config.n_head;
    if (config.family->qkv == LM_QKV_BY_HEAD)
        return w + ((head * 3 + (size_t)part) * d + row) * n_in;
    if (config.family->qkv == LM_QKV_BY_KIND)
        return w + (((size_t)part * h + head) * d + row) * n_in;
    return w + (head * d + row) * n_in;
}

static int change(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype, float *w,
                  size_t n_out, size_t n_in, char why[LM_WHY_MAX])
{
    (void)dtype;
    (void)ctx;
    (void)name;
    (void)why;
    size_t d = config.d_head;
    if (!strcmp(how, "shift")) {
        memmove(w, w + n_in, (n_out - 1) * n_in * sizeof *w);
        return 0;
    }
    for (size_t head = 0; head < config.n_head; head++)
        for (size_t row = 0; row < d && !strcmp(how, "swap-qk"); row++)
            for (size_t i = 0; i < n_in; i++) {
                float *q = row_of(w, n_in, row, 0, head) + i, *k = row_of(w, n_in, row, 1, head) + i, t = *q;
                *q = *k;
                *k = t;
            }
    if (strcmp(how, "neighbours") != 0)
        return 0;
    /* half-split rotation of these rows is rotation of neighbours in the rows as they were */
    int fused = p->role == LM_ATTN_QKV;
    size_t half = config.n_rotary / 2, n_head = p->role == LM_ATTN_K ? config.n_kv_head : config.n_head;
    float *copy = xcalloc(d, n_in * sizeof *copy);
    for (int part = 0; part < 1 + fused; part++)
        for (size_t head = 0; head < n_head; head++) {
            for (size_t j = 0; j < half; j++) {
                memcpy(copy + j * n_in, row_of(w, n_in, 2 * j, part, head), n_in * sizeof *w);
                memcpy(copy + (half + j) * n_in, row_of(w, n_in, 2 * j + 1, part, head), n_in * sizeof *w);
            }
            for (size_t j = 0; j < 2 * half; j++)
                memcpy(row_of(w, n_in, j, part, head), copy + j * n_in, n_in * sizeof *w);
        }
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    const char *why;
    enum gemm_precision precision = GEMM_F32;
    msg_set_prog("decoder");
    if (argc < 3 || gemm_load(&why) < 0)
        return 2;
    how = argc > 3 ? argv[3] : "";
    struct lm_checkpoint *c = lm_checkpoint_open(argv[1], 1, &why);
    if (!c)
        die("%s: %s", argv[1], why);
    config = *lm_checkpoint_config(c);
    if (!strcmp(how, "gelu-other"))
        config.activation = config.activation == LM_GELU ? LM_GELU_TANH : LM_GELU;
    if (!strcmp(how, "bf16"))
        precision = GEMM_BF16, tolerance = 0.5, nll_tolerance = mean_tolerance = 0.05;
    if (!strcmp(how, "bf16x3"))
        precision = GEMM_BF16X3;
    int broken = !strcmp(how, "shift") || !strcmp(how, "swap-qk") || !strcmp(how, "neighbours");
    struct lm_change wrong = { way, change, NULL };
    struct lm_model *m = lm_model_new(c, precision, 2, &wrong, (size_t)broken, 0);
    json_decref(read_ids(argv[2]));
    run(m, (size_t)broken);
    compare_all(argv[2]);
    int failed = 0;
    for (int k = 0; k < N_KIND; k++) {
        double limit = k == MEAN_NLL ? mean_tolerance : k == NLL ? nll_tolerance : tolerance;
        printf("%s %.3g%s\n", kind_name[k], worst[k], worst[k] <= limit ? "" : " beyond the tolerance");
        failed |= !(worst[k] <= limit);
    }
    for (size_t s = 0; s < text.n_seq; s++)
        for (int k = 0; k < N_KIND; k++)
            for (int i = 0; i < 64; i++)
                free(got[s][k][i]);
    free((void *)text.start);
    free((void *)text.id);
    lm_model_free(m);
    return failed;
}
