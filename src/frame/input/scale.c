/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/input/scale.h"
#include "base/simd.h"

#include <math.h>

/* ---- tables ----------------------------------------------------------- */

/* Splits a coordinate into a sample and the part of it that lies before the
 * coordinate; below 0 and above 1 that part repeats the outermost sample. */
static guint
split (gdouble x, guint length, gdouble *fraction)
{
  const gdouble index = CLAMP (floor (x), 0, (gdouble) length - 1);

  *fraction = x - index;
  return (guint) index;
}

static guint32
quantise (gdouble weight, gint shift)
{
  return weight > 0 ? (guint32) floor (ldexp (weight, shift) + 0.5) : 0;
}

static void
init_box_rows (
    UnetRowSpan *span, gdouble from, gdouble to, guint length, gint shift)
{
  gdouble f0, f1;
  const guint a = split (from, length, &f0);
  const guint b = split (to, length, &f1);

  span->first = a;
  span->last = b;
  span->full = MIN (a + 1, b);
  span->n_full = b > a + 1 ? b - a - 1 : 0;
  span->w0 = quantise (a == b ? f1 - f0 : 1 - f0, shift);
  span->w1 = a == b ? 0 : quantise (f1, shift);
}

static void
init_linear_rows (UnetRowSpan *span, gdouble centre, guint length, gint shift)
{
  gdouble f;
  const guint a = split (centre - 0.5, length, &f);

  f = CLAMP (f, 0, 1);
  span->first = span->full = a;
  span->last = MIN (a + 1, length - 1);
  span->n_full = 0;
  span->w1 = quantise (f, shift);
  span->w0 = quantise (1, shift) - span->w1;
}

/* Weights as fine as a box's sum in 31 bits allows. */
static gint
choose_shift (gdouble rows, gdouble columns, guint maximum)
{
  const gdouble largest = maximum * (rows + 0.5) * (columns + 1);

  return MIN (16, (gint) floor (31 - log2 (largest)));
}

void
unet_row_axis_init (UnetRowAxis *axis, gdouble start, gdouble size,
    guint length, guint n, gdouble columns, guint maximum)
{
  const gdouble step = size / n;

  axis->n = n;
  axis->spans = g_new0 (UnetRowSpan, n);
  axis->shift = choose_shift (MAX (step, 1), MAX (columns, 1), maximum);
  for (guint i = 0; i < n; i++) {
    UnetRowSpan *span = &axis->spans[i];

    if (step < 1)
      init_linear_rows (span, start + (i + 0.5) * step, length, axis->shift);
    else
      init_box_rows (
          span, start + i * step, start + (i + 1) * step, length, axis->shift);
    span->inv_weight = (gfloat) (1
        / (ldexp (span->n_full, axis->shift) + span->w0 + span->w1));
  }
}

void
unet_row_axis_clear (UnetRowAxis *axis)
{
  g_clear_pointer (&axis->spans, g_free);
}

void
unet_column_axis_init (
    UnetColumnAxis *axis, gdouble start, gdouble size, guint length, guint n)
{
  const gdouble step = size / n;
  const guint entries = step < 1 ? n : n + 1;

  axis->linear = step < 1;
  axis->n = n;
  axis->index = g_new (guint, entries);
  axis->fraction = g_new (gfloat, entries);
  axis->inv_width = axis->linear ? 1 : (gfloat) (1 / step);
  for (guint i = 0; i < entries; i++) {
    const gdouble x = start + i * step + (axis->linear ? step / 2 - 0.5 : 0);
    gdouble f;

    axis->index[i] = split (x, length, &f);
    if (axis->linear)
      f = axis->index[i] + 1 < length ? CLAMP (f, 0, 1) : 0;
    axis->fraction[i] = (gfloat) f;
  }
  axis->first = axis->index[0];
  axis->last = MIN (axis->index[entries - 1] + 1, length - 1);
  for (guint i = 0; i < entries; i++)
    axis->index[i] -= axis->first;
}

void
unet_column_axis_clear (UnetColumnAxis *axis)
{
  g_clear_pointer (&axis->index, g_free);
  g_clear_pointer (&axis->fraction, g_free);
}

/* ---- sums over rows --------------------------------------------------- */

