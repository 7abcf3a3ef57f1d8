/* bitalloc - bits for each part of a model under a budget, for all languages or for the worst off
 * in: CSV of damage by part, way to quantise and language, as sens writes it (FILE or stdin); out: a recipe
 * for wquant, a row for each part (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "cli/cli.h"
#include "io/csvin.h"
#include "io/csvout.h"
#include "io/csvtable.h"
#include "quant/alloc.h"
#include "quant/recipe.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double budget_bits, times = 4;
static int64_t budget_bytes;
static const char *like, *objective = "mean", *solver = "auto", *damage_name = "delta_nll",
                         *part_name = "part", *quant_name = "quant", *lang_name = "lang",
                         *size_name = "packed_bytes", *weights_name = "weights", *report_path,
                         *out_path = "-";
static char **protect, **langs;

static const struct cli_opt opts[] = {
    { 0, "bits", CLI_NUM, &budget_bits, "B", "budget: B bits a weight on average, scales and all", 0.01, 64,
      0 },
    { 0, "bytes", CLI_INT, &budget_bytes, "N", "budget: N bytes in all", 1, 0x1p53, 0 },
    { 0, "like", CLI_STR, &like, "QUANT", "budget: what all parts take that are quantised in this one way", 0,
      0, 0 },
    { 0, "objective", CLI_CHOICE, &objective, "WHAT",
      "what is to be least: the `mean` of the languages' damage, or that of the `worst` off [mean]", 0, 0,
      "mean worst" },
    { 0, "protect", CLI_LIST, &protect, "LANG,...", "languages whose damage counts for more, see --times", 0,
      0, 0 },
    { 0, "times", CLI_NUM, &times, "X", "how many times more [4]", 1, 1e6, 0 },
    { 0, "langs", CLI_LIST, &langs, "LANG,...", "only these languages [all]", 0, 0, 0 },
    { 0, "solver", CLI_CHOICE, &solver, "WHICH",
      "of `worst`: exact, an integer programme (GLPK); mwu, multiplicative weights, with a bound; auto, mwu "
      "and then 10,000 nodes of the other [auto]",
      0, 0, "auto exact mwu" },
    { 0, "damage", CLI_STR, &damage_name, "COLUMN", "damage of a part to a language [delta_nll]", 0, 0, 0 },
    { 0, "part", CLI_STR, &part_name, "COLUMN", "the part; `all` is left out [part]", 0, 0, 0 },
    { 0, "quant", CLI_STR, &quant_name, "COLUMN",
      "how it is quantised: KEY=VALUE,..., or a value for the recipe's column of that name [quant]", 0, 0,
      0 },
    { 0, "lang", CLI_STR, &lang_name, "COLUMN", "the language [lang]", 0, 0, 0 },
    { 0, "size", CLI_STR, &size_name, "COLUMN", "bytes that it then takes [packed_bytes]", 0, 0, 0 },
    { 0, "report", CLI_OUT, &report_path, "FILE", "write what is to be expected for each language", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "recipe"),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "bitalloc",
    .synopsis = "--bits B | --bytes N | --like QUANT [OPTION]... [FILE]",
    .summary = "Choose bits for each part of a model under a budget, for all languages or for the worst off.",
    .in = "CSV with a row for each part, way to quantise and language: its damage, and the part's size in "
          "bytes",
    .out =
        "a recipe for wquant: CSV of part, (name, layer, role,) what the chosen way sets (bits, per, ...), "
        "bytes, damage (the mean over languages)",
    .notes =
        "Each part gets one of the ways that the table has for it; sens --quant bits=16 adds that of leaving "
        "it alone. Sizes are the table's: packed codes, scales and zero points, to the byte. Damage is taken "
        "to add up over parts; whether it does is what sens prints as additivity. Ways whose damage is "
        "missing for a language (worse than guessing; empty, NA or NaN) are left out, and that is said.\n"
        "mean is exact: a dynamic programme over bytes. worst is exact where the integer programme comes to "
        "its end (GLPK's tolerance, 1e-7 of the value); in any case a lower bound is printed, that no "
        "allocation can go below, and the gap. Damage of languages under --protect is multiplied by --times "
        "in both objectives, and printed as it is.\n"
        "The report has lang, damage, is_worst, and on each row objective, is_exact, value, bound, bytes, "
        "budget_bytes, bits. The same input gives the same recipe.",
    .example = "  sens -m bloom-560m --quant bits=3 --quant bits=4 --quant bits=8 text/*.txt > sens.csv\n"
               "  bitalloc --like bits=4 --objective worst sens.csv > recipe.csv\n"
               "  modelcat bloom-560m | wquant --recipe recipe.csv -o mixed.t",
    .see_also = "sens, wquant, ppl",
    .max_files = 1,
};

/* ---- the table */

