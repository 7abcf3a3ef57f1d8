/* modelcat - a model as one stream that describes itself
 * in: the directory of a Hugging Face model, or its file of weights; out: a tensor stream of weights in the
 * order of a forward pass. Holds one tensor mapped, or a piece of one converted. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/tstream.h"
#include "lm/checkpoint.h"
#include "weights/modelfile.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 22, SHARE = 1 << 16 }; /* elements written at a time; converted by one task */

static const char *out_path = "-", *dtype;
static int64_t level = TS_LEVEL, n_thread = 1;

static const struct cli_opt opts[] = {
    { 0, "dtype", CLI_CHOICE, &dtype, "DTYPE",
      "convert every tensor to this, rounded to nearest even [as it is]", 0, 0, "F32 F16 BF16" },
    CLI_OUTPUT(&out_path, "model"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "modelcat",
    .synopsis = "[OPTION]... MODEL",
    .summary =
        "Write a model as one stream that describes itself, its tensors in the order of a forward pass.",
    .in = "MODEL is the directory of a Hugging Face model: config.json and model.safetensors or "
          "pytorch_model.bin, in one file or in shards with their index; or such a file, with config.json "
          "beside it. Nothing in a pytorch_model.bin is executed",
    .out =
        "a tensor stream of weights: one frame for the embeddings, one for each layer, one for what follows "
        "them, so that the next program computes while the model still passes; or one plain file if its name "
        "ends in .safetensors",
    .notes =
        "Families: bloom, xglm, gpt2, opt, gpt_neox, llama (mistral too), qwen2. Tensors keep their names. "
        "Every frame's metadata hold kind=weights, model_type, config (the text of config.json) and history, "
        "so the stream is all that another program needs as --model.\n"
        "Each tensor is checked against the config, in name, shape and number. Left out are buffers (masks, "
        "rotary frequencies) and a head that the config ties to the embedding: the reference code takes the "
        "embedding whatever such a head holds, and two copies could come to differ on the way.",
    .example = "  modelcat -z 0 bloom-560m | ppl --model=- --tokenizer=bloom-560m text/*.txt\n"
               "  modelcat bloom-560m | kurt | mlr --icsv --opprint sort -nr kurtosis\n"
               "  modelcat --dtype=BF16 -o small.safetensors bloom-560m",
    .see_also = "ppl, kurt, tensorcat",
    .min_files = 1,
    .max_files = 1,
};

static struct lm_checkpoint *model;
static struct ts_writer *out;

/* How t leaves. */
static struct tensor as_written(const struct tensor *t)
{
    struct tensor w = *t;
    if (dtype) {
        w.dtype_name = dtype;
        w.dtype = tensor_dtype_find(dtype);
        tensor_set_size(&w); /* cannot fail: it was set for the width of t, and a config bounds the shapes */
    }
    return w;
}

/* ---- frames */

/* Which frame a place belongs to: 0 what comes before the layers, 1.. the layers, behind them the rest; of a
 * plain file, which is one frame in the end, always 0. */
static int frame_of(const struct lm_config *config, const struct lm_place *p)
{
    if (ts_out_is_plain(out))
        return 0;
    if (p->layer >= 0)
        return p->layer + 1;
    return p->role < LM_ATTN_NORM ? 0 : config->n_layer + 1;
}

/* Announces the frame that begins at place p. */
static void put_frame(const struct lm_place *begin)
{
    const struct lm_config *config = lm_checkpoint_config(model);
    int frame = frame_of(config, begin);
    struct tensor *tensors = NULL, t;
    struct lm_place p = *begin;
    size_t n = 0, room = 0;
    do {
        if (!lm_checkpoint_describe(model, &p, &t))
            continue;
        xgrow(&tensors, &room, n + 1, sizeof *tensors);
        tensors[n++] = as_written(&t);
    } while (lm_config_next_place(config, &p) && frame_of(config, &p) == frame);
    ts_out_frame(out, tensors, n);
    free(tensors);
}

/* ---- data */

/* Whether element i of what was converted to F32, F16 or BF16 is infinite. */
static int is_infinite(const struct tensor *w, const char *converted, size_t i)
{
    if (w->dtype == TENSOR_F32)
        return isinf(((const float *)(const void *)converted)[i]) != 0;
    return (((const uint16_t *)(const void *)converted)[i] & 0x7fff) ==
           (w->dtype == TENSOR_F16 ? 0x7c00 : 0x7f80);
}

/* A model with infinite weights is of no use, and silence about it of less. */
static void check_range(const struct tensor *t, const struct tensor *w, const char *converted, size_t at,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double value;
        if (is_infinite(w, converted, i) && tensor_to_f64(t, at + i, 1, &value) == 0 && isfinite(value))
            die("%s: '%s': %g is beyond the range of %s", lm_checkpoint_path(model), t->name, value,
                w->dtype_name);
    }
}

