/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/graph-builder.h"
#include "graph/ops/table.h"
#include <math.h>

void
unet_test_fill (gfloat *data, gsize n, guint seed)
{
  guint32 state = seed * 2654435761u + 12345;

  for (gsize i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    data[i] = (gfloat) (state >> 8) / 8388608.0f - 1.0f;
  }
}

gint64
builder_range (UnetTestGraph *b, gint64 low, gint64 high)
{
  return g_rand_int_range (b->rng, (gint32) low, (gint32) high + 1);
}

gboolean
builder_chance (UnetTestGraph *b, guint percent)
{
  return g_rand_int_range (b->rng, 0, 100) < (gint) percent;
}

UnetTestGraph
builder_new (guint seed, const gchar *name)
{
  UnetTestGraph b = { unet_graph_new (name), g_rand_new_with_seed (seed),
    g_ptr_array_new (), 0 };

  b.graph->opset = 13;
  return b;
}

UnetGraph *
builder_end (UnetTestGraph *b)
{
  g_rand_free (b->rng);
  g_ptr_array_unref (b->pool);
  return b->graph;
}

gchar *
builder_name (UnetTestGraph *b, const gchar *prefix, gchar name[32])
{
  g_snprintf (name, 32, "%s%u", prefix, b->n_names++);
  return name;
}

UnetValue *
builder_input (UnetTestGraph *b, gint64 n, gint64 c, gint64 h, gint64 w)
{
  gint64 dims[] = { n, c, h, w };
  gchar name[32];
  UnetValue *v = unet_graph_add_value (b->graph, builder_name (b, "in", name));

  unet_value_set_shape (v, UNET_DTYPE_F32, 4, dims);
  g_ptr_array_add (b->graph->inputs, v);
  g_ptr_array_add (b->pool, v);
  return v;
}

UnetValue *
builder_floats (UnetTestGraph *b, guint n_dims, const gint64 *dims, gdouble low,
    gdouble high)
{
  UnetTensor *t = unet_tensor_new (UNET_DTYPE_F32, n_dims, dims);
  gchar name[32];

  for (gsize i = 0; i < t->n_elements; i++)
    ((gfloat *) t->data)[i] = (gfloat) g_rand_double_range (b->rng, low, high);
  return unet_graph_add_constant (b->graph, builder_name (b, "c", name), t);
}

UnetValue *
builder_ints (UnetTestGraph *b, const gint64 *values, guint n)
{
  gchar name[32];

  return unet_graph_add_constant (
      b->graph, builder_name (b, "i", name), unet_tensor_new_ints (values, n));
}

UnetNode *
builder_node (
    UnetTestGraph *b, UnetOp op, UnetValue *x, UnetValue *y, UnetValue *z)
{
  gchar name[32];
  UnetNode *node =
      unet_graph_add_node (b->graph, op, builder_name (b, "n", name));

  unet_node_add_input (node, x);
  if (y || z)
    unet_node_add_input (node, y);
  if (z)
    unet_node_add_input (node, z);
  unet_node_add_output (
      node, unet_graph_add_value (b->graph, builder_name (b, "v", name)));
  return node;
}

UnetValue *
builder_infer (UnetTestGraph *b, UnetNode *node)
{
  GError *error = NULL;

  if (!unet_op_def (node->op)->infer (b->graph, node, &error))
    g_error ("%s", error->message);
  return unet_node_output (node, 0);
}

UnetValue *
builder_keep (UnetTestGraph *b, UnetValue *value)
{
  g_ptr_array_add (b->pool, value);
  return value;
}

UnetValue *
builder_draw (UnetTestGraph *b)
{
  guint n = b->pool->len,
        back = builder_chance (b, 50) ? 1 : builder_range (b, 1, n);

  return g_ptr_array_index (b->pool, n - back);
}

gint64
builder_channels (UnetTestGraph *b)
{
  static const gint64 round[] = { 8, 16, 32, 48, 64 };

  return builder_chance (b, 50)
      ? round[builder_range (b, 0, G_N_ELEMENTS (round) - 1)]
      : builder_range (b, 1, 70);
}

UnetValue *
builder_unary (UnetTestGraph *b, UnetOp op, UnetValue *x)
{
  return builder_infer (b, builder_node (b, op, x, NULL, NULL));
}

UnetValue *
builder_conv (UnetTestGraph *b, UnetValue *x, gint64 oc, gint64 kernel,
    gint64 stride, gint64 pad)
{
  gint64 dims[] = { oc, x->dims[1], kernel, kernel }, s[] = { stride, stride };
  gint64 pads[] = { pad, pad, pad, pad };
  gdouble scale = sqrt (3.0 / (x->dims[1] * kernel * kernel));
  UnetNode *node = builder_node (b, UNET_OP_Conv, x,
      builder_floats (b, 4, dims, -scale, scale),
      builder_floats (b, 1, &oc, -0.5, 0.5));

  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  return builder_infer (b, node);
}

UnetValue *
builder_concat (UnetTestGraph *b, GPtrArray *inputs, gint64 axis)
{
  UnetNode *node = builder_node (
      b, UNET_OP_Concat, g_ptr_array_index (inputs, 0), NULL, NULL);

  for (guint i = 1; i < inputs->len; i++)
    unet_node_add_input (node, g_ptr_array_index (inputs, i));
  unet_node_set_attr_int (node, "axis", axis);
  return builder_infer (b, node);
}
