/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/resize-params.h"
#include <math.h>
#include <string.h>

/* Attributes and inputs of Resize and Upsample
 * (https://onnx.ai/onnx/operators/onnx__Resize.html), which differ a lot from
 * one operator set to the next. */

static gint
find_name (const gchar *name, const gchar *const *names, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!strcmp (name, names[i]))
      return (gint) i;
  return -1;
}

static gint
read_choice (const UnetArgs *args, const gchar *attr, const gchar *def,
    const gchar *const *names, guint n, GError **error)
{
  const gchar *name = unet_node_attr_string (args->node, attr, def);
  gint found = find_name (name, names, n);

  if (found < 0)
    unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED, "%s '%s' is not known",
        attr, name);
  return found;
}

static gboolean
read_modes (const UnetArgs *args, UnetResize *resize, GError **error)
{
  static const gchar *const modes[] = { "nearest", "linear", "cubic" };
  static const gchar *const coords[] = {
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
    "half_pixel_symmetric",
  };
  static const gchar *const roundings[] = { "round_prefer_floor",
    "round_prefer_ceil", "floor", "ceil" };
  /* Upsample and the first Resize scale from the corner and round down. */
  gboolean old = args->node->op == UNET_OP_Upsample || args->node->since < 11;
  const gchar *mode = unet_node_attr_string (args->node, "mode", "nearest");
  gint m = !strcmp (mode, "bilinear")
      ? UNET_RESIZE_LINEAR
      : read_choice (args, "mode", "nearest", modes, 3, error);
  gint c = read_choice (args, "coordinate_transformation_mode",
      old ? "asymmetric" : "half_pixel", coords, 7, error);
  gint r = read_choice (args, "nearest_mode",
      old ? "floor" : "round_prefer_floor", roundings, 4,
      error && *error ? NULL : error);

  if (m < 0 || c < 0 || r < 0)
    return FALSE;
  resize->mode = (UnetResizeMode) m;
  resize->coord = (UnetResizeCoord) c;
  resize->nearest = r;
  return TRUE;
}

static gboolean
read_attributes (const UnetArgs *args, UnetResize *resize, GError **error)
{
  const UnetNode *node = args->node;

  if (!read_modes (args, resize, error))
    return FALSE;
  resize->cubic_a =
      (gfloat) unet_node_attr_float (node, "cubic_coeff_a", -0.75);
  resize->exclude_outside = unet_node_attr_int (node, "exclude_outside", 0)
      != 0;
  resize->extrapolation =
      (gfloat) unet_node_attr_float (node, "extrapolation_value", 0);
  if (unet_node_attr_int (node, "antialias", 0)
      && resize->mode != UNET_RESIZE_NEAREST)
    resize->antialias = TRUE;
  return TRUE;
}

/* Which axes the numbers are for; all without `axes` (operator set 18). */
static gboolean
read_axes (
    const UnetArgs *args, guint rank, guint *axes, guint *n, GError **error)
{
  gint64 list[UNET_MAX_DIMS];
  guint mask;

  *n = unet_node_attr_ints (args->node, "axes", list, UNET_MAX_DIMS);
  if (*n == 0) {
    for (*n = 0; *n < rank; (*n)++)
      axes[*n] = *n;
    return TRUE;
  }
  if (!unet_axes_mask (list, *n, rank, &mask))
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the axes do not fit rank %u", rank);
  for (guint i = 0; i < *n; i++)
    unet_axis (list[i], rank, &axes[i]);
  return TRUE;
}

static gboolean
read_roi (const UnetArgs *args, UnetResize *resize, guint rank,
    const guint *axes, guint n, GError **error)
{
  UnetTensorView view;

  for (guint i = 0; i < rank; i++) {
    resize->roi[i] = 0;
    resize->roi[i + rank] = 1;
  }
  if (resize->coord != UNET_COORD_TF_CROP_AND_RESIZE)
    return TRUE;
  if (!unet_arg (args, 1, &view) || !view.data
      || unet_view_count (&view) != 2 * n)
    return unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED,
        "the region to crop is not constant");
  for (guint i = 0; i < n; i++) {
    resize->roi[axes[i]] = unet_view_float (&view, i);
    resize->roi[axes[i] + rank] = unet_view_float (&view, i + n);
  }
  return TRUE;
}