UNET_SIMD static void
set_1 (guint16 *restrict sum, const guint8 *a, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = a[i];
}

UNET_SIMD static void
set_2 (guint16 *restrict sum, const guint8 *a, const guint8 *b, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = (guint16) (a[i] + b[i]);
}

UNET_SIMD static void
set_3 (guint16 *restrict sum, const guint8 *a, const guint8 *b, const guint8 *c,
    guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = (guint16) (a[i] + b[i] + c[i]);
}

UNET_SIMD static void
set_4 (guint16 *restrict sum, const guint8 *a, const guint8 *b, const guint8 *c,
    const guint8 *d, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = (guint16) (a[i] + b[i] + c[i] + d[i]);
}

UNET_SIMD static void
add_4 (guint16 *restrict sum, const guint8 *a, const guint8 *b, const guint8 *c,
    const guint8 *d, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = (guint16) (sum[i] + a[i] + b[i] + c[i] + d[i]);
}

/* At most 257 rows: 257 × 255 is the largest 16-bit number. */
static void
sum_full_rows (
    guint16 *sum, const guint8 *row, gssize stride, guint n_rows, guint n)
{
  const guint head = (n_rows - 1) % 4 + 1;

  switch (head) {
    case 1:
      set_1 (sum, row, n);
      break;
    case 2:
      set_2 (sum, row, row + stride, n);
      break;
    case 3:
      set_3 (sum, row, row + stride, row + 2 * stride, n);
      break;
    default:
      set_4 (sum, row, row + stride, row + 2 * stride, row + 3 * stride, n);
  }
  for (guint i = head; i < n_rows; i += 4) {
    const guint8 *r = row + (gssize) i * stride;

    add_4 (sum, r, r + stride, r + 2 * stride, r + 3 * stride, n);
  }
}

UNET_SIMD static void
weigh_2_u8 (guint32 *restrict sum, const guint8 *a, guint32 wa, const guint8 *b,
    guint32 wb, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = a[i] * wa + b[i] * wb;
}

UNET_SIMD static void
weigh_3_u8 (guint32 *restrict sum, const guint16 *full, guint32 wf,
    const guint8 *a, guint32 wa, const guint8 *b, guint32 wb, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = full[i] * wf + a[i] * wa + b[i] * wb;
}

UNET_SIMD static void
add_scaled (
    guint32 *restrict sum, const UnetSample16 *full, gint shift, guint n)
{
  if (shift >= 0)
    for (guint i = 0; i < n; i++)
      sum[i] += (guint32) full[i] << shift;
  else
    for (guint i = 0; i < n; i++)
      sum[i] += (guint32) full[i] >> -shift;
}

void
unet_sum_rows_u8 (guint32 *sum, guint16 *sum16, const guint8 *src,
    gssize stride, const UnetRowSpan *span, gint shift, guint n)
{
  const guint8 *first = src + span->first * stride;
  const guint8 *last = src + span->last * stride;
  const guint8 *full = src + span->full * stride;
  guint left = span->n_full;

  if (left > 0 && left <= 257 && shift >= 0) {
    sum_full_rows (sum16, full, stride, left, n);
    weigh_3_u8 (sum, sum16, 1u << shift, first, span->w0, last, span->w1, n);
    return;
  }
  weigh_2_u8 (sum, first, span->w0, last, span->w1, n);
  while (left > 0) {
    const guint chunk = MIN (left, 257);

    sum_full_rows (sum16, full, stride, chunk, n);
    add_scaled (sum, sum16, shift, n);
    full += chunk * stride;
    left -= chunk;
  }
}

UNET_SIMD static void
weigh_2_u16 (guint32 *restrict sum, const UnetSample16 *a, guint32 wa,
    const UnetSample16 *b, guint32 wb, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] = a[i] * wa + b[i] * wb;
}

/* Sums of 16-bit samples need no 16-bit stage; they are twice the bytes. */
void
unet_sum_rows_u16 (guint32 *sum, const guint8 *src, gssize stride,
    const UnetRowSpan *span, gint shift, guint n)
{
  const guint8 *full = src + span->full * stride;

  weigh_2_u16 (sum, (const UnetSample16 *) (src + span->first * stride),
      span->w0, (const UnetSample16 *) (src + span->last * stride), span->w1,
      n);
  for (guint i = 0; i < span->n_full; i++)
    add_scaled (sum, (const UnetSample16 *) (full + i * stride), shift, n);
}

