/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The operator table: what importer, passes and engine know of an operator,
 * in one row. In which memory layouts an operator runs stands in the engine's
 * own table, since the graph knows none. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Columns that are yes or no. */
typedef enum {
  UNET_OP_PLAIN = 0,
  /* It holds the elements of input 0 in the same order under other dims. */
  UNET_OP_RENAMES = 1 << 0,
  /* Its output may share memory with input 0, in one layout or another. */
  UNET_OP_VIEW = 1 << 1,
  /* Each output element depends on the element of input 0 at its place. */
  UNET_OP_MAPS = 1 << 2,
  /* The same over several inputs that broadcast. */
  UNET_OP_BROADCASTS = 1 << 3,
  /* It moves or selects elements of input 0 and computes nothing, so that it
   * commutes with a scale above 0. MaxPool without indices and nearest Resize
   * are meant; callers check that. */
  UNET_OP_MOVES = 1 << 4,
  /* Its results derive from input 0 by selecting, moving or rescaling: what
   * input 0 holds (probabilities, class numbers), they hold. */
  UNET_OP_PASSES_ON = 1 << 5,
  /* Results lie within the range of input 0, or 0. */
  UNET_OP_KEEPS_RANGE = 1 << 6,
  /* Results are never below 0. */
  UNET_OP_NOT_NEGATIVE = 1 << 7,
  /* The same where input 0 is not below 0; a cubic Resize excepted. */
  UNET_OP_KEEPS_SIGN = 1 << 8,
  /* The same where all inputs are not below 0. */
  UNET_OP_KEEPS_SIGNS = 1 << 9,
  /* The fusion passes may put post-ops behind it. Concat and the like stay
   * without, so that they can be views. */
  UNET_OP_TAKES_POST_OPS = 1 << 10,
  /* Work grows with output times input 0, or output times input 1: folding it
   * has a limit. */
  UNET_OP_WORK_0 = 1 << 11,
  UNET_OP_WORK_1 = 1 << 12,
  /* Operator set 1 defines it as operator set 6 does. */
  UNET_OP_FROM_SET_1 = 1 << 13,
  /* It belongs to the domain com.microsoft. */
  UNET_OP_CONTRIBUTED = 1 << 14,
  /* Inference alone makes it: no file may have one. */
  UNET_OP_INTERNAL = 1 << 15,
  /* Its oracle is exact for uint64. Those of the others take 64-bit integers
   * for signed, or for doubles: they would be wrong from 2^63 on, or rounded.
   */
  UNET_OP_TAKES_UINT64 = 1 << 16,
} UnetOpTraits;

typedef struct {
  guint min_inputs, max_inputs;
  guint min_outputs, max_outputs;
  /* Element types of the inputs, one letter each; the last one holds for all
   * that follow. T: the same as every other T; I: 32- or 64-bit integers;
   * B: bool; '.': any. */
  const gchar *types;
  UnetOpTraits traits;
  /* As UNET_INFER() and UNET_EVAL() of functions.h say. */
  gboolean (*infer) (UnetGraph *graph, UnetNode *node, GError **error);
  gboolean (*eval) (const UnetNode *node, const UnetTensorView *in, guint n_in,
      UnetTensorView *out, guint n_out, GError **error);
} UnetOpDef;

/* Returns the row of an operator. */
const UnetOpDef *unet_op_def (UnetOp op);
/* Evaluates a node by its oracle, as UNET_EVAL() of functions.h says. Outputs
 * without elements are left alone, however large their other extents are. */
gboolean unet_op_eval (const UnetNode *node, const UnetTensorView *in,
    guint n_in, UnetTensorView *out, guint n_out, GError **error);
/* Returns whether the operator has all of @traits. */
gboolean unet_op_has (UnetOp op, UnetOpTraits traits);

G_END_DECLS