static struct csvtable table;
static size_t *part_of, *quant_of, *lang_of; /* [n_row] levels of the columns */
static size_t *first_part, *first_quant, *first_lang;
static size_t n_part, n_quant, n_lang;
static double *damage, *bytes, *weights; /* [n_row]; weights NULL if not there */

static const char *text_at(size_t row, const char *column)
{
    int c = csvtable_find(&table, column);
    return c < 0 ? "" : table.cell[row * table.n_col + (size_t)c];
}

static size_t levels(const char *column, size_t **level, size_t **first)
{
    size_t c = csvtable_need(&table, column);
    *level = xnew(table.n_row, sizeof **level);
    *first = xnew(table.n_row, sizeof **first);
    return csvtable_levels(&table, &c, 1, *level, *first);
}

static double *numbers(const char *column)
{
    double *v = xnew(table.n_row, sizeof *v);
    csvtable_numbers(&table, csvtable_need(&table, column), v);
    return v;
}

static int is_listed(char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (!strcmp(*list, text))
            return 1;
    return 0;
}

static int is_count(double v)
{
    return v >= 0 && v <= 0x1p53 && floor(v) == v;
}

/* A part has as many weights in every way and language; no row may know another number, or none if others
 * do. */
static void check_weights(void)
{
    for (size_t row = 0; row < table.n_row; row++) {
        double first = weights[first_part[part_of[row]]];
        if (!is_count(weights[row]) && !isnan(weights[row]))
            die("%s: line %zu: %s must be a whole number", table.path, table.line[row], weights_name);
        if (weights[row] != first && !(isnan(weights[row]) && isnan(first)))
            die("%s: line %zu: part '%s' has another number of %s than on line %zu", table.path,
                table.line[row], text_at(row, part_name), weights_name, table.line[first_part[part_of[row]]]);
    }
}

static void read_table(const char *path)
{
    csvtable_read(&table, path);
    n_part = levels(part_name, &part_of, &first_part);
    n_quant = levels(quant_name, &quant_of, &first_quant);
    n_lang = levels(lang_name, &lang_of, &first_lang);
    damage = numbers(damage_name);
    bytes = numbers(size_name);
    weights = csvtable_find(&table, weights_name) < 0 ? NULL : numbers(weights_name);
    for (size_t row = 0; row < table.n_row; row++)
        if (!is_count(bytes[row]) || isinf(damage[row]))
            die("%s: line %zu: %s must be a number and %s a whole number of bytes", table.path,
                table.line[row], damage_name, size_name);
    if (weights)
        check_weights();
}

/* ---- the problem */

/* What the table has of a part in one way: the rows of the languages, SIZE_MAX where there is none. */
static size_t *row_at; /* [n_part][n_quant][n_lang] */
static struct alloc_problem problem;
static struct alloc_part *parts; /* [problem.n_part] */
static size_t *part_level;       /* [problem.n_part] which of the table's */
static size_t **choice_quant;    /* [problem.n_part][choices] level of its way */
static size_t *used_lang;        /* [problem.n_lang] levels */
static double *weight;           /* [problem.n_lang] of the objective */

static size_t *rows_of(size_t part, size_t quant)
{
    return row_at + (part * n_quant + quant) * n_lang;
}

