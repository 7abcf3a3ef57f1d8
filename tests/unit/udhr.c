/* udhr TOKENIZER NAME TSV DIR - the ids of the Declaration, DIR/CODE.txt for each row of TSV, each line by
 * itself: how many there are, and the CRC-32 of them all as little-endian 32-bit words, against the columns
 * NAME_ids and NAME_crc32; prints one line for each language that differs.  SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "base/num.h"
#include "io/linein.h"
#include "text/tokenizer.h"
#include <stdio.h>
#include <zlib.h>

enum { MAX_COLUMNS = 32 };

static size_t split_tabs(char *line, char *field[MAX_COLUMNS])
{
    size_t n = 0;
    for (char *rest = line; rest && n < MAX_COLUMNS;)
        field[n++] = strsep(&rest, "\t");
    return n;
}

static size_t encode_file(const struct tokenizer *t, struct tokenizer_work *w, const char *path,
                          unsigned long *crc)
{
    struct linein *in = linein_open(path);
    struct tokens tokens = { 0 };
    char *line;
    size_t n;
    while (linein_next_utf8(in, &line, &n))
        if (tokenizer_encode(t, w, line, n, 0, &tokens) < 0)
            printf("failed: %s: line %zu cannot be encoded\n", path, linein_number(in));
    *crc = crc32(0, NULL, 0);
    for (size_t i = 0; i < tokens.n; i++) {
        uint32_t id = tokens.id[i];
        const unsigned char word[4] = { id & 255, id >> 8 & 255, id >> 16 & 255, id >> 24 & 255 };
        *crc = crc32(*crc, word, 4);
    }
    n = tokens.n;
    tokens_clear(&tokens);
    linein_close(in);
    return n;
}

int main(int argc, char **argv)
{
    char *why = NULL, *line, *field[MAX_COLUMNS], ids_name[64], wanted_crc[16];
    struct tokenizer *t = argc == 5 ? tokenizer_load(argv[1], &why) : NULL;
    if (!t) {
        printf("failed: %s\n", why ? why : "usage: udhr TOKENIZER NAME TSV DIR");
        return 2;
    }
    struct tokenizer_work *w = tokenizer_work_new(t);
    struct linein *in = linein_open(argv[3]);
    size_t n, column = 0, n_row = 0, n_failed = 0;
    snprintf(ids_name, sizeof ids_name, "%s_ids", argv[2]);
    while (linein_next_utf8(in, &line, &n)) {
        size_t n_field = split_tabs(line, field);
        if (linein_number(in) == 1) {
            while (column < n_field && strcmp(field[column], ids_name) != 0)
                column++;
            continue;
        }
        if (column + 1 >= n_field)
            break;
        char *path = xsprintf("%s/%s.txt", argv[4], field[0]);
        unsigned long crc;
        uint64_t n_wanted = 0;
        size_t n_id = encode_file(t, w, path, &crc);
        snprintf(wanted_crc, sizeof wanted_crc, "%08lx", crc);
        if (num_parse_u64(field[column], &n_wanted) < 0 || n_wanted != n_id ||
            strcmp(field[column + 1], wanted_crc) != 0) {
            printf("failed: %s: %zu ids, CRC-32 %s; wanted %s, %s\n", field[0], n_id, wanted_crc,
                   field[column], field[column + 1]);
            n_failed++;
        }
        n_row++;
        free(path);
    }
    linein_close(in);
    tokenizer_work_free(w);
    tokenizer_free(t);
    printf("%zu languages, %zu failed\n", n_row, n_failed);
    return n_failed != 0 || n_row == 0;
}
