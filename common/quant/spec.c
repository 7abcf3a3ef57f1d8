/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/spec.h"
#include "base/num.h"
#include "quant/rotate.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* In the order of their enums. */
static const char *const clips[] = { "minmax",  "pct",     "aciq-gauss", "aciq-laplace", "mse", "kurt",
                                     "gennorm", "moments", NULL };
static const char *const pers[] = { "tensor", "channel", "group", NULL };
static const char *const scales[] = { "f32", "f16", "bf16", "same", "auto", NULL };
static const char *const biases[] = { "none", "mean", "both", NULL };
static const char *const methods[] = { "rtn", "noise", NULL };
static const char *const answers[] = { "no", "yes", NULL };

void quant_spec_init(struct quant_spec *s)
{
    *s = (struct quant_spec){ .bits = 4,
                              .grid = QUANT_CT,
                              .per = QUANT_PER_CHANNEL,
                              .group = 128,
                              .clip = QUANT_MINMAX,
                              .percent = 99.9,
                              .kurtosis = NAN,
                              .scale = QUANT_SCALE_AUTO,
                              .seed = 1 };
}

/* The place of value[0..n-1] in the list, -1 if it is not there. */
static int find(const char *const *list, const char *value, size_t n)
{
    for (int i = 0; list[i]; i++)
        if (strlen(list[i]) == n && !memcmp(list[i], value, n))
            return i;
    return -1;
}

static int refuse(char why[QUANT_WHY_MAX], const char *key, const char *value, const char *wanted)
{
    snprintf(why, QUANT_WHY_MAX, "%s: '%.60s' is not %s", key, value, wanted);
    return -1;
}

static int set_bits(struct quant_spec *s, const char *value)
{
    int64_t v;
    if (num_parse_i64(value, &v) < 0 || !((v >= 2 && v <= 8) || v == 16))
        return -1;
    s->bits = (int)v;
    return 0;
}

static int set_per(struct quant_spec *s, const char *value)
{
    size_t n = strcspn(value, ":");
    int per = find(pers, value, n);
    int64_t group;
    if (per < 0 || (per == QUANT_PER_GROUP) != (value[n] == ':'))
        return -1;
    if (per == QUANT_PER_GROUP) {
        if (num_parse_i64(value + n + 1, &group) < 0 || group < 1 || group > 1 << 30)
            return -1;
        s->group = (size_t)group;
    }
    s->per = (enum quant_per)per;
    return 0;
}

static int set_clip(struct quant_spec *s, const char *value)
{
    size_t n = strcspn(value, ":");
    int clip = find(clips, value, n);
    double number = NAN;
    if (clip < 0 || (value[n] && clip != QUANT_PCT && clip != QUANT_KURT) ||
        (clip == QUANT_MOMENTS && !s->has_moments))
        return -1;
    if (value[n] && (num_parse_f64(value + n + 1, &number) < 0 ||
                     !(clip == QUANT_PCT ? number >= 50 && number <= 100 : number > -10 && number < 1e6)))
        return -1;
    s->clip = (enum quant_clip)clip;
    s->kurtosis = clip == QUANT_KURT ? number : NAN;
    if (clip == QUANT_PCT && value[n])
        s->percent = number;
    return 0;
}

static int set_rotate(struct quant_spec *s, const char *value)
{
    int64_t v = 0;
    if (strcmp(value, "none") != 0 &&
        (num_parse_i64(value, &v) < 0 || v < 2 || v > ROTATE_MOST || (v & (v - 1))))
        return -1;
    s->rotate = (size_t)v;
    return 0;
}

