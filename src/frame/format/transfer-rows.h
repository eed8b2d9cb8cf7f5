/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of R'G'B' from a stream's transfer function and primaries to sRGB and
 * back, by tables. Immutable: any thread may use them. */

#include "frame/format/transfer.h"

G_BEGIN_DECLS

typedef struct _UnetTransferRows UnetTransferRows;

/* Returns (nullable) (transfer full): to sRGB, or from it; %NULL where R'G'B'
 * of
 * @info counts as sRGB. */
UnetTransferRows *unet_transfer_rows_new_to_srgb (const GstVideoInfo *info);
UnetTransferRows *unet_transfer_rows_new_from_srgb (const GstVideoInfo *info);
/* @self may be NULL. */
void unet_transfer_rows_free (UnetTransferRows *self);

/* Converts @n pixels in place: rows of R', G' and B', 0..255. */
void unet_transfer_rows_run (
    const UnetTransferRows *self, gfloat *const rgb[3], guint n);

G_END_DECLS
