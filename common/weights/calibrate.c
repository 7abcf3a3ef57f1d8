/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/calibrate.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "io/scratch.h"
#include "lm/harvest.h"
#include "lm/parts.h"
#include "math/kernels.h"
#include "quant/matrix.h"
#include "text/corpus.h"
#include "weights/modelfile.h"
#include "weights/overlap.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE = 2048,   /* tokens, or one window, that go through a layer together */
    PIECE = 1 << 17 /* numbers that are looked at together */
};

/* A matrix that was solved. */
struct solution {
    char *name;
    struct scratch *q; /* as many floats as it has weights */
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
    struct scratch *store;
    struct lm_rows rows; /* of all tokens, in the store */
    struct lm_batch batch;
    struct solution *solution;
    size_t n_solution, solution_room, memory_left;
};

/* ---- text */

struct reading {
    const struct calibrate_options *o;
    struct tokenizer *tokenizer;
};

/* That which the options name, or the one in the model's directory. */
static const struct tokenizer *open_tokenizer(void *ctx)
{
    struct reading *r = ctx;
    const char *model = r->o->model_path, *slash = strrchr(model, '/');
    char *folder = slash ? xstrndup(model, (size_t)(slash - model)) : xstrdup(".");
    r->tokenizer = modelfile_tokenizer(r->o->tokenizer_path ? r->o->tokenizer_path : folder);
    free(folder);
    return r->tokenizer;
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
    struct reading r = { &c->o, NULL };
    struct corpus_options o = { .open_tokenizer = open_tokenizer,
                                .whole_files = c->o.whole_files,
                                .join = "\n\n",
                                .n_thread = c->o.solver.n_thread,
                                .may_be_tokens = 1,
                                .ctx = &r };
    corpus_read_files(&c->corpus, c->o.texts, "stdin", c->o.start_token, &o);
    tokenizer_free(r.tokenizer);
    if (c->o.tests)
        warn_of_overlap(c->o.texts, c->o.tests);
    corpus_need_vocabulary(&c->corpus, c->config->vocab_size);
}

