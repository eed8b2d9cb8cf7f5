/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/random-operators.h"
#include <math.h>
#include <string.h>

static gint64
divisor (UnetTestGraph *b, gint64 n)
{
  gint64 d = builder_range (b, 1, n);

  while (n % d)
    d--;
  return d;
}

/* Returns output channels for a random number of groups. */
static gint64
grouped (UnetTestGraph *b, gint64 ic, gint64 *group)
{
  *group = divisor (b, ic);
  return *group * builder_range (b, 1, MAX (1, 70 / *group));
}

void
random_conv (UnetTestGraph *b)
{
  static const gint64 kernels[] = { 1, 3, 3, 3, 5, 7 };
  UnetValue *x = builder_draw (b);
  gint64 k = kernels[builder_range (b, 0, 5)],
         stride = builder_chance (b, 20) ? 2 : 1;
  gint64 dilation = k > 1 && builder_chance (b, 20) ? 2 : 1,
         oc = builder_channels (b);
  gint64 span = (k - 1) * dilation + 1, ic = x->dims[1], group = 1;
  gint64 dims[4], s[] = { stride, stride }, d[] = { dilation, dilation };
  gint64 pads[4];
  gdouble scale;
  UnetNode *node;

  if (builder_chance (b, 15))
    oc = group = ic; /* depthwise */
  else if (builder_chance (b, 15))
    oc = grouped (b, ic, &group);
  for (guint i = 0; i < 4; i++)
    pads[i] = builder_chance (b, 60) ? span / 2
                                     : builder_range (b, 0, span / 2);
  for (guint i = 0; i < 2; i++)
    if (x->dims[i + 2] + pads[i] + pads[i + 2] < span)
      pads[i] = pads[i + 2] = span / 2;
  memcpy (dims, (gint64[]){ oc, ic / group, k, k }, sizeof dims);
  scale = sqrt (3.0 / (ic / group * k * k));
  node = builder_node (b, UNET_OP_Conv, x,
      builder_floats (b, 4, dims, -scale, scale),
      builder_chance (b, 50) ? builder_floats (b, 1, &oc, -0.5, 0.5) : NULL);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "dilations", d, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "group", group);
  builder_keep (b, builder_infer (b, node));
}

void
random_conv_transpose (UnetTestGraph *b)
{
  static const gint64 shapes[][4] = { /* kernel, stride, pad, output pad */
    { 2, 2, 0, 0 }, { 2, 2, 0, 0 }, { 3, 2, 1, 1 }, { 4, 2, 1, 0 },
    { 4, 4, 0, 0 }, { 3, 1, 1, 0 }
  };
  const gint64 *p = shapes[builder_range (b, 0, G_N_ELEMENTS (shapes) - 1)];
  UnetValue *x = builder_draw (b);
  gint64 ic = x->dims[1], oc = builder_channels (b), group = 1;
  gint64 dims[4], s[] = { p[1], p[1] }, pads[] = { p[2], p[2], p[2], p[2] };
  gint64 out[] = { p[3], p[3] };
  gdouble scale;
  UnetNode *node;

  if (x->dims[2] * x->dims[3] > 400)
    return; /* The graph would become too large. */
  if (builder_chance (b, 20))
    oc = builder_range (b, 1, 4);
  if (builder_chance (b, 20))
    oc = grouped (b, ic, &group);
  memcpy (dims, (gint64[]){ ic, oc / group, p[0], p[0] }, sizeof dims);
  scale = sqrt (3.0 * p[1] * p[1] / (ic / group * p[0] * p[0]));
  node = builder_node (b, UNET_OP_ConvTranspose, x,
      builder_floats (b, 4, dims, -scale, scale),
      builder_chance (b, 50) ? builder_floats (b, 1, &oc, -0.5, 0.5) : NULL);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_ints (node, "output_padding", out, 2);
  unet_node_set_attr_int (node, "group", group);
  builder_keep (b, builder_infer (b, node));
}