/* ---- running sums ----------------------------------------------------- */

static guint
running_sum_1 (guint32 *running, const guint32 *sum, guint n)
{
  const UnetU32x4 zero = { 0 };
  UnetU32x4 carry = zero;
  guint i;

  for (i = 0; i + 4 <= n; i += 4) {
    UnetU32x4 v = unet_load_u32x4 (sum + i);

    v += __builtin_shufflevector (zero, v, 0, 4, 5, 6);
    v += __builtin_shufflevector (zero, v, 0, 0, 4, 5);
    unet_store_u32x4 (running + i, v + carry);
    carry += __builtin_shufflevector (v, v, 3, 3, 3, 3);
  }
  return i;
}

static guint
running_sum_2 (guint32 *running, const guint32 *sum, guint n)
{
  const UnetU32x4 zero = { 0 };
  UnetU32x4 carry = zero;
  guint i;

  for (i = 0; i + 4 <= n; i += 4) {
    UnetU32x4 v = unet_load_u32x4 (sum + i);

    v += __builtin_shufflevector (zero, v, 0, 0, 4, 5);
    unet_store_u32x4 (running + i, v + carry);
    carry += __builtin_shufflevector (v, v, 2, 3, 2, 3);
  }
  return i;
}

/* Three lanes of four count; the next store overwrites the last. */
static guint
running_sum_3 (guint32 *running, const guint32 *sum, guint n)
{
  UnetU32x4 carry = { 0 };
  guint i;

  for (i = 0; i + 4 <= n; i += 3) {
    carry += unet_load_u32x4 (sum + i);
    unet_store_u32x4 (running + i, carry);
  }
  return i;
}

static guint
running_sum_4 (guint32 *running, const guint32 *sum, guint n)
{
  UnetU32x4 carry = { 0 };
  guint i;

  for (i = 0; i + 4 <= n; i += 4) {
    carry += unet_load_u32x4 (sum + i);
    unet_store_u32x4 (running + i, carry);
  }
  return i;
}

void
unet_running_sum (guint32 *running, const guint32 *sum, guint n, guint lag)
{
  guint i = 0;

  for (guint j = 0; j < lag; j++)
    running[j] = 0;
  if (lag == 1)
    i = running_sum_1 (running + 1, sum, n);
  else if (lag == 2)
    i = running_sum_2 (running + 2, sum, n);
  else if (lag == 3)
    i = running_sum_3 (running + 3, sum, n);
  else if (lag == 4)
    i = running_sum_4 (running + 4, sum, n);
  for (; i < n; i++)
    running[i + lag] = running[i] + sum[i];
}

/* ---- output rows ------------------------------------------------------ */

UNET_SIMD static void
subtract_edges (gfloat *restrict dst, const guint32 *whole, const gfloat *part,
    gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] =
        ((gfloat) (gint32) (whole[i + 1] - whole[i]) + (part[i + 1] - part[i]))
        * scale;
}

void
unet_boxes (gfloat *dst, const guint32 *running, guint step,
    const UnetColumnAxis *axis, gfloat inv_weight, guint32 *scratch)
{
  guint32 *whole = scratch;
  gfloat *part = (gfloat *) (scratch + axis->n + 1);

  for (guint i = 0; i <= axis->n; i++) {
    const guint32 *r = running + axis->index[i] * step;

    whole[i] = r[0];
    part[i] = axis->fraction[i] * (gfloat) (gint32) (r[step] - r[0]);
  }
  subtract_edges (dst, whole, part, inv_weight * axis->inv_width, axis->n);
}

void
unet_lerps (gfloat *dst, const guint32 *sum, guint step,
    const UnetColumnAxis *axis, gfloat inv_weight)
{
  for (guint i = 0; i < axis->n; i++) {
    const guint32 *s = sum + axis->index[i] * step;
    const gfloat a = (gfloat) s[0];
    /* The fraction is 0 where there is no next sample to read. */
    const gfloat b = axis->fraction[i] > 0 ? (gfloat) s[step] : a;

    dst[i] = (a + axis->fraction[i] * (b - a)) * inv_weight;
  }
}
