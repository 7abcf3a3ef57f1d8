/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/trainstate.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/tstream.h"
#include "math/adamw.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char moment_1[] = "adam_m.", moment_2[] = "adam_v.", step_key[] = "lmtrain step",
                  option[] = "option ";

void lm_trainstate_init(struct lm_trainstate *s, const struct lm_params *p, size_t n_tally, size_t n_column)
{
    *s = (struct lm_trainstate){ .params = p, .n_tally = n_tally, .n_column = n_column };
    s->w = xaligned(p->n, sizeof *s->w);
    s->m = xaligned(p->n, sizeof *s->m);
    s->v = xaligned(p->n, sizeof *s->v);
    memset(s->m, 0, p->n * sizeof *s->m);
    memset(s->v, 0, p->n * sizeof *s->v);
    s->tally = xcalloc(n_tally, sizeof *s->tally);
}

void lm_trainstate_clear(struct lm_trainstate *s)
{
    free(s->w);
    free(s->m);
    free(s->v);
    free(s->tally);
    free(s->log);
    *s = (struct lm_trainstate){ 0 };
}

double *lm_trainstate_row(struct lm_trainstate *s)
{
    xgrow(&s->log, &s->log_room, s->n_row + 1, s->n_column * sizeof *s->log);
    double *row = s->log + s->n_row++ * s->n_column;
    for (size_t i = 0; i < s->n_column; i++)
        row[i] = NAN;
    return row;
}

/* ---- writing */

static struct tensor describe(const char *name, enum tensor_dtype dtype, const size_t *shape, int n_dim)
{
    struct tensor t = {
        .name = name, .dtype = dtype, .dtype_name = tensor_dtype_name(dtype), .n_dim = n_dim
    };
    memcpy(t.shape, shape, (size_t)n_dim * sizeof *shape);
    tensor_set_size(&t); /* fits: it is in memory */
    return t;
}

static void put_meta(struct ts_writer *out, const struct lm_trainstate *s, const struct lm_setting *settings,
                     const char *config_text, const char *history)
{
    char *step = xsprintf("%" PRIu64, s->step);
    ts_out_meta(out, "kind", "weights");
    ts_out_meta(out, "config", config_text);
    ts_out_meta(out, step_key, step);
    ts_out_history(out, history);
    for (; settings->name; settings++) {
        char *key = xsprintf("%s%s", option, settings->name);
        ts_out_meta(out, key, settings->value);
        free(key);
    }
    free(step);
}

void lm_trainstate_save(const struct lm_trainstate *s, const char *path, const struct lm_setting *settings,
                        const char *config_text, const char *history)
{
    const struct lm_params *p = s->params;
    const float *array[3] = { s->w, s->m, s->v };
    const char *prefix[3] = { "", moment_1, moment_2 };
    const struct ts_options plain = { 0, 1 };
    const size_t log_shape[2] = { s->n_row, s->n_column };
    size_t n = 0, n_tensor = 3 * p->n_param + 2;
    struct tensor *t = xnew(n_tensor, sizeof *t);
    char **name = xnew(n_tensor, sizeof(*name));
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < p->n_param; i++, n++) {
            name[n] = xsprintf("%s%s", prefix[k], p->param[i].name);
            t[n] = describe(name[n], TENSOR_F32, p->param[i].shape, p->param[i].n_dim);
        }
    t[n] = describe("train.tally", TENSOR_F64, &s->n_tally, 1);
    t[n + 1] = describe("train.log", TENSOR_F64, log_shape, 2);
    struct ts_writer *out = ts_open_out(path, &plain);
    put_meta(out, s, settings, config_text, history);
    ts_out_frame(out, t, n_tensor);
    for (int k = 0; k < 3; k++)
        ts_out_data(out, array[k], p->n * sizeof(float)); /* tensors stand as in the file */
    ts_out_data(out, s->tally, t[n].n_bytes);
    ts_out_data(out, s->n_row ? s->log : s->tally, t[n + 1].n_bytes);
    ts_close_out(out);
    for (size_t i = 0; i < n; i++)
        free(name[i]);
    free(name);
    free(t);
}

/* ---- reading */

static int refuse(char why[LM_TRAINSTATE_WHY_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char why[LM_TRAINSTATE_WHY_MAX], const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, LM_TRAINSTATE_WHY_MAX, format, ap);
    va_end(ap);
    return -1;
}

static int is_listed(char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (!strcmp(*list, name))
            return 1;
    return 0;
}

