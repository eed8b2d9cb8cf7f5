/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/analysis/receptive-field.h"
#include "graph/ops/infer.h"
#include "graph/ops/window.h"
#include "model/model.h"
#include "model/tensors.h"
#include <math.h>

/* The size of the network's input where the model leaves it open. */

#define DEFAULT_SIDE 256
#define DEFAULT_TILE 512
#define MAX_SIZE     16384

static guint
round_to (gdouble extent, guint multiple, gboolean up)
{
  gdouble n = up ? ceil (extent / multiple) : floor (extent / multiple);

  return (guint) CLAMP (n, 1, MAX_SIZE / multiple + 1) * multiple;
}

/* ---- by aspect -------------------------------------------------------- */

/* Chooses the rounding of width and height that distorts least. Fewer pixels
 * make masks worse, so that lost area costs as much as distortion; more
 * pixels only take time and cost half as much. */
static void
choose_open (
    gdouble aspect, const UnetContract *contract, guint *width, guint *height)
{
  const guint multiple = MAX (contract->multiple, 1);
  const gdouble side = contract->input_side ? contract->input_side
                                            : DEFAULT_SIDE;
  gdouble h = side / sqrt (aspect), best = G_MAXDOUBLE;

  for (guint i = 0; i < 4; i++) {
    guint x = round_to (h * aspect, multiple, i & 1);
    guint y = round_to (h, multiple, i & 2);
    gdouble growth = log ((gdouble) x * y / (side * side));
    gdouble cost =
        fabs (log ((gdouble) x / y / aspect)) + MAX (-growth, growth / 2);
    if (cost < best) {
      best = cost;
      *width = x;
      *height = y;
    }
  }
}

static guint
follow_aspect (gdouble extent, guint multiple)
{
  guint low = round_to (extent, multiple, FALSE);
  guint high = round_to (extent, multiple, TRUE);

  return extent - low < high - extent ? low : high;
}

/* ---- at the frame's own scale ----------------------------------------- */

/* Properties of a network at one input size. */
typedef struct {
  gint margin[2]; /* rows, columns: how many fewer its output covers */
  gint64 grid[2];
  gboolean exact; /* no pooling leaves a row or column out */
} Probe;

static gboolean
pools_all (const UnetGraph *graph, const UnetNode *node)
{
  UnetWindow w;

  if ((node->op != UNET_OP_MaxPool && node->op != UNET_OP_AveragePool)
      || !unet_node_window (graph, node, &w, NULL) || w.n != 2)
    return TRUE;
  for (guint i = 0; i < 2; i++)
    if (w.kernel[i] == w.stride[i] && !w.pad_begin[i] && !w.ceil_mode
        && unet_node_input (node, 0)->dims[2 + i] % w.stride[i])
      return FALSE;
  return TRUE;
}

static void
bind (UnetGraph *graph, const UnetTensorInfo *input,
    const UnetContract *contract, guint width, guint height)
{
  const gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  gint64 channels = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  gint64 nchw_dims[4] = { 1, channels, height, width };
  gint64 nhwc_dims[4] = { 1, height, width, channels };

  for (guint i = 0; i < graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (graph->inputs, i);
    if (g_str_equal (v->name, input->name))
      unet_value_set_shape (v, v->dtype, 4, nhwc ? nhwc_dims : nchw_dims);
  }
}

static void
measure (const UnetGraph *graph, const UnetValue *in, const UnetValue *out,
    gint channel_axis, Probe *probe)
{
  g_autofree UnetGeometry *all = g_new0 (UnetGeometry, graph->values->len);
  const UnetGeometry *g = &all[out->id];

  unet_graph_geometry (graph, in, channel_axis, all);
  unet_graph_grid (graph, all, probe->grid);
  for (guint i = 0; i < 2; i++) {
    gint64 extent = in->dims[channel_axis == 1 ? 2 + i : 1 + i];
    gdouble window = g->known ? g->scale[i] * (gdouble) g->extent[i] : 0;
    gboolean known = window > 0 && window < (gdouble) extent - 0.5;
    probe->margin[i] = known ? (gint) ((gdouble) extent - window + 0.5) : 0;
  }
  probe->exact = TRUE;
  for (guint i = 0; i < graph->nodes->len; i++)
    probe->exact &= pools_all (graph, g_ptr_array_index (graph->nodes, i));
}