/* Windows side by side, each token in one. */
static void cut_windows(struct calibration *c)
{
    const struct corpus *corpus = &c->corpus;
    size_t context = modelfile_context(c->config, c->o.model_path, (int64_t)c->o.context);
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

/* The batch of windows from `from` on: returns where it ends. */
static size_t fill_batch(struct calibration *c, size_t from)
{
    size_t end = lm_batch_end(&c->windows, from, SLICE);
    lm_batch_fill(&c->batch, &c->windows, from, end, c->corpus.id);
    return end;
}

struct look {
    const float *x;
    size_t n;
    atomic_int found;
};

static void look_for_nonfinite(void *ctx, size_t task, int worker)
{
    struct look *l = ctx;
    size_t from = task * PIECE, n = l->n - from < PIECE ? l->n - from : PIECE;
    (void)worker;
    if (!kernel_all_finite(l->x + from, n))
        atomic_store(&l->found, 1);
}

static void check_finite(const struct calibration *c, const float *x, size_t n, int layer, size_t from)
{
    struct look l = { .x = x, .n = n };
    threads_for(c->o.solver.n_thread, (n + PIECE - 1) / PIECE, look_for_nonfinite, &l);
    if (l.found)
        die("%s: line %zu or behind it: activations of layer %d are not finite",
            c->corpus.lang[c->lane[from].lang], c->corpus.text[c->windows.w[from].text].line, layer);
}

static void embed(struct calibration *c)
{
    float *x = c->rows.x;
    for (size_t from = 0, end; from < c->windows.n; from = end) {
        end = fill_batch(c, from);
        size_t n = c->batch.start[end - from] * c->config->d_model;
        if (lm_forward_embed(c->forward, c->model, 0, &c->batch.text, x, NULL) < 0)
            die("%s: %s", c->o.model_path, lm_model_error(c->model));
        check_finite(c, x, n, -1, from);
        x += n;
    }
}

/* The numbers of a row that a stage makes, and where they are. */
static const float *made_by(const struct calibration *c, enum lm_stage stage, const struct lm_rows *r,
                            size_t *width)
{
    const float *in = c->config->norm_after ? r->x : r->norm;
    const float *const made[] = { [LM_TO_ATTN_IN] = in,
                                  [LM_TO_ATTN_MIX] = r->mix,
                                  [LM_TO_MLP_IN] = in,
                                  [LM_TO_MLP_ACT] = r->act,
                                  [LM_TO_RESID] = r->x };
    *width = stage == LM_TO_ATTN_MIX  ? c->config->n_head * c->config->d_head
             : stage == LM_TO_MLP_ACT ? c->config->d_ff
                                      : c->config->d_model;
    return made[stage];
}

/* Takes all windows through a stage of a layer. harvest: what looks in; NULL: nothing. */
static void run_stage(struct calibration *c, const struct lm_part *part, int layer, enum lm_stage stage,
                      struct lm_harvest *harvest)
{
    const struct lm_config *config = c->config;
    struct lm_rows r = c->rows;
    for (size_t from = 0, end; from < c->windows.n; from = end) {
        struct lm_tap tap = { 0 };
        size_t width, n;
        end = fill_batch(c, from);
        n = c->batch.start[end - from];
        if (harvest) {
            lm_harvest_batch(harvest, from, end, &c->batch);
            tap = lm_harvest_tap(harvest);
        }
        lm_forward_stage(c->forward, part, layer, stage, &c->batch.text, &r, &tap);
        const float *made = made_by(c, stage, &r, &width);
        check_finite(c, made, n * width, layer, from);
        r.x += n * config->d_model;
        r.norm += n * config->d_model;
        r.mix += n * config->n_head * config->d_head;
        r.act += n * config->d_ff;
    }
}

/* The same, with the moments of what it makes, a site. */
static struct lm_grams *look_into(struct calibration *c, const struct lm_part *part, int layer,
                                  enum lm_stage stage, enum lm_site site)
{
    char *in_layer = xcalloc((size_t)c->config->n_layer, 1), why[LM_GRAMS_WHY_MAX];
    struct lm_wish wish = { .sites = 1u << site, .in_layer = in_layer, .dtype = TENSOR_F64 };
    in_layer[layer] = 1;
    wish.result[LM_GRAM][LM_ALL] = 1;
    struct lm_plan *plan = lm_plan_new(c->config, &wish, c->count, c->corpus.n_lang);
    if (!plan)
        die("the moments would be too large");
    struct scratch *store = scratch_new(lm_plan_bytes(plan), lm_plan_bytes(plan) > c->o.memory_bytes);
    struct lm_harvest *harvest = lm_harvest_new(plan, c->config, &wish, c->lane, c->count,
                                                scratch_bytes(store), c->o.solver.n_thread);
    run_stage(c, part, layer, stage, harvest);
    lm_harvest_free(harvest);
    struct lm_grams *g = lm_grams_of_site(plan, scratch_bytes(store), layer, site, c->corpus.lang, c->count,
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
    *s = (struct solution){ .name = xstrdup(name), .found = *found };
    s->q = scratch_new(n_bytes, in_file);
    memcpy(scratch_bytes(s->q), found->q, n_bytes);
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

/* What the rules make of the layer's matrices that multiply a site's rows: solves them, into made and the
 * part. The stage, which makes these rows, is run. */
static void take_stage(struct calibration *c, const struct lm_tensors *tensors, enum lm_stage stage,
                       enum lm_site site, struct lm_part *part, float *made[LM_N_ROLE],
                       struct gemm_weight *packed[LM_N_ROLE])
{
    struct lm_grams *grams = NULL;
    struct solver *solver = NULL;
    for (size_t i = 0; i < tensors->n; i++) {
        const struct tensor *t = &tensors->at[i].t;
        struct choice d;
        choice_make(c->o.rules, c->config->family, t, &d);
        if (!d.quantise || lm_site_read_by(d.place.role) != (int)site)
            continue;
        if (!solver) {
            grams = look_into(c, part, tensors->layer, stage, site);
            solver = solver_new(grams, &c->o.solver);
        }
        enum lm_role role = d.place.role;
        made[role] = xaligned(t->n, sizeof(float));
        solve(c, solver, t, &d, made[role]);
        packed[role] = gemm_pack_threads(made[role], GEMM_OF_F32, d.rows, d.cols, 0, c->o.precision,
                                         c->o.solver.n_thread);
        if (!packed[role])
            mem_out();
        part->weight[role].w = made[role];
        part->weight[role].packed = packed[role];
    }
    if (!solver)
        run_stage(c, part, tensors->layer, stage, NULL);
    solver_free(solver);
    lm_grams_free(grams);
}

/* The layer with its chosen matrices solved; and the states behind it, unless it is the last. */
static void take_layer(struct calibration *c, const struct lm_tensors *tensors)
{
    static const enum lm_site site[] = { [LM_TO_ATTN_IN] = LM_AT_ATTN_IN,
                                         [LM_TO_ATTN_MIX] = LM_AT_ATTN_MIX,
                                         [LM_TO_MLP_IN] = LM_AT_MLP_IN,
                                         [LM_TO_MLP_ACT] = LM_AT_MLP_ACT };
    const struct lm_part *as_is = lm_model_part(c->model, 0, tensors->layer);
    float *made[LM_N_ROLE] = { NULL };
    struct gemm_weight *packed[LM_N_ROLE] = { NULL };
    if (!as_is)
        die("%s: %s", c->o.model_path, lm_model_error(c->model));
    struct lm_part part = *as_is;
    for (int stage = LM_TO_ATTN_IN; stage <= LM_TO_MLP_ACT; stage++)
        take_stage(c, tensors, (enum lm_stage)stage, site[stage], &part, made, packed);
    if (tensors->layer + 1 < c->config->n_layer)
        run_stage(c, &part, tensors->layer, LM_TO_RESID, NULL);
    for (int role = 0; role < LM_N_ROLE; role++) {
        gemm_weight_free(packed[role]);
        free(made[role]);
    }
}

/* Room for the rows of all tokens; the MLP's lie where those of attention's mixture did. */
static void make_rows(struct calibration *c)
{
    const struct lm_config *k = c->config;
    size_t n = 0, mix = k->n_head * k->d_head, wide = k->d_ff > mix ? k->d_ff : mix;
    for (size_t i = 0; i < c->windows.n; i++)
        n += c->windows.w[i].n;
    size_t n_bytes = n * (2 * k->d_model + wide) * sizeof(float);
    c->store = scratch_new(n_bytes, n_bytes > c->o.memory_bytes);
    c->rows.x = scratch_bytes(c->store);
    c->rows.norm = c->rows.x + n * k->d_model;
    c->rows.mix = c->rows.act = c->rows.norm + n * k->d_model;
}

static void run_model(struct calibration *c)
{
    struct lm_checkpoint *from = modelfile_open(c->o.model_path, c->o.solver.n_thread);
    struct lm_parts *parts = lm_parts_new(from);
    const struct lm_tensors *tensors;
    int got;
    make_rows(c);
    c->forward = lm_forward_new(c->config, lm_windows_longest(&c->windows), c->o.solver.n_thread);
    while ((got = lm_parts_next(parts, &tensors)) > 0) {
        msg_progress("layer %d of %d", tensors->layer + 1, c->config->n_layer);
        if (tensors->layer < 0)
            embed(c);
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
    scratch_free(c->store);
    lm_forward_free(c->forward);
    lm_batch_clear(&c->batch);
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
        *found = s->found;
        found->q = scratch_bytes(s->q);
        found->fit = s->fit;
        found->by_lang = s->by_lang;
        return 1;
    }
    return 0;
}
