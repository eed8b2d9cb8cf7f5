/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

static gboolean
infer_resize (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gint64 dims[UNET_MAX_DIMS];
  UnetResize resize;

  if (!unet_resize_resolve (&args, &resize, dims, error))
    return FALSE;
  unet_infer_out (node, 0, x->dtype, x->n_dims, dims);
  return TRUE;
}

UNET_INFER (Resize)
{
  return infer_resize (graph, node, error);
}

UNET_INFER (Upsample)
{
  return infer_resize (graph, node, error);
}

/* ---- evaluation ------------------------------------------------------- */

/* The @n inputs from @first on that one output position reads on one axis,
 * clamped to the border. With antialiasing their number is open, so that
 * weights are computed where they are used. */
typedef struct {
  gint64 first, n;
  gfloat at;      /* position in the input */
  gfloat stretch; /* of the filter: above 1 only with antialiasing */
  gfloat sum;     /* of the weights */
  gboolean outside;
} Taps;

typedef struct {
  UnetResize resize;
  const UnetTensorView *x;
  UnetTensorView *out;
  gint64 strides[UNET_MAX_DIMS];
  Taps taps[UNET_MAX_DIMS];
} Resizer;

static gint64
nearest_index (const UnetResize *resize, gfloat at)
{
  switch (resize->nearest) {
    case 1:
      return unet_int_from_double (floorf (at + 0.5f));
    case 2:
      return unet_int_from_double (floorf (at));
    case 3:
      return unet_int_from_double (ceilf (at));
    default:
      return unet_int_from_double (ceilf (at - 0.5f));
  }
}

/* Triangle, and Keys 1981, "Cubic Convolution Interpolation for Digital Image
 * Processing", equation 4 with free coefficient a. */
static gfloat
filter (const UnetResize *resize, gfloat distance)
{
  gfloat a = resize->cubic_a, d = fabsf (distance);

  if (resize->mode == UNET_RESIZE_LINEAR)
    return MAX (1 - d, 0);
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static gfloat
tap_weight (const Resizer *r, const Taps *taps, gint64 extent, gint64 i)
{
  gint64 at = taps->first + i;

  if (r->resize.mode == UNET_RESIZE_NEAREST)
    return 1;
  if ((at < 0 || at >= extent) && r->resize.exclude_outside)
    return 0;
  return filter (&r->resize, ((gfloat) at - taps->at) / taps->stretch);
}

static void
set_taps (Resizer *r, guint axis, gint64 position)
{
  Taps *taps = &r->taps[axis];
  gint64 in = r->x->dims[axis], out = r->out->dims[axis];
  gfloat reach;

  memset (taps, 0, sizeof *taps);
  taps->n = 1;
  taps->stretch = taps->sum = 1;
  if (in == out && r->resize.scale[axis] == 1
      && r->resize.coord != UNET_COORD_TF_CROP_AND_RESIZE) {
    taps->first = position;
    taps->at = (gfloat) position;
    return;
  }
  taps->at =
      unet_resize_coord (&r->resize, r->x->n_dims, axis, position, in, out);
  taps->outside = r->resize.coord == UNET_COORD_TF_CROP_AND_RESIZE
      && (taps->at < 0 || taps->at > (gfloat) (in - 1));
  if (taps->outside)
    return;
  if (r->resize.mode == UNET_RESIZE_NEAREST) {
    taps->first = nearest_index (&r->resize, taps->at);
    return;
  }
  if (r->resize.antialias && r->resize.scale[axis] < 1)
    taps->stretch = (gfloat) (1 / r->resize.scale[axis]);
  reach = taps->stretch * (r->resize.mode == UNET_RESIZE_CUBIC ? 2 : 1);
  taps->first = unet_int_from_double (floorf (taps->at - reach)) + 1;
  taps->n = unet_int_from_double (ceilf (taps->at + reach)) - taps->first;
  if (taps->stretch > 1 || r->resize.exclude_outside) {
    taps->sum = 0;
    for (gint64 i = 0; i < taps->n; i++)
      taps->sum += tap_weight (r, taps, in, i);
  }
}

static gdouble
gather (const Resizer *r, guint axis, gint64 offset)
{
  const Taps *taps = &r->taps[axis];
  gint64 extent = axis < r->x->n_dims ? r->x->dims[axis] : 0;
  gdouble sum = 0;

  if (axis == r->x->n_dims)
    return unet_view_float (r->x, (gsize) offset);
  if (taps->outside)
    return r->resize.extrapolation;
  for (gint64 i = 0; i < taps->n; i++) {
    gint64 at = CLAMP (taps->first + i, 0, extent - 1);
    gfloat weight = taps->n == 1 ? 1 : tap_weight (r, taps, extent, i);
    if (weight != 0)
      sum += weight / taps->sum
          * gather (r, axis + 1, offset + at * r->strides[axis]);
  }
  return sum;
}

static void
fill (Resizer *r, guint axis, gsize *to)
{
  if (axis == r->out->n_dims) {
    unet_view_set_float (r->out, (*to)++, gather (r, 0, 0));
    return;
  }
  for (gint64 i = 0; i < r->out->dims[axis]; i++) {
    set_taps (r, axis, i);
    fill (r, axis + 1, to);
  }
}

static gboolean
eval_resize (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, GError **error)
{
  UnetArgs args = UNET_EVAL_ARGS;
  Resizer resizer = { .x = &in[0], .out = out };
  gint64 dims[UNET_MAX_DIMS];
  gsize to = 0;

  if (!unet_resize_resolve (&args, &resizer.resize, dims, error))
    return FALSE;
  if (unet_view_count (out) == 0)
    return TRUE;
  unet_strides (in[0].n_dims, in[0].dims, resizer.strides);
  fill (&resizer, 0, &to);
  return TRUE;
}

UNET_EVAL (Resize)
{
  return eval_resize (node, in, n_in, out, error);
}

UNET_EVAL (Upsample)
{
  return eval_resize (node, in, n_in, out, error);
}