void
random_pool (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  gboolean average = builder_chance (b, 40);
  gint64 k = builder_range (b, 1, 3), stride = builder_range (b, 1, 2), pads[4];
  gint64 dilation = builder_chance (b, 70) ? 1 : builder_range (b, 2, 3);
  gint64 kernel[] = { k, k }, s[] = { stride, stride };
  gint64 d[] = { dilation, dilation }, span = (k - 1) * dilation + 1;
  UnetNode *node;

  if (x->dims[2] < span || x->dims[3] < span)
    return;
  for (guint i = 0; i < 4; i++)
    pads[i] = builder_chance (b, 60) ? 0 : builder_range (b, 0, k / 2);
  node = builder_node (
      b, average ? UNET_OP_AveragePool : UNET_OP_MaxPool, x, NULL, NULL);
  unet_node_set_attr_ints (node, "kernel_shape", kernel, 2);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "dilations", d, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "ceil_mode", builder_chance (b, 50));
  if (average)
    unet_node_set_attr_int (node, "count_include_pad", builder_chance (b, 50));
  builder_keep (b, builder_infer (b, node));
}

void
random_global_pool (UnetTestGraph *b)
{
  builder_keep (b,
      builder_unary (b,
          builder_chance (b, 70) ? UNET_OP_GlobalAveragePool
                                 : UNET_OP_GlobalMaxPool,
          builder_draw (b)));
}

UnetValue *
random_activation_of (UnetTestGraph *b, UnetValue *x)
{
  static const UnetOp ops[] = { UNET_OP_Relu, UNET_OP_Relu, UNET_OP_Clip,
    UNET_OP_LeakyRelu, UNET_OP_PRelu, UNET_OP_Sigmoid, UNET_OP_HardSigmoid,
    UNET_OP_HardSwish, UNET_OP_Tanh, UNET_OP_Elu, UNET_OP_Softplus };
  UnetOp op = ops[builder_range (b, 0, G_N_ELEMENTS (ops) - 1)];
  gint64 slopes[] = { builder_chance (b, 70) ? x->dims[1] : 1, 1, 1 }, one = 1;
  UnetNode *node;

  if (op == UNET_OP_PRelu)
    return builder_infer (b,
        builder_node (b, op, x,
            builder_floats (
                b, CLAMP ((gint) x->n_dims - 1, 0, 3), slopes, -0.2, 0.5),
            NULL));
  if (op == UNET_OP_Clip)
    return builder_infer (b,
        builder_node (b, op, x, builder_floats (b, 0, &one, -0.5, 0.2),
            builder_chance (b, 50) ? builder_floats (b, 0, &one, 0.3, 1.5)
                                   : NULL));
  node = builder_node (b, op, x, NULL, NULL);
  if (op == UNET_OP_LeakyRelu || op == UNET_OP_Elu)
    unet_node_set_attr_float (node, "alpha", 0.3);
  return builder_infer (b, node);
}

UnetValue *
random_inverted_residual (UnetTestGraph *b, UnetValue *x, gint64 wide)
{
  gint64 s = builder_range (b, 1, 2), c = x->dims[1];
  gint64 dims[] = { wide, 1, 3, 3 }, strides[] = { s, s };
  gint64 pads[] = { 1, 1, 1, 1 };
  UnetNode *node;

  x = builder_conv (b, x, wide, 1, 1, 0);
  if (builder_chance (b, 80))
    x = random_activation_of (b, x);
  node = builder_node (b, UNET_OP_Conv, x,
      builder_floats (b, 4, dims, -0.6, 0.6),
      builder_floats (b, 1, dims, -0.5, 0.5));
  unet_node_set_attr_ints (node, "strides", strides, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "group", wide);
  x = builder_infer (b, node);
  if (builder_chance (b, 80))
    x = random_activation_of (b, x);
  return builder_conv (b, x, c, 1, 1, 0);
}

