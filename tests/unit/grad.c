/* grad CONFIG [--CHANGE]... : every derivative of lm_grad_run, for a small model of random weights, against
 * central differences of a decoder in double precision that is written down here once more, straight from the
 * formulas, one number at a time. Prints the largest differences, by tensor if one is beyond its tolerance,
 * and ends with 1 then. CHANGE: dropout (with masks); long (sequences of several blocks of attention, several
 * micro-batches, along random directions); other-gelu, swap-qk, no-mask: a reference that computes something
 * else, which must not pass. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grad.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/rng.h"
#include "math/dropout.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double loss_tolerance = 1e-5, grad_tolerance = 2e-5, step = 1e-5;
static struct lm_config config;
static struct lm_params *params;
static struct lm_text text;
static uint32_t *target;
static struct lm_dropout masks = { 0.2, 0.3, 7, 11 };
static int with_masks, is_long, other_gelu, swap_qk;

/* ---- the reference */

static const double *at(const double *w, enum lm_role role, int layer, int bias)
{
    const struct lm_place place = { role, layer, bias };
    const struct lm_param *p = lm_params_find(params, &place);
    return p ? w + p->offset : NULL;
}

/* y[n_out] = W x + b */
static void linear(const double *w, enum lm_role role, int layer, const double *x, size_t n_out, size_t n_in,
                   double *y)
{
    const double *m = at(w, role, layer, 0), *b = at(w, role, layer, 1);
    int in_out = layer >= 0 && config.family->weights_in_out;
    for (size_t o = 0; o < n_out; o++) {
        y[o] = b ? b[o] : 0;
        for (size_t i = 0; i < n_in; i++)
            y[o] += x[i] * (in_out ? m[i * n_out + o] : m[o * n_in + i]);
    }
}

static void norm(const double *w, enum lm_role role, int layer, const double *x, double *y)
{
    const double *m = at(w, role, layer, 0), *b = at(w, role, layer, 1);
    size_t d = config.d_model;
    double mean = 0, square = 0;
    for (size_t i = 0; i < d && !config.family->rms_norm; i++)
        mean += x[i] / (double)d;
    for (size_t i = 0; i < d; i++)
        square += (x[i] - mean) * (x[i] - mean) / (double)d;
    for (size_t i = 0; i < d; i++)
        y[i] = (x[i] - mean) / sqrt(square + config.norm_eps) * m[i] + (b ? b[i] : 0);
}

static double activation(double x)
{
    enum lm_activation a = config.activation;
    if (other_gelu)
        a = a == LM_GELU ? LM_GELU_TANH : LM_GELU;
    switch (a) {
    case LM_GELU:
        return x / 2 * (1 + erf(x / sqrt(2)));
    case LM_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case LM_RELU:
        return x > 0 ? x : 0;
    case LM_SILU:
        return x / (1 + exp(-x));
    }
    return NAN;
}

/* A row of a site through its mask: sites and rows as lm/grad_layer.c numbers them. */
static void drop(double rate, uint64_t site, int layer, uint64_t row, double *x, size_t n)
{
    if (!with_masks)
        return;
    struct dropout d = dropout_at(rate, masks.seed, masks.step, site, (uint64_t)layer);
    float *mask = xnew(n, sizeof *mask);
    for (size_t i = 0; i < n; i++)
        mask[i] = 1;
    dropout_row(&d, row, mask, n);
    for (size_t i = 0; i < n; i++)
        x[i] = mask[i] == 0 ? 0 : x[i] / (1 - rate);
    free(mask);
}

/* Where part 0 to 2 (q, k, v) of head h is in the row that the fused or separate projections give. */
static size_t head_at(int part, size_t h)
{
    size_t d = config.d_head;
    switch (config.family->qkv) {
    case LM_QKV_BY_HEAD:
        return (3 * h + (size_t)part) * d;
    default:
        return (part ? config.n_head + (size_t)(part - 1) * config.n_kv_head : 0) * d + h * d;
    }
}

static void rotate(double *x, size_t position)
{
    size_t half = config.n_rotary / 2;
    for (size_t j = 0; j < half; j++) {
        double angle = (double)position * pow(config.rope_theta, -(double)j / (double)half);
        double a = x[j], b = x[j + half];
        x[j] = a * cos(angle) - b * sin(angle);
        x[j + half] = b * cos(angle) + a * sin(angle);
    }
}