static void index_rows(void)
{
    size_t n;
    if (mem_mul(n_part, n_quant, &n) < 0 || mem_mul(n, n_lang, &n) < 0)
        die("%s: %zu parts in %zu ways and %zu languages are too many", table.path, n_part, n_quant, n_lang);
    row_at = xnew(n, sizeof *row_at);
    for (size_t i = 0; i < n; i++)
        row_at[i] = SIZE_MAX;
    for (size_t row = 0; row < table.n_row; row++) {
        size_t *at = rows_of(part_of[row], quant_of[row]) + lang_of[row];
        if (*at != SIZE_MAX)
            die("%s: line %zu: part '%s', '%s', '%s' stands there twice; rows by line have to be averaged "
                "first",
                table.path, table.line[row], text_at(row, part_name), text_at(row, quant_name),
                text_at(row, lang_name));
        *at = row;
    }
}

static void choose_langs(void)
{
    used_lang = xnew(n_lang, sizeof *used_lang);
    weight = xnew(n_lang, sizeof *weight);
    char **both[2] = { langs, protect };
    for (int i = 0; i < 2; i++)
        for (char **l = both[i]; l && *l; l++) {
            size_t k = 0;
            while (k < n_lang && strcmp(text_at(first_lang[k], lang_name), *l) != 0)
                k++;
            if (k == n_lang)
                die("%s: has no language '%s'", table.path, *l);
            if (langs && !is_listed(langs, *l))
                die_usage("--protect: '%s' is none of --langs", *l);
        }
    for (size_t k = 0; k < n_lang; k++) {
        const char *name = text_at(first_lang[k], lang_name);
        if (langs && !is_listed(langs, name))
            continue;
        weight[problem.n_lang] = is_listed(protect, name) ? times : 1;
        used_lang[problem.n_lang++] = k;
    }
}

/* Whether all languages' damage by a way is known; its size, which must be the same for all, into *size. */
static int is_complete(size_t part, size_t quant, size_t *size)
{
    int complete = 1;
    *size = SIZE_MAX;
    for (size_t l = 0; l < problem.n_lang; l++) {
        size_t row = rows_of(part, quant)[used_lang[l]];
        if (row == SIZE_MAX || isnan(damage[row])) {
            complete = 0;
            continue;
        }
        if (*size != SIZE_MAX && *size != (size_t)bytes[row])
            die("%s: line %zu: part '%s' has another size for another language", table.path, table.line[row],
                text_at(row, part_name));
        *size = (size_t)bytes[row];
    }
    return complete;
}

static void add_part(size_t part)
{
    struct alloc_choice *choice = xnew(n_quant, sizeof *choice);
    size_t *quant = xnew(n_quant, sizeof *quant), n = 0, n_missing = 0, size;
    for (size_t q = 0; q < n_quant; q++) {
        if (!is_complete(part, q, &size)) {
            n_missing += size != SIZE_MAX;
            continue;
        }
        double *d = xnew(problem.n_lang, sizeof *d);
        for (size_t l = 0; l < problem.n_lang; l++)
            d[l] = damage[rows_of(part, q)[used_lang[l]]];
        choice[n] = (struct alloc_choice){ size, d };
        quant[n++] = q;
    }
    if (!n)
        die("%s: part '%s': there is no way to quantise it whose %s is known for all languages", table.path,
            text_at(first_part[part], part_name), damage_name);
    if (n_missing)
        warn("part '%s': ways left out because %s is missing for a language: %zu",
             text_at(first_part[part], part_name), damage_name, n_missing);
    parts[problem.n_part] = (struct alloc_part){ n, choice };
    part_level[problem.n_part] = part;
    choice_quant[problem.n_part++] = quant;
}

static void pose(void)
{
    parts = xnew(n_part, sizeof *parts);
    part_level = xnew(n_part, sizeof *part_level);
    choice_quant = xnew(n_part, sizeof(*choice_quant));
    choose_langs();
    for (size_t part = 0; part < n_part; part++)
        if (strcmp(text_at(first_part[part], part_name), "all") != 0)
            add_part(part);
    if (!problem.n_part)
        die("%s: has no parts", table.path);
    problem.part = parts;
}

/* ---- the budget */

static double n_weight; /* of all parts; NaN if it is not known */

static void count_weights(void)
{
    n_weight = weights ? 0 : NAN;
    for (size_t i = 0; i < problem.n_part && weights; i++)
        n_weight += weights[rows_of(part_level[i], choice_quant[i][0])[used_lang[0]]];
}

