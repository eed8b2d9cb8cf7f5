/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decisions that cost/ and choose/ make for a plan, and lower/ reads. */

#include "engine/run/step.h"

G_BEGIN_DECLS

/* A time that is never the shortest: there is no such implementation, or only
 * one that is too slow to measure. */
#define UNET_TIME_NEVER (G_MAXUINT64 / 1024)

/* The kernels of convolutions. */
typedef enum {
  UNET_CONV_UNDECIDED,
  UNET_CONV_REFERENCE,    /* the operator's reference implementation */
  UNET_CONV_ONEDNN,       /* a primitive of oneDNN */
  UNET_CONV_WINOGRAD,     /* kernels/f32-conv-winograd.h */
  UNET_CONV_FEW_CHANNELS, /* kernels/f32-conv-few-channels.h */
  UNET_CONV_COL2IM,       /* kernels/f32-col2im.h; transposed ones */
  /* in low precision: */
  UNET_CONV_F32_HEAD,       /* f32 weights (kernels/int8-move.h) */
  UNET_CONV_INT8_HEAD,      /* kernels/int8-conv-head.h */
  UNET_CONV_INT8_DEPTHWISE, /* kernels/int8-conv-depthwise.h */
} UnetConvKernel;

/* The choice for a convolution in one layout. How many post-ops the oneDNN
 * primitive takes is not part of it: that depends on where the residual lies
 * when the convolution is lowered. */
typedef struct {
  UnetConvKernel kernel;
  dnnl_alg_kind_t candidate; /* ONEDNN: direct or its Winograd */
  guint64 time;              /* nanoseconds; 0 where nothing is measured */
  gint64 block; /* WINOGRAD: tiles at once, 0 to divide the output channels */
} UnetConvChoice;

/* The part of a concatenation's output that a value is written to. */
typedef struct {
  UnetValue *parent; /* (nullable): the output; %NULL: no slot */
  gint64 channel;    /* of the parent, where the value starts */
  UnetMemLayout layout;
} UnetConcatSlot;

/* A value that Winograd convolutions read in another form than the graph has
 * it, so that a step is saved. */
typedef struct {
  gboolean not_materialised; /* a concatenation whose inputs are read instead */
  gboolean before_depth_to_space; /* a transposed convolution that stays a 1x1
                                   * convolution's result */
  UnetLoc *from; /* (nullable): that result, once it is computed */
} UnetFusedInput;

G_END_DECLS