/* A piece of a tensor on its way to another dtype. */
struct conversion {
    const struct tensor *from;
    size_t at, n; /* elements */
    const struct tensor *to;
    char *data;
};

static void convert(void *ctx, size_t task, int worker)
{
    const struct conversion *c = ctx;
    size_t begin = task * SHARE, n = c->n - begin < SHARE ? c->n - begin : SHARE;
    (void)worker;
    tensor_convert(c->from, c->at + begin, n, c->to->dtype,
                   c->data + begin * tensor_dtype_bytes(c->to->dtype));
}

static void put_tensor(const struct tensor *t)
{
    static char *converted;
    const struct tensor w = as_written(t);
    size_t width = tensor_dtype_bytes(t->dtype), n;
    if (w.dtype != t->dtype && !converted)
        converted = xaligned(PIECE, tensor_dtype_bytes(w.dtype));
    for (size_t at = 0; at < t->n; at += n) {
        const char *piece = (const char *)t->data + at * width;
        n = t->n - at < PIECE ? t->n - at : PIECE;
        if (w.dtype != t->dtype) {
            struct conversion c = { t, at, n, &w, converted };
            threads_for((int)n_thread, (n + SHARE - 1) / SHARE, convert, &c);
            check_range(t, &w, converted, at, n);
            ts_out_data(out, converted, n * tensor_dtype_bytes(w.dtype));
        } else {
            ts_out_data(out, piece, n * width);
        }
        lm_checkpoint_release(model, piece, n * width);
    }
}

static void put_model(void)
{
    const struct lm_config *config = lm_checkpoint_config(model);
    struct tensor t;
    struct lm_place p;
    int got, frame = -1;
    while ((got = lm_checkpoint_next(model, &t, &p)) > 0) {
        if (frame_of(config, &p) != frame)
            put_frame(&p);
        frame = frame_of(config, &p);
        put_tensor(&t);
        msg_progress("%s: %s", lm_checkpoint_path(model), t.name);
    }
    if (got < 0)
        die("%s: %s", lm_checkpoint_path(model), lm_checkpoint_error(model));
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv);
    model = modelfile_open(path, (int)n_thread);
    if (!lm_checkpoint_is_ordered(model))
        die("%s: its tensors cannot be taken in any order: a pipe, compressed, or a stream already, as which "
            "tensorcat copies and converts it",
            lm_checkpoint_path(model));
    modelfile_warn(model);
    const struct ts_options options = { .level = (int)level, .n_thread = (int)n_thread };
    out = ts_open_out(out_path, &options);
    ts_out_meta(out, "kind", "weights");
    ts_out_meta(out, "model_type", lm_checkpoint_model_type(model));
    ts_out_meta(out, "config", lm_checkpoint_config_text(model));
    ts_out_meta(out, "history", lm_checkpoint_history(model));
    ts_out_history(out, cli_history());
    put_model();
    ts_close_out(out);
    lm_checkpoint_close(model);
    msg_progress_end();
    return 0;
}