void
random_activation (UnetTestGraph *b)
{
  builder_keep (b, random_activation_of (b, builder_draw (b)));
}

/* Adds x * sigmoid (x), with its factors in either order. */
void
random_swish (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b),
            *gate = builder_unary (b, UNET_OP_Sigmoid, x);
  gboolean first = builder_chance (b, 50);

  builder_keep (b,
      builder_infer (b,
          builder_node (
              b, UNET_OP_Mul, first ? x : gate, first ? gate : x, NULL)));
}

UnetValue *
random_mate (UnetTestGraph *b, UnetValue *x)
{
  for (guint i = 0; i < 4; i++) {
    UnetValue *v = builder_draw (b);

    if (v != x && memcmp (v->dims, x->dims, sizeof v->dims) == 0)
      return v;
  }
  if (builder_chance (b, 30))
    return builder_keep (b, builder_conv (b, x, x->dims[1], 1, 1, 0));
  if (builder_chance (b, 50))
    return builder_conv (b, x, x->dims[1], 3, 1, 1);
  return random_activation_of (b, x);
}

void
random_residual (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b), *y = random_mate (b, x);
  gboolean swap = builder_chance (b, 50);
  UnetValue *sum = builder_infer (
      b, builder_node (b, UNET_OP_Add, swap ? y : x, swap ? x : y, NULL));

  builder_keep (
      b, builder_chance (b, 60) ? random_activation_of (b, sum) : sum);
}

/* Adds conv [act] + x [act], which the convolution can fuse. */
void
random_residual_block (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  UnetValue *y = builder_conv (b, x, x->dims[1], 3, 1, 1);

  if (builder_chance (b, 50))
    y = builder_unary (b, UNET_OP_Relu, y);
  if (builder_chance (b, 70))
    y = builder_conv (b, y, x->dims[1], 3, 1, 1);
  if (builder_chance (b, 30))
    y = random_activation_of (b, y);
  y = builder_infer (b, builder_node (b, UNET_OP_Add, x, y, NULL));
  if (builder_chance (b, 70))
    y = random_activation_of (b, y);
  if (builder_chance (b, 20))
    y = builder_infer (b, builder_node (b, UNET_OP_Mul, y, x, NULL));
  builder_keep (b, y);
}

/* Makes operands that a post-op may have: of full size, per picture and
 * channel, per channel. */
static void
make_operands (UnetTestGraph *b, UnetValue *x, UnetValue *operands[4])
{
  gint64 per_channel[] = { 1, x->dims[1], 1, 1 };

  operands[0] = builder_chance (b, 50) ? x : random_mate (b, x);
  operands[1] = builder_unary (b, UNET_OP_GlobalAveragePool, x);
  operands[2] = builder_floats (b, 4, per_channel, 0.5, 1.5);
  operands[3] = builder_floats (b, 3, per_channel + 1, 0.5, 1.5);
}

/* Adds chains of operators, some of which can be post-ops. */
void
random_post_ops (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b), *operands[4], *out;
  gint64 kernel = builder_chance (b, 70) ? 3 : 1;
  guint n = builder_range (b, 1, 4);

  make_operands (b, x, operands);
  out = builder_chance (b, 80)
      ? builder_conv (b, x, x->dims[1], kernel, 1, kernel / 2)
      : builder_unary (b, UNET_OP_Abs, x);
  for (guint i = 0; i < n; i++) {
    UnetPostOp op = { builder_range (b, UNET_POST_RELU, UNET_POST_LINEAR),
      builder_range (b, 1, 5) / 10.0f, builder_range (b, 5, 15) / 10.0f, NULL };

    if (builder_chance (b, 40)) {
      op.kind = builder_chance (b, 60) ? UNET_POST_ADD : UNET_POST_MUL;
      op.value = operands[builder_chance (b, 50) ? 0 : builder_range (b, 0, 3)];
    }
    unet_node_add_post_op (out->producer, &op);
  }
  builder_keep (b, out);
}

