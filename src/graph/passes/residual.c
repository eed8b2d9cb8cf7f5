/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include <string.h>

/* Reason: the convolution at the end of a residual branch can add the other
 * branch while its result is still in registers, and the activation behind
 * the addition with it. */

static guint
position (const UnetGraph *graph, const UnetNode *node)
{
  guint index = 0;

  g_ptr_array_find (graph->nodes, node, &index);
  return index;
}

static gboolean
same_shape (const UnetValue *a, const UnetValue *b)
{
  return a->dtype == b->dtype && a->n_dims == b->n_dims
      && !memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims);
}

static UnetNode *
host_for (const UnetGraph *graph, const UnetNode *add, guint index)
{
  const UnetValue *value = unet_node_input (add, index);
  const UnetValue *other = unet_node_input (add, 1 - index);

  if (value == other || !value->producer || value->producer->op != UNET_OP_Conv
      || unet_pass_sole_consumer (graph, value) != add
      || !same_shape (value, unet_node_output (add, 0))
      || !same_shape (other, value))
    return NULL;
  return value->producer;
}

/* Chooses the later of two convolutions: the other operand is ready by then. */
static UnetNode *
choose_host (const UnetGraph *graph, const UnetNode *add, guint *index)
{
  UnetNode *first = host_for (graph, add, 0);
  UnetNode *second = host_for (graph, add, 1);

  if (first && second && position (graph, second) < position (graph, first))
    second = NULL;
  *index = second ? 1 : 0;
  return second ? second : first;
}

/* Only the addition reads the convolution, so that it may run later. */
static void
move_before (UnetGraph *graph, UnetNode *node, UnetNode *next)
{
  guint from = position (graph, node);
  gpointer moved = g_ptr_array_index (graph->nodes, from);

  /* Stealing keeps the array's free function off the node. */
  moved = g_ptr_array_steal_index (graph->nodes, from);
  g_ptr_array_insert (graph->nodes, (gint) position (graph, next), moved);
}

static gboolean
absorb (UnetGraph *graph, UnetNode *add)
{
  guint index;
  UnetNode *conv;
  UnetValue *other;
  UnetPostOp post = { UNET_POST_ADD, 0, 0, NULL };

  if (add->op != UNET_OP_Add)
    return FALSE;
  conv = choose_host (graph, add, &index);
  if (!conv)
    return FALSE;
  other = unet_node_input (add, 1 - index);
  if (other->producer
      && position (graph, other->producer) > position (graph, conv))
    move_before (graph, conv, add);
  post.value = other;
  unet_node_add_post_op (conv, &post);
  unet_pass_merge (graph, conv, add);
  return TRUE;
}

gboolean
unet_pass_residual (UnetGraph *graph)
{
  return unet_pass_each (graph, absorb);
}
