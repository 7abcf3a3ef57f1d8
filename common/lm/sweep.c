/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/sweep.h"
#include "base/mem.h"
#include "lm/score.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOGETHER = 16 /* most cases that are scored at a time */, PATIENCE_S = 60 };

/* Windows [from, end). */
struct part_of_text {
    struct lm_batch text;
    struct lm_targets targets;
    size_t from, end;
    size_t *group;        /* [targets] */
    size_t *group_of_row; /* [tokens] LM_NO_GROUP where nothing is predicted */
    size_t group_room, row_room;
};

struct sweep {
    const struct lm_sweep *s;
    const struct lm_config *config;
    struct lm_branch *branch;
    struct part_of_text batch;
    size_t n_kept, room;         /* states of layers' inputs; of cases that wait to be scored */
    float *reference, **waiting; /* [n_token][width]; [room] of them */
    size_t *waiting_case, n_waiting;
    time_t since; /* when the first of them was run */
    char *why;
};

static int fail(const struct sweep *w, const char *reason)
{
    snprintf(w->why, LM_WHY_MAX, "%s", reason);
    return -1;
}

/* ---- batches */

static void fill_batch(struct sweep *w, size_t from, size_t end)
{
    const struct lm_sweep *s = w->s;
    struct part_of_text *b = &w->batch;
    lm_batch_fill(&b->text, s->windows, from, end, s->id);
    lm_targets_fill(&b->targets, s->windows, from, end, &b->text, s->id);
    size_t n_token = b->text.start[end - from];
    b->from = from;
    b->end = end;
    xgrow(&b->group, &b->group_room, b->targets.n, sizeof *b->group);
    xgrow(&b->group_of_row, &b->row_room, n_token, sizeof *b->group_of_row);
    for (size_t i = 0; i < n_token; i++)
        b->group_of_row[i] = LM_NO_GROUP;
    for (size_t i = 0; i < b->targets.n; i++) {
        b->group[i] = s->group_of[b->targets.text[i]];
        b->group_of_row[b->targets.row[i]] = b->group[i];
    }
}

static void clear_batch(struct part_of_text *b)
{
    lm_batch_clear(&b->text);
    lm_targets_clear(&b->targets);
    free(b->group);
    free(b->group_of_row);
}

/* The end of a batch that begins with window `from`. */
static size_t batch_end(const struct lm_sweep *s, size_t from, size_t n_token)
{
    const struct lm_window *window = s->windows->w;
    size_t end = lm_batch_end(s->windows, from, n_token), cut = end;
    if (end == s->windows->n)
        return end;
    while (cut > from && s->batch_of[window[cut - 1].text] == s->batch_of[window[end].text])
        cut--;
    return cut > from ? cut : end;
}

/* Whether the batch has the last tokens of the group, which has tokens in it. */
static int is_complete(const struct sweep *w, size_t group)
{
    const struct lm_windows *all = w->s->windows;
    return w->batch.end == all->n || w->s->group_of[all->w[w->batch.end].text] != group;
}

/* ---- scores */

/* The batch's scores of the model as it is, and whether the ledger is of that model and text. */
static int score_reference(struct sweep *w)
{
    const struct lm_sweep *s = w->s;
    const struct part_of_text *b = &w->batch;
    struct lm_score *score = xnew(b->targets.n, sizeof *score);
    const struct lm_side side = { s->model, 0, w->reference, score };
    size_t bad;
    int status = lm_score_rows(&side, 1, b->targets.token, b->targets.n, NULL, s->n_thread, NULL, &bad);
    if (status < 0)
        fail(w, lm_model_error(s->model));
    if (!b->from)
        lm_ledger_set_model(s->ledger, lm_model_fingerprint(s->model)); /* all of it has been read now */
    for (size_t i = 0; i < b->targets.n && status == 0; i++) {
        struct lm_damage d;
        if (lm_damage_of(&score[i], &score[i], NULL, &d) < 0)
            status = fail(w, "the model's logits are not finite");
        lm_ledger_add(s->reference, 0, b->group[i], b->targets.text[i], &d);
        if ((i + 1 == b->targets.n || b->group[i + 1] != b->group[i]) && is_complete(w, b->group[i])) {
            struct lm_damage all = lm_ledger_total(s->reference, 0, b->group[i]);
            if (status == 0 && lm_ledger_check(s->ledger, b->group[i], all.n, all.nll, w->why) < 0)
                status = LM_SWEEP_OTHER_LEDGER;
        }
    }
    free(score);
    return status;
}