int quant_spec_set(struct quant_spec *s, const char *key, const char *value, char why[QUANT_WHY_MAX])
{
    int i;
    if (!strcmp(key, "bits")) {
        if (set_bits(s, value) < 0)
            return refuse(why, key, value, "2 to 8, or 16 (leave as it is)");
    } else if (!strcmp(key, "grid")) {
        i = quant_grid_find(value);
        if (i < 0) {
            snprintf(why, QUANT_WHY_MAX, "grid: '%.60s' is not one of: %s", value, quant_grid_names());
            return -1;
        }
        s->grid = (enum quant_grid)i;
    } else if (!strcmp(key, "per")) {
        if (set_per(s, value) < 0)
            return refuse(why, key, value, "tensor, channel or group:N, N from 1");
    } else if (!strcmp(key, "clip")) {
        if (set_clip(s, value) < 0)
            return refuse(why, key, value,
                          s->has_moments
                              ? "minmax, pct, pct:P (P from 50 to 100), aciq-gauss, aciq-laplace, mse, kurt, "
                                "kurt:K, gennorm or moments"
                              : "minmax, pct, pct:P (P from 50 to 100), aciq-gauss, aciq-laplace, mse, kurt, "
                                "kurt:K or gennorm; moments where there are second moments");
    } else if (!strcmp(key, "scale")) {
        i = find(scales, value, strlen(value));
        if (i < 0)
            return refuse(why, key, value, "f32, f16, bf16, same or auto");
        s->scale = (enum quant_scale)i;
    } else if (!strcmp(key, "bias")) {
        i = find(biases, value, strlen(value));
        if (i < 0)
            return refuse(why, key, value, "none, mean or both");
        s->bias = (enum quant_bias)i;
    } else if (!strcmp(key, "beyond")) {
        i = find(answers, value, strlen(value));
        if (i < 0)
            return refuse(why, key, value, "no or yes");
        s->beyond = i;
    } else if (!strcmp(key, "method")) {
        i = find(methods, value, strlen(value));
        if (i < 0)
            return refuse(why, key, value, "rtn or noise");
        s->method = (enum quant_method)i;
    } else if (!strcmp(key, "rotate")) {
        if (set_rotate(s, value) < 0)
            return refuse(why, key, value, "none or a power of two from 2 to 65536");
    } else if (!strcmp(key, "seed")) {
        if (num_parse_u64(value, &s->seed) < 0)
            return refuse(why, key, value, "a whole number from 0 to 18446744073709551615");
    } else {
        snprintf(why, QUANT_WHY_MAX,
                 "'%.60s' is not one of: bits grid per clip scale bias beyond rotate method seed", key);
        return -1;
    }
    return 0;
}

int quant_spec_parse(struct quant_spec *s, const char *text, char why[QUANT_WHY_MAX])
{
    for (;; text++) {
        char item[QUANT_TEXT_MAX];
        size_t n = strcspn(text, ",");
        char *value = NULL;
        if (n < sizeof item) {
            memcpy(item, text, n);
            item[n] = 0;
            value = strchr(item, '=');
        }
        if (!value) {
            snprintf(why, QUANT_WHY_MAX, "'%.*s' is not KEY=VALUE", n > 60 ? 60 : (int)n, text);
            return -1;
        }
        *value++ = 0;
        if (quant_spec_set(s, item, value, why) < 0)
            return -1;
        text += n;
        if (!*text)
            return 0;
    }
}

enum quant_scale quant_scale_own(const char *dtype)
{
    return !strcmp(dtype, "F16")    ? QUANT_SCALE_F16
           : !strcmp(dtype, "BF16") ? QUANT_SCALE_BF16
                                    : QUANT_SCALE_F32;
}

void quant_spec_resolve(struct quant_spec *s, enum quant_scale own)
{
    int of_ct = s->grid == QUANT_CT || s->grid == QUANT_CT_ASYM;
    if (s->scale == QUANT_SCALE_AUTO)
        s->scale = of_ct ? QUANT_SCALE_SAME : QUANT_SCALE_F32;
    if (s->scale == QUANT_SCALE_SAME)
        s->scale = own;
}

char *quant_spec_per_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX])
{
    if (s->per == QUANT_PER_GROUP)
        snprintf(text, QUANT_TEXT_MAX, "group:%zu", s->group);
    else
        snprintf(text, QUANT_TEXT_MAX, "%s", pers[s->per]);
    return text;
}

char *quant_spec_clip_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX])
{
    char number[NUM_TEXT_MAX];
    if (s->clip == QUANT_PCT)
        snprintf(text, QUANT_TEXT_MAX, "pct:%s", num_text(s->percent, number));
    else if (s->clip == QUANT_KURT && !isnan(s->kurtosis))
        snprintf(text, QUANT_TEXT_MAX, "kurt:%s", num_text(s->kurtosis, number));
    else
        snprintf(text, QUANT_TEXT_MAX, "%s", clips[s->clip]);
    return text;
}

char *quant_spec_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX])
{
    char per[QUANT_TEXT_MAX], clip[QUANT_TEXT_MAX];
    int n = snprintf(text, QUANT_TEXT_MAX, "bits=%d,grid=%s,per=%.20s,clip=%.40s,scale=%s", s->bits,
                     quant_grid_name(s->grid), quant_spec_per_text(s, per), quant_spec_clip_text(s, clip),
                     scales[s->scale]);
    if (s->bias)
        n += snprintf(text + n, (size_t)(QUANT_TEXT_MAX - n), ",bias=%s", biases[s->bias]);
    if (s->beyond)
        n += snprintf(text + n, (size_t)(QUANT_TEXT_MAX - n), ",beyond=yes");
    if (s->rotate)
        n += snprintf(text + n, (size_t)(QUANT_TEXT_MAX - n), ",rotate=%zu", s->rotate);
    if (s->method)
        snprintf(text + n, (size_t)(QUANT_TEXT_MAX - n), ",method=%s,seed=%" PRIu64, methods[s->method],
                 s->seed);
    return text;
}
