/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_WIDTH = 80, HELP_INDENT = 24, FLOW_INDENT = 8 };

static char *history;
static const struct cli_opt **given; /* in the order of the command line */
static size_t n_given, given_room;

const char *cli_version(void)
{
    return BABELBITS_VERSION;
}

const char *cli_history(void)
{
    return history;
}

static const struct cli_opt *find_given(const void *value)
{
    for (size_t i = 0; i < n_given; i++)
        if (given[i]->value == value)
            return given[i];
    return NULL;
}

int cli_given(const void *value)
{
    return find_given(value) != NULL;
}

void cli_refuse_if(int idle, const void *value, const char *where)
{
    const struct cli_opt *o = find_given(value);
    if (idle && o)
        die_usage("--%s does nothing %s", o->name, where);
}

/* ---- help */

/* Prints text from column `at`, wrapped at HELP_WIDTH with `indent` blanks in front of every further line. */
static void print_wrapped(const char *text, int at, int indent)
{
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (at > indent && at + 1 + (int)word > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)word, text);
        at += (int)word;
        text += word;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            at = indent;
        }
        if (*text)
            text++;
    }
    putchar('\n');
}

/* A term, indented by two, and what it means, in a column of its own. */
static void print_term(const char *term, const char *text)
{
    int n = 2 + (int)strlen(term);
    printf("  %s", term);
    if (n < HELP_INDENT - 1)
        printf("%*s", HELP_INDENT - n, "");
    else
        printf("\n%*s", HELP_INDENT, "");
    print_wrapped(text, HELP_INDENT, HELP_INDENT);
}

