/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transposed convolutions of any kernel, stride, dilation and grouping as one
 * matrix product and a sum (col2im), or, depthwise, as the sum alone. oneDNN
 * runs those with dilations, most groups and much output padding by its
 * reference implementation, 100 times slower than the oracle. The product makes
 * what each input pixel adds to the result by each tap, as a 1x1 convolution to
 * kernel * kernel * oc channels. */

#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-col2im.h"

G_BEGIN_DECLS

typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  const UnetWindow *w;
  gboolean depthwise;
  gboolean rows; /* the result is PLAIN, the product in blocks */
  gint64 taps, ic, oc;
  gint64 group; /* channels of a tap, padded to whole blocks */
  gint64 mid[4];
  UnetMd src, weights, bias, dst; /* of the product; bias: of the sum */
  UnetAttrs attrs;
  dnnl_primitive_desc_t pd;
} UnetCol2imProduct;

/* Describes @node as a product in @layout. Returns %FALSE where it is none;
 * either way unet_col2im_product_clear() has to follow. @w must outlive it. */
gboolean unet_col2im_product_init (UnetCol2imProduct *p, UnetPlan *plan,
    UnetNode *node, const UnetWindow *w, UnetMemLayout layout);
void unet_col2im_product_clear (UnetCol2imProduct *p);

/* Fills the parameters of the kernel that adds up. */
void unet_col2im_product_kernel (const UnetCol2imProduct *p, UnetCol2im *c);

/* Returns the nanoseconds of the product and of the sum; measures them if they
 * are not known. */
guint64 unet_col2im_product_measure (UnetCol2imProduct *p);

G_END_DECLS
