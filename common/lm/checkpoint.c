/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/checkpoint.h"
#include "base/mem.h"
#include "lm/source.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ERROR_MAX = LM_SOURCE_WHY_MAX, NOTE_MAX = 400 };

/* What is known of a place of the model. */
struct slot {
    int is_there; /* in a stream: it came */
    size_t file, index;
};

struct lm_checkpoint {
    char *path;
    int n_thread;
    struct lm_source source;
    struct lm_config config;
    char *model_type;
    struct slot *slot;  /* [role][bias][layer], see slot_of */
    struct lm_place at; /* of files: the next to be given */
    enum { BEFORE, AMONG, BEHIND, FAILED } state;
    const struct lm_file *given; /* what the caller has: data of this file, */
    const void *data;            /* these, n_data of them, */
    size_t n_data;
    void *owned; /* or these in memory */
    void **kept; /* that the caller has for longer */
    size_t n_kept, kept_room;
    size_t n_left_out; /* tensors that the model has no place for; the first's name */
    char *left_out, *head_note;
    char note[NOTE_MAX], error[ERROR_MAX];
};

static int fail(struct lm_checkpoint *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct lm_checkpoint *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(c->error, sizeof c->error, format, ap);
    va_end(ap);
    c->state = FAILED;
    return -1;
}

/* ---- places */

static const struct lm_place first_place = { LM_EMBED, -1, 0 };

static size_t n_slot(const struct lm_config *config)
{
    return (size_t)LM_N_ROLE * 2 * (size_t)config->n_layer;
}

static struct slot *slot_of(const struct lm_checkpoint *c, const struct lm_place *p)
{
    size_t layer = p->layer < 0 ? 0 : (size_t)p->layer;
    return &c->slot[((size_t)p->role * 2 + (size_t)p->is_bias) * (size_t)c->config.n_layer + layer];
}

static int is_float(const struct tensor *t)
{
    return t->dtype == TENSOR_F32 || t->dtype == TENSOR_F16 || t->dtype == TENSOR_BF16 ||
           t->dtype == TENSOR_F64;
}

static int check_shape(struct lm_checkpoint *c, const struct tensor *t, const size_t *shape, int n_dim)
{
    char got[TENSOR_SHAPE_MAX], wanted[TENSOR_SHAPE_MAX];
    struct tensor model = { .n_dim = n_dim };
    memcpy(model.shape, shape, (size_t)n_dim * sizeof *shape);
    if (t->n_dim == n_dim && !memcmp(t->shape, shape, (size_t)n_dim * sizeof *shape))
        return 0;
    return fail(c, "'%.200s' is %s, but by the config it is %s", t->name, tensor_shape_text(t, got),
                tensor_shape_text(&model, wanted));
}

static int leave_out(struct lm_checkpoint *c, const char *name)
{
    if (!c->n_left_out++)
        c->left_out = xstrdup(name);
    return 0;
}

static void forget_left_out(struct lm_checkpoint *c)
{
    free(c->left_out);
    c->left_out = NULL;
    c->n_left_out = 0;
}

/* Finds t's place: 1; 0 if it is to be left out; -1 if it cannot be of this model. */
static int admit(struct lm_checkpoint *c, const struct tensor *t, struct lm_place *p)
{
    size_t shape[2];
    int found = lm_place_find(c->config.family, t->name, p);
    int n_dim = found > 0 ? lm_config_shape(&c->config, p, shape) : 0;
    if (found == 0)
        return 0;
    if (!n_dim)
        return leave_out(c, t->name);
    if (check_shape(c, t, shape, n_dim) < 0)
        return -1;
    if (!is_float(t))
        return fail(c, "'%.200s' is %.20s; weights are F32, F16, BF16 or F64", t->name, t->dtype_name);
    if (slot_of(c, p)->is_there)
        return fail(c, "'%.200s' is there twice", t->name);
    return 1;
}

/* Names the first place that is empty but must not be; 0 if there is none. */
static int check_complete(struct lm_checkpoint *c)
{
    size_t n_missing = 0;
    char *name = NULL;
    struct lm_place p = first_place;
    do {
        if (slot_of(c, &p)->is_there || !lm_config_needs(&c->config, &p))
            continue;
        if (!n_missing++)
            name = lm_place_text(c->config.family, &p);
    } while (lm_config_next_place(&c->config, &p));
    if (n_missing > 1)
        fail(c, "'%s' is missing, and %zu more", name, n_missing - 1);
    else if (n_missing)
        fail(c, "'%s' is missing", name);
    free(name);
    return n_missing ? -1 : 0;
}

/* ---- files */

