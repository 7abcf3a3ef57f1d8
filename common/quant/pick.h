/* pick.h - which tensors are meant, by name, layer or role.  Layer: quant.
 * An item of a list is a pattern for names as "*.mlp.*", or "layer:5", "layer:20-23", or "role:" and a
 * pattern for roles as "role:attn_*". SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_PICK_H
#define QUANT_PICK_H

/* A tensor as lists see it. */
struct pick_subject {
    const char *name;
    int layer;        /* -1: of none */
    const char *role; /* NULL: of none that is known */
};

/* The first item that is none of the above; NULL if all are. Lists are NULL-ended; NULL is an empty one. */
const char *pick_wrong(char *const *list);

/* Whether s is one of those listed: kinds of items restrict each other, items of a kind add up, so
 * "layer:3,role:mlp_*" is the MLP of layer 3. pick_any: whether any item matches. pick_exactly: whether an
 * item is its whole role or name. */
int pick_only(char *const *list, const struct pick_subject *s);
int pick_any(char *const *list, const struct pick_subject *s);
int pick_exactly(char *const *list, const struct pick_subject *s);

/* Marks in (*used)[items] those that match s. *used is made of zeros when it is NULL; the caller frees it. */
void pick_note(char *const *list, const struct pick_subject *s, char **used);

/* "5" or "20-23" as layers; -1 if it is neither. */
int pick_layers(const char *text, int *first, int *last);

#endif
