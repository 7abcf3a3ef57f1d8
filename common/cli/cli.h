/* cli.h - options and --help of a program, both from one table.  Layer: cli.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <stddef.h>
#include <stdint.h>

enum cli_type {
    CLI_FLAG,    /* int *: set to 1 */
    CLI_INT,     /* int64_t *: a whole number in min..max */
    CLI_U64,     /* uint64_t *: any */
    CLI_NUM,     /* double *: a number in min..max */
    CLI_STR,     /* const char **: any text, borrowed from argv */
    CLI_STRS,    /* char ***: the texts of all times that the option is given, NULL-ended, owned by cli */
    CLI_SPECS,   /* as CLI_STRS: each KEY=VALUE,..., where recipe=FILE names a file that is read */
    CLI_CHOICE,  /* const char **: one of `choices` (separated by blanks) */
    CLI_LIST,    /* char ***: comma-separated texts, NULL-ended, owned by cli; empty items are refused */
    CLI_IN,      /* as CLI_STR: the name of a file, or of a model's directory, that is read; - is stdin */
    CLI_INS,     /* as CLI_LIST: names of files that are read */
    CLI_OUT,     /* as CLI_STR: the name of a file that is written; - is stdout */
    CLI_OUT_DIR, /* as CLI_STR: of a directory that is made; nothing then goes to stdout unless asked to */
    CLI_HELP,
    CLI_VERSION,
    CLI_QUIET
};

/* One option. `letter` is 0 when it has only a long name. `help` gives meaning, unit and default. */
struct cli_opt {
    int letter;
    const char *name;
    enum cli_type type;
    void *value;
    const char *arg; /* name of the value in the help; NULL for flags */
    const char *help;
    double min, max;     /* CLI_INT, CLI_NUM; both 0: no limit */
    const char *choices; /* CLI_CHOICE; CLI_LIST: what the items must be, NULL: anything */
};

/* What is said of a program in --help. Every text is a sentence or a few; lines are wrapped when printed. */
struct cli_prog {
    const char *name;
    const char *synopsis; /* what follows the name: "[OPTION]... [FILE]..."; several forms are separated by
                             line feeds */
    const char *summary;
    const char *in, *out; /* what flows in and out; NULL: nothing */
    const char *notes; /* printed after the options; or NULL. Every line is a paragraph, or, with a tab in it,
                          a line TERM<tab>MEANING of a table */
    const char *example; /* shell lines, indented by two; what goes on behind a | by four */
    const char *see_also;
    int min_files, max_files; /* operands allowed; max_files 0: as many as you like, -1: none */
    int failed_status;        /* 0: the usual 1; 2 for a program whose status answers a question */
};

/* The options that have one meaning in the whole toolkit. */
#define CLI_COMMON                                                                                           \
    { 'q', "quiet", CLI_QUIET, 0, 0, "show no progress", 0, 0, 0 },                                          \
        { 'h', "help", CLI_HELP, 0, 0, "print this help", 0, 0, 0 },                                         \
    {                                                                                                        \
        'V', "version", CLI_VERSION, 0, 0, "print the version", 0, 0, 0                                      \
    }
#define CLI_END                                                                                              \
    {                                                                                                        \
        0, 0, CLI_FLAG, 0, 0, 0, 0, 0, 0                                                                     \
    }
#define CLI_OUTPUT(var, what)                                                                                \
    {                                                                                                        \
        'o', "output", CLI_OUT, var, "FILE",                                                                 \
            "write the " what " to FILE, whole or not at all; - is stdout [-]", 0, 0, 0                      \
    }
#define CLI_THREADS(var)                                                                                     \
    {                                                                                                        \
        'j', "threads", CLI_INT, var, "N",                                                                   \
            "worker threads, 1 to 1024; the result does not depend on it [1]", 1, 1024, 0                    \
    }
#define CLI_COMPRESS(var)                                                                                    \
    {                                                                                                        \
        'z', "compress", CLI_INT, var, "LEVEL",                                                              \
            "compress the stream: 0 not at all (between two stages on one machine), 1 fast, leaving alone "  \
            "what would shrink by less than a quarter, to 12 small [1]",                                     \
            0, 12, 0                                                                                         \
    }
