/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/transfer-rows.h"
#include "base/simd.h"

#include <math.h>

/* Intervals of a table, between which values are interpolated. The error is
 * below 0.05 of a code value of 255 (tests/frame/format/test-transfer.c). */
#define INTERVALS 4096

/* code -> light -> (OOTF, primaries, in either order) -> code. Light and
 * luminance are looked up by their fourth root: there all these functions are
 * smooth enough, PQ's steep start as well. */
struct _UnetTransferRows {
  gfloat decode[INTERVALS + 2]; /* by code value */
  gfloat gain[INTERVALS + 2];   /* by luminance, 0..1 */
  gfloat encode[INTERVALS + 2]; /* by light, 0..limit */
  gfloat limit;
  gboolean has_gain, gains_first, has_matrix;
  gfloat matrix[3][3];
};

static void
set_matrix (
    UnetTransferRows *self, const UnetTransfer *transfer, const gdouble m[3][3])
{
  self->has_matrix = transfer->changes_primaries;
  self->has_gain = unet_transfer_has_ootf (transfer);
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++)
      self->matrix[i][j] = (gfloat) m[i][j];
}

UnetTransferRows *
unet_transfer_rows_new_to_srgb (const GstVideoInfo *info)
{
  UnetTransferRows *self;
  UnetTransfer transfer;
  gdouble peak;

  if (!unet_transfer_init (&transfer, info))
    return NULL;
  self = g_new0 (UnetTransferRows, 1);
  set_matrix (self, &transfer, transfer.to_bt709);
  self->gains_first = TRUE;
  peak = unet_transfer_get_peak (&transfer);
  self->limit = (gfloat) peak;
  for (guint i = 0; i < INTERVALS + 2; i++) {
    const gdouble x = MIN ((gdouble) i / INTERVALS, 1);

    self->decode[i] = (gfloat) unet_transfer_decode (&transfer, x);
    self->gain[i] = (gfloat) unet_transfer_get_ootf (&transfer, pow (x, 4));
    self->encode[i] =
        (gfloat) (255 * unet_transfer_show (&transfer, peak * pow (x, 4)));
  }
  return self;
}

UnetTransferRows *
unet_transfer_rows_new_from_srgb (const GstVideoInfo *info)
{
  UnetTransferRows *self;
  UnetTransfer transfer;

  if (!unet_transfer_init (&transfer, info))
    return NULL;
  self = g_new0 (UnetTransferRows, 1);
  set_matrix (self, &transfer, transfer.from_bt709);
  self->limit = 1;
  for (guint i = 0; i < INTERVALS + 2; i++) {
    const gdouble x = MIN ((gdouble) i / INTERVALS, 1);
    /* The gain is not finite in black, which it leaves black. */
    const gdouble luminance = pow (MAX (x, 1.0 / INTERVALS), 4);

    self->decode[i] = (gfloat) unet_transfer_from_srgb_code (x);
    self->gain[i] =
        (gfloat) unet_transfer_get_inverse_ootf (&transfer, luminance);
    self->encode[i] =
        (gfloat) (255 * unet_transfer_encode (&transfer, pow (x, 4)));
  }
  return self;
}

void
unet_transfer_rows_free (UnetTransferRows *self)
{
  g_free (self);
}

/* ---- rows ------------------------------------------------------------- */

static inline gfloat
look_up (const gfloat *table, gfloat at)
{
  const gint k = (gint) at;

  return table[k] + (at - (gfloat) k) * (table[k + 1] - table[k]);
}

static inline gfloat
clamp (gfloat v, gfloat limit)
{
  return v > 0 ? (v < limit ? v : limit) : 0;
}

UNET_SIMD static void
decode_transfer (gfloat *restrict row, const gfloat *table, guint n)
{
  for (guint i = 0; i < n; i++)
    row[i] = look_up (table, clamp (row[i], 255) * (INTERVALS / 255.0f));
}

UNET_SIMD static void
encode_transfer (
    gfloat *restrict row, const gfloat *table, gfloat limit, guint n)
{
  const gfloat scale = 1 / limit;

  for (guint i = 0; i < n; i++)
    row[i] = look_up (table,
        sqrtf (sqrtf (clamp (row[i], limit) * scale)) * (gfloat) INTERVALS);
}

UNET_SIMD static void
change_primaries (gfloat *restrict r, gfloat *restrict g, gfloat *restrict b,
    const gfloat m[3][3], guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat x = r[i], y = g[i], z = b[i];

    r[i] = m[0][0] * x + m[0][1] * y + m[0][2] * z;
    g[i] = m[1][0] * x + m[1][1] * y + m[1][2] * z;
    b[i] = m[2][0] * x + m[2][1] * y + m[2][2] * z;
  }
}

UNET_SIMD static void
multiply_gain (gfloat *restrict r, gfloat *restrict g, gfloat *restrict b,
    const gfloat *table, guint n)
{
  const gfloat wr = (gfloat) unet_transfer_luma[0];
  const gfloat wg = (gfloat) unet_transfer_luma[1];
  const gfloat wb = (gfloat) unet_transfer_luma[2];

  for (guint i = 0; i < n; i++) {
    const gfloat y = clamp (wr * r[i] + wg * g[i] + wb * b[i], 1);
    const gfloat gain = look_up (table, sqrtf (sqrtf (y)) * (gfloat) INTERVALS);

    r[i] *= gain;
    g[i] *= gain;
    b[i] *= gain;
  }
}

void
unet_transfer_rows_run (
    const UnetTransferRows *self, gfloat *const rgb[3], guint n)
{
  for (guint c = 0; c < 3; c++)
    decode_transfer (rgb[c], self->decode, n);
  if (self->has_gain && self->gains_first)
    multiply_gain (rgb[0], rgb[1], rgb[2], self->gain, n);
  if (self->has_matrix)
    change_primaries (rgb[0], rgb[1], rgb[2], self->matrix, n);
  if (self->has_gain && !self->gains_first)
    multiply_gain (rgb[0], rgb[1], rgb[2], self->gain, n);
  for (guint c = 0; c < 3; c++)
    encode_transfer (rgb[c], self->encode, self->limit, n);
}