/* Adds arithmetic with constants of every kind of broadcast. */
void
random_arithmetic (UnetTestGraph *b)
{
  static const UnetOp ops[] = { UNET_OP_Add, UNET_OP_Sub, UNET_OP_Mul,
    UNET_OP_Min, UNET_OP_Max, UNET_OP_Div };
  UnetOp op = ops[builder_range (b, 0, 5)];
  UnetValue *x = builder_draw (b), *y;
  gint64 c = x->dims[1], per_channel[] = { 1, c, 1, 1 };
  gint64 row[] = { x->dims[3] }, plane[] = { 1, 1, x->dims[2], x->dims[3] };
  gint64 one = 1;
  gboolean swap = op != UNET_OP_Div && builder_chance (b, 50);

  switch (builder_range (b, 0, 5)) {
    case 0:
      y = builder_floats (b, 4, per_channel, 0.5, 2);
      break;
    case 1:
      y = builder_floats (b, 3, per_channel + 1, 0.5, 2);
      break;
    case 2:
      y = builder_floats (b, 1, row, 0.5, 2);
      break;
    case 3:
      y = builder_floats (b, 4, plane, 0.5, 2);
      break;
    case 4:
      y = builder_floats (b, 0, &one, 0.5, 2);
      break;
    default:
      y = builder_unary (b, UNET_OP_Sigmoid, random_mate (b, x));
      if (op == UNET_OP_Div)
        y = builder_infer (b,
            builder_node (
                b, UNET_OP_Add, y, builder_floats (b, 0, &one, 1, 1.5), NULL));
  }
  builder_keep (b,
      builder_infer (
          b, builder_node (b, op, swap ? y : x, swap ? x : y, NULL)));
}

/* Adds arithmetic with computed operands that broadcast. */
void
random_arithmetic_computed (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b),
            *y = builder_unary (b, UNET_OP_GlobalAveragePool, x);
  gint64 axes[] = { 1 };
  UnetNode *node;

  switch (builder_range (b, 0, 2)) {
    case 0: /* [N, C, 1, 1] */
      break;
    case 1: /* [N, 1, H, W] */
      node = builder_node (b, UNET_OP_ReduceMean, x, NULL, NULL);
      unet_node_set_attr_ints (node, "axes", axes, 1);
      y = builder_infer (b, node);
      break;
    default: /* [C, 1, 1] of one picture */
      if (x->dims[0] != 1)
        return;
      axes[0] = 0;
      node =
          builder_node (b, UNET_OP_Squeeze, y, builder_ints (b, axes, 1), NULL);
      y = builder_infer (b, node);
  }
  builder_keep (b,
      builder_infer (b,
          builder_node (b, builder_chance (b, 50) ? UNET_OP_Sub : UNET_OP_Add,
              x, y, NULL)));
}

/* Adds squeeze and excitation (Hu et al. 2018). */
void
random_gate (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b),
            *y = builder_unary (b, UNET_OP_GlobalAveragePool, x);

  y = builder_unary (
      b, UNET_OP_Relu, builder_conv (b, y, builder_range (b, 1, 20), 1, 1, 0));
  y = builder_conv (b, y, x->dims[1], 1, 1, 0);
  y = builder_unary (
      b, builder_chance (b, 50) ? UNET_OP_Sigmoid : UNET_OP_HardSigmoid, y);
  builder_keep (
      b, builder_infer (b, builder_node (b, UNET_OP_Mul, x, y, NULL)));
}

void
random_batch_norm (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  gint64 c = x->dims[1];
  UnetNode *node = builder_node (b, UNET_OP_BatchNormalization, x,
      builder_floats (b, 1, &c, 0.5, 1.5),
      builder_floats (b, 1, &c, -0.5, 0.5));

  unet_node_add_input (node, builder_floats (b, 1, &c, -0.2, 0.2));
  unet_node_add_input (node, builder_floats (b, 1, &c, 0.5, 1.5));
  builder_keep (b, builder_infer (b, node));
}