static double slope(size_t h)
{
    return config.position == LM_ALIBI ? pow(2, -8.0 * (double)(h + 1) / (double)config.n_head) : 0;
}

/* mix[T][n_head d_head] from qkv[T][width]; row: of the text */
static void attend(double *qkv, size_t width, size_t T, size_t row, int layer, double *mix)
{
    size_t d = config.d_head, n_head = config.n_head, share = n_head / config.n_kv_head;
    double *p = xnew(T, sizeof *p);
    for (size_t t = 0; t < T && config.position == LM_ROTARY; t++)
        for (size_t h = 0; h < n_head; h++) {
            rotate(qkv + t * width + head_at(0, h), t);
            if (h < config.n_kv_head)
                rotate(qkv + t * width + head_at(1, h), t);
        }
    for (size_t t = 0; t < T; t++)
        for (size_t h = 0; h < n_head; h++) {
            size_t q_at = head_at(swap_qk, h), k_at = head_at(!swap_qk, h / share),
                   v_at = head_at(2, h / share);
            double sum = 0, *out = mix + (t * n_head + h) * d;
            for (size_t s = 0; s <= t; s++) {
                double score = slope(h) * ((double)s - (double)t);
                for (size_t i = 0; i < d; i++)
                    score += qkv[t * width + q_at + i] * qkv[s * width + k_at + i] / sqrt((double)d);
                sum += p[s] = exp(score);
            }
            for (size_t s = 0; s <= t; s++)
                p[s] /= sum;
            drop(masks.attention, 0, layer, (row + t) * n_head + h, p, t + 1);
            memset(out, 0, d * sizeof *out);
            for (size_t s = 0; s <= t; s++)
                for (size_t i = 0; i < d; i++)
                    out[i] += p[s] * qkv[s * width + v_at + i];
        }
    free(p);
}

