/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fusion passes put behind a node: element-wise functions of its
 * first output, applied in order. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _UnetValue UnetValue;

typedef enum {
  UNET_POST_RELU,       /* max(x,0) */
  UNET_POST_CLIP,       /* min(max(x,alpha),beta) */
  UNET_POST_LEAKY_RELU, /* x<0 ? alpha*x : x */
  UNET_POST_ELU,        /* x<0 ? alpha*(exp(x)-1) : x */
  UNET_POST_SIGMOID,
  UNET_POST_TANH,
  UNET_POST_SOFTPLUS,
  UNET_POST_HARD_SIGMOID, /* clip(alpha*x+beta,0,1) */
  UNET_POST_HARD_SWISH,   /* x*clip(x/6+1/2,0,1) */
  UNET_POST_SWISH,        /* x*sigmoid(alpha*x) */
  UNET_POST_GELU_ERF,
  UNET_POST_LINEAR, /* alpha*x+beta */
  UNET_POST_ADD,    /* x + value, broadcast as ONNX does */
  UNET_POST_MUL,    /* x * value, broadcast as ONNX does */
  UNET_POST_PRELU,  /* x<0 ? value*x : x */
} UnetPostOpKind;

typedef struct {
  UnetPostOpKind kind;
  gfloat alpha, beta;
  UnetValue *value; /* (nullable): second operand, not owned */
} UnetPostOp;

G_END_DECLS
