/* What cli_check_outputs looks for: an output that would replace what is read, or another output.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/glob.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_output(const struct cli_opt *o)
{
    return o->type == CLI_OUT || o->type == CLI_OUT_DIR;
}

static const char *text_of(const struct cli_opt *o)
{
    return *(const char *const *)o->value;
}

static int is_std(const char *path)
{
    return !strcmp(path, "-");
}

/* ---- names of files */

static int is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The last part of a name, without slashes behind it; the caller frees it. */
static char *base_name(const char *path)
{
    size_t n = strlen(path), at;
    while (n > 1 && path[n - 1] == '/')
        n--;
    for (at = n; at && path[at - 1] != '/';)
        at--;
    return xstrndup(path + at, n - at);
}

/* The folder that a file of this name is in or would be made in. */
static int stat_folder(const char *path, struct stat *st)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n && path[n - 1] != '/')
        n--;
    char *folder = n ? xstrndup(path, n) : xstrdup(".");
    int status = stat(folder, st);
    free(folder);
    return status;
}

static int are_same_name(const char *a, const char *b)
{
    struct stat sa, sb;
    char *name_a = base_name(a), *name_b = base_name(b);
    int are_same = !strcmp(name_a, name_b) && !stat_folder(a, &sa) && !stat_folder(b, &sb) &&
                   is_same(&sa, &sb);
    free(name_a);
    free(name_b);
    return are_same;
}

/* Whether two outputs are one regular file that is there, or would be of one name. */
static int would_be_same(const char *a, const char *b)
{
    struct stat sa, sb;
    int has_a = stat(a, &sa) == 0, has_b = stat(b, &sb) == 0;
    if (!has_a && !has_b)
        return are_same_name(a, b);
    return has_a && has_b && S_ISREG(sa.st_mode) && is_same(&sa, &sb);
}

static int is_in(const char *file, const char *dir)
{
    struct stat folder, st;
    return stat(dir, &st) == 0 && stat_folder(file, &folder) == 0 && is_same(&folder, &st);
}

/* Whether writing `out` would replace what is read under the name `in`, "-" being standard input; of a
 * directory the files that a model's or a tokenizer's are. */
static int would_replace(const char *out, const char *in)
{
    static char *const parts[] = { "config.json", "tokenizer.json", "model*.safetensors*",
                                   "pytorch_model*.bin*", NULL };
    struct stat written, read;
    if (stat(out, &written) < 0 || !S_ISREG(written.st_mode) ||
        (is_std(in) ? fstat(STDIN_FILENO, &read) : stat(in, &read)) < 0)
        return 0;
    if (!S_ISDIR(read.st_mode))
        return is_same(&written, &read);
    char *name = base_name(out);
    int is_part = glob_selects(parts, NULL, name) && is_in(out, in);
    free(name);
    return is_part;
}

/* ---- outputs against inputs, and against each other */

static void check_input(const struct cli_opt *out, const char *in)
{
    if (would_replace(text_of(out), in))
        die_usage("%s: is read, and --%s would replace it", text_of(out), out->name);
}

static void check_spec(const struct cli_opt *out, const char *spec)
{
    size_t n;
    const char *file = cli_value_of(spec, "recipe", &n);
    char *path = file ? xstrndup(file, n) : NULL;
    if (path)
        check_input(out, path);
    free(path);
}

static void check_inputs(const struct cli_opt *out, const struct cli_opt *opts, char *const *files)
{
    for (; *files; files++)
        check_input(out, *files);
    for (const struct cli_opt *o = opts; o->name; o++) {
        if (o->type == CLI_IN && text_of(o))
            check_input(out, text_of(o));
        for (char **f = o->type == CLI_INS ? *(char ***)o->value : NULL; f && *f; f++)
            check_input(out, *f);
        for (char **spec = o->type == CLI_SPECS ? *(char ***)o->value : NULL; spec && *spec; spec++)
            check_spec(out, *spec);
    }
}

static void check_pair(const struct cli_opt *a, const struct cli_opt *b)
{
    const char *file_a = text_of(a), *file_b = text_of(b);
    if (is_std(file_a) || is_std(file_b)) {
        if (is_std(file_a) && is_std(file_b))
            die_usage("--%s and --%s both go to standard output", a->name, b->name);
    } else if (would_be_same(file_a, file_b)) {
        die_usage("--%s and --%s are the same file '%s'", a->name, b->name, file_a);
    } else if (a->type == CLI_OUT_DIR ? is_in(file_b, file_a)
                                      : b->type == CLI_OUT_DIR && is_in(file_a, file_b)) {
        int a_is_dir = a->type == CLI_OUT_DIR;
        die_usage("--%s: '%s' is in the directory that --%s makes", (a_is_dir ? b : a)->name,
                  a_is_dir ? file_b : file_a, (a_is_dir ? a : b)->name);
    }
}

void cli_check_outputs(const struct cli_opt *opts, char *const *files)
{
    const struct cli_opt **out = NULL;
    size_t n = 0, room = 0;
    int makes_dir = 0;
    for (const struct cli_opt *o = opts; o->name; o++)
        makes_dir |= o->type == CLI_OUT_DIR && text_of(o);
    for (const struct cli_opt *o = opts; o->name; o++) {
        if (!is_output(o) || !text_of(o) || (makes_dir && !cli_given(o->value)))
            continue;
        xgrow(&out, &room, n + 1, sizeof *out);
        out[n++] = o;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_std(text_of(out[i])))
            check_inputs(out[i], opts, files);
        for (size_t k = 0; k < i; k++)
            check_pair(out[k], out[i]);
    }
    free(out);
}
