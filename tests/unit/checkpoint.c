/* checkpoint [-r | -k | -m] MODEL - what a program is given that opens MODEL: the family, a line "role layer
 * name dtype shape checksum" for each tensor, then notes. With -r all is read once, the source rewound, and
 * read again; with -k every tensor is kept, and all but its first byte let go of before it is looked at; with
 * -m the last line is the peak of resident memory in MiB. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/checkpoint.h"
#include "base/msg.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t checksum(const struct tensor *t)
{
    const unsigned char *p = t->data;
    uint64_t h = 0;
    for (size_t i = 0; i < t->n_bytes; i++)
        h = (h << 5 | h >> 59) ^ p[i];
    return h;
}

static void read_all(struct lm_checkpoint *c, int print, int keep)
{
    struct tensor t;
    struct lm_place p;
    char shape[TENSOR_SHAPE_MAX];
    int got;
    while ((got = lm_checkpoint_next(c, &t, &p)) > 0) {
        if (keep) {
            lm_checkpoint_keep(c, t.data);
            lm_checkpoint_let_go(c, (const char *)t.data + 1, t.n_bytes - 1);
        }
        uint64_t sum = checksum(&t);
        if (print)
            printf("%s %d %s %s %s %016llx\n", lm_role_name(p.role), p.layer, t.name, t.dtype_name,
                   tensor_shape_text(&t, shape), (unsigned long long)sum);
    }
    if (got < 0)
        die("%s: %s", lm_checkpoint_path(c), lm_checkpoint_error(c));
    if (lm_checkpoint_next(c, &t, &p))
        die("something comes after the end");
}

int main(int argc, char **argv)
{
    const char *why, *note, *path = argv[argc - 1];
    int rewind = argc == 3 && !strcmp(argv[1], "-r"), memory = argc == 3 && !strcmp(argv[1], "-m"),
        keep = argc == 3 && !strcmp(argv[1], "-k");
    msg_set_prog("checkpoint");
    struct lm_checkpoint *c = lm_checkpoint_open(path, 2, &why);
    if (!c)
        die("%s: %s", path, why);
    if (rewind) {
        read_all(c, 0, 0);
        if (!lm_checkpoint_can_rewind(c) || lm_checkpoint_rewind(c) < 0)
            die("%s: cannot rewind", lm_checkpoint_path(c));
    }
    printf("%s\n", lm_checkpoint_config(c)->family->model_type);
    read_all(c, 1, keep);
    for (size_t i = 0; (note = lm_checkpoint_note(c, i)); i++)
        printf("note: %s\n", note);
    lm_checkpoint_close(c);
    if (memory) {
        struct rusage used;
        getrusage(RUSAGE_SELF, &used);
        printf("%ld\n", used.ru_maxrss / 1024);
    }
    return 0;
}