/* Adds a case's tokens, and notes the groups that are complete. */
static int take_scores(struct sweep *w, size_t k, const struct lm_score *score, const struct lm_score *ref,
                       const struct lm_contrast *c)
{
    const struct part_of_text *b = &w->batch;
    struct lm_ledger *l = w->s->ledger;
    for (size_t i = 0; i < b->targets.n; i++) {
        struct lm_damage d;
        if (lm_ledger_is_done(l, k, b->group[i]))
            continue;
        if (lm_damage_of(&score[i], &ref[i], &c[i], &d) < 0)
            return fail(w, "the quantised model's logits are not finite, or too large for a KL divergence");
        lm_ledger_add(l, k, b->group[i], b->targets.text[i], &d);
        if ((i + 1 == b->targets.n || b->group[i + 1] != b->group[i]) && is_complete(w, b->group[i]))
            lm_ledger_note(l, k, b->group[i]);
    }
    lm_ledger_flush(l);
    return 0;
}

static int score_waiting(struct sweep *w)
{
    const struct lm_sweep *s = w->s;
    size_t n_side = w->n_waiting + 1, bad;
    if (!w->n_waiting)
        return 0;
    struct lm_side *side = xnew(n_side, sizeof *side);
    struct lm_contrast **contrast = xcalloc(n_side, sizeof(*contrast));
    for (size_t i = 0; i < n_side; i++) {
        size_t head = i ? s->cases[w->waiting_case[i - 1]].outside : 0;
        side[i] = (struct lm_side){ s->model, head, i ? w->waiting[i - 1] : w->reference,
                                    xnew(w->batch.targets.n, sizeof(struct lm_score)) };
        if (i)
            contrast[i] = xnew(w->batch.targets.n, sizeof **contrast);
    }
    int status = lm_score_rows(side, n_side, w->batch.targets.token, w->batch.targets.n, contrast,
                               s->n_thread, NULL, &bad);
    if (status < 0)
        fail(w, lm_model_error(s->model));
    for (size_t i = 1; i < n_side && status == 0; i++)
        status = take_scores(w, w->waiting_case[i - 1], side[i].score, side[0].score, contrast[i]);
    for (size_t i = 0; i < n_side; i++) {
        free(side[i].score);
        free(contrast[i]);
    }
    free(contrast);
    free(side);
    w->n_waiting = 0;
    return status;
}

/* ---- runs */

/* Whether a case has to be run for the batch at hand. */
static int is_to_do(const struct sweep *w, size_t k)
{
    for (size_t i = 0; i < w->batch.targets.n && !w->s->idle[k]; i++)
        if (!lm_ledger_is_done(w->s->ledger, k, w->batch.group[i]))
            return 1;
    return 0;
}

static int run_case(struct sweep *w, size_t k)
{
    float *x = w->waiting[w->n_waiting];
    if (!w->n_waiting)
        w->since = time(NULL);
    if (lm_branch_run(w->branch, &w->s->cases[k], x) < 0)
        return fail(w, lm_model_error(w->s->model));
    lm_targets_compact(&w->batch.targets, x, w->config->d_embed);
    w->waiting_case[w->n_waiting++] = k;
    return w->n_waiting == w->room || time(NULL) - w->since >= PATIENCE_S ? score_waiting(w) : 0;
}

