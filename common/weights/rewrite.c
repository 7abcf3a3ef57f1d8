/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/rewrite.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/bytein.h"
#include "io/outdir.h"
#include "lm/quantconfig.h"
#include "quant/matrix.h"
#include "quant/pack.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1 << 21 }; /* weights written at a time */

/* One batch is written while the next is made. */
struct batch {
    char *data;
    size_t room, n_bytes; /* n_bytes 0: nothing waits */
};

struct known_plan {
    char text[QUANT_TEXT_MAX];
    struct quant_plan *plan;
};

struct rewrite {
    struct rewrite_options o;
    struct ts_reader *in;
    struct ts_writer *out;
    struct outdir *dir;             /* of --pack */
    char *config;                   /* text; NULL: not known */
    const struct lm_family *family; /* NULL: not known */
    struct batch batch[2];
    int filling;
    struct known_plan *known;
    size_t n_known, known_room;
    struct tensor *outgoing; /* descriptions of what goes out for a frame, their names owned */
    size_t n_outgoing, outgoing_room;
    struct lm_quantised *module; /* of --pack; names owned */
    size_t n_module, module_room;
    const char *packed_dtype; /* of the scales, as config.json calls it */
    float *floats;            /* a matrix for the solver */
    size_t floats_room;
    float *folded;                /* the tensor with its scales folded in, as it is laid out, if is_folded */
    double *factor, *input_scale; /* of the tensor; input_scale is NULL if there is none */
    size_t folded_room, factor_room;
    int is_folded;
};

/* ---- the model, as far as the stream or a config.json beside the file tells it */

static void learn_model(struct rewrite *r)
{
    const char *type = ts_meta(r->in, "model_type"), *text = ts_meta(r->in, "config"), *path = r->o.in_path;
    json_t *root = NULL;
    if (text) {
        free(r->config);
        r->config = xstrdup(text);
    } else if (!r->config && strcmp(path, "-") != 0) {
        const char *slash = strrchr(path, '/'), *why;
        size_t n;
        char *beside = xsprintf("%.*sconfig.json", slash ? (int)(slash + 1 - path) : 0, path);
        r->config = bytein_text(beside, SIZE_MAX, &n, &why);
        free(beside);
    }
    if (!type && r->config) {
        root = json_loads(r->config, 0, NULL);
        type = json_string_value(json_object_get(root, "model_type"));
    }
    if (type)
        r->family = lm_family_find(type);
    json_decref(root);
}

/* The config.json of --pack; with no modules yet it shows whether there can be one. */
static char *packed_config(const struct rewrite *r)
{
    char why[LM_WHY_MAX];
    char *text = lm_quantconfig(r->config, r->packed_dtype ? r->packed_dtype : "", r->module, r->n_module,
                                why);
    if (!text)
        die("%s: %s", r->o.pack_path, why);
    return text;
}

/* ---- open and close */

struct rewrite *rewrite_open(const struct rewrite_options *o, struct ts_reader *in)
{
    struct rewrite *r = xcalloc(1, sizeof *r);
    r->o = *o;
    r->in = in;
    learn_model(r);
    if (o->pack_path && !r->config)
        die("%s: to pack it takes the model's config.json, in the stream as modelcat has it or beside the "
            "file",
            ts_path(in));
    if (o->pack_path) {
        free(packed_config(r));
        r->dir = outdir_open(o->pack_path);
    }
    r->out = ts_open_out(r->dir ? outdir_file(r->dir, "model.safetensors") : o->out_path, &o->stream);
    ts_out_history(r->out, cli_history());
    return r;
}

static void put_waiting(void *ctx)
{
    struct rewrite *r = ctx;
    struct batch *b = &r->batch[!r->filling];
    ts_out_data(r->out, b->data, b->n_bytes);
    b->n_bytes = 0;
}

static void put_config(const struct rewrite *r)
{
    char *text = packed_config(r), *line = xsprintf("%s\n", text);
    outdir_write(r->dir, "config.json", line, strlen(line));
    free(line);
    free(text);
}

