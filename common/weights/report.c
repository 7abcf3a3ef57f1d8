/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/report.h"
#include "base/mem.h"
#include "io/csvout.h"
#include <math.h>
#include <stdlib.h>

struct report {
    struct csvout *csv;
    enum report_by by;
    char *const *langs;
};

struct report *report_open(const char *path, enum report_by by, char *const *langs)
{
    struct report *r = xcalloc(1, sizeof *r);
    r->by = by;
    r->langs = langs;
    r->csv = csvout_open(path,
                         "name,layer,role,dtype,shape,channel,n,bits,grid,per,clip,alpha,scale,mse,"
                         "sqnr_db,clipped_share,predicted_mse_gauss,predicted_mse_laplace,lang,output_error,"
                         "damping,dead_inputs,solves");
    return r;
}

void report_close(struct report *r)
{
    if (r)
        csvout_close(r->csv);
    free(r);
}

/* What the tensor is: the first columns of a row. channel -1: all of them. */
static void put_tensor(struct report *r, const struct tensor *t, const struct choice *c, int64_t channel)
{
    char shape[TENSOR_SHAPE_MAX];
    csvout_safe(r->csv, t->name);
    if (c->subject.layer >= 0)
        csvout_int(r->csv, c->subject.layer);
    else
        csvout_str(r->csv, "");
    csvout_str(r->csv, c->subject.role ? c->subject.role : "");
    csvout_safe(r->csv, t->dtype_name);
    csvout_str(r->csv, tensor_shape_text(t, shape));
    if (channel >= 0)
        csvout_int(r->csv, channel);
    else
        csvout_str(r->csv, "");
}

/* Channels first.., n of them, as the columns behind that. */
static void put_stats(struct report *r, const struct choice *c, const struct quant_stats *stats, size_t first,
                      size_t n)
{
    const struct quant_spec *s = &c->spec;
    char text[QUANT_TEXT_MAX];
    struct quant_stats sum = { .n = 0 };
    for (size_t i = first; i < first + n; i++)
        quant_stats_add(&sum, &stats[i]);
    double count = (double)sum.n, cells = (double)sum.n_cell;
    csvout_int(r->csv, (int64_t)sum.n);
    csvout_int(r->csv, s->bits);
    csvout_str(r->csv, quant_grid_name(s->grid));
    csvout_str(r->csv, quant_spec_per_text(s, text));
    csvout_str(r->csv, quant_spec_clip_text(s, text));
    csvout_num(r->csv, sum.alpha / cells);
    csvout_num(r->csv, sum.scale / cells);
    csvout_num(r->csv, sum.errors / count);
    csvout_num(r->csv, sum.squares > 0 ? 10 * log10(sum.squares / sum.errors) : NAN);
    csvout_num(r->csv, (double)sum.n_clipped / count);
    csvout_num(r->csv, sum.as_gauss / count);
    csvout_num(r->csv, sum.as_laplace / count);
}

static void put_outputs(struct report *r, const char *lang, double error, const struct solver_found *f)
{
    int is_damped = f && !isnan(f->damping);
    csvout_str(r->csv, lang);
    csvout_num(r->csv, error);
    csvout_num(r->csv, is_damped ? f->damping : NAN);
    if (is_damped) {
        csvout_int(r->csv, (int64_t)f->n_dead);
        csvout_int(r->csv, f->n_solve);
    } else {
        csvout_str(r->csv, "");
        csvout_str(r->csv, "");
    }
    csvout_end_row(r->csv);
}

void report_put(struct report *r, const struct tensor *t, const struct choice *c,
                const struct quant_stats *stats, const struct solver_found *f)
{
    int by_lang = r->by == REPORT_LANG && f && f->by_lang;
    for (size_t k = 0; k < c->rows && r->by == REPORT_CHANNEL; k++) {
        put_tensor(r, t, c, (int64_t)k);
        put_stats(r, c, stats, k, 1);
        put_outputs(r, "", NAN, f);
    }
    for (size_t lang = 0; by_lang && r->langs[lang]; lang++) {
        put_tensor(r, t, c, -1);
        put_stats(r, c, stats, 0, c->rows);
        put_outputs(r, r->langs[lang], f->by_lang[lang], f);
    }
    if (r->by == REPORT_CHANNEL || by_lang)
        return;
    put_tensor(r, t, c, -1);
    put_stats(r, c, stats, 0, c->rows);
    put_outputs(r, "", f ? f->output_error : NAN, f);
}
