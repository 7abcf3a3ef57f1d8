/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/normal.h"

void normal_clear(struct normal *p)
{
    *p = (struct normal){ 0 };
}

void normal_work_clear(struct normal_work *w)
{
    mbuf_clear(&w->buffer[0]);
    mbuf_clear(&w->buffer[1]);
}

int normal_run(const struct normal *p, size_t n, struct normal_work *w, const struct mtext *t,
               struct mtext *out)
{
    (void)p, (void)n, (void)w;
    *out = *t;
    return 0;
}
