/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/orientation.h"

/* Squares of this many pixels stay in the first-level cache both ways. */
#define BLOCK 16

gboolean
unet_orientation_is_transposed (GstVideoOrientationMethod method)
{
  return method == GST_VIDEO_ORIENTATION_90R
      || method == GST_VIDEO_ORIENTATION_90L
      || method == GST_VIDEO_ORIENTATION_UL_LR
      || method == GST_VIDEO_ORIENTATION_UR_LL;
}

GstVideoOrientationMethod
unet_orientation_invert (GstVideoOrientationMethod method)
{
  if (method == GST_VIDEO_ORIENTATION_90R)
    return GST_VIDEO_ORIENTATION_90L;
  if (method == GST_VIDEO_ORIENTATION_90L)
    return GST_VIDEO_ORIENTATION_90R;
  return method;
}

/* Returns TRUE if the buffer's columns (rows) count from the far end of the
 * upright axis that they lie along. */
static gboolean
columns_reversed (GstVideoOrientationMethod method)
{
  return method == GST_VIDEO_ORIENTATION_180
      || method == GST_VIDEO_ORIENTATION_90L
      || method == GST_VIDEO_ORIENTATION_HORIZ
      || method == GST_VIDEO_ORIENTATION_UR_LL;
}

static gboolean
rows_reversed (GstVideoOrientationMethod method)
{
  return method == GST_VIDEO_ORIENTATION_180
      || method == GST_VIDEO_ORIENTATION_90R
      || method == GST_VIDEO_ORIENTATION_VERT
      || method == GST_VIDEO_ORIENTATION_UR_LL;
}

static void
swap (gdouble *a, gdouble *b)
{
  const gdouble c = *a;

  *a = *b;
  *b = c;
}

void
unet_orientation_map_rectangle (GstVideoOrientationMethod method, gdouble width,
    gdouble height, gdouble *x, gdouble *y, gdouble *w, gdouble *h)
{
  if (unet_orientation_is_transposed (method)) {
    swap (x, y);
    swap (w, h);
    swap (&width, &height);
  }
  if (columns_reversed (method))
    *x = width - *x - *w;
  if (rows_reversed (method))
    *y = height - *y - *h;
}

/* The upright picture's pixel (u, v) lies in the source at first + u * right +
 * v
 * * down. */
typedef struct {
  guint width, height; /* upright */
  gssize first, right, down;
} Walk;

static Walk
walk (guint width, guint height, GstVideoOrientationMethod method)
{
  gssize column = 1, row = (gssize) width, first = 0;

  if (columns_reversed (method)) {
    first += (gssize) width - 1;
    column = -1;
  }
  if (rows_reversed (method)) {
    first += ((gssize) height - 1) * row;
    row = -row;
  }
  if (unet_orientation_is_transposed (method))
    return (Walk){ height, width, first, row, column };
  return (Walk){ width, height, first, column, row };
}

#define TURN_BLOCKS(copy)                                                      \
  for (guint y = 0; y < w.height; y += BLOCK)                                  \
    for (guint x = 0; x < w.width; x += BLOCK)                                 \
      for (guint v = y; v < MIN (y + BLOCK, w.height); v++)                    \
        for (guint u = x; u < MIN (x + BLOCK, w.width); u++) {                 \
          const gssize from = w.first + u * w.right + v * w.down;              \
          const gsize to = (gsize) v * w.width + u;                            \
          copy;                                                                \
        }

void
unet_orient_f32 (gfloat *restrict dst, const gfloat *restrict src, guint width,
    guint height, guint cell, GstVideoOrientationMethod method)
{
  const Walk w = walk (width, height, method);

  if (cell == 1) {
    TURN_BLOCKS (dst[to] = src[from]);
    return;
  }
  TURN_BLOCKS (memcpy (
      dst + to * cell, src + from * (gssize) cell, cell * sizeof (gfloat)));
}

void
unet_orient_u8 (guint8 *restrict dst, const guint8 *restrict src, guint width,
    guint height, GstVideoOrientationMethod method)
{
  const Walk w = walk (width, height, method);

  TURN_BLOCKS (dst[to] = src[from]);
}