static double bits_of(size_t n_bytes)
{
    return 8 * (double)n_bytes / n_weight;
}

/* Bytes if all parts are quantised in the way `like`. */
static size_t bytes_like(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < problem.n_part; i++) {
        size_t k = 0;
        while (k < parts[i].n && strcmp(text_at(first_quant[choice_quant[i][k]], quant_name), like) != 0)
            k++;
        if (k == parts[i].n)
            die("--like: part '%s' has no way '%s'", text_at(first_part[part_level[i]], part_name), like);
        sum += parts[i].choice[k].bytes;
    }
    return sum;
}

static void set_budget(void)
{
    static const double roundings = 1 + 4 * DBL_EPSILON; /* the report's bits make the report's bytes again */
    if (budget_bits > 0 && !(n_weight > 0))
        die("%s: --bits needs a column %s", table.path, weights_name);
    problem.budget = like           ? bytes_like()
                     : budget_bytes ? (size_t)budget_bytes
                                    : (size_t)(budget_bits * n_weight / 8 * roundings);
    size_t least = alloc_least(&problem), most = alloc_most(&problem);
    if (problem.budget < least)
        die("the budget of %zu bytes (%.4g bits a weight) cannot be met: the parts take %zu (%.4g) at the "
            "least, and %zu (%.4g) at the most",
            problem.budget, bits_of(problem.budget), least, bits_of(least), most, bits_of(most));
}

/* ---- results */

static double mean_damage(const struct alloc_choice *c)
{
    double sum = 0;
    for (size_t l = 0; l < problem.n_lang; l++)
        sum += c->damage[l];
    return sum / (double)problem.n_lang;
}

/* What a way sets, KEY=VALUE,...; a text without = is the value of the column it came from. */
static char *value_of(const char *quant, const char *key)
{
    size_t n = strlen(key);
    if (!strchr(quant, '='))
        return xstrdup(strcmp(key, quant_name) != 0 ? "" : quant);
    for (const char *s = quant; s; s = strchr(s, ',')) {
        s += *s == ',';
        if (!strncmp(s, key, n) && s[n] == '=')
            return xstrndup(s + n + 1, strcspn(s + n + 1, ","));
    }
    return xstrdup("");
}

static void put_value(struct csvout *out, const char *quant, const char *key)
{
    char *value = value_of(quant, key);
    csvout_str(out, value);
    free(value);
}

/* Whether a way of the table sets the key. */
static int is_set(const char *key)
{
    int is = 0;
    for (size_t q = 0; q < n_quant && !is; q++) {
        char *value = value_of(text_at(first_quant[q], quant_name), key);
        is = *value != 0;
        free(value);
    }
    return is;
}

static void add_column(char **header, const char *name)
{
    char *longer = xsprintf("%s,%s", *header, name);
    free(*header);
    *header = longer;
}

static void write_recipe(const size_t *pick)
{
    static const char *const whose[] = { "name", "layer", "role", NULL };
    const char *column[16]; /* those of the recipe that the table has something for: */
    size_t n_whose = 0, n = 0;
    char *header = xstrdup("part");
    for (size_t i = 0; whose[i]; i++)
        if (csvtable_find(&table, whose[i]) >= 0)
            column[n++] = whose[i];
    n_whose = n;
    for (size_t i = 0; quant_recipe_hows[i]; i++)
        if (is_set(quant_recipe_hows[i]))
            column[n++] = quant_recipe_hows[i];
    for (size_t i = 0; i < n; i++)
        add_column(&header, column[i]);
    add_column(&header, "bytes,damage");
    struct csvout *out = csvout_open(out_path, header);
    for (size_t i = 0; i < problem.n_part; i++) {
        size_t row = first_part[part_level[i]];
        const struct alloc_choice *c = &parts[i].choice[pick[i]];
        csvout_str(out, text_at(row, part_name));
        for (size_t k = 0; k < n_whose; k++)
            csvout_str(out, text_at(row, column[k]));
        for (size_t k = n_whose; k < n; k++)
            put_value(out, text_at(first_quant[choice_quant[i][pick[i]]], quant_name), column[k]);
        csvout_int(out, (int64_t)c->bytes);
        csvout_num(out, mean_damage(c));
        csvout_end_row(out);
    }
    csvout_close(out);
    free(header);
}