/* The layer for x[T][d_model] in place. */
static void run_layer(const double *w, int layer, size_t T, size_t row, double *x)
{
    size_t d = config.d_model, q = config.n_head * config.d_head, kv = config.n_kv_head * config.d_head;
    size_t width = q + 2 * kv, f = config.d_ff;
    double *qkv = xnew(T, width * sizeof *qkv), *mix = xnew(T, q * sizeof *mix),
           *n1 = xnew(T, d * sizeof *n1);
    double *y = xnew(d, sizeof *y), *z = xnew(d, sizeof *z), *up = xnew(f, sizeof *up),
           *gate = xnew(f, sizeof *gate);
    for (size_t t = 0; t < T; t++) {
        norm(w, LM_ATTN_NORM, layer, x + t * d, n1 + t * d);
        if (config.family->qkv != LM_QKV_APART) {
            linear(w, LM_ATTN_QKV, layer, n1 + t * d, width, d, qkv + t * width);
            continue;
        }
        linear(w, LM_ATTN_Q, layer, n1 + t * d, q, d, qkv + t * width);
        linear(w, LM_ATTN_K, layer, n1 + t * d, kv, d, qkv + t * width + q);
        linear(w, LM_ATTN_V, layer, n1 + t * d, kv, d, qkv + t * width + q + kv);
    }
    attend(qkv, width, T, row, layer, mix);
    for (size_t t = 0; t < T; t++) {
        double *in = x + t * d;
        linear(w, LM_ATTN_OUT, layer, mix + t * q, d, q, y);
        drop(masks.hidden, 1, layer, row + t, y, d);
        norm(w, LM_MLP_NORM, layer, in, z); /* of parallel ones, from what enters the layer */
        for (size_t i = 0; i < d; i++)
            in[i] = (config.residual_is_normed ? n1[t * d + i] : in[i]) + y[i];
        if (!config.parallel_residual)
            norm(w, LM_MLP_NORM, layer, in, z);
        linear(w, LM_MLP_UP, layer, z, f, d, up);
        if (config.family->gated)
            linear(w, LM_MLP_GATE, layer, z, f, d, gate);
        for (size_t i = 0; i < f; i++)
            up[i] = config.family->gated ? activation(gate[i]) * up[i] : activation(up[i]);
        linear(w, LM_MLP_DOWN, layer, up, d, f, y);
        drop(masks.hidden, 2, layer, row + t, y, d);
        for (size_t i = 0; i < d; i++)
            in[i] = (config.residual_is_normed ? z[i] : in[i]) + y[i];
    }
    void *all[] = { qkv, mix, n1, y, z, up, gate };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void embed(const double *w, uint32_t id, size_t position, double *x)
{
    size_t d = config.d_model, place = position + (size_t)config.family->position_offset;
    const double *row = at(w, LM_EMBED, -1, 0) + id * d, *learned = at(w, LM_POSITION, -1, 0);
    for (size_t i = 0; i < d; i++) {
        double angle = (double)place * pow(10000, -(double)(i % (d / 2)) / (double)(d / 2 - 1));
        x[i] = row[i] * config.embed_scale;
        if (config.position == LM_SINUSOIDAL)
            x[i] += i < d / 2 ? sin(angle) : cos(angle);
        if (learned)
            x[i] += learned[place * d + i];
    }
    if (at(w, LM_EMBED_NORM, -1, 0)) {
        double *y = xnew(d, sizeof *y);
        norm(w, LM_EMBED_NORM, -1, x, y);
        memcpy(x, y, d * sizeof *x);
        free(y);
    }
}

/* -ln p of each target into nll, 0 where there is none; returns their sum. */
static double reference(const double *w, double *nll)
{
    size_t d = config.d_model, n = text.start[text.n_seq];
    double total = 0, *x = xnew(n, d * sizeof *x), *y = xnew(d, sizeof *y);
    double *z = xnew(config.vocab_size, sizeof *z);
    for (size_t s = 0; s < text.n_seq; s++) {
        size_t from = text.start[s], T = text.start[s + 1] - from;
        for (size_t t = 0; t < T; t++)
            embed(w, text.id[from + t], t, x + (from + t) * d);
        for (int layer = 0; layer < config.n_layer; layer++)
            run_layer(w, layer, T, from, x + from * d);
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        nll[i] = 0;
        if (target[i] == UINT32_MAX)
            continue;
        if (config.final_norm)
            norm(w, LM_FINAL_NORM, -1, x + i * d, y);
        else
            memcpy(y, x + i * d, d * sizeof *y);
        linear(w, config.tied ? LM_EMBED : LM_HEAD, -1, y, config.vocab_size, d, z);
        for (size_t v = 0; v < config.vocab_size; v++)
            sum += exp(z[v]);
        total += nll[i] = log(sum) - z[target[i]];
    }
    free(x);
    free(y);
    free(z);
    return total;
}

/* ---- what is compared */

/* Random text: sequences of n[] tokens, every seventh target not scored. */
static void make_text(struct rng *r)
{
    static const size_t few[] = { 7, 1, 5 }, many[] = { 130, 64, 200, 1, 65, 150, 90, 10 };
    size_t n_seq = is_long ? 8 : 3, *start = xcalloc(n_seq + 1, sizeof *start);
    for (size_t i = 0; i < n_seq; i++)
        start[i + 1] = start[i] + (is_long ? many : few)[i];
    uint32_t *id = xnew(start[n_seq], sizeof *id);
    target = xnew(start[n_seq], sizeof *target);
    for (size_t i = 0; i < start[n_seq]; i++) {
        id[i] = rng_below(r, (uint32_t)config.vocab_size);
        target[i] = i % 7 == 3 ? UINT32_MAX : rng_below(r, (uint32_t)config.vocab_size);
    }
    text = (struct lm_text){ n_seq, start, id };
}

static double numeric(double *w, size_t i, double *nll)
{
    double at_w = w[i], up, down;
    w[i] = at_w + step;
    up = reference(w, nll);
    w[i] = at_w - step;
    down = reference(w, nll);
    w[i] = at_w;
    return (up - down) / (2 * step);
}

/* The larger; NaN if one is. */
static double larger(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

static int report(const char *what, double off, double tolerance)
{
    int good = off <= tolerance;
    printf("%s %.2g%s\n", what, off, good ? "" : " beyond the tolerance");
    return !good;
}

/* Each parameter's derivative; differences are relative to the largest of its tensor. */
static int compare_each(double *w, const float *grad, double *nll)
{
    double worst = 0;
    for (size_t p = 0; p < params->n_param; p++) {
        const struct lm_param *a = &params->param[p];
        double most = 0, off = 0;
        for (size_t i = a->offset; i < a->offset + a->n; i++) {
            double want = numeric(w, i, nll);
            most = fmax(most, fabs(want));
            off = larger(off, fabs(want - grad[i]));
        }
        /* a derivative that is 0 by symmetry, as that of a bias of keys, has nothing to be relative to */
        off /= fmax(most, 1e-2);
        if (!(off <= grad_tolerance))
            report(a->name, off, grad_tolerance);
        worst = larger(worst, off);
    }
    return report("gradient", worst, grad_tolerance);
}

/* Of each tensor the derivative along a random direction of unit length. */
static int compare_along(const double *w, const float *grad, double *nll, struct rng *r)
{
    double worst = 0, *there = xnew(params->n, sizeof *there),
           *direction = xnew(params->n, sizeof *direction);
    for (size_t p = 0; p < params->n_param; p++) {
        const struct lm_param *a = &params->param[p];
        double length = 0, got = 0, size = 0, side[2];
        for (size_t i = 0; i < a->n; i++) {
            direction[i] = rng_unit(r) - 0.5;
            length += direction[i] * direction[i];
        }
        for (size_t i = 0; i < a->n; i++) {
            got += direction[i] / sqrt(length) * grad[a->offset + i];
            size += (double)grad[a->offset + i] * grad[a->offset + i] / (double)a->n;
        }
        for (int k = 0; k < 2; k++) {
            memcpy(there, w, params->n * sizeof *w);
            for (size_t i = 0; i < a->n; i++)
                there[a->offset + i] += (k ? step : -step) * direction[i] / sqrt(length);
            side[k] = reference(there, nll);
        }
        double off = fabs((side[1] - side[0]) / (2 * step) - got) / fmax(sqrt(size), 1e-1);
        if (!(off <= grad_tolerance))
            report(a->name, off, grad_tolerance);
        worst = larger(worst, off);
    }
    free(there);
    free(direction);
    return report("gradient", worst, grad_tolerance);
}

static void read_config(const char *path)
{
    static char json[10000], why[LM_WHY_MAX];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(json, 1, sizeof json, f) : 0;
    if (!f || lm_config_parse(json, n, &config, why) < 0)
        die("%s: %s", path, f ? why : "cannot be read");
    fclose(f);
}

int main(int argc, char **argv)
{
    const char *why;
    char reason[LM_WHY_MAX];
    struct rng r;
    msg_set_prog("grad");
    if (argc < 2 || gemm_load(&why) < 0)
        return 2;
    for (int i = 2; i < argc; i++) {
        with_masks |= !strcmp(argv[i], "--dropout") || !strcmp(argv[i], "--no-mask");
        is_long |= !strcmp(argv[i], "--long");
        other_gelu |= !strcmp(argv[i], "--other-gelu");
        swap_qk |= !strcmp(argv[i], "--swap-qk");
    }
    read_config(argv[1]);
    rng_init(&r, 1, 0);
    make_text(&r);
    params = lm_params_new(&config);
    size_t n = text.start[text.n_seq];
    float *w = xnew(params->n, sizeof *w), *grad = xcalloc(params->n, sizeof *grad),
          *nll = xnew(n, sizeof *nll);
    double *wide = xnew(params->n, sizeof *wide), *want = xnew(n, sizeof *want), off = 0;
    lm_params_init(params, w, 3, 0.4);
    for (size_t i = 0; i < params->n; i++) /* so that norms and biases are not all alike */
        wide[i] = w[i] += (float)(0.4 * (rng_unit(&r) - 0.5));
    struct lm_grad *g = lm_grad_new(params, is_long ? 200 : 7, GEMM_F32, 2, reason);
    if (!g)
        die("%s", reason);
    if (lm_grad_run(g, w, &text, target, with_masks ? &masks : NULL, 1, grad, nll) < 0)
        die("lm_grad_run failed");
    for (int i = 2; i < argc; i++)
        with_masks &= strcmp(argv[i], "--no-mask") != 0;
    reference(wide, want);
    for (size_t i = 0; i < n; i++)
        off = larger(off, fabs(nll[i] - want[i]) / fmax(1, want[i]));
    int bad = report("nll", off, loss_tolerance);
    bad |= is_long ? compare_along(wide, grad, want, &r) : compare_each(wide, grad, want);
    void *all[] = { w, grad, nll, wide, want, target, (void *)text.start, (void *)text.id };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    lm_grad_free(g);
    lm_params_free(params);
    return bad;
}
