/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/morphology.h"
#include "base/simd.h"

/* ---- growing ---------------------------------------------------------- */

UNET_SIMD static void
take_larger_byte (guint8 *restrict dst, const guint8 *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] > dst[i] ? src[i] : dst[i];
}

UNET_SIMD static void
take_smaller_byte (guint8 *restrict dst, const guint8 *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] < dst[i] ? src[i] : dst[i];
}

/* Windows double until they reach: the one of 2^k + s is two of 2^k, s apart
 * (van Herk's decomposition by powers of two). They begin at their pixel and
 * are moved to its middle in the end. */
static void
grow_row (guint8 *row, guint8 *scratch, guint n, guint radius,
    void (*take) (guint8 *, const guint8 *, guint))
{
  const guint size = 2 * radius + 1;
  guint8 *from = scratch;

  /* radius times the first, the row, radius times the last */
  memset (from, row[0], radius);
  memcpy (from + radius, row, n);
  memset (from + radius + n, row[n - 1], radius);
  for (guint reach = 1; reach < size;) {
    const guint step = MIN (reach, size - reach);
    guint8 *to = from == scratch ? scratch + n + 2 * radius : scratch;

    memcpy (to, from, n + 2 * radius);
    take (to, from + step, n + 2 * radius - step);
    from = to;
    reach += step;
  }
  memcpy (row, from, n);
}

static void
grow_columns (guint8 *plane, guint width, guint height, guint radius,
    void (*take) (guint8 *, const guint8 *, guint))
{
  const guint size = 2 * radius + 1;
  guint reach = 1;

  /* Upwards from each row; rows below the last repeat it and add nothing. */
  while (reach < size) {
    const guint step = MIN (reach, size - reach);

    for (guint y = 0; y + step < height; y++)
      take (
          plane + (gsize) y * width, plane + (gsize) (y + step) * width, width);
    reach += step;
  }
  /* Windows of the first rows are cut off above: they begin at row 0. */
  if (height > 1) {
    const guint shift = MIN (radius, height - 1);

    memmove (
        plane + (gsize) shift * width, plane, (gsize) (height - shift) * width);
  }
}

void
unet_plane_grow (guint8 *plane, guint8 *scratch, guint width, guint height,
    guint radius, gboolean largest)
{
  void (*take) (guint8 *, const guint8 *, guint) = largest ? take_larger_byte
                                                           : take_smaller_byte;
  const guint r = MIN (radius, height - 1);
  guint8 *top = scratch + 2 * ((gsize) width + 2 * radius);

  if (radius == 0)
    return;
  for (guint y = 0; y < height; y++)
    grow_row (plane + (gsize) y * width, scratch, width, radius, take);
  /* The first rows by themselves: theirs are prefixes of growing length. */
  memcpy (top, plane, width);
  for (guint y = 1; y <= r; y++)
    take (top, plane + (gsize) y * width, width);
  for (guint y = 0; y < r; y++) {
    guint8 *row = top + (gsize) (y + 1) * width;

    memcpy (row, row - width, width);
    if (y + 1 + r < height)
      take (row, plane + (gsize) (y + 1 + r) * width, width);
  }
  grow_columns (plane, width, height, r, take);
  memcpy (plane, top, (gsize) r * width);
}

/* ---- feathering ------------------------------------------------------- */

UNET_SIMD static void
add_bytes (guint16 *restrict sums, const guint8 *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] = (guint16) (sums[i] + row[i]);
}

UNET_SIMD static void
exchange_row (
    guint16 *restrict sums, const guint8 *fresh, const guint8 *old, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] = (guint16) (sums[i] + fresh[i] - old[i]);
}

UNET_SIMD static void
divide_row (guint8 *restrict dst, const guint16 *sums, gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = (guint8) (gint32) ((gfloat) sums[i] * scale + 0.5f);
}

static void
feather_row (guint8 *restrict dst, const guint8 *src, guint n, guint radius)
{
  const gfloat scale = 1.0f / (gfloat) (2 * radius + 1);
  guint sum = src[0] * radius;

  for (guint x = 0; x < radius; x++)
    sum += src[MIN (x, n - 1)];
  for (guint x = 0; x < n; x++) {
    sum += src[MIN (x + radius, n - 1)];
    dst[x] = (guint8) ((gfloat) sum * scale + 0.5f);
    sum -= src[x > radius ? x - radius : 0];
  }
}

static const guint8 *
row_at (const guint8 *plane, guint width, guint height, gint y)
{
  return plane + (gsize) CLAMP (y, 0, (gint) height - 1) * width;
}

static void
feather_once (guint8 *plane, guint8 *scratch, guint16 *sums, guint width,
    guint height, guint radius)
{
  const gint r = (gint) radius;

  for (guint y = 0; y < height; y++)
    feather_row (
        scratch + (gsize) y * width, plane + (gsize) y * width, width, radius);
  memset (sums, 0, width * sizeof *sums);
  for (gint y = -r; y <= r; y++)
    add_bytes (sums, row_at (scratch, width, height, y), width);
  for (gint y = 0; y < (gint) height; y++) {
    divide_row (plane + (gsize) y * width, sums,
        1.0f / (gfloat) (2 * radius + 1), width);
    exchange_row (sums, row_at (scratch, width, height, y + r + 1),
        row_at (scratch, width, height, y - r), width);
  }
}

void
unet_plane_feather (
    guint8 *plane, guint8 *scratch, guint width, guint height, guint radius)
{
  guint16 *sums = (guint16 *) (gpointer) scratch;

  if (radius == 0)
    return;
  for (guint i = 0; i < 2; i++)
    feather_once (
        plane, scratch + 4 * (gsize) width, sums, width, height, radius);
}

/* ---- flags ------------------------------------------------------------ */

UNET_SIMD static void
take_either (guint8 *restrict dst, const guint8 *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] |= src[i];
}

/* @dst: a row of @src seen from @radius away along the row. */
static void
reach_along (guint8 *dst, const guint8 *src, guint n, guint radius)
{
  guint reach = 0, left = 0;

  memset (dst, 0, n);
  for (guint x = n; x-- > 0;) {
    left = src[x] ? radius + 1 : left;
    dst[x] = left > 0;
    left -= left > 0;
  }
  for (guint x = 0; x < n; x++) {
    reach = src[x] ? radius + 1 : reach;
    dst[x] |= reach > 0;
    reach -= reach > 0;
  }
}

void
unet_flags_dilate (guint8 *dst, const guint8 *src, guint8 *scratch, guint width,
    guint height, guint radius)
{
  for (guint y = 0; y < height; y++)
    reach_along (
        scratch + (gsize) y * width, src + (gsize) y * width, width, radius);
  for (guint y = 0; y < height; y++) {
    const guint from = y > radius ? y - radius : 0;
    const guint to = MIN (y + radius, height - 1);
    guint8 *row = dst + (gsize) y * width;

    memcpy (row, scratch + (gsize) y * width, width);
    for (guint i = from; i <= to; i++)
      take_either (row, scratch + (gsize) i * width, width);
  }
}
