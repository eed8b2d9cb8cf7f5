/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/analysis/geometry.h"
#include "graph/ops/args.h"
#include "graph/ops/move.h"
#include "graph/ops/pad.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/slice.h"
#include "graph/ops/window.h"
#include <math.h>
#include <string.h>

/* Follows the picture through the network: which part of the input each value
 * covers. In edge coordinates a pixel k spans [k, k + 1]. */

typedef struct {
  gint axis[2]; /* which axes are rows and columns; -1: not known */
  gdouble scale[2], offset[2];
  guint hops; /* strided steps on the way: fewer is more exact */
} Track;

typedef struct {
  const UnetGraph *graph;
  Track *tracks; /* by value id */
} Walk;

static const Track unknown = { { -1, -1 }, { 1, 1 }, { 0, 0 }, 0 };

static gboolean
is_known (const Track *track)
{
  return track->axis[0] >= 0 && track->axis[1] >= 0;
}

/* ---- windows ---------------------------------------------------------- */

/* A window of extent e, stride s and leading pad p is centred on
 * k * s - p + e / 2, so that output pixels, s wide, are shifted by
 * (e - s) / 2 - p. With the customary padding of strided layers that is half
 * a stride at most and means nothing: networks are trained to make up for it.
 * Beyond that, pixels are cut off. */
static gdouble
window_shift (const UnetWindow *window, guint k)
{
  gdouble span = (gdouble) ((window->kernel[k] - 1) * window->dilation[k] + 1);
  gdouble stride = (gdouble) window->stride[k];
  gdouble shift = (span - stride) / 2 - (gdouble) window->pad_begin[k];

  return fabs (shift) <= (stride - 1) / 2 ? 0 : shift;
}

static void
follow_window (const Walk *walk, const UnetNode *node, Track *track)
{
  UnetWindow window;

  if (!unet_node_window (walk->graph, node, &window, NULL)) {
    *track = unknown;
    return;
  }
  for (guint i = 0; i < 2; i++) {
    gint k = track->axis[i] - 2;
    gdouble shift, stride;
    if (k < 0) {
      *track = unknown;
      return;
    }
    shift = window_shift (&window, (guint) k);
    stride = (gdouble) window.stride[k];
    track->hops += stride > 1;
    if (node->op == UNET_OP_ConvTranspose) {
      track->scale[i] /= stride;
      track->offset[i] -= track->scale[i] * shift;
    } else {
      track->offset[i] += track->scale[i] * shift;
      track->scale[i] *= stride;
    }
  }
}

/* ---- axes that move --------------------------------------------------- */

static void
follow_transpose (const UnetNode *node, Track *track)
{
  guint perm[UNET_MAX_DIMS], n = unet_node_input (node, 0)->n_dims;
  Track from = *track;

  unet_node_permutation (node, n, perm);
  for (guint i = 0; i < 2; i++)
    for (guint k = 0; k < n; k++)
      if ((gint) perm[k] == from.axis[i])
        track->axis[i] = (gint) k;
}

/* An axis survives a reshape where the output has one of the same extent with
 * as many elements below it. */
static gint
find_axis (const UnetValue *in, guint axis, const UnetValue *out)
{
  gsize below = unet_dims_count (in->n_dims - axis - 1, in->dims + axis + 1);

  for (guint i = 0; i < out->n_dims; i++)
    if (out->dims[i] == in->dims[axis]
        && unet_dims_count (out->n_dims - i - 1, out->dims + i + 1) == below)
      return (gint) i;
  return -1;
}

static void
follow_reshape (const UnetNode *node, Track *track)
{
  for (guint i = 0; i < 2; i++)
    track->axis[i] = find_axis (unet_node_input (node, 0),
        (guint) track->axis[i], unet_node_output (node, 0));
}

/* ArgMax and Gather with one index may drop the channel axis. */
static void
follow_dropped_axis (const UnetNode *node, Track *track)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);
  guint dropped;

  if (!unet_axis (unet_node_attr_int (node, "axis", 0), in->n_dims, &dropped)
      || (gint) dropped == track->axis[0] || (gint) dropped == track->axis[1]
      || out->n_dims > in->n_dims) {
    *track = unknown;
    return;
  }
  for (guint i = 0; i < 2; i++)
    if (track->axis[i] > (gint) dropped)
      track->axis[i] -= (gint) (in->n_dims - out->n_dims);
}

static void
follow_reduce (const UnetNode *node, Track *track)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);

  if (out->n_dims != in->n_dims) {
    follow_reshape (node, track);
    return;
  }
  for (guint i = 0; i < 2; i++)
    if (out->dims[track->axis[i]] != in->dims[track->axis[i]]) {
      *track = unknown;
      return;
    }
}

/* ---- crops, borders, resizing ----------------------------------------- */

static void
follow_slice (const UnetNode *node, Track *track)
{
  gint64 starts[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];

  if (!unet_node_slice (node, starts, steps)) {
    *track = unknown;
    return;
  }
  for (guint i = 0; i < 2; i++) {
    if (steps[track->axis[i]] < 0) {
      *track = unknown;
      return;
    }
    track->offset[i] += track->scale[i] * (gdouble) starts[track->axis[i]];
    track->scale[i] *= (gdouble) steps[track->axis[i]];
  }
}

static void
follow_pad (const UnetNode *node, Track *track)
{
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS];

  if (!unet_node_pads (node, begin, end)) {
    *track = unknown;
    return;
  }
  for (guint i = 0; i < 2; i++)
    track->offset[i] -= track->scale[i] * (gdouble) begin[track->axis[i]];
}