#define CLI_SEED(var)                                                                                        \
    {                                                                                                        \
        's', "seed", CLI_U64, var, "N", "seed of the random numbers [1]", 0, 0, 0                            \
    }

/* Those of programs that run a model. */
#define CLI_MODEL(var)                                                                                       \
    {                                                                                                        \
        'm', "model", CLI_IN, var, "MODEL",                                                                  \
            "the model: a directory of Hugging Face's, a file of its weights, or a stream of modelcat's or " \
            "wquant's (- is stdin)",                                                                         \
            0, 0, 0                                                                                          \
    }
#define CLI_CONTEXT(var, least)                                                                              \
    {                                                                                                        \
        0, "context", CLI_INT, var, "N",                                                                     \
            "tokens that the model sees at once [2048, or what it was made for if that is less]", least,     \
            1 << 24, 0                                                                                       \
    }
#define CLI_FULL_WINDOWS(var)                                                                                \
    {                                                                                                        \
        0, "full-windows", CLI_FLAG, var, 0,                                                                 \
            "leave out a text's last window if it is shorter than the context", 0, 0, 0                      \
    }
#define CLI_START(var)                                                                                       \
    {                                                                                                        \
        0, "start", CLI_STR, var, "TOKEN",                                                                   \
            "what comes before each text: a token as the tokenizer spells it, `none`, or `auto`: what its "  \
            "template puts there [auto]",                                                                    \
            0, 0, 0                                                                                          \
    }
#define CLI_LANG(var)                                                                                        \
    {                                                                                                        \
        0, "lang", CLI_STR, var, "LANG", "language of standard input [stdin]", 0, 0, 0                       \
    }
/* What of the text is scored: five options. */
#define CLI_SCORED_TEXT(stride_var, text_var, full_var, start_var, lang_var)                                 \
    { 0,          "stride", CLI_INT,                                                                         \
      stride_var, "N",      "tokens from one window of a text to the next, up to the context [the context]", \
      1,          1 << 24,  0 },                                                                             \
        { 0,          "text",                                                                                \
          CLI_CHOICE, text_var,                                                                              \
          "WHAT",     "what is one text: a `line`, or a `file`, its lines joined by an empty one [line]",    \
          0,          0,                                                                                     \
          "line file" },                                                                                     \
        CLI_FULL_WINDOWS(full_var), CLI_START(start_var), CLI_LANG(lang_var)
#define CLI_PRECISION(var)                                                                                   \
    {                                                                                                        \
        0, "precision", CLI_CHOICE, var, "WHICH",                                                            \
            "of matrix products: f32; bf16; bf16x3, as exact as f32 in bf16 units; auto, the fastest as "    \
            "exact as f32 [auto]",                                                                           \
            0, 0, "auto f32 bf16 bf16x3"                                                                     \
    }

/* Parses argv, answers --help and --version (and ends), sets the message prefix. Returns the operands,
 * NULL-ended, or {"-", NULL} if there are none and min_files allows; borrowed from argv. Wrong usage ends
 * with status 2: a name or a list that is given twice, and what cli_check_outputs refuses, too. Of numbers
 * and choices given twice the last counts. */
char **cli_parse(const struct cli_prog *prog, const struct cli_opt *opts, int argc, char **argv);

/* Wrong usage if an output, as the options now have it, is a file that is read (an operand, an option, a part
 * of a model's directory), or that another output is, or is in a directory that is to be made; or if two go
 * to stdout. cli_parse asks it; again, what sets an output's name later. */
void cli_check_outputs(const struct cli_opt *opts, char *const *files);

/* Where the value of a key begins in KEY=VALUE,..., and its length up to the comma; NULL if it is not there.
 */
const char *cli_value_of(const char *spec, const char *key, size_t *n);

/* Whether the option that sets *value was given. cli_refuse_if: if so, and `idle`, it is wrong usage:
 * "--exact does nothing " and where, as "without --permute". For options whose user would be misled. */
int cli_given(const void *value);
void cli_refuse_if(int idle, const void *value, const char *where);

/* Version of the toolkit, from the Makefile. */
const char *cli_version(void);

/* "tensorcat VERSION --dtype BF16": the provenance line of this run, from name, version and the options as
 * given (those of presentation, -q -j -o -z --memory, and the operands left out). Static. Valid after
 * cli_parse. */
const char *cli_history(void);

#endif
