/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/transfer-rows.h"
#include "base/simd.h"

#include <math.h>

/* Intervals of a table, between which values are interpolated. The error is
 * below 0.05 of a code value of 255 (tests/frame/format/test-transfer.c). */
#define INTERVALS 4096

/* Light and luminance are looked up by their fourth root: there all these
 * functions are smooth enough, PQ's steep start as well. */
typedef struct {
  gfloat decode[INTERVALS + 2]; /* by code value */
  gfloat gain[INTERVALS + 2];   /* by luminance, 0..1 */
  gfloat encode[INTERVALS + 2]; /* by light, 0..limit */
} Tables;

/* code -> light -> (OOTF, primaries, in either order) -> code */
struct _UnetTransferRows {
  const Tables *tables;
  gfloat limit;
  gboolean has_gain, gains_first, has_matrix;
  gfloat matrix[3][3];
};

static void
fill_to_srgb (Tables *tables, const UnetTransfer *transfer)
{
  const gdouble peak = unet_transfer_get_peak (transfer);

  for (guint i = 0; i < INTERVALS + 2; i++) {
    const gdouble x = MIN ((gdouble) i / INTERVALS, 1);

    tables->decode[i] = (gfloat) unet_transfer_decode (transfer, x);
    tables->gain[i] = (gfloat) unet_transfer_get_ootf (transfer, pow (x, 4));
    tables->encode[i] =
        (gfloat) (255 * unet_transfer_show (transfer, peak * pow (x, 4)));
  }
}

static void
fill_from_srgb (Tables *tables, const UnetTransfer *transfer)
{
  for (guint i = 0; i < INTERVALS + 2; i++) {
    const gdouble x = MIN ((gdouble) i / INTERVALS, 1);
    /* The gain is not finite in black, which it leaves black. */
    const gdouble luminance = pow (MAX (x, 1.0 / INTERVALS), 4);

    tables->decode[i] = (gfloat) unet_transfer_from_srgb_code (x);
    tables->gain[i] =
        (gfloat) unet_transfer_get_inverse_ootf (transfer, luminance);
    tables->encode[i] =
        (gfloat) (255 * unet_transfer_encode (transfer, pow (x, 4)));
  }
}

/* Tables take 3 ms. They are made once for each function and direction, since a
 * region of interest that moves makes new rows with every frame. */
static const Tables *
get_tables (const UnetTransfer *transfer, gboolean to_srgb)
{
  static gsize made[2][GST_VIDEO_TRANSFER_BT601 + 1];
  gsize *slot = &made[to_srgb][transfer->function];

  if (g_once_init_enter (slot)) {
    Tables *tables = g_new (Tables, 1);

    if (to_srgb)
      fill_to_srgb (tables, transfer);
    else
      fill_from_srgb (tables, transfer);
    g_once_init_leave (slot, (gsize) tables);
  }
  return (const Tables *) *slot;
}

static UnetTransferRows *
new_rows (const GstVideoInfo *info, gboolean to_srgb)
{
  UnetTransferRows *self;
  UnetTransfer transfer;

  if (!unet_transfer_init (&transfer, info))
    return NULL;
  self = g_new0 (UnetTransferRows, 1);
  self->tables = get_tables (&transfer, to_srgb);
  self->limit = to_srgb ? (gfloat) unet_transfer_get_peak (&transfer) : 1;
  self->has_gain = unet_transfer_has_ootf (&transfer);
  self->gains_first = to_srgb;
  self->has_matrix = transfer.changes_primaries;
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++)
      self->matrix[i][j] = (gfloat) (to_srgb ? transfer.to_bt709[i][j]
                                             : transfer.from_bt709[i][j]);
  return self;
}

UnetTransferRows *
unet_transfer_rows_new_to_srgb (const GstVideoInfo *info)
{
  return new_rows (info, TRUE);
}

UnetTransferRows *
unet_transfer_rows_new_from_srgb (const GstVideoInfo *info)
{
  return new_rows (info, FALSE);
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
    decode_transfer (rgb[c], self->tables->decode, n);
  if (self->has_gain && self->gains_first)
    multiply_gain (rgb[0], rgb[1], rgb[2], self->tables->gain, n);
  if (self->has_matrix)
    change_primaries (rgb[0], rgb[1], rgb[2], self->matrix, n);
  if (self->has_gain && !self->gains_first)
    multiply_gain (rgb[0], rgb[1], rgb[2], self->tables->gain, n);
  for (guint c = 0; c < 3; c++)
    encode_transfer (rgb[c], self->tables->encode, self->limit, n);
}
