/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Separable resampling of a plane of samples: exact box filter when reducing,
 * bilinear when enlarging. Rows are summed first, in integers, whatever the
 * samples mean; a running sum along the row then gives every box as the
 * difference of two of its (interpolated) values (Crow, "Summed-area tables",
 * SIGGRAPH 1984). The running sum may wrap: differences stay right. */

#include <glib.h>

G_BEGIN_DECLS

/* Source rows of one output row: @first × @w0 + @n_full rows from @full on +
 * @last × @w1, in units of 1 / (1 << shift). */
typedef struct {
  guint first, full, n_full, last;
  guint32 w0, w1;
  gfloat inv_weight;
} UnetRowSpan;

typedef struct {
  gint shift; /* of weights; negative where sums would not fit */
  guint n;
  UnetRowSpan *spans;
} UnetRowAxis;

/* Box: output i is the integral from edge i to edge i + 1; linear: between
 * samples index[i] and index[i] + step. */
typedef struct {
  gboolean linear;
  guint n;           /* outputs */
  guint first, last; /* samples that are read */
  guint *index;      /* relative to @first; n + 1 of them (box) or n */
  gfloat *fraction;
  gfloat inv_width;
} UnetColumnAxis;

/* @start, @size: source interval on the sample grid of @length samples, outside
 * of which the outermost sample repeats. @columns: widest box of the other
 * axis, @maximum: largest sample. */
void unet_row_axis_init (UnetRowAxis *axis, gdouble start, gdouble size,
    guint length, guint n, gdouble columns, guint maximum);
void unet_row_axis_clear (UnetRowAxis *axis);
void unet_column_axis_init (
    UnetColumnAxis *axis, gdouble start, gdouble size, guint length, guint n);
void unet_column_axis_clear (UnetColumnAxis *axis);

/* sum[i], i < n, over the rows of @span; @sum16: scratch of n. @stride in
 * bytes. */
void unet_sum_rows_u8 (guint32 *sum, guint16 *sum16, const guint8 *src,
    gssize stride, const UnetRowSpan *span, gint shift, guint n);
void unet_sum_rows_u16 (guint32 *sum, const guint8 *src, gssize stride,
    const UnetRowSpan *span, gint shift, guint n);

/* running[i + lag] = running[i] + sum[i], starting with @lag zeros. */
void unet_running_sum (
    guint32 *running, const guint32 *sum, guint n, guint lag);

/* One component's output row; @running (box) or @sum (linear) starts at the
 * component's first sample, @step apart. @scratch: 2 * (n + 1) words. */
void unet_boxes (gfloat *dst, const guint32 *running, guint step,
    const UnetColumnAxis *axis, gfloat inv_weight, guint32 *scratch);
void unet_lerps (gfloat *dst, const guint32 *sum, guint step,
    const UnetColumnAxis *axis, gfloat inv_weight);

G_END_DECLS