/* All cases over the windows [from, end), in the order in which they depart from the model as it is. */
static int run_batch(struct sweep *w, size_t from, size_t end)
{
    const struct lm_sweep *s = w->s;
    struct lm_tap tap = { 0 };
    fill_batch(w, from, end);
    size_t last = s->windows->w[end - 1].text;
    if (s->errors)
        tap = lm_outerror_tap(s->errors, w->batch.group_of_row);
    s->progress(s->ctx, s->n_case, last);
    int status = lm_branch_reference(w->branch, &w->batch.text.text, w->reference, s->errors ? &tap : NULL);
    if (status < 0) {
        fail(w, lm_model_error(s->model));
    } else {
        lm_targets_compact(&w->batch.targets, w->reference, w->config->d_embed);
        status = score_reference(w);
    }
    for (int layer = -1; layer <= w->config->n_layer; layer++)
        for (size_t k = 0; k < s->n_case && status == 0; k++)
            if (s->cases[k].from == layer && is_to_do(w, k)) {
                s->progress(s->ctx, k, last);
                status = run_case(w, k);
            }
    if (status == 0)
        status = score_waiting(w);
    return status;
}

/* ---- memory */

/* Shares out the states of n_token tokens that there is room for: one of the reference, one that walks and
 * one of a case there must be; the others go to cases that wait and to the layers' inputs. */
static void open_states(struct sweep *w, size_t n_token)
{
    const struct lm_sweep *s = w->s;
    size_t width = lm_config_width(w->config), n_wanted = 0;
    size_t n_state = s->memory / (n_token * width * sizeof(float)), spare = n_state > 3 ? n_state - 3 : 0;
    char *wanted = xcalloc((size_t)w->config->n_layer + 1, 1);
    for (size_t k = 0; k < s->n_case; k++)
        if (!s->idle[k] && s->cases[k].from >= 0)
            wanted[s->cases[k].from] = 1;
    for (int l = 0; l <= w->config->n_layer; l++)
        n_wanted += wanted[l] != 0;
    w->room = 1 + (spare / 2 < TOGETHER - 1 ? spare / 2 : TOGETHER - 1);
    w->n_kept = n_wanted < spare + 1 - w->room ? n_wanted : spare + 1 - w->room;
    w->branch = lm_branch_new(s->model, lm_windows_longest(s->windows), n_token, wanted, w->n_kept,
                              s->n_thread);
    w->reference = xaligned(n_token, width * sizeof *w->reference);
    w->waiting_case = xnew(w->room, sizeof *w->waiting_case);
    w->waiting = xnew(w->room, sizeof(*w->waiting));
    for (size_t i = 0; i < w->room; i++)
        w->waiting[i] = xaligned(n_token, width * sizeof **w->waiting);
    free(wanted);
}

static void close_states(struct sweep *w)
{
    for (size_t i = 0; i < w->room; i++)
        free(w->waiting[i]);
    free(w->waiting);
    free(w->waiting_case);
    free(w->reference);
    lm_branch_free(w->branch);
    clear_batch(&w->batch);
}

int lm_sweep_run(const struct lm_sweep *s, char why[LM_WHY_MAX])
{
    struct sweep w = { .s = s, .config = lm_model_config(s->model), .why = why };
    size_t room = s->memory / (3 * w.config->d_model * sizeof(float)), most = 1;
    int status = 0;
    for (size_t from = 0, end; from < s->windows->n; from = end) {
        size_t n = 0;
        end = batch_end(s, from, room);
        for (size_t k = from; k < end; k++)
            n += s->windows->w[k].n;
        most = n > most ? n : most;
    }
    open_states(&w, most);
    for (size_t from = 0, end; from < s->windows->n && status == 0; from = end) {
        end = batch_end(s, from, room);
        status = run_batch(&w, from, end);
    }
    close_states(&w);
    return status;
}
