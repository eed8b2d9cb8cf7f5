/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A convolution on narrow tensors while it is lowered: what the ways that
 * there are (lower-narrow.c, lower-narrow-own.c) share. */

#include "engine/choose/int8.h"

G_BEGIN_DECLS

typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  UnetWindow window;
  UnetDnnlWindow w;
  gboolean deconv;          /* oneDNN's, not a spread */
  gint64 spread;            /* r of a transposed convolution as product, or 0 */
  gint64 oc, row;           /* rows of weights and numbers in one */
  UnetNarrowValue src, dst; /* dst.type NONE: floats */
  UnetMd src_md, weights_md, bias_md, dst_md;
  gint64 dst_dims[4];
  gfloat unit;   /* what 1 stands for behind the factors */
  gfloat *steps; /* of weights, then factors, by output channel */
  UnetAttrs attrs;
  dnnl_primitive_desc_t pd;
} UnetNarrowConv;

/* Rows of weights by output channel, whatever ONNX's order is; g_free() it. */
gfloat *unet_narrow_conv_weights (const UnetNarrowConv *conv);
/* Rounds one row to bytes; returns what a step of them stands for. */
gfloat unet_narrow_quantize_row (
    const gfloat *row, gint64 n, gint limit, gint8 *out);
gint unet_narrow_largest_weight (const UnetNarrowConv *conv);
UnetStorage *unet_narrow_pack_bytes (
    UnetPlan *plan, gconstpointer data, gsize size, GError **error);
/* Bias for every output channel, in the units that oneDNN wants it in. */
UnetStorage *unet_narrow_pack_bias (
    const UnetNarrowConv *conv, const gfloat *factors, GError **error);

/* ---- kernels of our own (lower-narrow-own.c) ----------------------------- */

/* To few channels: of floats with f32 weights, or by bytes. */
typedef enum {
  UNET_HEAD_NONE,
  UNET_HEAD_FLOATS,
  UNET_HEAD_BYTES,
} UnetNarrowHeads;
gboolean unet_narrow_head_fits (const UnetNarrowConv *conv);
/* @drafted: is conv->pd oneDNN's way? */
UnetNarrowHeads unet_narrow_choose_head (
    const UnetNarrowConv *conv, gboolean drafted);
gboolean unet_narrow_emit_head (
    UnetNarrowConv *conv, UnetNarrowHeads head, GError **error);
/* Depthwise, bytes to bytes. */
gboolean unet_narrow_depthwise_fits (const UnetNarrowConv *conv);
/* Is it faster than conv->pd, oneDNN's way? */
gboolean unet_narrow_depthwise_pays (const UnetNarrowConv *conv);
gboolean unet_narrow_emit_depthwise (UnetNarrowConv *conv, GError **error);

G_END_DECLS
