/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transposed convolutions that are 1x1 convolutions and depth-to-space. With
 * kernel = stride = r and no padding every input pixel makes its own r * r
 * output pixels: a matrix product, at four times the speed of oneDNN's
 * deconvolution, and a move. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

typedef struct {
  UnetNode *node;
  gint64 r;
  gint64 ic, oc;   /* channels of input and output */
  gint64 group;    /* output channels filled up to whole blocks */
  gboolean packed; /* the groups have no padding and go to PLAIN */
} UnetDeconvProduct;

/* Finds out whether @node is a product in @layout, and which. */
gboolean unet_deconv_find_product (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *window, UnetMemLayout layout, UnetDeconvProduct *product);

/* Returns whether @node is a product in @layout. */
gboolean unet_deconv_is_product (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);

/* Returns whether @node is a product of 4 groups in blocks, whose result
 * Winograd convolutions can read before depth-to-space. */
gboolean unet_deconv_stays_in_blocks (
    const UnetPlan *plan, const UnetNode *node);

G_END_DECLS
