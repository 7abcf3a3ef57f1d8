/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/calibrate.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/scratch.h"
#include "lm/harvest.h"
#include "lm/parts.h"
#include "quant/matrix.h"
#include "text/batch.h"
#include "text/corpus.h"
#include "weights/modelfile.h"
#include "weights/overlap.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 2048 }; /* tokens, or one window, that go through a layer together */

/* A matrix that was solved. */
struct solution {
    char *name;
    size_t n, n_fit;
    struct scratch *q; /* [n] floats */
    struct quant_fit *fit;
    struct solver_found found; /* its q and fit are not there */
    double *by_lang;
};

struct calibration {
    struct calibrate_options o;
    struct corpus corpus;
    char **lang; /* [n_lang + 1] those of the corpus that have tokens to run, NULL-ended */
    struct lm_windows windows;
    struct lm_lane *lane;   /* [windows.n] */
    struct lm_count *count; /* [corpus.n_lang] */
    size_t n_lang;
    struct lm_model *model;
    const struct lm_config *config;
    struct lm_forward *forward;
    struct scratch *states; /* rows of d_model floats of all tokens */
    float *x;
    struct lm_batch batch;
    struct solution *solution;
    size_t n_solution, solution_room, memory_left;
    float *q; /* of the solution that was asked for last */
    size_t q_room;
};

/* ---- text */

/* The caller frees it. */
static char *tokenizer_path(const struct calibrate_options *o)
{
    const char *slash = strrchr(o->model_path, '/');
    if (o->tokenizer_path)
        return xstrdup(o->tokenizer_path);
    return slash ? xstrndup(o->model_path, (size_t)(slash - o->model_path)) : xstrdup(".");
}

static void warn_of_overlap(char *const *texts, char *const *tests)
{
    struct overlap lines = { 0 };
    for (; *texts; texts++)
        overlap_add_file(&lines, *texts);
    overlap_warn(&lines, tests);
    overlap_clear(&lines);
}

static void read_texts(struct calibration *c)
{
    struct tokenizer *tokenizer = NULL;
    struct corpus_options o = { .join = "\n\n", .n_thread = c->o.solver.n_thread };
    uint32_t *start = NULL;
    for (char **file = c->o.texts; *file; file++) {
        const char *why;
        char *lang = batch_lang(*file);
        struct bytein *in = bytein_open(*file, o.n_thread, &why);
        if (!in)
            die("%s: %s", *file, why);
        if (corpus_is_tokens(in)) {
            corpus_read_tokens(&c->corpus, in, &o);
        } else {
            if (!tokenizer) {
                char *path = tokenizer_path(&c->o);
                tokenizer = modelfile_tokenizer(path);
                if (corpus_find_start(tokenizer, "auto", &start, &o.n_start) < 0)
                    die("%s: its template is of tokens that it has not", path);
                free(path);
            }
            o.tokenizer = tokenizer;
            o.start = start;
            corpus_read_text(&c->corpus, in, lang, &o);
        }
        free(lang);
    }
    free(start);
    tokenizer_free(tokenizer);
    if (c->o.tests)
        warn_of_overlap(c->o.texts, c->o.tests);
    corpus_need_vocabulary(&c->corpus, c->config->vocab_size);
}