/* Of two values, NULL being none. */
static int check_setting(const char *name, const char *was, const char *is, char *const *may_differ,
                         char why[LM_TRAINSTATE_WHY_MAX])
{
    if ((was && is && !strcmp(was, is)) || is_listed(may_differ, name))
        return 0;
    return refuse(why, "was made with another --%.60s: %.200s, not %.200s", name, was ? was : "none",
                  is ? is : "none");
}

static int check_meta(struct lm_trainstate *s, const struct ts_reader *in, const struct lm_setting *settings,
                      char *const *may_differ, char why[LM_TRAINSTATE_WHY_MAX])
{
    const char *step = ts_meta(in, step_key), *key, *was;
    int status = 0;
    if (!step || num_parse_u64(step, &s->step) < 0)
        return refuse(why, "not a checkpoint of lmtrain");
    for (const struct lm_setting *is = settings; is->name && !status; is++) {
        char *own_key = xsprintf("%s%s", option, is->name);
        status = check_setting(is->name, ts_meta(in, own_key), is->value, may_differ, why);
        free(own_key);
    }
    for (size_t i = 0; !status && (key = ts_meta_at(in, i, &was)); i++) {
        const struct lm_setting *is = settings;
        if (strncmp(key, option, strlen(option)) != 0)
            continue;
        key += strlen(option);
        while (is->name && strcmp(is->name, key) != 0)
            is++;
        if (!is->name) /* of this run nothing is asked there */
            status = check_setting(key, was, NULL, may_differ, why);
    }
    return status;
}

/* The array that a tensor's name belongs to, and the name without its prefix. */
static float *array_of(const struct lm_trainstate *s, const char **name)
{
    float *array = s->w;
    if (!strncmp(*name, moment_1, strlen(moment_1)))
        array = s->m;
    else if (!strncmp(*name, moment_2, strlen(moment_2)))
        array = s->v;
    *name += array == s->w ? 0 : strlen(moment_1);
    return array;
}

/* Takes what t holds: how many floats of the three arrays that is, or -1. */
static ptrdiff_t take_tensor(struct lm_trainstate *s, const struct tensor *t, char why[LM_TRAINSTATE_WHY_MAX])
{
    if (!strcmp(t->name, "train.tally")) {
        if (t->n != s->n_tally || t->dtype != TENSOR_F64)
            return refuse(why, "'%s' has %zu numbers, not %zu", t->name, t->n, s->n_tally);
        tensor_to_f64(t, 0, t->n, s->tally);
        return 0;
    }
    if (!strcmp(t->name, "train.log")) {
        if (t->n_dim != 2 || t->shape[1] != s->n_column || t->dtype != TENSOR_F64)
            return refuse(why, "'%s' has not the columns of this log", t->name);
        s->n_row = t->shape[0];
        xgrow(&s->log, &s->log_room, s->n_row, s->n_column * sizeof *s->log);
        tensor_to_f64(t, 0, t->n, s->log);
        return 0;
    }
    struct lm_place place;
    const char *name = t->name;
    float *array = array_of(s, &name);
    const struct lm_param *a = NULL;
    if (lm_place_find(s->params->config->family, name, &place) > 0)
        a = lm_params_find(s->params, &place);
    if (!a || t->dtype != TENSOR_F32 || t->n != a->n || strcmp(name, a->name) != 0)
        return refuse(why, "'%.200s' is no tensor of this model", t->name);
    tensor_to_f32(t, 0, t->n, array + a->offset);
    if (!isfinite(adamw_squares(array + a->offset, a->n)))
        return refuse(why, "'%.200s' holds numbers that are not finite", t->name);
    return (ptrdiff_t)t->n;
}

int lm_trainstate_load(struct lm_trainstate *s, const char *path, const struct lm_setting *settings,
                       char *const *may_differ, char why[LM_TRAINSTATE_WHY_MAX])
{
    const char *reason;
    struct ts_reader *in = ts_open(path, 1, &reason);
    if (!in)
        return refuse(why, "%s", reason);
    int status = check_meta(s, in, settings, may_differ, why), got = 0;
    size_t n = 0, n_tensor = 0;
    struct tensor t;
    for (; !status && (got = ts_next(in, &t)) > 0; n_tensor++) {
        ptrdiff_t taken = take_tensor(s, &t, why);
        status = taken < 0 ? -1 : 0;
        n += taken < 0 ? 0 : (size_t)taken;
    }
    if (!status && got < 0)
        status = refuse(why, "%s", ts_error(in));
    if (!status && (n != 3 * s->params->n || n_tensor != 3 * s->params->n_param + 2))
        status = refuse(why, "weights, moments or the log are missing");
    ts_close(in);
    return status;
}
