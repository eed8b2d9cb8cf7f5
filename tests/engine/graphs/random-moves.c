/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/random-moves.h"
#include "engine/graphs/random-operators.h"
#include <math.h>
#include <string.h>

static gboolean
same_picture (const UnetValue *a, const UnetValue *b)
{
  return a->dims[0] == b->dims[0] && a->dims[2] == b->dims[2]
      && a->dims[3] == b->dims[3];
}

void
random_concat (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  GPtrArray *inputs = g_ptr_array_new ();
  guint n = builder_range (b, 2, 4);

  g_ptr_array_add (inputs, x);
  while (inputs->len < n) {
    UnetValue *v = builder_draw (b);

    if (!same_picture (v, x) || builder_chance (b, 30))
      v = builder_conv (b, x, builder_channels (b), 1, 1, 0);
    if (builder_chance (b, 30))
      v = random_activation_of (b, v);
    if (builder_chance (b, 50))
      builder_keep (b, v);
    g_ptr_array_insert (inputs, builder_range (b, 0, inputs->len), v);
  }
  if (x->dims[1] < 100)
    builder_keep (
        b, builder_concat (b, inputs, builder_chance (b, 80) ? 1 : -3));
  g_ptr_array_unref (inputs);
}

/* Concatenates along rows, columns or pictures. */
void
random_concat_other (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  GPtrArray *inputs = g_ptr_array_new ();
  gint64 axis = builder_range (b, 2, 3);

  g_ptr_array_add (inputs, x);
  g_ptr_array_add (inputs, builder_chance (b, 40) ? x : random_mate (b, x));
  if (memcmp (((UnetValue *) inputs->pdata[1])->dims, x->dims, sizeof x->dims)
          == 0
      && x->dims[axis] < 30)
    builder_keep (b, builder_concat (b, inputs, axis));
  g_ptr_array_unref (inputs);
}

void
random_split (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b);
  gint64 c = x->dims[1], sizes[3], block = builder_chance (b, 50) ? 16 : 1;
  guint n = builder_range (b, 2, 3);
  UnetNode *node;
  gchar name[32];

  if (c < (gint64) n * block)
    return;
  sizes[0] = builder_range (b, 1, c / block / n) * block;
  sizes[1] = n == 3 ? builder_range (b, 1, c / block / n) * block
                    : c - sizes[0];
  sizes[2] = c - sizes[0] - sizes[1];
  node = builder_node (b, UNET_OP_Split, x, builder_ints (b, sizes, n), NULL);
  for (guint i = 1; i < n; i++)
    unet_node_add_output (
        node, unet_graph_add_value (b->graph, builder_name (b, "v", name)));
  unet_node_set_attr_int (node, "axis", builder_chance (b, 50) ? 1 : -3);
  builder_infer (b, node);
  for (guint i = 0; i < n; i++)
    if (i == 0 || builder_chance (b, 70))
      builder_keep (b, unet_node_output (node, i));
}

void
random_slice (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b), *y;
  gint64 starts[3], ends[3], axes[] = { 1, 2, 3 }, steps[] = { 1, 1, 1 };
  gboolean channels = builder_chance (b, 50), rows = builder_chance (b, 60);
  UnetNode *node;

  for (guint i = 0; i < 3; i++) {
    gint64 extent = x->dims[axes[i]];
    gboolean cut = i == 0 ? channels : rows;

    starts[i] = cut ? builder_range (b, 0, (extent - 1) / 2) : 0;
    if (i == 0 && builder_chance (b, 60))
      starts[i] = starts[i] / 16 * 16;
    ends[i] = cut
        ? builder_range (b, MAX (starts[i], extent / 2) + 1, extent + 1)
        : G_MAXINT64;
    ends[i] = cut && ends[i] > extent ? G_MAXINT32 : ends[i];
  }
  if (builder_chance (b, 10) && x->dims[2] > 2)
    steps[1] = 2;
  node = builder_node (b, UNET_OP_Slice, x, builder_ints (b, starts, 3),
      builder_ints (b, ends, 3));
  unet_node_add_input (node, builder_ints (b, axes, 3));
  unet_node_add_input (node, builder_ints (b, steps, 3));
  y = builder_infer (b, node);
  if (unet_dims_count (4, y->dims) > 0)
    builder_keep (b, y);
}

void
random_pad (UnetTestGraph *b)
{
  static const gchar *const modes[] = { "constant", "edge", "reflect" };
  UnetValue *x = builder_draw (b);
  gint64 pads[] = { 0, 0, builder_range (b, 0, 2), builder_range (b, 0, 2), 0,
    0, builder_range (b, 0, 2), builder_range (b, 0, 2) };
  guint mode = builder_chance (b, 60) ? 0 : builder_range (b, 1, 2);
  gint64 one = 1;
  UnetNode *node;

  if (x->dims[2] < 4 || x->dims[3] < 4)
    return;
  node = builder_node (b, UNET_OP_Pad, x, builder_ints (b, pads, 8),
      mode == 0 && builder_chance (b, 30) ? builder_floats (b, 0, &one, 0.5, 1)
                                          : NULL);
  unet_node_set_attr_string (node, "mode", modes[mode]);
  builder_keep (b, builder_infer (b, node));
}

