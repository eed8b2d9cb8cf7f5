/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/output-shape.h"
#include <math.h>

/* Ratio of a pixel's sides up to which a shape is taken without a look at
 * flattened ones, and up to which it is taken at all. Masks of the families in
 * docs/models.md have ratios below 1.1. */
#define SURE_RATIO  2
#define WORST_RATIO 8
/* The postprocessing has no more classes. */
#define MAX_CHANNELS 256
/* Rows or columns of a picture. */
#define MAX_EXTENT G_MAXUINT16

/* ---- rows and columns of their own ----------------------------------------
 */

/* Returns the ratio of the sides of a candidate's pixels, 1 or more. */
static gdouble
pixel_ratio (const UnetOutputShape *shape, const UnetOutputWindow *window)
{
  return exp (fabs (
      log (window->width / shape->width * shape->height / window->height)));
}

/* Fewer channels, then the input's layout, break a tie. Returns the pixels'
 * ratio, or infinity where no such shape exists. */
static gdouble
find_picture (UnetOutputShape *shape, const UnetTensorInfo *output,
    const UnetOutputWindow *window)
{
  const gint64 *d = output->dims + (output->n_dims == 4 ? 1 : 0);
  UnetOutputShape planar, packed;
  gdouble difference;

  if (output->n_dims < 2 || output->n_dims > 4
      || (output->n_dims == 4 && output->dims[0] != 1))
    return INFINITY;
  for (guint i = 0; i < output->n_dims; i++)
    if (output->dims[i] > MAX_EXTENT)
      return INFINITY;
  if (output->n_dims == 2) {
    *shape = (UnetOutputShape){ 1, (guint) d[0], (guint) d[1], FALSE, FALSE };
    return pixel_ratio (shape, window);
  }
  planar = (UnetOutputShape){ (guint) d[0], (guint) d[1], (guint) d[2], FALSE,
    FALSE };
  packed = (UnetOutputShape){ (guint) d[2], (guint) d[0], (guint) d[1], TRUE,
    FALSE };
  difference =
      log (pixel_ratio (&planar, window)) - log (pixel_ratio (&packed, window));
  if (fabs (difference) < 1e-6)
    difference = planar.channels != packed.channels
        ? (gdouble) planar.channels - packed.channels
        : (window->layout == UNET_LAYOUT_NHWC ? 1 : -1);
  *shape = difference < 0 ? planar : packed;
  return pixel_ratio (shape, window);
}

/* ---- rows and columns in one dimension --------------------------------------
 */

/* The output may be smaller than the input by a whole factor. */
static gboolean
unfold (gint64 pixels, const UnetOutputWindow *window, UnetOutputShape *shape)
{
  const guint width = window->input_width, height = window->input_height;

  for (guint s = 1; s <= MIN (width, height); s++)
    if (width % s == 0 && height % s == 0
        && (gint64) (width / s) * (height / s) == pixels) {
      shape->width = width / s;
      shape->height = height / s;
      return TRUE;
    }
  return FALSE;
}

/* Returns how many ways there are to unfold the output. */
static guint
find_flattened (UnetOutputShape *shape, const UnetTensorInfo *output,
    const UnetOutputWindow *window)
{
  UnetOutputShape found = { 1, 0, 0, FALSE, TRUE };
  gint64 rest[2] = { 1, 1 };
  guint n = 0, ways = 0;

  for (guint i = 0; i < output->n_dims; i++) {
    if (output->dims[i] == 1)
      continue;
    if (n == 2)
      return 0;
    rest[n++] = output->dims[i];
  }
  for (guint i = 0; i < MAX (n, 1); i++) {
    const gint64 channels = n == 2 ? rest[1 - i] : 1;

    if (channels > MAX_CHANNELS || !unfold (rest[i], window, &found))
      continue;
    found.channels = (guint) channels;
    found.interleaved = n == 2 && i == 0;
    *shape = found;
    ways++;
  }
  return ways;
}

/* Few networks give twice the input's size; a flattened output of less than the
 * input's size looks like one. */
static gboolean
is_enlarged (const UnetOutputShape *shape, const UnetOutputWindow *window)
{
  return shape->height >= 2 * window->input_height
      || shape->width >= 2 * window->input_width;
}

gboolean
unet_output_shape_find (UnetOutputShape *shape, const UnetTensorInfo *output,
    const UnetOutputWindow *window, const gchar **why)
{
  UnetOutputShape flat;
  gdouble ratio;
  guint ways;

  for (guint i = 0; i < output->n_dims; i++)
    if (output->dims[i] < 1) {
      *why = "no picture: a dimension is open or 0";
      return FALSE;
    }
  ratio = find_picture (shape, output, window);
  if (ratio < SURE_RATIO
      && (output->n_dims == 4 || !is_enlarged (shape, window)))
    return TRUE;
  ways = find_flattened (&flat, output, window);
  if (ways > 1 || (ways == 1 && ratio < SURE_RATIO)) {
    *why = "flattened, and rows, columns and channels can be told apart in "
           "more ways than one; export the network without the last Reshape, "
           "or choose another input-size";
    return FALSE;
  }
  if (ways == 1)
    *shape = flat;
  else if (ratio > WORST_RATIO)
    *why = "no picture of the input's aspect and batch size 1; if it is "
           "flattened, export the network without the last Reshape";
  return ways == 1 || ratio <= WORST_RATIO;
}

void
unet_output_take_first (UnetTensorInfo *output, gint64 batch)
{
  if (output->n_dims > 0 && batch > 1 && output->dims[0] % batch == 0)
    output->dims[0] /= batch;
}
