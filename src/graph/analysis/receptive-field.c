/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/analysis/receptive-field.h"
#include "graph/ops/pad.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/slice.h"
#include "graph/ops/window.h"
#include <math.h>

/* The receptive field of every value, as an interval of input pixels per axis,
 * and the grid that strides lay over the picture. */

typedef struct {
  const UnetGeometry *geometry;
  UnetReach *reach;
} Walk;

static void
widen (UnetReach *reach, guint i, gdouble low, gdouble high)
{
  reach->low[i] = MIN (reach->low[i], low);
  reach->high[i] = MAX (reach->high[i], high);
}

/* The span of one operator on an axis: pixel k of its output depends on
 * pixels step * k + low to step * k + high of its operand. */
typedef struct {
  gdouble low, high;
  gboolean padded;
} Span;

static Span
window_span (const UnetGraph *graph, const UnetNode *node, guint axis)
{
  UnetWindow w;
  Span span = { 0, 0, FALSE };
  gdouble last, pad;

  if (axis < 2 || !unet_node_window (graph, node, &w, NULL))
    return span;
  last = (gdouble) ((w.kernel[axis - 2] - 1) * w.dilation[axis - 2]);
  pad = (gdouble) w.pad_begin[axis - 2];
  if (node->op == UNET_OP_ConvTranspose) {
    const gdouble stride = (gdouble) w.stride[axis - 2];
    span.low = (pad - last) / stride;
    span.high = pad / stride;
  } else {
    span.low = -pad;
    span.high = last - pad;
    span.padded = w.pad_begin[axis - 2] > 0 || w.pad_end[axis - 2] > 0;
  }
  return span;
}

/* A cubic reads two neighbours on each side, the other filters one; shrinking
 * with antialiasing widens them. At the edge the last pixel repeats, which is
 * as made up as a border. */
static Span
resize_span (const UnetGraph *graph, const UnetNode *node, guint axis)
{
  UnetResize resize;
  gdouble radius;

  if (!unet_node_resize (graph, node, &resize, NULL))
    return (Span){ 0, 0, FALSE };
  radius = resize.mode == UNET_RESIZE_CUBIC ? 2 : 1;
  if (resize.antialias && resize.scale[axis] < 1)
    radius /= resize.scale[axis];
  if (resize.scale[axis] < 1)
    radius += 1 / resize.scale[axis] - 1;
  return (Span){ -radius, radius, TRUE };
}

static Span
slice_span (const UnetNode *node, guint axis)
{
  gint64 starts[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];

  if (!unet_node_slice (node, starts, steps))
    return (Span){ 0, 0, FALSE };
  return (Span){ (gdouble) starts[axis], (gdouble) starts[axis], FALSE };
}

static Span
pad_span (const UnetNode *node, guint axis)
{
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS];

  if (!unet_node_pads (node, begin, end))
    return (Span){ 0, 0, FALSE };
  return (Span){ -(gdouble) begin[axis], -(gdouble) begin[axis],
    begin[axis] > 0 || end[axis] > 0 };
}

static Span
own_span (const UnetGraph *graph, const UnetNode *node, guint axis)
{
  const gdouble block = (gdouble) unet_node_attr_int (node, "blocksize", 1);

  switch (node->op) {
    case UNET_OP_Conv:
    case UNET_OP_ConvTranspose:
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
      return window_span (graph, node, axis);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return resize_span (graph, node, axis);
    case UNET_OP_Slice:
      return slice_span (node, axis);
    case UNET_OP_Pad:
      return pad_span (node, axis);
    case UNET_OP_DepthToSpace:
      return (Span){ -(block - 1) / block, 0, FALSE };
    case UNET_OP_SpaceToDepth:
      return (Span){ 0, block - 1, FALSE };
    default:
      return (Span){ 0, 0, FALSE };
  }
}

static void
follow_operand (const UnetGraph *graph, const Walk *walk, const UnetNode *node,
    const UnetValue *in, const UnetValue *out)
{
  const UnetGeometry *g = &walk->geometry[in->id];

  for (guint i = 0; i < 2; i++) {
    const Span span = own_span (graph, node, (guint) g->axis[i]);
    const UnetReach *from = &walk->reach[in->id];
    UnetReach *to = &walk->reach[out->id];

    to->padded |= from->padded || span.padded;
    widen (to, i, from->low[i] + g->scale[i] * span.low,
        from->high[i] + g->scale[i] * span.high);
  }
}

void
unet_graph_reach (const UnetGraph *graph, const UnetValue *input,
    const UnetGeometry *geometry, UnetReach *reach)
{
  const Walk walk = { geometry, reach };

  for (guint i = 0; i < graph->values->len; i++)
    reach[i] =
        (UnetReach){ { INFINITY, INFINITY }, { -INFINITY, -INFINITY }, FALSE };
  reach[input->id] = (UnetReach){ { 0, 0 }, { 0, 0 }, FALSE };
  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    for (guint k = 0; k < node->inputs->len; k++) {
      const UnetValue *in = unet_node_input (node, k);
      for (guint o = 0; o < node->outputs->len; o++) {
        const UnetValue *out = unet_node_output (node, o);
        if (in && out && geometry[in->id].known && geometry[out->id].known)
          follow_operand (graph, &walk, node, in, out);
      }
    }
  }
}

/* ---- grid ------------------------------------------------------------- */

static gint64
lowest_common_multiple (gint64 a, gint64 b)
{
  gint64 x = a, y = b;

  while (y) {
    gint64 rest = x % y;
    x = y;
    y = rest;
  }
  return a / x * b;
}

/* Scales that are no whole numbers, as resizing to any size leaves them, are
 * on no grid: whatever the shift, there is a rounding of their own. */
void
unet_graph_grid (
    const UnetGraph *graph, const UnetGeometry *geometry, gint64 grid[2])
{
  grid[0] = grid[1] = 1;
  for (guint v = 0; v < graph->values->len; v++)
    for (guint i = 0; geometry[v].known && i < 2; i++) {
      const gdouble scale = geometry[v].scale[i];
      if (scale > 1 && scale <= 4096 && fabs (scale - round (scale)) < 1e-6)
        grid[i] = lowest_common_multiple (grid[i], (gint64) round (scale));
      if (grid[i] > 4096)
        grid[i] = 4096;
    }
}
