/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Post-ops of a node: as attributes of a oneDNN primitive, or as steps. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* The first post-ops of a node, as a primitive takes them. */
typedef struct {
  dnnl_post_ops_t ops;
  dnnl_primitive_attr_t attr;
  guint n;             /* number of post-ops taken */
  UnetValue *sum;      /* (nullable): must lie where the output goes */
  gboolean sum_copies; /* and is copied there first */
  guint n_args;        /* operands of binary post-ops */
  gint args[8];
  UnetValue *values[8];
} UnetAttrs;

/* How a residual is added: by a binary post-op, or as a sum with what is in
 * the output's memory. */
typedef enum { UNET_SUM_NEVER, UNET_SUM_IN_PLACE, UNET_SUM_COPY } UnetSumMode;

/* Makes attributes with the first @n post-ops of @node. Returns %FALSE where
 * oneDNN cannot express one of them; then nothing has to be cleared. */
gboolean unet_attrs_init (UnetAttrs *attrs, UnetPlan *plan,
    const UnetNode *node, guint n, UnetMemLayout layout, UnetSumMode sum);
void unet_attrs_clear (UnetAttrs *attrs);

/* Adds the operands of binary post-ops to @step. @locs: as attrs->values. */
void unet_attrs_add_operands (
    const UnetAttrs *attrs, UnetStep *step, const UnetLoc *locs);

/* Adds a step for @op from @in to @out, which may be the same. */
gboolean unet_emit_post_op (UnetPlan *plan, UnetNode *node,
    const UnetPostOp *op, const UnetLoc *in, const UnetLoc *out,
    UnetValue *value, GError **error);

/* Adds steps for the post-ops from number @from on, over @value in place. */
gboolean unet_emit_post_ops (UnetPlan *plan, UnetNode *node, guint from,
    UnetValue *value, UnetMemLayout layout, GError **error);

/* Returns whether the slopes of a PReLU are constant, one for each channel of
 * @value or one for all. */
gboolean unet_prelu_fits (const UnetPostOp *op, const UnetValue *value);

/* Finds the one eltwise algorithm of oneDNN for @op. Returns %FALSE for a
 * post-op that needs two (HardSigmoid) or has an operand. */
gboolean unet_eltwise_for (const UnetPostOp *op, UnetEltwise *eltwise);

G_END_DECLS