void rewrite_close(struct rewrite *r)
{
    put_waiting(r);
    if (!r->o.rules->n_done || (r->dir && !r->packed_dtype))
        die("%s: no tensor was chosen", ts_path(r->in));
    choice_warn_unused(r->o.rules);
    ts_close_out(r->out);
    if (r->dir) {
        put_config(r);
        outdir_close(r->dir);
    }
    for (size_t i = 0; i < r->n_known; i++)
        quant_plan_free(r->known[i].plan);
    for (size_t i = 0; i < r->n_module; i++)
        free((char *)r->module[i].module);
    free(r->known);
    free(r->module);
    free(r->outgoing);
    free(r->batch[0].data);
    free(r->batch[1].data);
    free(r->floats);
    free(r->folded);
    free(r->factor);
    free(r->config);
    free(r);
}

/* ---- tensors */

static char *begin_batch(struct rewrite *r, size_t n_bytes)
{
    struct batch *b = &r->batch[r->filling];
    if (n_bytes > b->room) {
        free(b->data);
        b->data = xaligned(n_bytes, 1);
        b->room = n_bytes;
    }
    return b->data;
}

/* The batch that was filled waits; the one before has been written. */
static void end_batch(struct rewrite *r, size_t n_bytes)
{
    r->batch[r->filling].n_bytes = n_bytes;
    r->filling = !r->filling;
}

static struct quant_plan *plan_of(struct rewrite *r, const struct quant_spec *spec)
{
    char text[QUANT_TEXT_MAX];
    quant_spec_text(spec, text);
    for (size_t i = 0; i < r->n_known; i++)
        if (!strcmp(r->known[i].text, text))
            return r->known[i].plan;
    xgrow(&r->known, &r->known_room, r->n_known + 1, sizeof *r->known);
    memcpy(r->known[r->n_known].text, text, sizeof text);
    return r->known[r->n_known++].plan = quant_plan_new(spec);
}

/* A plan that knows what the matrix multiplies, the caller's, of QUANT_MOMENTS; NULL: there is no need of
 * one. */
static struct quant_plan *weighed_plan(const struct rewrite *r, const struct choice *c)
{
    if (c->spec.clip != QUANT_MOMENTS || !r->o.solver)
        return NULL;
    if (c->spec.rotate)
        die("clip=moments: rows that are rotated have other second moments");
    struct quant_plan *plan = quant_plan_new(&c->spec);
    double *importance = xnew(c->cols, sizeof *importance);
    int known = solver_importance(r->o.solver, &c->place, c->cols, importance) == 0;
    for (size_t j = 0; known && r->input_scale && j < c->cols; j++)
        importance[j] /= r->input_scale[j] * r->input_scale[j];
    if (known)
        quant_plan_weigh(plan, importance, c->cols);
    free(importance);
    return plan;
}

/* A tensor as it comes, or floats that it has become on the way, laid out as it is. */
struct source {
    const struct tensor *t;
    const float *floats; /* NULL: t's own data */
};

static void load(const void *source, size_t from, size_t n, float *to)
{
    const struct source *s = source;
    if (s->floats)
        memcpy(to, s->floats + from, n * sizeof *to);
    else
        tensor_to_f32(s->t, from, n, to);
}

static void store(const void *source, const float *in, size_t n, void *to)
{
    const struct source *s = source;
    tensor_from_f32(in, n, s->t->dtype, to);
}

static void unstore(const void *source, const void *in, size_t n, float *to)
{
    struct tensor t = *((const struct source *)source)->t;
    t.data = in;
    tensor_to_f32(&t, 0, n, to);
}