/* Windows side by side, each token in one. */
static void cut_windows(struct calibration *c)
{
    const struct corpus *corpus = &c->corpus;
    size_t context = lm_windows_context(c->config, c->o.context);
    if (!context)
        die("--context: the model has %zu positions", lm_forward_longest(c->config));
    for (size_t i = 0; i < corpus->n_text; i++) {
        const struct corpus_text *x = &corpus->text[i];
        if (x->n > x->n_start)
            lm_windows_cut(&c->windows, i, x->first, x->n, x->n_start, context, context, 0);
    }
    c->count = xcalloc(corpus->n_lang, sizeof *c->count);
    c->lane = xcalloc(c->windows.n, sizeof *c->lane);
    c->lang = xcalloc(corpus->n_lang + 1, sizeof *c->lang);
    for (size_t i = 0; i < c->windows.n; i++) {
        const struct lm_window *w = &c->windows.w[i];
        size_t lang = corpus->text[w->text].lang;
        c->lane[i] = (struct lm_lane){ lang, 0, c->count[lang] };
        c->count[lang].n_all += w->n;
        c->count[lang].n_rest += w->n - 1;
    }
    for (size_t i = 0; i < corpus->n_lang; i++)
        if (c->count[i].n_all)
            c->lang[c->n_lang++] = corpus->lang[i];
        else
            warn("%s: no token to run; it is left out", corpus->lang[i]);
    if (!c->windows.n)
        die("there is no token to calibrate on");
}

/* ---- the model */

static void check_finite(const struct calibration *c, const float *x, size_t n, int layer, size_t from)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            die("%s: line %zu or behind it: activations of layer %d are not finite",
                c->corpus.lang[c->lane[from].lang], c->corpus.text[c->windows.w[from].text].line, layer);
}

/* Takes all windows through a layer (-1: the embedding): as the model has it, with part NULL; else with those
 * weights. harvest: looks in, and the states stay what they were. */
static void run_layer(struct calibration *c, int layer, const struct lm_part *part,
                      struct lm_harvest *harvest)
{
    size_t at = 0;
    for (size_t from = 0, end; from < c->windows.n; from = end) {
        struct lm_tap tap;
        int status = 0;
        end = lm_batch_end(&c->windows, from, SLICE);
        lm_batch_fill(&c->batch, &c->windows, from, end, c->corpus.id);
        size_t n = c->batch.start[end - from] * c->config->d_model;
        if (harvest) {
            lm_harvest_batch(harvest, from, end, &c->batch);
            tap = lm_harvest_tap(harvest);
        }
        if (layer < 0) {
            status = lm_forward_embed(c->forward, c->model, 0, &c->batch.text, c->x, NULL);
        } else {
            scratch_read(c->states, at, c->x, n * sizeof *c->x);
            if (part)
                lm_forward_part(c->forward, part, layer, &c->batch.text, c->x, NULL);
            else
                status = lm_forward_layer(c->forward, c->model, 0, layer, &c->batch.text, c->x,
                                          harvest ? &tap : NULL);
        }
        if (status < 0)
            die("%s: %s", c->o.model_path, lm_model_error(c->model));
        check_finite(c, c->x, n, layer, from);
        if (!harvest)
            scratch_write(c->states, at, c->x, n * sizeof *c->x);
        at += n * sizeof *c->x;
    }
}

/* The moments of a layer's inputs. */
static struct lm_grams *look_into(struct calibration *c, int layer)
{
    char *in_layer = xcalloc((size_t)c->config->n_layer, 1), why[LM_GRAMS_WHY_MAX];
    struct lm_wish wish = { .sites = 1u << LM_AT_ATTN_IN | 1u << LM_AT_ATTN_MIX | 1u << LM_AT_MLP_IN |
                                     1u << LM_AT_MLP_ACT,
                            .in_layer = in_layer,
                            .dtype = TENSOR_F64 };
    in_layer[layer] = 1;
    wish.result[LM_GRAM][LM_ALL] = 1;
    struct lm_plan *plan = lm_plan_new(c->config, &wish, c->count, c->corpus.n_lang);
    if (!plan)
        die("the moments would be too large");
    struct scratch *store = scratch_new(lm_plan_bytes(plan), lm_plan_bytes(plan) > c->o.memory_bytes);
    struct lm_harvest *harvest = lm_harvest_new(plan, c->config, &wish, c->lane, c->count, store,
                                                c->o.solver.n_thread);
    run_layer(c, layer, NULL, harvest);
    lm_harvest_free(harvest);
    struct lm_grams *g = lm_grams_of_layer(c->config, plan, store, layer, c->corpus.lang, c->count,
                                           c->corpus.n_lang, c->o.mix, c->o.apart, c->o.memory_bytes, why);
    if (!g)
        die("--mix: %s", why);
    scratch_free(store);
    lm_plan_free(plan);
    free(in_layer);
    return g;
}