static void
follow_resize (const Walk *walk, const UnetNode *node, Track *track)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);
  UnetResize resize;

  if (!unet_node_resize (walk->graph, node, &resize, NULL)
      || resize.coord == UNET_COORD_TF_CROP_AND_RESIZE) {
    *track = unknown;
    return;
  }
  for (guint i = 0; i < 2; i++) {
    gint axis = track->axis[i];
    if (resize.coord == UNET_COORD_ALIGN_CORNERS)
      track->scale[i] *= (gdouble) in->dims[axis] / (gdouble) out->dims[axis];
    else
      track->scale[i] /= resize.scale[axis];
  }
}

static void
follow_blocks (const UnetNode *node, Track *track)
{
  gdouble block = (gdouble) unet_node_attr_int (node, "blocksize", 1);

  for (guint i = 0; i < 2; i++)
    if (node->op == UNET_OP_DepthToSpace)
      track->scale[i] /= block;
    else
      track->scale[i] *= block;
}

static void
follow_split (const Walk *walk, const UnetNode *node, const Track *track)
{
  gint64 start = 0;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", 0),
      unet_node_input (node, 0)->n_dims, &axis);
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *out = unet_node_output (node, i);
    Track part = *track;
    if (!out)
      return;
    for (guint k = 0; k < 2; k++)
      if (part.axis[k] == (gint) axis)
        part.offset[k] += part.scale[k] * (gdouble) start;
    start += out->dims[axis];
    walk->tracks[out->id] = part;
  }
}

/* ---- operands that meet ----------------------------------------------- */

/* Returns the track of the operand of the same size as the result that has
 * the fewest strided steps; a gate of one pixel does not count. */
static Track
meet (const Walk *walk, const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);
  Track best = unknown;

  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *in = unet_node_input (node, i);
    Track track = in ? walk->tracks[in->id] : unknown;
    gboolean fits = in && is_known (&track);
    for (guint k = 0; fits && k < 2; k++) {
      gint from_end = (gint) in->n_dims - track.axis[k];
      gint axis = (gint) out->n_dims - from_end;
      fits = axis >= 0 && (in->dims[track.axis[k]] == out->dims[axis]);
      track.axis[k] = axis;
    }
    if (fits && (!is_known (&best) || track.hops < best.hops))
      best = track;
  }
  return best;
}

static Track
follow_one (const Walk *walk, const UnetNode *node, Track track)
{
  switch (node->op) {
    case UNET_OP_Conv:
    case UNET_OP_ConvTranspose:
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
      follow_window (walk, node, &track);
      break;
    case UNET_OP_Transpose:
      follow_transpose (node, &track);
      break;
    case UNET_OP_Reshape:
    case UNET_OP_Flatten:
    case UNET_OP_Squeeze:
    case UNET_OP_Unsqueeze:
      follow_reshape (node, &track);
      break;
    case UNET_OP_ArgMax:
    case UNET_OP_Gather:
      follow_dropped_axis (node, &track);
      break;
    case UNET_OP_ReduceMean:
    case UNET_OP_ReduceMax:
    case UNET_OP_ReduceSum:
      follow_reduce (node, &track);
      break;
    case UNET_OP_Slice:
      follow_slice (node, &track);
      break;
    case UNET_OP_Pad:
      follow_pad (node, &track);
      break;
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      follow_resize (walk, node, &track);
      break;
    case UNET_OP_DepthToSpace:
    case UNET_OP_SpaceToDepth:
      follow_blocks (node, &track);
      break;
    default:
      return meet (walk, node);
  }
  return track;
}

static void
follow (const Walk *walk, const UnetNode *node)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);
  Track track = in ? walk->tracks[in->id] : unknown;

  switch (node->op) {
    case UNET_OP_GlobalAveragePool:
    case UNET_OP_GlobalMaxPool:
    case UNET_OP_MatMul:
    case UNET_OP_Gemm:
    case UNET_OP_Shape:
      return;
    case UNET_OP_Split:
      if (is_known (&track))
        follow_split (walk, node, &track);
      return;
    default:
      break;
  }
  /* With several operands, the first one may be unknown. */
  if (out && out->has_shape && (is_known (&track) || node->inputs->len > 1))
    walk->tracks[out->id] = is_known (&track) ? follow_one (walk, node, track)
                                              : meet (walk, node);
}

static void
report (const UnetValue *value, const Track *track, UnetGeometry *geometry)
{
  memset (geometry, 0, sizeof *geometry);
  if (!is_known (track))
    return;
  geometry->known = TRUE;
  for (guint i = 0; i < 2; i++) {
    geometry->axis[i] = track->axis[i];
    geometry->scale[i] = track->scale[i];
    geometry->offset[i] = track->offset[i];
    geometry->extent[i] = value->dims[track->axis[i]];
  }
}

void
unet_graph_geometry (const UnetGraph *graph, const UnetValue *input,
    gint channel_axis, UnetGeometry *geometry)
{
  g_autofree Track *tracks = g_new (Track, graph->values->len);
  Walk walk = { graph, tracks };

  for (guint i = 0; i < graph->values->len; i++)
    tracks[i] = unknown;
  if (input->n_dims == 4) {
    tracks[input->id].axis[0] = channel_axis == 1 ? 2 : 1;
    tracks[input->id].axis[1] = channel_axis == 1 ? 3 : 2;
  }
  for (guint i = 0; i < graph->nodes->len; i++)
    follow (&walk, g_ptr_array_index (graph->nodes, i));
  for (guint i = 0; i < graph->values->len; i++)
    report (g_ptr_array_index (graph->values, i), &tracks[i], &geometry[i]);
}