static struct quant_sheet sheet_of(const struct source *s, const struct choice *c)
{
    const struct tensor *t = s->t;
    const float *as_is = s->floats ? s->floats : t->data;
    int is_f32 = t->dtype == TENSOR_F32 && (uintptr_t)as_is % sizeof(float) == 0;
    return (struct quant_sheet){ .rows = c->rows,
                                 .cols = c->cols,
                                 .in_out = c->in_out,
                                 .f32 = is_f32 ? as_is : NULL,
                                 .source = s,
                                 .load = load,
                                 .store = store,
                                 .unstore = unstore,
                                 .width = tensor_dtype_bytes(t->dtype),
                                 .limit = t->dtype == TENSOR_F16    ? 65520
                                          : t->dtype == TENSOR_BF16 ? 0x1.ffp127F
                                                                    : INFINITY };
}

/* What the tensor becomes by the scales that are folded into it, into r->folded; and r->input_scale. */
static void fold(struct rewrite *r, const struct tensor *t, const struct choice *c)
{
    size_t rows = t->n_dim ? t->shape[0] : 1, cols = t->n_dim > 1 ? t->n / rows : 1;
    int is_float = t->dtype == TENSOR_F64 || t->dtype == TENSOR_F32 || t->dtype == TENSOR_F16 ||
                   t->dtype == TENSOR_BF16;
    r->input_scale = NULL;
    r->is_folded = 0;
    if (!r->o.fold || !is_float || !t->n)
        return;
    xgrow(&r->factor, &r->factor_room, rows + cols, sizeof *r->factor);
    double *row = r->factor, *col = r->factor + rows;
    if (!fold_factors(r->o.fold, &c->place, rows, cols, c->in_out, row, col))
        return;
    xgrow(&r->folded, &r->folded_room, t->n, sizeof *r->folded);
    tensor_to_f32(t, 0, t->n, r->folded);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            r->folded[i * cols + j] = (float)((double)r->folded[i * cols + j] * row[i] * col[j]);
    r->input_scale = c->in_out ? row : col;
    r->is_folded = 1;
}

/* What was or is found for the matrix, into *found and the sheet: 1; or 0, it is to be rounded to nearest. */
static int solve(struct rewrite *r, const struct tensor *t, const struct choice *c,
                 const struct quant_plan *plan, struct quant_sheet *sheet, struct solver_found *found)
{
    size_t bad_row;
    if (r->o.calibration) {
        if (!calibration_find(r->o.calibration, t->name, found))
            return 0;
        sheet->solved = found->q;
        sheet->solved_fit = found->fit;
        return 1;
    }
    if (c->place.role == LM_N_ROLE ||
        (lm_site_read_by(c->place.role) >= 0 && !solver_knows(r->o.solver, &c->place, c->cols)))
        die("'%s': there is no second moment of its %zu inputs (actdump --reduce gram --site "
            "attn_in,attn_mix,mlp_in,mlp_act%s)",
            t->name, c->cols, c->place.role == LM_HEAD ? ",final" : "");
    xgrow(&r->floats, &r->floats_room, t->n, sizeof *r->floats);
    quant_sheet_floats(sheet, r->o.stream.n_thread, r->floats);
    int status = solver_solve(r->o.solver, &c->place, plan, r->floats, c->rows, c->cols,
                              r->o.report ? SOLVER_MEASURE : SOLVER_ONLY, r->input_scale, found, &bad_row);
    if (status < 0)
        solver_die(t->name, bad_row, status);
    solver_warn(t->name, found);
    sheet->solved = found->q;
    sheet->solved_fit = found->fit;
    return 1;
}

static void put_zeros(struct rewrite *r, const struct choice *c, const int *zero, size_t n_cell)
{
    size_t n = pack_words(c->rows, c->spec.bits) * n_cell;
    int32_t *word = xnew(n, sizeof *word);
    pack_zeros(zero, c->rows, n_cell, c->spec.bits, word);
    ts_out_data(r->out, word, n * sizeof *word);
    free(word);
}