/* ---- solving */

static void load(const void *tensor, size_t from, size_t n, float *to)
{
    tensor_to_f32(tensor, from, n, to);
}

static void keep(struct calibration *c, const char *name, size_t n, size_t n_fit,
                 const struct solver_found *found)
{
    size_t n_bytes = n * sizeof *found->q;
    int in_file = n_bytes > c->memory_left;
    if (!in_file)
        c->memory_left -= n_bytes;
    xgrow(&c->solution, &c->solution_room, c->n_solution + 1, sizeof *c->solution);
    struct solution *s = &c->solution[c->n_solution++];
    *s = (struct solution){ .name = xstrdup(name), .n = n, .n_fit = n_fit, .found = *found };
    s->q = scratch_new(n_bytes, in_file);
    scratch_write(s->q, 0, found->q, n_bytes);
    s->fit = xnew(n_fit, sizeof *s->fit);
    memcpy(s->fit, found->fit, n_fit * sizeof *s->fit);
    if (found->by_lang) {
        s->by_lang = xnew(c->n_lang, sizeof *s->by_lang);
        memcpy(s->by_lang, found->by_lang, c->n_lang * sizeof *s->by_lang);
    }
}

/* Solves a matrix; w, [rows][cols] and the caller's, becomes what it will be read as. */
static void solve(struct calibration *c, struct solver *solver, const struct tensor *t,
                  const struct choice *d, float *w)
{
    const struct quant_sheet sheet = {
        .rows = d->rows, .cols = d->cols, .in_out = d->in_out, .source = t, .load = load
    };
    struct quant_plan *plan = quant_plan_new(&d->spec);
    struct solver_found found;
    size_t bad_row, cell_cols, n_fit = d->rows * quant_row_cells(&d->spec, d->cols, &cell_cols);
    quant_sheet_floats(&sheet, c->o.solver.n_thread, w);
    if (d->spec.clip == QUANT_MOMENTS) {
        double *importance = xnew(d->cols, sizeof *importance);
        if (solver_importance(solver, &d->place, d->cols, importance) == 0)
            quant_plan_weigh(plan, importance, d->cols);
        free(importance);
    }
    int status = solver_solve(solver, &d->place, plan, w, d->rows, d->cols,
                              c->o.measure ? SOLVER_MEASURE : SOLVER_ONLY, NULL, &found, &bad_row);
    if (status < 0)
        solver_die(t->name, bad_row, status);
    solver_warn(t->name, &found);
    keep(c, t->name, t->n, n_fit, &found);
    memcpy(w, found.q, t->n * sizeof *w);
    tensor_round_f32(w, t->n, t->dtype);
    quant_plan_free(plan);
}

/* The layer with its chosen matrices solved; and the states behind it, unless it is the last. */
static void take_layer(struct calibration *c, const struct lm_tensors *tensors)
{
    int layer = tensors->layer;
    const struct lm_part *as_is = lm_model_part(c->model, 0, layer);
    struct lm_grams *grams = NULL;
    struct solver *solver = NULL;
    float *made[LM_N_ROLE] = { NULL };
    struct gemm_weight *packed[LM_N_ROLE] = { NULL };
    if (!as_is)
        die("%s: %s", c->o.model_path, lm_model_error(c->model));
    struct lm_part part = *as_is;
    for (size_t i = 0; i < tensors->n; i++) {
        const struct tensor *t = &tensors->at[i].t;
        struct choice d;
        choice_make(c->o.rules, c->config->family, t, &d);
        if (!d.quantise || lm_site_read_by(d.place.role) < 0)
            continue;
        if (!solver) {
            grams = look_into(c, layer);
            solver = solver_new(grams, &c->o.solver);
        }
        enum lm_role role = d.place.role;
        made[role] = xaligned(t->n, sizeof(float));
        solve(c, solver, t, &d, made[role]);
        packed[role] = gemm_pack_threads(made[role], GEMM_OF_F32, d.rows, d.cols, 0, c->o.precision,
                                         c->o.solver.n_thread);
        if (!packed[role])
            mem_out();
        part.weight[role].w = made[role];
        part.weight[role].packed = packed[role];
    }
    if (layer + 1 < c->config->n_layer)
        run_layer(c, layer, &part, NULL);
    for (int role = 0; role < LM_N_ROLE; role++) {
        gemm_weight_free(packed[role]);
        free(made[role]);
    }
    solver_free(solver);
    lm_grams_free(grams);
}

