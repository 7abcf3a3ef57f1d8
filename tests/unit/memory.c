/* memory MODEL GOLDEN [shift]: runs the sequences of GOLDEN/input_ids.json through MODEL whole, and then in
 * pieces that go on where the last ended: of all lengths, none too; one token at a time; all at once. What
 * comes out must be the same up to 3e-5 of max(1, |value|), and however they are cut the same to the last
 * bit. Prints the largest difference from whole ones and between the ways to cut; ends with 1 if one is too
 * large. shift: a place is left out behind the first piece, which must not pass. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "lm/run.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64 }; /* places that the golden models have */

static struct lm_text whole; /* all sequences */

/* The first up to `longest` tokens of each. */
static void read_ids(const char *dir, size_t longest)
{
    json_error_t e;
    char *path = xsprintf("%s/input_ids.json", dir);
    json_t *lists = json_load_file(path, 0, &e);
    size_t n = 0, *start = xcalloc(json_array_size(lists) + 1, sizeof *start);
    uint32_t *id = xcalloc(100000, sizeof *id);
    for (size_t i = 0; i < json_array_size(lists); i++) {
        json_t *list = json_array_get(lists, i);
        for (size_t k = 0; k < json_array_size(list) && k < longest; k++)
            id[n++] = (uint32_t)json_integer_value(json_array_get(list, k));
        start[i + 1] = n;
    }
    whole = (struct lm_text){ json_array_size(lists), start, id };
    json_decref(lists);
    free(path);
}

static void run_text(struct lm_run *run, const struct lm_text *t)
{
    size_t bad;
    if (t->start[t->n_seq] && lm_run_batch(run, 1, t, NULL, &bad) < 0)
        die("%s", lm_model_error(run->model));
}

enum way { ANY, ONE, ALL, N_WAY };

/* Tokens of sequence i in a pass. */
static size_t piece_length(enum way way, size_t pass, size_t i)
{
    static const size_t length[] = { 5, 1, 1, 0, 23, 1, 2, 31, 1, 7 };
    return way == ONE ? 1 : way == ALL ? LONGEST : length[(pass + i) % (sizeof length / sizeof *length)];
}

/* The next piece of every sequence, of which done[i] tokens are through; 0 when all is done. */
static size_t next_pieces(enum way way, size_t pass, const size_t *done, struct lm_text *t, size_t *start,
                          uint32_t *id)
{
    size_t n_left = 0;
    *t = (struct lm_text){ whole.n_seq, start, id };
    for (size_t i = 0; i < whole.n_seq; i++) {
        size_t first = whole.start[i] + done[i], left = whole.start[i + 1] - first;
        size_t n = piece_length(way, pass, i);
        n = n < left ? n : left;
        n_left += left;
        memcpy(id + start[i], whole.id + first, n * sizeof *id);
        start[i + 1] = start[i] + n;
    }
    return n_left;
}

/* A place of every sequence is passed over: its key is 0. */
static void leave_out(struct lm_memory *m)
{
    size_t d = m->config->d_head, n_kv = m->config->n_kv_head;
    float *zero = xcalloc(whole.n_seq * d * n_kv, sizeof *zero);
    size_t *start = xnew(whole.n_seq + 1, sizeof *start);
    struct lm_heads heads = { zero, n_kv * d, d };
    for (size_t i = 0; i <= whole.n_seq; i++)
        start[i] = i;
    for (int layer = 0; layer < m->config->n_layer; layer++)
        lm_memory_add(m, layer, 0, start, whole.n_seq, &heads, &heads);
    lm_memory_grow(m, start, whole.n_seq);
    free(start);
    free(zero);
}

/* All final rows, cut in some way, into got. */
static void run_pieces(struct lm_run *run, const struct lm_config *c, enum way way, int shift, float *got)
{
    size_t *done = xcalloc(whole.n_seq, sizeof *done), *start = xcalloc(whole.n_seq + 1, sizeof *start);
    uint32_t *id = xcalloc(whole.start[whole.n_seq], sizeof *id);
    struct lm_memory *memory = lm_memory_new(c, whole.n_seq, LONGEST);
    struct lm_text t;
    size_t d = c->d_embed;
    lm_forward_remember(run->forward, memory);
    for (size_t pass = 0; next_pieces(way, pass, done, &t, start, id); pass++) {
        run_text(run, &t);
        for (size_t i = 0; i < t.n_seq; i++) {
            size_t n = start[i + 1] - start[i];
            memcpy(got + (whole.start[i] + done[i]) * d, run->x + start[i] * d, n * d * sizeof *got);
            done[i] += n;
        }
        if (shift && pass == 0)
            leave_out(memory);
    }
    lm_memory_free(memory);
    free(id);
    free(start);
    free(done);
}

/* The largest |difference| / max(1, |a|). */
static double apart(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)a[i] - b[i]) / fmax(1, fabs((double)a[i])));
    return worst;
}

int main(int argc, char **argv)
{
    const char *why;
    msg_set_prog("memory");
    if (argc < 3 || gemm_load(&why) < 0)
        return 2;
    int shift = argc > 3 && !strcmp(argv[3], "shift");
    struct lm_checkpoint *checkpoint = lm_checkpoint_open(argv[1], 1, &why);
    if (!checkpoint)
        die("%s: %s", argv[1], why);
    const struct lm_config *c = lm_checkpoint_config(checkpoint);
    read_ids(argv[2], LONGEST - (size_t)shift);
    size_t n = whole.start[whole.n_seq], width = c->d_model > c->d_embed ? c->d_model : c->d_embed;
    struct lm_run run = { .model = lm_model_new(checkpoint, GEMM_F32, 2, NULL, 0, 1) };
    run.forward = lm_forward_new(c, LONGEST, 2);
    run.x = xaligned(n, width * sizeof *run.x);
    run_text(&run, &whole);
    float *want = xnew(n, width * sizeof *want), *got[N_WAY];
    size_t n_value = n * c->d_embed;
    memcpy(want, run.x, n_value * sizeof *want);
    for (enum way way = ANY; way < N_WAY; way++) {
        got[way] = xnew(n_value, sizeof **got);
        run_pieces(&run, c, way, shift && way == ANY, got[way]);
    }
    double worst = apart(want, got[ANY], n_value), between = 0;
    for (enum way way = ANY; way < N_WAY; way++)
        between = fmax(between, apart(got[ANY], got[way], n_value));
    printf("%.3g %.3g\n", worst, between);
    for (enum way way = ANY; way < N_WAY; way++)
        free(got[way]);
    free(want);
    free(run.x);
    lm_forward_free(run.forward);
    lm_model_free(run.model);
    free((void *)whole.start);
    free((void *)whole.id);
    return !(worst <= 3e-5) || between != 0;
}