static void quantise(struct rewrite *r, const struct tensor *t, const struct choice *c)
{
    struct quant_plan *weighed = weighed_plan(r, c);
    const struct quant_plan *plan = weighed ? weighed : plan_of(r, &c->spec);
    const struct source source = { t, r->is_folded ? r->folded : NULL };
    struct quant_sheet sheet = sheet_of(&source, c);
    struct solver_found found;
    struct quant_result to = { .stats = r->o.report ? xcalloc(c->rows, sizeof *to.stats) : NULL,
                               .meanwhile = put_waiting,
                               .ctx = r };
    struct quant_fit whole;
    size_t cell_cols, n_cell = quant_row_cells(&c->spec, c->cols, &cell_cols), end, bad_row = 0;
    size_t n_scale = c->rows * n_cell, n_word = c->rows * pack_words(c->cols, c->spec.bits);
    size_t batch = r->dir || c->in_out ? c->rows : c->cols < BATCH ? BATCH / c->cols : 1;
    int status = 0, is_solved = 0, is_whole;
    batch = batch < c->rows ? batch : c->rows;
    if (r->o.solver || r->o.calibration)
        is_solved = solve(r, t, c, plan, &sheet, &found);
    is_whole = c->spec.per == QUANT_PER_TENSOR && !is_solved;
    if (r->dir) {
        to.word = xnew(n_word, sizeof *to.word);
        to.scale = xnew(n_scale, sheet.width);
        to.zero = xnew(n_scale, sizeof *to.zero);
    }
    if (is_whole)
        status = quant_sheet_whole(plan, &sheet, &whole);
    for (size_t first = 0; first < c->rows && !status; first = end) {
        end = c->rows - first < batch ? c->rows : first + batch;
        size_t n_bytes = (end - first) * c->cols * sheet.width;
        if (!r->dir)
            to.weights = begin_batch(r, n_bytes);
        status = quant_sheet_rows(plan, &sheet, is_whole ? &whole : NULL, first, end, r->o.stream.n_thread,
                                  &to, &bad_row);
        if (!r->dir)
            end_batch(r, n_bytes);
    }
    if (status < 0)
        solver_die(t->name, bad_row, status);
    if (r->dir) {
        const int64_t shape[2] = { (int64_t)c->rows, (int64_t)c->cols };
        ts_out_data(r->out, to.word, n_word * sizeof *to.word);
        ts_out_data(r->out, to.scale, n_scale * sheet.width);
        if (quant_grid_is_asym(c->spec.grid))
            put_zeros(r, c, to.zero, n_cell);
        ts_out_data(r->out, shape, sizeof shape);
    }
    if (r->o.report)
        report_put(r->o.report, t, c, to.stats, is_solved ? &found : NULL);
    quant_plan_free(weighed);
    free(to.word);
    free(to.scale);
    free(to.zero);
    free(to.stats);
}

/* ---- frames */

static struct tensor *add_outgoing(struct rewrite *r, const char *stem, size_t n_stem, const char *suffix,
                                   const char *dtype)
{
    xgrow(&r->outgoing, &r->outgoing_room, r->n_outgoing + 1, sizeof *r->outgoing);
    struct tensor *t = &r->outgoing[r->n_outgoing++];
    *t = (struct tensor){ .name = xsprintf("%.*s%s", (int)n_stem, stem, suffix),
                          .dtype_name = dtype,
                          .n_dim = 2 };
    t->dtype = tensor_dtype_find(dtype);
    return t;
}

static void add_matrix(struct rewrite *r, const char *stem, size_t n_stem, const char *suffix,
                       const char *dtype, size_t rows, size_t cols)
{
    struct tensor *t = add_outgoing(r, stem, n_stem, suffix, dtype);
    t->shape[0] = rows;
    t->shape[1] = cols;
    tensor_set_size(t);
}

static void note_module(struct rewrite *r, const struct tensor *t, const struct choice *c, size_t n_stem)
{
    xgrow(&r->module, &r->module_room, r->n_module + 1, sizeof *r->module);
    r->module[r->n_module++] = (struct lm_quantised){ .module = xstrndup(t->name, n_stem),
                                                      .bits = c->quantise ? c->spec.bits : 0,
                                                      .symmetric = !quant_grid_is_asym(c->spec.grid),
                                                      .group = c->spec.per == QUANT_PER_GROUP ? c->spec.group
                                                                                              : 0 };
}

