/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/graphs/random-graph.h"
#include "engine/graphs/random-moves.h"
#include "engine/graphs/random-operators.h"

static const struct {
  void (*add) (UnetTestGraph *);
  guint weight;
} makers[] = {
  { random_conv, 14 },
  { random_conv_transpose, 5 },
  { random_pool, 5 },
  { random_global_pool, 1 },
  { random_activation, 6 },
  { random_swish, 3 },
  { random_residual, 6 },
  { random_residual_block, 6 },
  { random_post_ops, 5 },
  { random_arithmetic, 6 },
  { random_arithmetic_computed, 4 },
  { random_gate, 3 },
  { random_batch_norm, 2 },
  { random_concat, 12 },
  { random_concat_other, 2 },
  { random_split, 4 },
  { random_slice, 4 },
  { random_pad, 3 },
  { random_transpose, 4 },
  { random_resize, 5 },
  { random_softmax, 2 },
  { random_reshape, 3 },
  { random_identity, 1 },
};

static void
add_something (UnetTestGraph *b)
{
  guint total = 0, at = 0;

  for (guint i = 0; i < G_N_ELEMENTS (makers); i++)
    total += makers[i].weight;
  total = builder_range (b, 0, total - 1);
  while (total >= makers[at].weight)
    total -= makers[at++].weight;
  makers[at].add (b);
}

/* Makes every value without readers an output, and some others, or @all. */
static void
choose_outputs (UnetTestGraph *b, gboolean all)
{
  UnetGraph *g = b->graph;

  for (guint i = 0; i < g->values->len; i++) {
    UnetValue *v = g_ptr_array_index (g->values, i);

    if (!v->producer || v->dtype != UNET_DTYPE_F32)
      continue;
    if (all || v->consumers->len == 0 || builder_chance (b, 8))
      g_ptr_array_add (g->outputs, v);
  }
  /* Some graphs also return an input as an output. */
  if (builder_chance (b, 5))
    g_ptr_array_add (g->outputs, g_ptr_array_index (g->inputs, 0));
}

UnetGraph *
unet_test_graph_random (guint seed, gboolean all)
{
  gchar *name = g_strdup_printf ("random %u", seed);
  UnetTestGraph b = builder_new (seed, name);
  guint n = builder_range (&b, 3, 14);
  gint64 pictures = builder_chance (&b, 70) ? 1 : 2;

  g_free (name);
  builder_input (&b, pictures,
      builder_chance (&b, 50) ? 3 : builder_channels (&b),
      builder_range (&b, 1, 20), builder_range (&b, 1, 24));
  if (builder_chance (&b, 20))
    builder_input (&b, pictures, builder_range (&b, 1, 20),
        builder_range (&b, 1, 20), builder_range (&b, 1, 20));
  for (guint i = 0; i < n; i++)
    add_something (&b);
  choose_outputs (&b, all);
  return builder_end (&b);
}

/* The tensors are so large that oneDNN fuses both convolutions. */
UnetGraph *
unet_test_graph_inverted (guint seed)
{
  UnetTestGraph b = builder_new (seed, "inverted residuals");
  UnetValue *x = builder_input (&b, 1, 8 * builder_range (&b, 2, 3), 64, 64);

  x = random_inverted_residual (&b, x, 48 * builder_range (&b, 2, 3));
  g_ptr_array_add (b.graph->outputs, random_inverted_residual (&b, x, 96));
  return builder_end (&b);
}
