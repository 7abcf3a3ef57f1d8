/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/ggmltypes.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/outfile.h"
#include <stdlib.h>
#include <string.h>

enum { K_BLOCK = 256 }; /* weights along a row that share a block of the k-quants */

/* gguf-py/gguf/constants.py; norms and positions are never quantised. */
static const char *const gguf_name[LM_N_ROLE] = {
    [LM_EMBED] = "token_embd",  [LM_ATTN_QKV] = "attn_qkv", [LM_ATTN_Q] = "attn_q",
    [LM_ATTN_K] = "attn_k",     [LM_ATTN_V] = "attn_v",     [LM_ATTN_OUT] = "attn_output",
    [LM_MLP_GATE] = "ffn_gate", [LM_MLP_UP] = "ffn_up",     [LM_MLP_DOWN] = "ffn_down",
    [LM_HEAD] = "output",
};
static const char *const type_of_bits[] = {
    [2] = "q2_K", [3] = "q3_K", [4] = "q4_K", [5] = "q5_K", [6] = "q6_K", [7] = "q8_0", [8] = "q8_0"
};

struct ggmltypes {
    struct outfile *out;
    const char *embed_type;
    int has_head, n_line, has_warned;
};

struct ggmltypes *ggmltypes_open(const char *path)
{
    struct ggmltypes *g = xcalloc(1, sizeof *g);
    g->out = outfile_open(path, 0);
    return g;
}

static void put_line(struct ggmltypes *g, int layer, const char *name, const char *type)
{
    char *line = layer < 0 ? xsprintf("^%s[.]weight$=%s\n", name, type)
                           : xsprintf("^blk[.]%d[.]%s[.]weight$=%s\n", layer, name, type);
    outfile_write(g->out, line, strlen(line));
    free(line);
    g->n_line++;
}

static void check_family(const struct lm_family *f, const struct tensor *t)
{
    if (!f)
        f = lm_family_guess(t->name);
    if (f && (!strcmp(f->model_type, "xglm") || !strcmp(f->model_type, "opt")))
        die("'%s': llama.cpp has no models of the family %s", t->name, f->model_type);
}

void ggmltypes_put(struct ggmltypes *g, const struct lm_family *f, const struct tensor *t,
                   const struct choice *c)
{
    const char *type = t->dtype == TENSOR_F16 ? "f16" : t->dtype == TENSOR_BF16 ? "bf16" : "f32";
    const char *name = c->place.role < LM_N_ROLE && !c->place.is_bias ? gguf_name[c->place.role] : NULL;
    if (!name)
        return;
    check_family(f, t);
    if (c->quantise)
        type = type_of_bits[c->spec.bits];
    if (strstr(type, "_K") && c->cols % K_BLOCK && !g->has_warned++)
        warn("'%s': its rows of %zu weights are no whole blocks of %d: llama-quantize will take another type "
             "than %s",
             t->name, c->cols, K_BLOCK, type);
    put_line(g, c->place.layer, name, type);
    g->has_head |= c->place.role == LM_HEAD;
    if (c->place.role == LM_EMBED)
        g->embed_type = type;
}

void ggmltypes_close(struct ggmltypes *g)
{
    if (!g)
        return;
    if (!g->n_line)
        die("%s: no tensor of the input has a name in llama.cpp", outfile_path(g->out));
    if (g->embed_type && !g->has_head) /* converters write a tied head of BLOOM and GPT-2 once more */
        put_line(g, -1, gguf_name[LM_HEAD], g->embed_type);
    outfile_close(g->out);
    free(g);
}
