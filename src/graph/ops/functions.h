/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two functions for each operator: shape inference and the oracle. A family of
 * operators has one file in which they stand side by side, since both read
 * the same attributes; table.c lists them all. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Sets type and shape of the outputs from inputs, attributes and, where they
 * decide, constant inputs. A dimension that it cannot know is -1. Returns
 * %FALSE with @error set when the inputs do not fit. */
#define UNET_INFER(op)                                                         \
  gboolean unet_infer_##op (UnetGraph *graph, UnetNode *node, GError **error)

/* The oracle in plain C: reads @in, fills @out, whose dims and data the caller
 * has set. A missing optional input is a view of type NONE; an output that the
 * node does not have has no data. It allocates nothing but small temporaries
 * on the stack and ignores the node's post-ops. It folds constants, is the
 * reference of tests, and runs where oneDNN has nothing. */
#define UNET_EVAL(op)                                                          \
  gboolean unet_eval_##op (const UnetNode *node, const UnetTensorView *in,     \
      guint n_in, UnetTensorView *out, guint n_out, GError **error)

#define UNET_OP(name)                                                          \
  UNET_INFER (name);                                                           \
  UNET_EVAL (name);
#include "graph/op-list.h"
#undef UNET_OP

/* The oracle of operators that inference replaces by others: always fails. */
UNET_EVAL (expanded);

G_END_DECLS
