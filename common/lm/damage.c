/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/damage.h"
#include <math.h>

void lm_damage_add(struct lm_damage *to, const struct lm_damage *more)
{
    to->n += more->n;
    to->n_agree += more->n_agree;
    to->nll += more->nll;
    to->ref_nll += more->ref_nll;
    to->kl += more->kl;
    to->squares += more->squares;
}

int lm_damage_of(const struct lm_score *s, const struct lm_score *ref, const struct lm_contrast *c,
                 struct lm_damage *d)
{
    *d = (struct lm_damage){ .n = 1, .n_agree = s->top == ref->top, .nll = lm_score_nll(s) };
    d->ref_nll = c ? lm_score_nll(ref) : d->nll;
    if (!isfinite(d->nll) || !isfinite(d->ref_nll))
        return LM_DAMAGE_NOT_FINITE;
    if (!c)
        return 0;
    double change = exp(-d->nll) - exp(-d->ref_nll), kl = lm_contrast_kl(c, ref, s);
    d->kl = kl < 0 ? 0 : kl; /* by rounding */
    d->squares = change * change;
    return kl >= -1e-9 ? 0 : LM_DAMAGE_KL;
}

int lm_damage_beyond_guessing(const struct lm_damage *d, size_t vocab_size)
{
    return d->n && d->nll / (double)d->n > log((double)vocab_size) * (1 + 1e-12);
}

static double per(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

struct lm_figures lm_damage_figures(const struct lm_damage *d, uint64_t bytes, int is_ranked)
{
    double n = (double)d->n, n_byte = d->n ? (double)bytes : 0, bits = d->nll / M_LN2,
           ref_bits = d->ref_nll / M_LN2;
    struct lm_figures f = { .nll = per(d->nll, n), .ref_nll = per(d->ref_nll, n) };
    f.perplexity = exp(f.nll);
    f.ref_perplexity = exp(f.ref_nll);
    f.bits_per_byte = per(bits, n_byte);
    f.ref_bits_per_byte = per(ref_bits, n_byte);
    f.delta_nll = is_ranked ? f.nll - f.ref_nll : NAN;
    f.delta_bits_per_byte = is_ranked ? per(bits - ref_bits, n_byte) : NAN;
    f.degradation = is_ranked ? expm1(f.nll - f.ref_nll) : NAN;
    f.kl = per(d->kl, n);
    f.top1_agreement = per((double)d->n_agree, n);
    f.rms_delta_p = sqrt(per(d->squares, n));
    return f;
}