static void print_option(const struct cli_opt *o)
{
    char *letter = o->letter ? xsprintf("-%c, ", o->letter) : xstrdup("    ");
    char *term = xsprintf("%s--%s%s%s", letter, o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
    char *text = o->choices ? xsprintf("%s: %s", o->help, o->choices) : xstrdup(o->help);
    print_term(term, text);
    free(letter);
    free(term);
    free(text);
}

/* Paragraphs, with an empty line before each, and tables, each line of which is TERM<tab>MEANING. */
static void print_notes(const char *notes)
{
    while (*notes) {
        size_t n = strcspn(notes, "\n");
        char *line = xstrndup(notes, n), *tab = strchr(line, '\t');
        if (tab) {
            *tab = 0;
            print_term(line, tab + 1);
        } else {
            putchar('\n');
            print_wrapped(line, 0, 0);
        }
        free(line);
        notes += n + (notes[n] == '\n');
    }
}

/* Commands with an empty line before each; one that goes on behind a | is a command with the next line. */
static void print_example(const char *example)
{
    int goes_on = 1;
    printf("\nExample:\n");
    while (*example) {
        size_t n = strcspn(example, "\n");
        printf("%s%.*s\n", goes_on ? "" : "\n", (int)n, example);
        goes_on = n && example[n - 1] == '|';
        example += n + (example[n] == '\n');
    }
}

/* What flows in or out, or nothing. The shape is one that help2man knows. */
static void print_flow(const char *way, const char *what, const char *more)
{
    if (!what)
        return;
    char *text = xsprintf("%s%s", what, more);
    printf("  %-*s", FLOW_INDENT - 2, way);
    print_wrapped(text, FLOW_INDENT, FLOW_INDENT);
    free(text);
}

static void print_help(const struct cli_prog *p, const struct cli_opt *opts)
{
    const char *lead = "Usage:";
    for (const char *s = p->synopsis; *s;) {
        size_t n = strcspn(s, "\n");
        printf("%s %s %.*s\n", lead, p->name, (int)n, s);
        lead = "  or: ";
        s += n + (s[n] == '\n');
    }
    print_wrapped(p->summary, 0, 0);
    putchar('\n');
    print_flow("In:", p->in, p->max_files >= 0 && !p->min_files ? "; no FILE, or -, is standard input" : "");
    print_flow("Out:", p->out, "");
    printf("\nOptions:\n");
    for (; opts->name; opts++)
        print_option(opts);
    if (p->notes)
        print_notes(p->notes);
    printf("\nStatus: 0 done, 1 could not finish (bad data, input or output failed), 2 wrong usage.\n");
    if (p->example)
        print_example(p->example);
    if (p->see_also)
        printf("\nSee also: %s\n", p->see_also);
}

/* ---- options */

static _Noreturn void end_after_stdout(void)
{
    if (fflush(stdout) || ferror(stdout))
        die("standard output: cannot write");
    exit(STATUS_OK);
}

/* Whether `item` is one of the blank-separated choices. */
static int is_choice(const char *choices, const char *item)
{
    size_t n = strlen(item);
    for (const char *s = choices; *s;) {
        size_t k = strcspn(s, " ");
        if (k == n && !memcmp(s, item, n))
            return 1;
        s += k;
        s += strspn(s, " ");
    }
    return 0;
}

static void set_list(const struct cli_opt *o, const char *text)
{
    char **list = NULL;
    size_t n = 0, room = 0;
    for (const char *s = text;; s++) {
        size_t k = strcspn(s, ",");
        if (!k)
            die_usage("--%s: '%s' has an empty item", o->name, text);
        xgrow(&list, &room, n + 2, sizeof *list);
        list[n] = xstrndup(s, k);
        if (o->choices && !is_choice(o->choices, list[n]))
            die_usage("--%s: '%s' is not one of: %s", o->name, list[n], o->choices);
        n++;
        s += k;
        if (!*s)
            break;
    }
    list[n] = NULL;
    *(char ***)o->value = list;
}

/* One more text for an option that may be given several times. */
static void add_text(const struct cli_opt *o, const char *text)
{
    char **list = *(char ***)o->value;
    size_t n = 0;
    while (list && list[n])
        n++;
    list = xrealloc(list, n + 2, sizeof *list);
    list[n] = (char *)text;
    list[n + 1] = NULL;
    *(char ***)o->value = list;
}

const char *cli_value_of(const char *spec, const char *key, size_t *n)
{
    size_t n_key = strlen(key);
    while (spec && (strncmp(spec, key, n_key) != 0 || spec[n_key] != '='))
        spec = strchr(spec, ',') ? strchr(spec, ',') + 1 : NULL;
    if (spec)
        *n = strcspn(spec + n_key + 1, ",");
    return spec ? spec + n_key + 1 : NULL;
}

static void set_value(const struct cli_opt *o, const char *text)
{
    int limited = o->min != 0 || o->max != 0;
    switch (o->type) {
    case CLI_INT: {
        int64_t v;
        if (num_parse_i64(text, &v) < 0 || (limited && ((double)v < o->min || (double)v > o->max))) {
            if (limited)
                die_usage("--%s: '%s' is not a whole number from %.0f to %.0f", o->name, text, o->min,
                          o->max);
            die_usage("--%s: '%s' is not a whole number", o->name, text);
        }
        *(int64_t *)o->value = v;
        break;
    }
    case CLI_U64:
        if (num_parse_u64(text, o->value) < 0)
            die_usage("--%s: '%s' is not a whole number from 0 to 18446744073709551615", o->name, text);
        break;
    case CLI_NUM: {
        double v;
        if (num_parse_f64(text, &v) < 0 || v != v || (limited && (v < o->min || v > o->max))) {
            if (limited)
                die_usage("--%s: '%s' is not a number from %g to %g", o->name, text, o->min, o->max);
            die_usage("--%s: '%s' is not a number", o->name, text);
        }
        *(double *)o->value = v;
        break;
    }
    case CLI_STR:
    case CLI_IN:
    case CLI_OUT:
    case CLI_OUT_DIR:
        if (!*text)
            die_usage("--%s: the value is empty", o->name);
        *(const char **)o->value = text;
        break;
    case CLI_STRS:
    case CLI_SPECS:
        if (!*text)
            die_usage("--%s: the value is empty", o->name);
        add_text(o, text);
        break;
    case CLI_CHOICE:
        if (!is_choice(o->choices, text))
            die_usage("--%s: '%s' is not one of: %s", o->name, text, o->choices);
        *(const char **)o->value = text;
        break;
    case CLI_LIST:
    case CLI_INS:
        set_list(o, text);
        break;
    default:
        break;
    }
}

/* Appends " --name value" to the history, unless the option only concerns how and where, not what. */
static void record(const struct cli_opt *o, const char *text)
{
    if (o->type == CLI_QUIET || o->letter == 'j' || o->letter == 'o' || o->letter == 'z' ||
        !strcmp(o->name, "memory"))
        return;
    char *longer = text ? xsprintf("%s --%s %s", history, o->name, text)
                        : xsprintf("%s --%s", history, o->name);
    free(history);
    history = longer;
}

/* Of two names or lists the first would be forgotten without a word. Of two numbers or choices the last one
 * counts, so that a script's can be overridden. */
static void refuse_twice(const struct cli_opt *o)
{
    if (!cli_given(o->value))
        return;
    if (o->type == CLI_LIST || o->type == CLI_INS)
        die_usage("--%s is given twice; several values are one list, as in A,B", o->name);
    if (o->type == CLI_STR || o->type == CLI_IN || o->type == CLI_OUT || o->type == CLI_OUT_DIR)
        die_usage("--%s is given twice", o->name);
}

static void apply(const struct cli_prog *p, const struct cli_opt *opts, const struct cli_opt *o,
                  const char *text)
{
    refuse_twice(o);
    switch (o->type) {
    case CLI_HELP:
        print_help(p, opts);
        end_after_stdout();
    case CLI_VERSION:
        printf("%s (babelbits) %s\n", p->name, cli_version());
        end_after_stdout();
    case CLI_QUIET:
        msg_set_quiet(1);
        break;
    case CLI_FLAG:
        *(int *)o->value = 1;
        break;
    default:
        set_value(o, text);
    }
    xgrow(&given, &given_room, n_given + 1, sizeof *given);
    given[n_given++] = o;
    record(o, text);
}

static int takes_value(const struct cli_opt *o)
{
    return o->type != CLI_FLAG && o->type < CLI_HELP;
}

/* The option called name[0..n-1], whole or by a prefix that only it has. */
static const struct cli_opt *find_long(const struct cli_opt *opts, const char *name, size_t n)
{
    const struct cli_opt *found = NULL;
    int count = 0;
    for (; opts->name; opts++)
        if (!strncmp(opts->name, name, n)) {
            if (!opts->name[n])
                return opts;
            found = opts;
            count++;
        }
    if (count > 1)
        die_usage("option '--%.*s' is ambiguous", (int)n, name);
    if (!found)
        die_usage("unknown option '--%.*s'", (int)n, name);
    return found;
}

static const struct cli_opt *find_letter(const struct cli_opt *opts, char letter)
{
    for (; opts->name; opts++)
        if (opts->letter == letter)
            return opts;
    die_usage("unknown option '-%c'", letter);
}

char **cli_parse(const struct cli_prog *p, const struct cli_opt *opts, int argc, char **argv)
{
    static char *stdin_only[] = { "-", NULL }, **files; /* static: still reachable when the program ends */
    msg_set_prog(p->name);
    if (p->failed_status)
        msg_set_failed_status(p->failed_status);
    history = xsprintf("%s %s", p->name, cli_version());
    files = xcalloc((size_t)argc + 1, sizeof *files);
    int n_file = 0, options_ended = 0;
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];
        if (options_ended || a[0] != '-' || !a[1]) {
            files[n_file++] = a;
        } else if (!strcmp(a, "--")) {
            options_ended = 1;
        } else if (a[1] == '-') {
            size_t n = strcspn(a + 2, "=");
            const struct cli_opt *o = find_long(opts, a + 2, n);
            const char *text = a[2 + n] ? a + 3 + n : NULL;
            if (!takes_value(o) && text)
                die_usage("option '--%s' takes no value", o->name);
            if (takes_value(o) && !text && !(text = argv[++i]))
                die_usage("option '--%s' needs a value", o->name);
            apply(p, opts, o, text);
        } else {
            for (char *c = a + 1; *c; c++) {
                const struct cli_opt *o = find_letter(opts, *c);
                const char *text = NULL;
                if (takes_value(o) && !(text = c[1] ? c + 1 : argv[++i]))
                    die_usage("option '-%c' needs a value", *c);
                apply(p, opts, o, text);
                if (text)
                    break;
            }
        }
    }
    if (n_file < p->min_files)
        die_usage("missing operand");
    if (p->max_files && n_file > (p->max_files < 0 ? 0 : p->max_files))
        die_usage("extra operand '%s'", files[p->max_files < 0 ? 0 : p->max_files]);
    if (!n_file) {
        free(files);
        files = NULL;
    }
    cli_check_outputs(opts, files ? files : stdin_only);
    return files ? files : stdin_only;
}
