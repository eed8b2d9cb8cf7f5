/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writing one operator as several others during inference, so that passes and
 * engine need to know those only. */

#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct {
  UnetGraph *graph;
  UnetNode *node; /* that others replace */
} UnetExpansion;

/* Returns whether all of @value's dims are known. */
gboolean unet_expansion_knows_dims (const UnetValue *value);

/* Counts @bytes that an expansion is about to add, since a small file could ask
 * for any number. Returns %FALSE with %UNET_ERROR_LIMIT when all expansions of
 * the graph add too much. */
gboolean unet_expansion_claim (UnetExpansion *e, gsize bytes, GError **error);
/* Inserts a node before the one that is replaced. @inputs: @n values,
 * (nullable) each. Returns its output. */
UnetValue *unet_expansion_insert (
    UnetExpansion *e, UnetOp op, UnetValue *const *inputs, guint n);
/* The same for one or two operands. */
UnetValue *unet_expansion_unary (UnetExpansion *e, UnetOp op, UnetValue *x);
UnetValue *unet_expansion_binary (
    UnetExpansion *e, UnetOp op, UnetValue *a, UnetValue *b);
/* Adds a constant of one element, without dimensions. */
UnetValue *unet_expansion_number (
    UnetExpansion *e, UnetDType dtype, gdouble number);
/* Inserts a Reshape to @dims. */
UnetValue *unet_expansion_reshape (
    UnetExpansion *e, UnetValue *x, guint n_dims, const gint64 *dims);
/* Inserts a Transpose, unless @perm leaves all axes where they are. */
UnetValue *unet_expansion_transpose (
    UnetExpansion *e, UnetValue *x, const gint64 *perm);
/* The node itself goes last, so that its output stays: it becomes @op, without
 * attributes. */
void unet_expansion_become (
    UnetExpansion *e, UnetOp op, UnetValue *const *inputs, guint n);

G_END_DECLS