static void run_model(struct calibration *c)
{
    struct lm_checkpoint *from = modelfile_open(c->o.model_path, c->o.solver.n_thread);
    struct lm_parts *parts = lm_parts_new(from);
    const struct lm_tensors *tensors;
    size_t longest = lm_windows_longest(&c->windows), room = longest > SLICE ? longest : SLICE, n_state = 0;
    int got;
    for (size_t i = 0; i < c->windows.n; i++)
        n_state += c->windows.w[i].n * c->config->d_model * sizeof(float);
    c->states = scratch_new(n_state, n_state > c->o.memory_bytes);
    c->x = xaligned(room, lm_config_width(c->config) * sizeof *c->x);
    c->forward = lm_forward_new(c->config, longest, c->o.solver.n_thread);
    while ((got = lm_parts_next(parts, &tensors)) > 0) {
        msg_progress("layer %d of %d", tensors->layer + 1, c->config->n_layer);
        if (tensors->layer < 0)
            run_layer(c, -1, NULL, NULL);
        else if (tensors->layer < c->config->n_layer)
            take_layer(c, tensors);
        if (tensors->layer < c->config->n_layer)
            lm_model_drop(c->model, tensors->layer);
    }
    if (got < 0)
        die("%s: %s", c->o.model_path, lm_checkpoint_error(from));
    msg_progress_end();
    lm_parts_free(parts);
    lm_checkpoint_close(from);
    scratch_free(c->states);
    lm_forward_free(c->forward);
    lm_batch_clear(&c->batch);
    free(c->x);
}

struct calibration *calibration_run(const struct calibrate_options *o)
{
    struct calibration *c = xcalloc(1, sizeof *c);
    c->o = *o;
    c->memory_left = o->memory_bytes;
    c->model = lm_model_new(modelfile_open(c->o.model_path, c->o.solver.n_thread), o->precision,
                            o->solver.n_thread, NULL, 0, 0);
    c->config = lm_model_config(c->model);
    read_texts(c);
    cut_windows(c);
    run_model(c);
    lm_model_free(c->model);
    lm_windows_clear(&c->windows);
    return c;
}

void calibration_free(struct calibration *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_solution; i++) {
        free(c->solution[i].name);
        free(c->solution[i].fit);
        free(c->solution[i].by_lang);
        scratch_free(c->solution[i].q);
    }
    corpus_clear(&c->corpus);
    free(c->solution);
    free(c->lang);
    free(c->lane);
    free(c->count);
    free(c->q);
    free(c);
}

char *const *calibration_langs(const struct calibration *c)
{
    return c->lang;
}

int calibration_find(struct calibration *c, const char *name, struct solver_found *found)
{
    for (size_t i = 0; i < c->n_solution; i++) {
        struct solution *s = &c->solution[i];
        if (strcmp(s->name, name) != 0)
            continue;
        xgrow(&c->q, &c->q_room, s->n, sizeof *c->q);
        scratch_read(s->q, 0, c->q, s->n * sizeof *c->q);
        *found = s->found;
        found->q = c->q;
        found->fit = s->fit;
        found->by_lang = s->by_lang;
        return 1;
    }
    return 0;
}
