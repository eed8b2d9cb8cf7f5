/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/networks.h"
#include <math.h>

UnetValue *
network_conv_relu (UnetTestGraph *b, UnetValue *x, gint64 oc, gint64 stride)
{
  return builder_unary (b, UNET_OP_Relu, builder_conv (b, x, oc, 3, stride, 1));
}

static UnetValue *
twice (UnetTestGraph *b, UnetValue *x, gint64 oc)
{
  return network_conv_relu (b, network_conv_relu (b, x, oc, 1), oc, 1);
}

static UnetValue *
max_pool (UnetTestGraph *b, UnetValue *x)
{
  gint64 two[] = { 2, 2 };
  UnetNode *node = builder_node (b, UNET_OP_MaxPool, x, NULL, NULL);

  unet_node_set_attr_ints (node, "kernel_shape", two, 2);
  unet_node_set_attr_ints (node, "strides", two, 2);
  unet_node_set_attr_int (node, "ceil_mode", 1);
  return builder_infer (b, node);
}

UnetValue *
network_upsample (UnetTestGraph *b, UnetValue *x, const UnetValue *like)
{
  gint64 sizes[] = { x->dims[0], x->dims[1], like->dims[2], like->dims[3] };
  UnetNode *node = builder_node (b, UNET_OP_Resize, x, NULL, NULL);

  unet_node_add_input (node, NULL);
  unet_node_add_input (node, NULL);
  unet_node_add_input (node, builder_ints (b, sizes, 4));
  unet_node_set_attr_string (node, "mode", "linear");
  return builder_infer (b, node);
}

UnetValue *
network_up_conv (UnetTestGraph *b, UnetValue *x, gint64 oc)
{
  gint64 dims[] = { x->dims[1], oc, 2, 2 }, two[] = { 2, 2 };
  gdouble scale = sqrt (3.0 / x->dims[1]);
  UnetNode *node = builder_node (b, UNET_OP_ConvTranspose, x,
      builder_floats (b, 4, dims, -scale, scale),
      builder_floats (b, 1, &oc, -0.5, 0.5));

  unet_node_set_attr_ints (node, "strides", two, 2);
  return builder_infer (b, node);
}

UnetValue *
network_join (UnetTestGraph *b, UnetValue *skip, UnetValue *up)
{
  GPtrArray *inputs = g_ptr_array_new ();
  UnetValue *out;

  g_ptr_array_add (inputs, skip);
  g_ptr_array_add (inputs, up);
  out = builder_concat (b, inputs, 1);
  g_ptr_array_unref (inputs);
  return out;
}

static void
finish (UnetTestGraph *b, UnetValue *x)
{
  g_ptr_array_add (b->graph->outputs,
      builder_unary (b, UNET_OP_Sigmoid, builder_conv (b, x, 1, 1, 1, 0)));
}

UnetGraph *
unet_test_graph_unet (
    gint64 base, guint depth, gint64 height, gint64 width, gboolean transposed)
{
  UnetTestGraph b = builder_new (1, "unet");
  UnetValue *x = builder_input (&b, 1, 3, height, width), *skips[8];

  for (guint i = 0; i < depth; i++) {
    skips[i] = twice (&b, x, base << i);
    x = max_pool (&b, skips[i]);
  }
  x = twice (&b, x, base << depth);
  for (guint i = depth; i-- > 0;) {
    x = transposed ? network_up_conv (&b, x, base << i)
                   : network_upsample (&b, x, skips[i]);
    x = twice (&b, network_join (&b, skips[i], x), base << i);
  }
  finish (&b, x);
  return builder_end (&b);
}

static UnetValue *
residual_pair (UnetTestGraph *b, UnetValue *x, gint64 oc, gint64 stride)
{
  UnetValue *y =
      builder_conv (b, network_conv_relu (b, x, oc, stride), oc, 3, 1, 1);

  if (stride != 1 || x->dims[1] != oc)
    x = builder_conv (b, x, oc, 1, stride, 0);
  return builder_unary (b, UNET_OP_Relu,
      builder_infer (b, builder_node (b, UNET_OP_Add, y, x, NULL)));
}

UnetGraph *
unet_test_graph_residual (gint64 base, guint depth, gint64 height, gint64 width)
{
  UnetTestGraph b = builder_new (2, "residual");
  UnetValue *x = builder_input (&b, 1, 3, height, width), *skips[8];

  x = network_conv_relu (&b, x, base, 1);
  for (guint i = 0; i < depth; i++) {
    skips[i] = x;
    x = residual_pair (&b, x, base << (i + 1), 2);
    x = residual_pair (&b, x, base << (i + 1), 1);
  }
  for (guint i = depth; i-- > 0;) {
    x = network_upsample (&b, x, skips[i]);
    x = twice (&b, network_join (&b, x, skips[i]), base << i);
  }
  finish (&b, x);
  return builder_end (&b);
}

static UnetValue *
nested_block (
    UnetTestGraph *b, UnetValue *in, gint64 mid, gint64 oc, guint depth)
{
  UnetValue *first = network_conv_relu (b, in, oc, 1), *x = first, *skips[8];

  for (guint i = 0; i < depth; i++) {
    skips[i] = network_conv_relu (b, x, mid, 1);
    x = i + 1 < depth ? max_pool (b, skips[i]) : skips[i];
  }
  x = network_conv_relu (b, x, mid, 1);
  for (guint i = depth; i-- > 0;) {
    x = network_conv_relu (b, network_join (b, x, skips[i]), i ? mid : oc, 1);
    if (i)
      x = network_upsample (b, x, skips[i - 1]);
  }
  return builder_infer (b, builder_node (b, UNET_OP_Add, x, first, NULL));
}

UnetGraph *
unet_test_graph_nested (gint64 base, gint64 height, gint64 width)
{
  UnetTestGraph b = builder_new (3, "nested");
  UnetValue *x = builder_input (&b, 1, 3, height, width), *skips[3];

  for (guint i = 0; i < 3; i++) {
    skips[i] = nested_block (&b, x, base, base * 2, 4 - i);
    x = max_pool (&b, skips[i]);
  }
  x = nested_block (&b, x, base, base * 2, 2);
  for (guint i = 3; i-- > 0;)
    x = nested_block (&b,
        network_join (&b, network_upsample (&b, x, skips[i]), skips[i]), base,
        base * 2, 4 - i);
  finish (&b, x);
  return builder_end (&b);
}