static void announce(struct rewrite *r, const struct tensor *t, const struct choice *c)
{
    size_t n = strlen(t->name), n_stem = n > 7 ? n - 7 : n, cell_cols; /* without ".weight" */
    if (r->dir && c->linear)
        note_module(r, t, c, n_stem);
    if (r->dir && c->quantise)
        r->packed_dtype = t->dtype == TENSOR_F16    ? "float16"
                          : t->dtype == TENSOR_BF16 ? "bfloat16"
                                                    : "float32";
    if (!r->dir || !c->quantise) {
        struct tensor *same = add_outgoing(r, t->name, n, "", t->dtype_name);
        const char *name = same->name;
        *same = *t;
        same->name = name;
        return;
    }
    size_t n_cell = quant_row_cells(&c->spec, c->cols, &cell_cols);
    add_matrix(r, t->name, n_stem, ".weight_packed", "I32", c->rows, pack_words(c->cols, c->spec.bits));
    add_matrix(r, t->name, n_stem, ".weight_scale", t->dtype_name, c->rows, n_cell);
    if (quant_grid_is_asym(c->spec.grid))
        add_matrix(r, t->name, n_stem, ".weight_zero_point", "I32", pack_words(c->rows, c->spec.bits),
                   n_cell);
    struct tensor *shape = add_outgoing(r, t->name, n_stem, ".weight_shape", "I64");
    shape->n_dim = 1;
    shape->shape[0] = 2;
    tensor_set_size(shape);
}

/* The current frame's metadata; a plain file's without what only streams need. */
static void set_metadata(const struct rewrite *r)
{
    ts_out_copy_meta(r->out, r->in);
    if (r->dir) {
        ts_out_meta(r->out, "config", NULL);
    } else if (r->family && r->config) {
        ts_out_meta(r->out, "kind", "weights");
        ts_out_meta(r->out, "model_type", r->family->model_type);
        ts_out_meta(r->out, "config", r->config);
    }
}

/* A tensor that is not quantised. */
static void pass_on(struct rewrite *r, const struct tensor *t)
{
    put_waiting(r);
    if (!r->is_folded) {
        ts_out_data(r->out, t->data, t->n_bytes);
        return;
    }
    char *data = xaligned(t->n_bytes, 1);
    tensor_from_f32(r->folded, t->n, t->dtype, data);
    ts_out_data(r->out, data, t->n_bytes);
    free(data);
}

void rewrite_frame(struct rewrite *r)
{
    size_t n = ts_frame_tensors(r->in);
    struct choice *c = xnew(n, sizeof *c);
    struct tensor t;
    int got;
    learn_model(r);
    for (size_t i = 0; i < n; i++) {
        choice_make(r->o.rules, r->family, ts_frame_tensor(r->in, i), &c[i]);
        choice_note_unnamed(r->o.rules, &c[i]);
        announce(r, ts_frame_tensor(r->in, i), &c[i]);
        if (r->o.ggmltypes)
            ggmltypes_put(r->o.ggmltypes, r->family, ts_frame_tensor(r->in, i), &c[i]);
    }
    put_waiting(r);
    set_metadata(r);
    ts_out_frame(r->out, r->outgoing, r->n_outgoing);
    for (size_t i = 0; (got = ts_next_in_frame(r->in, &t)) > 0; i++) {
        msg_progress("%s: %s", ts_path(r->in), t.name);
        fold(r, &t, &c[i]);
        if (c[i].quantise)
            quantise(r, &t, &c[i]);
        else
            pass_on(r, &t);
    }
    if (got < 0)
        ts_die(r->in);
    for (size_t i = 0; i < r->n_outgoing; i++)
        free((char *)r->outgoing[i].name);
    r->n_outgoing = 0;
    free(c);
}