static gboolean
check_extent (const UnetArgs *args, gdouble extent, GError **error)
{
  if (extent >= 0 && extent < G_MAXINT32)
    return TRUE;
  return unet_args_fail (
      args, error, UNET_ERROR_SHAPE, "an extent of %g", extent);
}

/* As floats, as the runtimes compute it, so that rounding agrees. */
static gboolean
apply_scales (const UnetArgs *args, const UnetTensorView *x, UnetResize *resize,
    const guint *axes, guint n, const gfloat *scales, gint64 *out,
    GError **error)
{
  for (guint i = 0; i < n; i++) {
    guint axis = axes[i];
    resize->scale[axis] = scales[i];
    if (!(scales[i] > 0) || !isfinite (scales[i]))
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "a scale of %g", scales[i]);
    if (x->dims[axis] < 0) {
      out[axis] = scales[i] == 1 ? x->dims[axis] : -1;
      continue;
    }
    if (!check_extent (
            args, floorf ((gfloat) x->dims[axis] * scales[i]), error))
      return FALSE;
    out[axis] = (gint64) floorf ((gfloat) x->dims[axis] * scales[i]);
  }
  return TRUE;
}

/* keep_aspect_ratio_policy: the smallest or largest of the scales for all. */
static void
keep_aspect (const UnetArgs *args, const UnetTensorView *x, const guint *axes,
    guint n, gint64 *sizes, gfloat *common)
{
  const gchar *policy =
      unet_node_attr_string (args->node, "keep_aspect_ratio_policy", "stretch");
  gboolean smaller = !strcmp (policy, "not_larger");

  *common = 0;
  if (!smaller && strcmp (policy, "not_smaller"))
    return;
  for (guint i = 0; i < n; i++) {
    gfloat scale = (gfloat) sizes[i] / (gfloat) MAX (x->dims[axes[i]], 1);
    if (*common == 0 || (smaller ? scale < *common : scale > *common))
      *common = scale;
  }
  for (guint i = 0; i < n; i++)
    sizes[i] = (gint64) floorf (*common * (gfloat) x->dims[axes[i]] + 0.5f);
}

static gboolean
apply_sizes (const UnetArgs *args, const UnetTensorView *x, UnetResize *resize,
    const guint *axes, guint n, gint64 *sizes, gint64 *out, GError **error)
{
  gfloat common = 0;

  for (guint i = 0; i < n; i++)
    if (!check_extent (args, (gdouble) sizes[i], error))
      return FALSE;
  keep_aspect (args, x, axes, n, sizes, &common);
  for (guint i = 0; i < n; i++) {
    guint axis = axes[i];
    out[axis] = sizes[i];
    resize->scale[axis] =
        common ? common : (gfloat) sizes[i] / (gfloat) MAX (x->dims[axis], 1);
  }
  return TRUE;
}

/* Fills @scales; the number read, 0 where there are none, -1 where they are
 * not known yet. */
static gint
read_scales (const UnetArgs *args, gfloat *scales)
{
  const UnetAttr *attr = unet_node_attr (args->node, "scales");
  guint index = args->node->op == UNET_OP_Resize && args->node->since >= 11 ? 2
                                                                            : 1;
  UnetTensorView view;
  gsize n;

  if (attr && attr->type == UNET_ATTR_FLOATS) {
    memcpy (
        scales, attr->floats, MIN (attr->n, UNET_MAX_DIMS) * sizeof *scales);
    return (gint) attr->n;
  }
  if (!unet_arg (args, index, &view) || (view.n_dims == 1 && view.dims[0] == 0))
    return 0;
  if (!view.data)
    return -1;
  n = unet_view_count (&view);
  for (gsize i = 0; i < MIN (n, UNET_MAX_DIMS); i++)
    scales[i] = (gfloat) unet_view_float (&view, i);
  return (gint) MIN (n, G_MAXINT);
}

