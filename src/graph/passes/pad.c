/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"
#include "graph/ops/pad.h"
#include "graph/ops/window.h"

/* Reason: TensorFlow exports and hand-written models pad in a node of its
 * own; a convolution pads with zeros for nothing, the node costs a copy. */

/* Spatial borders of zeros only, and less than the window, since beyond that
 * fast implementations give up. */
static gboolean
fits (const UnetNode *pad, const UnetWindow *window, gint64 *begin, gint64 *end)
{
  guint rank = unet_node_input (pad, 0)->n_dims;

  if (!unet_node_pad_zero (pad, begin) || !unet_node_pads (pad, begin, end))
    return FALSE;
  for (guint i = 0; i < rank; i++) {
    gint64 span;
    if (i < 2 && (begin[i] || end[i]))
      return FALSE;
    if (i < 2)
      continue;
    span = (window->kernel[i - 2] - 1) * window->dilation[i - 2] + 1;
    if (begin[i] + window->pad_begin[i - 2] >= span
        || end[i] + window->pad_end[i - 2] >= span)
      return FALSE;
  }
  return TRUE;
}

/* An average that counts the border is the same with the border inside. */
static gboolean
takes_padding (const UnetNode *node, const UnetWindow *window)
{
  if (node->op == UNET_OP_Conv)
    return TRUE;
  if (node->op != UNET_OP_AveragePool || window->ceil_mode)
    return FALSE;
  for (guint i = 0; i < window->n; i++)
    if (window->pad_begin[i] || window->pad_end[i])
      return FALSE;
  return TRUE;
}

static gboolean
absorb (UnetGraph *graph, UnetNode *node)
{
  UnetNode *pad;
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], pads[6];
  UnetWindow window;

  if (node->op != UNET_OP_Conv && node->op != UNET_OP_AveragePool)
    return FALSE;
  pad = unet_node_input (node, 0)->producer;
  if (!pad || pad->op != UNET_OP_Pad
      || !unet_node_window (graph, node, &window, NULL)
      || !takes_padding (node, &window) || !fits (pad, &window, begin, end))
    return FALSE;
  for (guint i = 0; i < window.n; i++) {
    pads[i] = window.pad_begin[i] + begin[i + 2];
    pads[i + window.n] = window.pad_end[i] + end[i + 2];
  }
  unet_node_remove_attr (node, "auto_pad");
  unet_node_set_attr_ints (node, "pads", pads, 2 * window.n);
  if (node->op == UNET_OP_AveragePool)
    unet_node_set_attr_int (node, "count_include_pad", 1);
  unet_node_set_input (node, 0, unet_node_input (pad, 0));
  return TRUE;
}

gboolean
unet_pass_pad (UnetGraph *graph)
{
  return unet_pass_each (graph, absorb);
}