static UnetValue *
transpose_of (
    UnetTestGraph *b, UnetValue *x, gint64 p, gint64 q, gint64 r, gint64 s)
{
  gint64 perm[] = { p, q, r, s };
  UnetNode *node = builder_node (b, UNET_OP_Transpose, x, NULL, NULL);

  unet_node_set_attr_ints (node, "perm", perm, 4);
  return builder_infer (b, node);
}

/* Transposes to NHWC and back, with an operator between, or exchanges rows and
 * columns. */
void
random_transpose (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b), *y;
  gint64 c = x->dims[1], one = 1;

  if (builder_chance (b, 30)) {
    builder_keep (b, transpose_of (b, x, 0, 1, 3, 2));
    return;
  }
  y = transpose_of (b, x, 0, 2, 3, 1);
  if (builder_chance (b, 70))
    y = builder_infer (b,
        builder_node (
            b, UNET_OP_Add, y, builder_floats (b, 1, &c, -1, 1), NULL));
  if (builder_chance (b, 50))
    y = builder_unary (b, UNET_OP_Relu, y);
  if (builder_chance (b, 30))
    y = builder_infer (b,
        builder_node (
            b, UNET_OP_Mul, y, builder_floats (b, 0, &one, 0.5, 2), NULL));
  builder_keep (
      b, builder_chance (b, 80) ? transpose_of (b, y, 0, 3, 1, 2) : y);
}

void
random_resize (UnetTestGraph *b)
{
  static const gchar *const coords[] = { "half_pixel", "pytorch_half_pixel",
    "align_corners", "asymmetric", "half_pixel_symmetric" };
  static const gchar *const rounds[] = { "round_prefer_floor",
    "round_prefer_ceil", "floor", "ceil" };
  UnetValue *x = builder_draw (b), *sizes = NULL, *scales = NULL;
  gboolean by_size = builder_chance (b, 50);
  UnetNode *node;

  if (x->dims[2] * x->dims[3] > 400)
    return;
  if (by_size) {
    gint64 s[] = { x->dims[0], x->dims[1], builder_range (b, 1, 2 * x->dims[2]),
      builder_range (b, 1, 2 * x->dims[3]) };
    sizes = builder_ints (b, s, 4);
  } else {
    gint64 four = 4;
    gfloat *f;

    scales = builder_floats (b, 1, &four, 1, 2);
    f = scales->constant->data;
    f[0] = f[1] = 1;
    f[2] = f[3] = builder_chance (b, 70) ? 2 : 1.5;
  }
  node = builder_node (b, UNET_OP_Resize, x, NULL, scales);
  while (node->inputs->len < 3)
    unet_node_add_input (node, NULL);
  if (by_size)
    unet_node_add_input (node, sizes);
  unet_node_set_attr_string (
      node, "mode", builder_chance (b, 60) ? "linear" : "nearest");
  unet_node_set_attr_string (node, "coordinate_transformation_mode",
      coords[builder_range (b, 0, G_N_ELEMENTS (coords) - 1)]);
  unet_node_set_attr_string (
      node, "nearest_mode", rounds[builder_range (b, 0, 3)]);
  builder_keep (b, builder_infer (b, node));
}

void
random_softmax (UnetTestGraph *b)
{
  UnetNode *node = builder_node (b,
      builder_chance (b, 70) ? UNET_OP_Softmax : UNET_OP_LogSoftmax,
      builder_draw (b), NULL, NULL);

  unet_node_set_attr_int (
      node, "axis", builder_chance (b, 70) ? 1 : builder_range (b, -2, 3));
  builder_keep (b, builder_infer (b, node));
}

/* Reshapes to three dimensions and back, with a matrix product between. */
void
random_reshape (UnetTestGraph *b)
{
  UnetValue *x = builder_draw (b), *y;
  gint64 to[] = { 0, 0, -1 }, w[] = { x->dims[1], x->dims[1] };
  gint64 back[] = { x->dims[0], x->dims[1], x->dims[2], x->dims[3] };
  gdouble scale = sqrt (3.0 / x->dims[1]);

  y = builder_infer (
      b, builder_node (b, UNET_OP_Reshape, x, builder_ints (b, to, 3), NULL));
  if (builder_chance (b, 60))
    y = builder_infer (b,
        builder_node (b, UNET_OP_MatMul,
            builder_floats (b, 2, w, -scale, scale), y, NULL));
  if (builder_chance (b, 50))
    y = random_activation_of (b, y);
  builder_keep (b,
      builder_infer (b,
          builder_node (
              b, UNET_OP_Reshape, y, builder_ints (b, back, 4), NULL)));
}

void
random_identity (UnetTestGraph *b)
{
  builder_keep (b,
      builder_unary (b, builder_chance (b, 50) ? UNET_OP_Identity : UNET_OP_Abs,
          builder_draw (b)));
}