/* Whether two tensors hold the same bytes. Reads both, a piece at a time. */
static int is_same(const struct lm_file *file_a, size_t a, const struct lm_file *file_b, size_t b)
{
    enum { PIECE = 16 << 20 };
    const struct tensor *t = lm_source_tensor(file_a, a), *u = lm_source_tensor(file_b, b);
    if (t->dtype != u->dtype || t->n_bytes != u->n_bytes)
        return 0;
    void *owned_a, *owned_b;
    const char *x = lm_source_data(file_a, a, &owned_a), *y = lm_source_data(file_b, b, &owned_b);
    int same = 1;
    for (size_t at = 0, k; x != y && same && at < t->n_bytes; at += k) {
        k = t->n_bytes - at < PIECE ? t->n_bytes - at : PIECE;
        same = !memcmp(x + at, y + at, k);
        if (!owned_a)
            lm_source_release(file_a, x + at, k);
        if (!owned_b)
            lm_source_release(file_b, y + at, k);
    }
    free(owned_a);
    free(owned_b);
    return same;
}

/* Takes the head away if the config ties it; the embedding is there. */
static void drop_tied_head(struct lm_checkpoint *c)
{
    const struct lm_place p = { LM_HEAD, -1, 0 };
    struct slot *head = slot_of(c, &p), *embed = slot_of(c, &first_place);
    const struct lm_file *file = c->source.file;
    if (!c->config.tied || !head->is_there)
        return;
    if (!is_same(&file[head->file], head->index, &file[embed->file], embed->index))
        c->head_note = xsprintf(
            "'%.200s' differs from the embedding, to which the config ties it, and is left out",
            lm_source_tensor(&file[head->file], head->index)->name);
    head->is_there = 0;
}

/* Finds the place of every tensor of the files. */
static int place_files(struct lm_checkpoint *c)
{
    const struct lm_source *s = &c->source;
    for (size_t f = 0; f < s->n_file; f++)
        for (size_t i = 0; i < s->file[f].n; i++) {
            struct lm_place p;
            const struct tensor *t = lm_source_tensor(&s->file[f], i);
            const char *where = json_string_value(json_object_get(s->where, t->name));
            if (where && strcmp(where, s->file[f].name) != 0)
                continue; /* the index says that another shard has it */
            int admitted = admit(c, t, &p);
            if (admitted < 0)
                return -1;
            if (admitted)
                *slot_of(c, &p) = (struct slot){ 1, f, i };
        }
    if (check_complete(c) < 0)
        return -1;
    drop_tied_head(c);
    return 0;
}

static int next_of_files(struct lm_checkpoint *c, struct tensor *t, struct lm_place *p)
{
    do {
        if (c->state == BEFORE)
            c->at = first_place;
        else if (!lm_config_next_place(&c->config, &c->at))
            return c->state = BEHIND, 0;
        c->state = AMONG;
    } while (!slot_of(c, &c->at)->is_there);
    const struct slot *slot = slot_of(c, &c->at);
    c->given = &c->source.file[slot->file];
    *p = c->at;
    *t = *lm_source_tensor(c->given, slot->index);
    t->data = c->data = lm_source_data(c->given, slot->index, &c->owned);
    c->n_data = t->n_bytes;
    return 1;
}

/* Lets go of what the caller had. */
static void release(struct lm_checkpoint *c)
{
    if (c->given && !c->owned)
        lm_source_release(c->given, c->data, c->n_data);
    free(c->owned);
    c->owned = NULL;
    c->given = NULL;
}

/* ---- streams */

static int next_of_stream(struct lm_checkpoint *c, struct tensor *t, struct lm_place *p)
{
    c->state = AMONG;
    for (;;) {
        int got = ts_next(c->source.stream, t);
        if (got < 0)
            return fail(c, "%s", ts_error(c->source.stream));
        if (!got) {
            c->state = BEHIND;
            return check_complete(c);
        }
        got = admit(c, t, p);
        if (got < 0)
            return -1;
        if (!got)
            continue;
        slot_of(c, p)->is_there = 1;
        if (p->role != LM_HEAD || !c->config.tied)
            return 1;
    }
}

/* ---- as a whole */

static int open_source(struct lm_checkpoint *c)
{
    char why[LM_WHY_MAX];
    if (lm_source_open(&c->source, c->path, c->n_thread, c->error) < 0)
        return -1;
    if (lm_config_parse(c->source.config, c->source.n_config, &c->config, why) < 0)
        return fail(c, "%s", why);
    json_t *root = json_loadb(c->source.config, c->source.n_config, 0, NULL);
    c->model_type = xstrdup(json_string_value(json_object_get(root, "model_type")));
    json_decref(root);
    c->slot = xcalloc(n_slot(&c->config), sizeof *c->slot);
    return c->source.stream ? 0 : place_files(c);
}

struct lm_checkpoint *lm_checkpoint_open(const char *path, int n_thread, const char **why)
{
    static char reason[ERROR_MAX];
    struct lm_checkpoint *c = xcalloc(1, sizeof *c);
    c->path = xstrdup(path);
    c->n_thread = n_thread;
    if (open_source(c) == 0)
        return c;
    memcpy(reason, c->error, sizeof reason);
    *why = reason;
    lm_checkpoint_close(c);
    return NULL;
}