static void write_report(const size_t *pick, const struct alloc_answer *a, size_t worst)
{
    struct csvout *out = csvout_open(
        report_path, "lang,damage,is_worst,objective,is_exact,value,bound,bytes,budget_bytes,bits");
    for (size_t l = 0; l < problem.n_lang; l++) {
        csvout_str(out, text_at(first_lang[used_lang[l]], lang_name));
        csvout_num(out, alloc_damage(&problem, pick, l));
        csvout_int(out, l == worst);
        csvout_str(out, objective);
        csvout_int(out, a->is_exact);
        csvout_num(out, a->value);
        csvout_num(out, a->bound);
        csvout_int(out, (int64_t)a->bytes);
        csvout_int(out, (int64_t)problem.budget);
        csvout_num(out, bits_of(a->bytes));
        csvout_end_row(out);
    }
    csvout_close(out);
}

/* What was found, in a line on stderr. */
static void say(const size_t *pick, const struct alloc_answer *a, size_t worst)
{
    double sum = 0, gap = a->value - a->bound;
    char bound[80] = "exact";
    for (size_t l = 0; l < problem.n_lang; l++)
        sum += alloc_damage(&problem, pick, l);
    if (!a->is_exact)
        snprintf(bound, sizeof bound, "no allocation is below %.6g (gap %.2g %%)", a->bound,
                 100 * gap / fabs(a->value));
    warn("%zu of %zu bytes, %.4g bits a weight; expected %s: mean %.6g, worst %.6g (%s); least %s: %.6g, %s",
         a->bytes, problem.budget, bits_of(a->bytes), damage_name, sum / (double)problem.n_lang,
         alloc_damage(&problem, pick, worst), text_at(first_lang[used_lang[worst]], lang_name), objective,
         a->value, bound);
}

static void clear(void)
{
    for (size_t i = 0; i < problem.n_part; i++) {
        for (size_t k = 0; k < parts[i].n; k++)
            free((void *)parts[i].choice[k].damage);
        free((void *)parts[i].choice);
        free(choice_quant[i]);
    }
    free(choice_quant);
    free(part_level);
    free(parts);
    free(used_lang);
    free(weight);
    free(row_at);
    free(part_of);
    free(quant_of);
    free(lang_of);
    free(first_part);
    free(first_quant);
    free(first_lang);
    free(damage);
    free(bytes);
    free(weights);
    csvtable_clear(&table);
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv);
    int is_mean = !strcmp(objective, "mean");
    struct alloc_answer a;
    size_t worst = 0;
    if ((budget_bits > 0) + (budget_bytes > 0) + (like != NULL) != 1)
        die_usage("one of --bits, --bytes and --like is needed");
    cli_refuse_if(is_mean, &solver, "with --objective mean");
    cli_refuse_if(!protect, &times, "without --protect");
    read_table(path);
    index_rows();
    pose();
    count_weights();
    set_budget();
    size_t *pick = xnew(problem.n_part, sizeof *pick);
    if (is_mean) {
        double sum = 0;
        for (size_t l = 0; l < problem.n_lang; l++)
            sum += weight[l];
        for (size_t l = 0; l < problem.n_lang; l++)
            weight[l] /= sum;
        alloc_mean(&problem, weight, pick, &a);
    } else {
        alloc_worst(&problem, weight,
                    !strcmp(solver, "exact") ? ALLOC_EXACT
                    : !strcmp(solver, "mwu") ? ALLOC_MWU
                                             : ALLOC_AUTO,
                    0, pick, &a);
    }
    for (size_t l = 1; l < problem.n_lang; l++)
        if (alloc_damage(&problem, pick, l) > alloc_damage(&problem, pick, worst))
            worst = l;
    write_recipe(pick);
    if (report_path)
        write_report(pick, &a, worst);
    say(pick, &a, worst);
    free(pick);
    clear();
    return 0;
}