static gboolean
try_size (const UnetModel *model, const UnetContract *contract,
    const UnetTensorInfo *input, guint width, guint height, Probe *probe)
{
  const UnetTensorInfo *output =
      unet_model_find_output (model, contract->output);
  UnetGraph *graph = unet_graph_copy (model->graph);
  gboolean ok;

  bind (graph, input, contract, width, height);
  ok = output && unet_graph_infer (graph, NULL);
  if (ok)
    measure (graph, g_ptr_array_index (graph->inputs, input - model->inputs),
        g_ptr_array_index (graph->outputs, output - model->outputs),
        contract->layout == UNET_LAYOUT_NHWC ? 3 : 1, probe);
  unet_graph_free (graph);
  return ok;
}

/* Less than a grid's step away. All but odd networks have the same strides both
 * ways: squares tell the remainder. */
static guint
next_exact (const UnetModel *model, const UnetContract *contract,
    const UnetTensorInfo *input, guint extent, gint64 grid)
{
  Probe probe;

  for (guint i = 0; i < (guint) grid; i++)
    if (try_size (model, contract, input, extent + i, extent + i, &probe)
        && probe.exact)
      return extent + i;
  return extent;
}

/* Tiles need not be larger than the frame. */
static void
choose_unscaled (const UnetModel *model, const UnetContract *contract,
    const UnetTensorInfo *input, guint frame_width, guint frame_height,
    guint *width, guint *height)
{
  const guint multiple = MAX (contract->multiple, 1);
  const guint limit = contract->input_video ? MAX_SIZE : DEFAULT_TILE;
  Probe probe;

  *width = round_to (MIN (frame_width, limit), multiple, TRUE);
  *height = round_to (MIN (frame_height, limit), multiple, TRUE);
  /* At a size at which no valid convolution runs out of pixels. */
  if (try_size (model, contract, input, DEFAULT_TILE, DEFAULT_TILE, &probe)
      && (probe.margin[0] > 0 || probe.margin[1] > 0)) {
    *height = next_exact (model, contract, input,
        MIN (frame_height + (guint) probe.margin[0], limit), probe.grid[0]);
    *width = next_exact (model, contract, input,
        MIN (frame_width + (guint) probe.margin[1], limit), probe.grid[1]);
  }
}

void
unet_model_choose_size (const UnetModel *model, const UnetContract *contract,
    guint frame_width, guint frame_height, guint *width, guint *height)
{
  const UnetTensorInfo *input = unet_model_find_input (model, contract->input);
  guint row = contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;
  guint multiple = MAX (contract->multiple, 1);
  gdouble aspect;

  g_return_if_fail (frame_width && frame_height);
  aspect = (gdouble) frame_width / frame_height;
  *width = contract->input_width;
  *height = contract->input_height;
  if (input && input->n_dims == 4 && input->dims[row] > 0)
    *height = (guint) input->dims[row];
  if (input && input->n_dims == 4 && input->dims[row + 1] > 0)
    *width = (guint) input->dims[row + 1];
  if (!*width && !*height && input && input->n_dims == 4
      && (contract->input_video || contract->fit == UNET_FIT_TILE))
    choose_unscaled (
        model, contract, input, frame_width, frame_height, width, height);
  else if (!*width && !*height)
    choose_open (aspect, contract, width, height);
  else if (!*width)
    *width = follow_aspect (*height * aspect, multiple);
  else if (!*height)
    *height = follow_aspect (*width / aspect, multiple);
}