const char *lm_checkpoint_path(const struct lm_checkpoint *c)
{
    return strcmp(c->path, "-") ? c->path : "standard input";
}

const struct lm_config *lm_checkpoint_config(const struct lm_checkpoint *c)
{
    return &c->config;
}

const char *lm_checkpoint_config_text(const struct lm_checkpoint *c)
{
    return c->source.config;
}

const char *lm_checkpoint_model_type(const struct lm_checkpoint *c)
{
    return c->model_type;
}

const char *lm_checkpoint_history(const struct lm_checkpoint *c)
{
    return c->source.history;
}

int lm_checkpoint_next(struct lm_checkpoint *c, struct tensor *t, struct lm_place *p)
{
    release(c);
    if (c->state == BEHIND)
        return 0;
    if (c->state == FAILED)
        return -1;
    return c->source.stream ? next_of_stream(c, t, p) : next_of_files(c, t, p);
}

void lm_checkpoint_release(struct lm_checkpoint *c, const void *data, size_t n)
{
    if (c->given && !c->owned)
        lm_source_release(c->given, data, n);
}

void lm_checkpoint_keep(struct lm_checkpoint *c, const void *data)
{
    void *own = c->owned ? c->owned : c->source.stream ? ts_take(c->source.stream, data) : NULL;
    if (own) {
        xgrow(&c->kept, &c->kept_room, c->n_kept + 1, sizeof *c->kept);
        c->kept[c->n_kept++] = own;
    }
    c->owned = NULL;
    c->given = NULL;
}

void lm_checkpoint_let_go(struct lm_checkpoint *c, const void *data, size_t n)
{
    for (size_t i = 0; i < c->n_kept; i++)
        if (c->kept[i] == data) {
            free(c->kept[i]);
            c->kept[i] = c->kept[--c->n_kept];
            return;
        }
    for (size_t i = 0; i < c->source.n_file; i++) /* it is one's, or in memory and none's */
        lm_source_release(&c->source.file[i], data, n);
    if (c->source.stream)
        ts_release(c->source.stream, data, n);
}

const char *lm_checkpoint_error(const struct lm_checkpoint *c)
{
    return c->error;
}

int lm_checkpoint_is_ordered(const struct lm_checkpoint *c)
{
    return !c->source.stream;
}

int lm_checkpoint_describe(const struct lm_checkpoint *c, const struct lm_place *p, struct tensor *t)
{
    const struct slot *slot = slot_of(c, p);
    if (c->source.stream || !slot->is_there)
        return 0;
    *t = *lm_source_tensor(&c->source.file[slot->file], slot->index);
    t->data = NULL;
    return 1;
}

int lm_checkpoint_can_rewind(const struct lm_checkpoint *c)
{
    struct stat st;
    return !c->source.stream || (strcmp(c->path, "-") != 0 && stat(c->path, &st) == 0 &&
                                 (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)));
}

int lm_checkpoint_rewind(struct lm_checkpoint *c)
{
    release(c);
    if (!c->source.stream) {
        c->state = BEFORE;
        return 0;
    }
    if (!lm_checkpoint_can_rewind(c))
        return fail(c, "a pipe cannot be read twice");
    struct lm_source again;
    int status = lm_source_open(&again, c->path, c->n_thread, c->error);
    if (!status && (!again.stream || strcmp(again.config, c->source.config) != 0))
        status = fail(c, "changed while it was being read");
    if (!status) {
        struct ts_reader *done = c->source.stream;
        c->source.stream = again.stream;
        again.stream = done;
        memset(c->slot, 0, n_slot(&c->config) * sizeof *c->slot);
        forget_left_out(c);
    }
    c->state = status ? FAILED : BEFORE;
    lm_source_clear(&again);
    return status;
}

const char *lm_checkpoint_note(struct lm_checkpoint *c, size_t i)
{
    if (c->config.hybrid && !i--)
        return "the config departs from its family (\"babelbits\"): a model for experiments with these "
               "programs, which others would run as something else";
    if (c->head_note && !i--)
        return c->head_note;
    if (!c->n_left_out || i)
        return NULL;
    snprintf(c->note, sizeof c->note,
             "%zu tensor%s left out for which this %s has no place by its config, '%.200s' first",
             c->n_left_out, c->n_left_out > 1 ? "s are" : " is", c->config.family->model_type, c->left_out);
    return c->note;
}

void lm_checkpoint_close(struct lm_checkpoint *c)
{
    if (!c)
        return;
    release(c);
    for (size_t i = 0; i < c->n_kept; i++)
        free(c->kept[i]);
    free(c->kept);
    forget_left_out(c);
    lm_source_clear(&c->source);
    free(c->head_note);
    free(c->model_type);
    free(c->slot);
    free(c->path);
    free(c);
}
