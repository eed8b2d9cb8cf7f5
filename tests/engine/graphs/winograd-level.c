/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/winograd-level.h"
#include "engine/graphs/networks.h"

static UnetValue *
pool2 (UnetTestGraph *b, UnetValue *x)
{
  gint64 two[] = { 2, 2 };
  UnetNode *node = builder_node (b,
      builder_chance (b, 50) ? UNET_OP_AveragePool : UNET_OP_MaxPool, x, NULL,
      NULL);

  unet_node_set_attr_ints (node, "kernel_shape", two, 2);
  unet_node_set_attr_ints (node, "strides", two, 2);
  return builder_infer (b, node);
}

static gint64
some_channels (UnetTestGraph *b)
{
  return builder_chance (b, 60) ? 16 * builder_range (b, 1, 3)
                                : builder_range (b, 16, 40);
}

/* Scales @x up from half the size of @skip, and concatenates both if the sizes
 * match. */
static UnetValue *
rise (UnetTestGraph *b, UnetValue *skip, UnetValue *x)
{
  gint64 oc = builder_chance (b, 30) ? skip->dims[1] : some_channels (b);
  gboolean even = skip->dims[2] % 2 == 0 && skip->dims[3] % 2 == 0;
  UnetValue *up = even && builder_chance (b, 20) ? network_upsample (b, x, skip)
                                                 : network_up_conv (b, x, oc);

  if (builder_chance (b, 30))
    up = builder_unary (b, UNET_OP_Relu, up);
  if (!even || builder_chance (b, 20))
    return up;
  return builder_chance (b, 50) ? network_join (b, skip, up)
                                : network_join (b, up, skip);
}

static UnetValue *
maybe_add (UnetTestGraph *b, UnetValue *x, UnetValue *y)
{
  if (builder_chance (b, 50)
      || memcmp (x->dims, y->dims, 4 * sizeof *x->dims) != 0)
    return x;
  return builder_unary (b, UNET_OP_Relu,
      builder_infer (b, builder_node (b, UNET_OP_Add, x, y, NULL)));
}

UnetGraph *
unet_test_graph_level (guint seed)
{
  gchar *name = g_strdup_printf ("level %u", seed);
  UnetTestGraph b = builder_new (seed, name);
  gint64 pictures = builder_range (&b, 1, 2),
         height = 2 * builder_range (&b, 1, 25);
  gint64 width = 2 * builder_range (&b, 1, 25);
  UnetValue *x = builder_input (&b, pictures, 16, height, width), *skip, *y;

  g_free (name);
  if (builder_chance (&b, 30)) { /* odd height and width */
    x->dims[2]++;
    x->dims[3]++;
  }
  skip = network_conv_relu (&b, x, some_channels (&b), 1);
  y = pool2 (&b, skip);
  y = network_conv_relu (&b, y, some_channels (&b), 1);
  if (builder_chance (&b, 30))
    g_ptr_array_add (b.graph->outputs, y);
  y = rise (&b, skip, y);
  x = network_conv_relu (&b, y, some_channels (&b), 1);
  x = maybe_add (&b, x, skip);
  if (builder_chance (&b, 30))
    x = maybe_add (&b, network_conv_relu (&b, y, x->dims[1], 1), x);
  if (builder_chance (&b, 30))
    g_ptr_array_add (b.graph->outputs, x);
  x = builder_conv (&b, x, builder_range (&b, 1, 10), 1, 1, 0);
  if (builder_chance (&b, 50))
    x = builder_unary (&b, UNET_OP_Sigmoid, x);
  g_ptr_array_add (b.graph->outputs, x);
  return builder_end (&b);
}
