/* tensorcat - look into, check, extract, join and convert tensor streams
 * in: tensor streams, safetensors, .npy files or text; out: a tensor stream, an .npy file, text or CSV.
 * Holds one tensor. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/glob.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "cli/cli.h"
#include "io/bytein.h"
#include "io/csvout.h"
#include "io/npy.h"
#include "io/outfile.h"
#include "io/tensortext.h"
#include "io/tstream.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* elements converted at a time */

static int list, list_meta, check;
static char **only, **skip, **set;
static const char *to = "stream", *from = "auto", *out_path = "-", *dtype, *name, *shape;
static int64_t level = TS_LEVEL, n_thread = 1;

static const struct cli_opt opts[] = {
    { 'l', "list", CLI_FLAG, &list, 0, "list the tensors: CSV file,frame,name,dtype,shape,n,bytes", 0, 0, 0 },
    { 0, "meta", CLI_FLAG, &list_meta, 0, "list the frames' metadata: CSV file,frame,key,value", 0, 0, 0 },
    { 0, "check", CLI_FLAG, &check, 0,
      "read everything and write nothing: status 0 if all is intact, 1 if not, 2 if that cannot be told", 0,
      0, 0 },
    { 0, "only", CLI_LIST, &only, "GLOB,...", "take only tensors whose name matches a pattern, as *.mlp.*", 0,
      0, 0 },
    { 0, "skip", CLI_LIST, &skip, "GLOB,...", "leave out tensors whose name matches a pattern", 0, 0, 0 },
    { 0, "to", CLI_CHOICE, &to, "FORMAT", "what to write [stream]", 0, 0, "stream npy text csv" },
    { 0, "dtype", CLI_CHOICE, &dtype, "DTYPE",
      "convert to this, rounded to nearest even; integers saturate, but numbers from text must fit [as it "
      "is; from text: F32]",
      0, 0, "F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL" },
    { 0, "from", CLI_CHOICE, &from, "FORMAT", "what the input is; auto tells all but text apart [auto]", 0, 0,
      "auto text" },
    { 0, "shape", CLI_STR, &shape, "NxM", "shape of a tensor from text [the text's lines and columns]", 0, 0,
      0 },
    { 0, "name", CLI_STR, &name, "NAME",
      "name of a tensor from text or .npy [the file's name without suffix; x from a pipe]", 0, 0, 0 },
    { 0, "set", CLI_LIST, &set, "KEY=VALUE,...", "set metadata of every frame, as lang=swh", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "output"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "tensorcat",
    .synopsis = "[OPTION]... [FILE]...\n--list | --meta | --check [FILE]...",
    .summary = "Look into, check, extract, join and convert what flows between these programs.",
    .in = "tensor streams, plain safetensors files, .npy files (told apart by their first bytes), or text: "
          "numbers separated by blanks or commas",
    .out = "one tensor stream of all frames, or a plain file if its name ends in .safetensors; with --to one "
           "tensor as .npy or text, or tensors as CSV frame,name,row,col,value",
    .notes = "Text has the last dimension on a line, or one number a line for a vector. numpy has no BF16: "
             "--to=npy writes it as F32.",
    .example = "  tensorcat --list model.safetensors | mlr --icsv --opprint sort -nr bytes\n"
               "  seq 100 | tensorcat --from=text --shape=10x10 --name=w | kurt",
    .see_also = "kurt, tok",
};

/* ---- what is wanted */

static int is_selected(const char *tensor_name)
{
    return glob_selects(only, skip, tensor_name);
}

/* How t leaves: in the dtype asked for, unless it is one of those only passed through. */
static struct tensor as_written(const struct tensor *t)
{
    struct tensor out = *t;
    const char *wanted = dtype;
    if (!wanted && !strcmp(to, "npy") && t->dtype == TENSOR_BF16)
        wanted = "F32";
    if (wanted && t->dtype != TENSOR_OTHER) {
        out.dtype_name = wanted;
        out.dtype = tensor_dtype_find(wanted);
        if (tensor_set_size(&out) < 0)
            die("'%s': is too large as %s", t->name, wanted);
    }
    return out;
}

/* ---- out */

static enum { STREAM, NPY, TEXT, CSV, CHECK, LIST, META } mode; /* the last two want no data */
static struct ts_writer *stream;
static struct outfile *file;    /* NPY, TEXT */
static struct csvout *table;    /* CSV, LIST, META */
static size_t n_frame, n_taken; /* frames so far; tensors selected so far */

static void open_output(void)
{
    const struct ts_options options = { .level = (int)level, .n_thread = (int)n_thread };
    if (mode == STREAM) {
        stream = ts_open_out(out_path, &options);
        ts_out_history(stream, cli_history());
    } else if (mode == NPY || mode == TEXT) {
        file = outfile_open(out_path, mode == NPY);
    } else if (mode != CHECK) {
        table = csvout_open(out_path, mode == CSV    ? "frame,name,row,col,value"
                                      : mode == LIST ? "file,frame,name,dtype,shape,n,bytes"
                                                     : "file,frame,key,value");
    }
}

static void close_output(void)
{
    if (stream)
        ts_close_out(stream);
    if (file)
        outfile_close(file);
    if (table)
        csvout_close(table);
}

static void list_tensor(const char *path, size_t frame, const struct tensor *t)
{
    char text[TENSOR_SHAPE_MAX];
    csvout_str(table, path);
    csvout_int(table, (int64_t)frame);
    csvout_safe(table, t->name);
    csvout_safe(table, t->dtype_name);
    csvout_str(table, tensor_shape_text(t, text));
    csvout_int(table, (int64_t)t->n);
    csvout_int(table, (int64_t)t->n_bytes);
    csvout_end_row(table);
}

static void list_metadata(const char *path, const struct ts_reader *r)
{
    const char *key, *value;
    for (size_t i = 0; r && (key = ts_meta_at(r, i, &value)); i++) {
        csvout_str(table, path);
        csvout_int(table, (int64_t)ts_frame(r));
        csvout_safe(table, key);
        csvout_safe(table, value);
        csvout_end_row(table);
    }
}

static void set_metadata(const struct ts_reader *r)
{
    if (r)
        ts_out_copy_meta(stream, r);
    for (char **s = set; s && *s; s++) {
        const char *equals = strchr(*s, '=');
        char *key = xstrndup(*s, (size_t)(equals - *s));
        ts_out_meta(stream, key, equals + 1);
        free(key);
    }
}

/* A frame that is coming, with the n tensors selected of it; r is NULL if it has no metadata. */
static void put_frame(const char *path, const struct ts_reader *r, const struct tensor *tensors, size_t n)
{
    if (mode == LIST)
        for (size_t i = 0; i < n; i++)
            list_tensor(path, r ? ts_frame(r) : 0, &tensors[i]);
    if (mode == META)
        list_metadata(path, r);
    if ((mode == NPY || mode == TEXT) && n_taken + n > 1)
        die("%s: --to=%s takes one tensor, and '%s' is not the only one; choose with --only", path, to,
            tensors[n - 1].name);
    if (mode == STREAM) {
        struct tensor *out = xnew(n, sizeof *out);
        for (size_t i = 0; i < n; i++)
            out[i] = as_written(&tensors[i]);
        set_metadata(r);
        ts_out_frame(stream, out, n);
        free(out);
    }
    n_taken += n;
    n_frame++;
}

/* The elements of `piece`, of which the first is number `at` of t. */
static void put_elements(const struct tensor *t, const struct tensor *piece, size_t at)
{
    char text[TENSORTEXT_MAX];
    size_t n_col = t->n_dim ? t->shape[t->n_dim - 1] : 1;
    for (size_t i = 0; i < piece->n; i++, at++) {
        if (!tensortext_element(piece, i, text))
            die("'%s': %s has no text", t->name, t->dtype_name);
        if (mode == TEXT) {
            outfile_write(file, text, strlen(text));
            outfile_write(file, t->n_dim > 1 && (at + 1) % n_col ? " " : "\n", 1);
        } else {
            csvout_int(table, (int64_t)n_frame - 1);
            csvout_str(table, t->name);
            csvout_int(table, (int64_t)(t->n_dim > 1 ? at / n_col : at));
            csvout_int(table, (int64_t)(t->n_dim > 1 ? at % n_col : 0));
            csvout_str(table, text);
            csvout_end_row(table);
        }
    }
}

static void put_piece(const struct tensor *t, const struct tensor *piece, size_t at)
{
    if (mode == STREAM)
        ts_out_data(stream, piece->data, piece->n_bytes);
    else if (mode == NPY)
        outfile_write(file, piece->data, piece->n_bytes);
    else
        put_elements(t, piece, at);
}

/* Reads what may only be mapped. */
static void touch(const struct tensor *t)
{
    enum { PAGE = 4096 };
    volatile const char *p = t->data;
    for (size_t at = 0; at < t->n_bytes; at += PAGE)
        (void)p[at];
}

static void put_tensor(const struct tensor *t)
{
    static double data[PIECE];
    struct tensor out = as_written(t);
    if (mode == CHECK) {
        touch(t);
        return;
    }
    if (mode == NPY) {
        size_t n;
        char *header = npy_header(&out, &n);
        if (!header)
            die("'%s': numpy has no %s", out.name, out.dtype_name);
        outfile_write(file, header, n);
        free(header);
    }
    if (out.dtype == t->dtype) {
        put_piece(t, t, 0);
        return;
    }
    out.data = data;
    for (size_t at = 0; at < t->n; at += out.n) {
        out.n = t->n - at < PIECE ? t->n - at : PIECE;
        out.n_bytes = out.n * tensor_dtype_bytes(out.dtype);
        tensor_convert(t, at, out.n, out.dtype, data);
        put_piece(t, &out, at);
    }
}

/* ---- in */

static _Noreturn void bad_input(const char *path, const char *why, int error_number)
{
    if (!strcmp(path, "-"))
        path = "standard input";
    if (!error_number)
        msg_set_failed_status(STATUS_FAILED);
    die("%s: %s", path, why);
}

static void take_stream(const char *path, struct ts_reader *in)
{
    int got, wants_data = mode < LIST;
    size_t n_bytes = 0;
    while ((got = ts_next_frame(in)) > 0) {
        size_t n = 0;
        struct tensor t, *selected = xnew(ts_frame_tensors(in), sizeof *selected);
        for (size_t i = 0; i < ts_frame_tensors(in); i++)
            if (is_selected(ts_frame_tensor(in, i)->name))
                selected[n++] = *ts_frame_tensor(in, i);
        if (n || !ts_frame_tensors(in))
            put_frame(path, in, selected, n);
        free(selected);
        while (n && wants_data && (got = ts_next_in_frame(in, &t)) > 0)
            if (is_selected(t.name)) {
                put_tensor(&t);
                n_bytes += t.n_bytes;
                msg_progress("%s: frame %zu, %.1f GB", ts_path(in), ts_frame(in), (double)n_bytes / 1e9);
            }
        if (got < 0)
            break;
    }
    if (got < 0)
        bad_input(path, ts_error(in), ts_error_number(in));
}

/* A tensor that is no stream's. */
static void take_array(const char *path, struct tensor *t)
{
    char *stem = xstrdup(strrchr(path, '/') ? strrchr(path, '/') + 1 : path), *dot = strrchr(stem, '.');
    if (dot && dot > stem)
        *dot = 0;
    t->name = name ? name : !strcmp(path, "-") ? "x" : stem;
    if (is_selected(t->name)) {
        put_frame(path, NULL, t, 1);
        if (mode < LIST)
            put_tensor(t);
    }
    free(stem);
}

static void take_text(const char *path)
{
    struct linein *l = linein_open(path);
    struct tensor t = { .dtype_name = dtype ? dtype : "F32", .n_dim = -1 };
    t.dtype = tensor_dtype_find(t.dtype_name);
    if (shape && tensor_parse_shape(&t, shape) < 0)
        die_usage("--shape: '%s' is not a shape of 1 to 8 whole numbers such as 3x4", shape);
    void *data = tensortext_read(l, &t);
    take_array(path, &t);
    free(data);
    linein_close(l);
}

static void take_npy(const char *path, struct bytein *in)
{
    struct tensor t;
    const char *why;
    void *owned = NULL;
    int error_number = 0;
    size_t n;
    const void *all = bytein_all(in, &n);
    if (!all)
        why = bytein_error(in, &error_number);
    if (!all || npy_parse(all, n, &t, &owned, &why) < 0) {
        bytein_close(in);
        bad_input(path, why, error_number);
    }
    take_array(path, &t);
    free(owned);
    bytein_close(in);
}

static void take_file(const char *path)
{
    const char *why;
    if (!strcmp(from, "text")) {
        take_text(path);
        return;
    }
    struct bytein *in = bytein_open(path, (int)n_thread, &why);
    if (!in)
        bad_input(path, why, errno);
    const void *head = bytein_peek(in, NPY_MAGIC);
    if (head && npy_is_magic(head, NPY_MAGIC)) {
        take_npy(path, in);
        return;
    }
    struct ts_reader *r = ts_open_bytes(in, &why);
    if (!r)
        bad_input(path, why, errno);
    take_stream(path, r);
    ts_close(r);
}

static int ends_with(const char *path, const char *suffix)
{
    size_t n = strlen(path), k = strlen(suffix);
    return n >= k && !strcmp(path + n - k, suffix);
}

/* Options that would be passed over without a word. */
static void check_idle(void)
{
    const char *instead = list ? "with --list" : list_meta ? "with --meta" : "with --check";
    int plain = ends_with(out_path, ".safetensors"), no_stream = mode != STREAM;
    char *as = xsprintf("with --to=%s", to);
    cli_refuse_if(mode >= CHECK, &to, instead);
    cli_refuse_if(mode == CHECK, &out_path, instead);
    cli_refuse_if(mode >= CHECK && strcmp(from, "text") != 0, &dtype, instead);
    cli_refuse_if(no_stream, &set, mode >= CHECK ? instead : as);
    cli_refuse_if(no_stream, &level, mode >= CHECK ? instead : as);
    cli_refuse_if(plain, &level, "for a plain .safetensors file, which is not compressed");
    if (plain && no_stream)
        die_usage("--output: '%s' would not be a safetensors file %s", out_path,
                  mode >= CHECK ? instead : as);
    if (mode == STREAM && ends_with(out_path, ".npy"))
        die_usage("--output: '%s' would be a tensor stream; --to=npy makes an .npy file", out_path);
    free(as);
}

static void check_usage(void)
{
    static const char *const formats[] = { "stream", "npy", "text", "csv" };
    if (list + list_meta + check > 1)
        die_usage("--list, --meta and --check exclude each other");
    while (strcmp(formats[mode], to) != 0)
        mode++;
    if (check) /* grep's rule: 1 for what was asked about, 2 for not knowing; see bad_input */
        msg_set_failed_status(STATUS_USAGE);
    if (list || list_meta || check)
        mode = list ? LIST : list_meta ? META : CHECK;
    for (char **s = set; s && *s; s++) {
        if (!strchr(*s, '=') || **s == '=')
            die_usage("--set: '%s' is not KEY=VALUE", *s);
        if (!strncmp(*s, "frame=", 6) || !strncmp(*s, "end=", 4)) /* would make a stream of a plain file */
            die_usage("--set: '%s': a stream numbers its frames under this key", *s);
    }
    if (shape && strcmp(from, "text") != 0)
        die_usage("--shape: only text needs one");
    check_idle();
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_usage();
    open_output();
    for (; *files; files++)
        take_file(*files);
    if ((only || skip || mode == NPY || mode == TEXT) && !n_taken)
        die("no tensor matches");
    close_output();
    msg_progress_end();
    return 0;
}
