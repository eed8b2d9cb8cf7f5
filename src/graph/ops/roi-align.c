/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>
#include <string.h>

/* Samples of regions of a picture (He et al. 2017, "Mask R-CNN", section 3). */

/* Samples along one axis of a bin: a region may be as large as it says. */
#define MAX_SAMPLES 1024

typedef struct {
  gint64 rows, columns, samples;
  gdouble scale, offset;
  gboolean half_pixel, max;
} Align;

static gboolean
read_align (const UnetArgs *args, Align *a, GError **error)
{
  const UnetNode *node = args->node;
  const gchar *mode = unet_node_attr_string (node, "mode", "avg");
  /* Operator set 16 brought the attribute, and another default. */
  const gchar *transform = unet_node_attr_string (node,
      "coordinate_transformation_mode",
      node->since < 16 ? "output_half_pixel" : "half_pixel");

  a->rows = unet_node_attr_int (node, "output_height", 1);
  a->columns = unet_node_attr_int (node, "output_width", 1);
  a->samples = unet_node_attr_int (node, "sampling_ratio", 0);
  a->scale = unet_node_attr_float (node, "spatial_scale", 1);
  a->max = !strcmp (mode, "max");
  a->half_pixel = !strcmp (transform, "half_pixel");
  a->offset = a->half_pixel ? 0.5 : 0;
  if ((!a->max && strcmp (mode, "avg"))
      || (!a->half_pixel && strcmp (transform, "output_half_pixel")))
    return unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED,
        "mode '%s', '%s' is not supported", mode, transform);
  if (a->rows < 1 || a->columns < 1 || a->rows > G_MAXINT16
      || a->columns > G_MAXINT16 || a->samples < 0 || a->samples > MAX_SAMPLES)
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the attributes make no sense");
  return TRUE;
}

UNET_INFER (RoiAlign)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, rois, pictures;
  Align a;

  if (!read_align (&args, &a, error))
    return FALSE;
  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &rois);
  unet_arg (&args, 2, &pictures);
  if (x.n_dims != 4 || rois.n_dims != 2 || pictures.n_dims != 1
      || (rois.dims[1] >= 0 && rois.dims[1] != 4) || x.dims[2] == 0
      || x.dims[3] == 0
      || (rois.dims[0] >= 0 && pictures.dims[0] >= 0
          && rois.dims[0] != pictures.dims[0]))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "picture and regions do not fit");
  unet_infer_out (node, 0, x.dtype, 4,
      (const gint64[]){ rois.dims[0], x.dims[1], a.rows, a.columns });
  return TRUE;
}

/* Two pixels along an axis and their weights, 0 outside. */
typedef struct {
  gint64 low, high;
  gdouble low_weight, high_weight;
} Place;

static Place
find_place (gdouble at, gint64 n)
{
  Place p = { 0, 0, 0, 0 };

  if (!(at >= -1 && at <= (gdouble) n))
    return p;
  at = CLAMP (at, 0, (gdouble) n - 1);
  p.low = (gint64) at;
  p.high = MIN (p.low + 1, n - 1);
  p.high_weight = at - (gdouble) p.low;
  p.low_weight = 1 - p.high_weight;
  return p;
}

/* A bin along one axis: its beginning, extent and samples. */
typedef struct {
  gdouble start, size;
  gint64 n;
} Bin;

static Bin
find_bin (const Align *a, gdouble from, gdouble to, gint64 bins, gint64 index)
{
  gdouble start = from * a->scale - a->offset;
  gdouble extent = to * a->scale - a->offset - start;
  Bin bin;

  if (!a->half_pixel)
    extent = MAX (extent, 1);
  bin.size = extent / (gdouble) bins;
  bin.start = start + (gdouble) index * bin.size;
  bin.n = a->samples;
  if (bin.n == 0)
    bin.n = bin.size > 0 ? (gint64) ceil (MIN (bin.size, MAX_SAMPLES)) : 0;
  return bin;
}

static gdouble
sample_at (const Bin *bin, gint64 i)
{
  return bin->start + ((gdouble) i + 0.5) * bin->size / (gdouble) bin->n;
}

/* The greatest of the weighted pixels, not of the samples: as the standard's
 * reference has it. */
static gdouble
pool_bin (const Align *a, const UnetTensorView *x, gsize plane, const Bin *rows,
    const Bin *columns)
{
  gdouble sum = 0, most = -INFINITY;

  for (gint64 r = 0; r < rows->n; r++)
    for (gint64 c = 0; c < columns->n; c++) {
      const Place y = find_place (sample_at (rows, r), x->dims[2]);
      const Place z = find_place (sample_at (columns, c), x->dims[3]);
      const gint64 at[4] = { y.low * x->dims[3] + z.low,
        y.low * x->dims[3] + z.high, y.high * x->dims[3] + z.low,
        y.high * x->dims[3] + z.high };
      const gdouble weights[4] = { y.low_weight * z.low_weight,
        y.low_weight * z.high_weight, y.high_weight * z.low_weight,
        y.high_weight * z.high_weight };
      for (guint i = 0; i < 4; i++) {
        gdouble part = weights[i] * unet_view_float (x, plane + (gsize) at[i]);
        sum += part;
        most = MAX (most, part);
      }
    }
  if (a->max)
    return rows->n && columns->n ? most : 0;
  return sum / (gdouble) MAX (rows->n * columns->n, 1);
}

UNET_EVAL (RoiAlign)
{
  UnetArgs args = UNET_EVAL_ARGS;
  const gsize plane = (gsize) (in[0].dims[2] * in[0].dims[3]);
  Align a;

  if (!read_align (&args, &a, error))
    return FALSE;
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    const gsize column = k % (gsize) a.columns;
    const gsize row = k / (gsize) a.columns % (gsize) a.rows;
    const gsize c = k / (gsize) (a.columns * a.rows) % (gsize) out->dims[1];
    const gsize roi = k / (gsize) (a.columns * a.rows * out->dims[1]);
    const gint64 picture = unet_view_int (&in[2], roi);
    gdouble box[4];
    Bin rows, columns;
    if (picture < 0 || picture >= in[0].dims[0])
      return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
          "region %" G_GSIZE_FORMAT " is of no picture", roi);
    for (guint i = 0; i < 4; i++)
      box[i] = unet_view_float (&in[1], roi * 4 + i);
    columns = find_bin (&a, box[0], box[2], a.columns, (gint64) column);
    rows = find_bin (&a, box[1], box[3], a.rows, (gint64) row);
    unet_view_set_float (out, k,
        pool_bin (&a, &in[0],
            ((gsize) picture * (gsize) in[0].dims[1] + c) * plane, &rows,
            &columns));
  }
  return TRUE;
}
