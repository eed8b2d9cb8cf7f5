/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Convolutions in low precision. A product of an int8 of the source and one of
 * the weights stands for src.scale * weight_scale[oc]. That over the scale of
 * the result is the one factor of each output channel. */

#include "engine/emit/post-ops.h"
#include "engine/run/int8-layout.h"

G_BEGIN_DECLS

typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  UnetWindow window;     /* as ONNX has it */
  UnetDnnlWindow w;      /* of what is computed */
  gboolean deconv;       /* oneDNN's transposed convolution */
  gint64 depth_to_space; /* r of a transposed convolution that is a product and
                          * depth-to-space; 0: it is none */
  gint64 oc, row;        /* rows of weights, and numbers in a row */
  UnetLowValue src, dst; /* dst.type NONE: the result is f32 */
  UnetMd src_md, weights_md, bias_md, dst_md;
  gint64 dst_dims[4];
  gfloat unit;   /* what 1 stands for once the factors are applied */
  gfloat *steps; /* of weights, then factors, by output channel */
  UnetAttrs attrs;
  dnnl_primitive_desc_t pd; /* (nullable) */
} UnetInt8Conv;

/* Describes @node. Returns %FALSE where it cannot be in low precision; clear
 * @conv in either case. */
gboolean unet_int8_conv_init (
    UnetInt8Conv *conv, UnetPlan *plan, UnetNode *node);
void unet_int8_conv_clear (UnetInt8Conv *conv);

/* Finds oneDNN's implementation, conv->pd, with factors of 1. Returns %FALSE
 * where there is no fast one. */
gboolean unet_int8_conv_draft (UnetInt8Conv *conv);

/* Makes conv->pd with @factors, one for each output channel. */
gboolean unet_int8_conv_make_pd (UnetInt8Conv *conv, const gfloat *factors);

/* Returns whether the source is int8 or uint8, not bfloat16. */
gboolean unet_int8_conv_is_int8 (const UnetInt8Conv *conv);

/* Returns oneDNN's descriptor (transfer full) of the weights. */
UnetMd unet_int8_conv_weights_md (
    const UnetInt8Conv *conv, dnnl_data_type_t type, dnnl_format_tag_t tag);

/* Returns the largest int8 weight that kernels of this library may use. It
 * equals oneDNN's limit on this processor, so that results are comparable. */
gint unet_int8_conv_weight_limit (const UnetInt8Conv *conv);

/* Return times in nanoseconds, of a kernel of this library that is called
 * @what, or of conv->pd. They measure what is not known. @sizes: of the
 * operands in bytes, UNET_INT8_TRIAL_OPERANDS of them. */
#define UNET_INT8_TRIAL_OPERANDS 4
guint64 unet_int8_conv_measure_kernel (const UnetInt8Conv *conv,
    const gchar *what, UnetKernel kernel, gconstpointer params,
    const gsize *sizes);
guint64 unet_int8_conv_measure_primitive (const UnetInt8Conv *conv);

G_END_DECLS