static gboolean
apply_numbers (const UnetArgs *args, const UnetTensorView *x,
    UnetResize *resize, const guint *axes, guint n, gint64 *out, GError **error)
{
  gfloat scales[UNET_MAX_DIMS];
  gint64 sizes[UNET_MAX_DIMS];
  gint n_scales = read_scales (args, scales);
  guint n_sizes = 0;
  UnetInts state = UNET_INTS_ABSENT;

  if (args->node->op == UNET_OP_Resize && args->node->since >= 11)
    state = unet_arg_ints (args, NULL, 3, sizes, UNET_MAX_DIMS, &n_sizes);
  if (n_scales == (gint) n)
    return apply_scales (args, x, resize, axes, n, scales, out, error);
  if (state == UNET_INTS_KNOWN && n_sizes == n && n_scales <= 0) {
    for (guint i = 0; i < n; i++)
      if (x->dims[axes[i]] < 0) {
        for (guint k = 0; k < n; k++)
          out[axes[k]] = sizes[k];
        return TRUE;
      }
    return apply_sizes (args, x, resize, axes, n, sizes, out, error);
  }
  if (n_scales > 0 || state == UNET_INTS_KNOWN
      || (n_scales == 0 && state == UNET_INTS_ABSENT))
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "neither scales nor sizes for %u axes", n);
  for (guint i = 0; i < n; i++)
    out[axes[i]] = -1;
  return TRUE;
}

gboolean
unet_resize_resolve (
    const UnetArgs *args, UnetResize *resize, gint64 *out_dims, GError **error)
{
  UnetTensorView x;
  guint axes[UNET_MAX_DIMS], n;

  memset (resize, 0, sizeof *resize);
  unet_arg (args, 0, &x);
  for (guint i = 0; i < x.n_dims; i++) {
    resize->scale[i] = 1;
    out_dims[i] = x.dims[i];
  }
  return read_attributes (args, resize, error)
      && read_axes (args, x.n_dims, axes, &n, error)
      && read_roi (args, resize, x.n_dims, axes, n, error)
      && apply_numbers (args, &x, resize, axes, n, out_dims, error);
}

gboolean
unet_node_resize (const UnetGraph *graph, const UnetNode *node,
    UnetResize *resize, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  gint64 dims[UNET_MAX_DIMS];

  return unet_resize_resolve (&args, resize, dims, error);
}

gfloat
unet_resize_coord (const UnetResize *resize, guint rank, guint axis,
    gint64 position, gint64 in, gint64 out)
{
  gfloat scale = (gfloat) resize->scale[axis], p = (gfloat) position;
  gfloat start = (gfloat) resize->roi[axis];
  gfloat end = (gfloat) resize->roi[axis + rank];
  gfloat half = (p + 0.5f) / scale - 0.5f;
  gfloat whole;

  switch (resize->coord) {
    case UNET_COORD_PYTORCH_HALF_PIXEL:
      return out > 1 ? half : 0;
    case UNET_COORD_ALIGN_CORNERS:
      return out > 1 ? p * (gfloat) (in - 1) / (gfloat) (out - 1) : 0;
    case UNET_COORD_ASYMMETRIC:
      return p / scale;
    case UNET_COORD_TF_HALF_PIXEL_FOR_NN:
      return (p + 0.5f) / scale;
    case UNET_COORD_TF_CROP_AND_RESIZE:
      if (out <= 1)
        return 0.5f * (start + end) * (gfloat) (in - 1);
      return start * (gfloat) (in - 1)
          + p * (end - start) * (gfloat) (in - 1) / (gfloat) (out - 1);
    case UNET_COORD_HALF_PIXEL_SYMMETRIC:
      whole = scale * (gfloat) in;
      return (gfloat) in / 2 * (1 - (gfloat) out / whole) + half;
    default:
      return half;
  }
}
