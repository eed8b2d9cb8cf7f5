/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Direct convolution of stride 1 to PLAIN tensors, vectors along the row:
 * for the few channels and large pictures at the ends of a U-Net, where
 * blocks of 16 channels would mostly hold nothing. */

#include "engine/kernels/f32.h"

G_BEGIN_DECLS

typedef struct {
  gint64 n, ic, ih, iw, oc, oh, ow;
  gint64 vec; /* channels of a block of the source: 1, 8 or 16 */
  gint64 kh, kw, dil_y, dil_x, pad_y, pad_x;
  /* what follows, as in winograd.h */
  gboolean add;
  gfloat slope, low, high;
  /* of the prepared input: floats from row to row and channel to channel */
  gint64 row, plane;
} UnetRowsShape;

/* Output channels that are computed together; weights come in groups of
 * them. */
gint64 unet_rows_group (void);
/* Output rows that one call computes. */
#define UNET_ROWS_STRIP 4

/* Sets @shape's row and plane; returns floats of scratch for one thread. */
gsize unet_rows_scratch (UnetRowsShape *shape);
/* [oc][ic][kh][kw] to [oc / group][ic][kh][kw][group], zeros at the end. */
void unet_rows_weights (
    const UnetRowsShape *shape, const gfloat *weights, gfloat *out);
gsize unet_rows_weights_size (const UnetRowsShape *shape); /* in floats */
/* Output rows [y, y + UNET_ROWS_STRIP) of picture @image. @bias: one for each
 * channel, padded to whole groups. */
void unet_rows_strip (const UnetRowsShape *shape, const gfloat *src,
    const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
    gfloat *scratch, gfloat *dst);

/* One compiled variant. */
typedef struct {
  gint64 group, lanes;
  void (*compute) (const UnetRowsShape *, const gfloat *prepared,
      const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
      gint64 rows, gfloat *dst);
  /* @n pixels of a block of 8 or 16 channels, of which there are @channels,
   * to rows that are @plane floats apart */
  void (*unpack[2]) (
      const gfloat *src, gint64 n, gint64 channels, gfloat *out, gint64 plane);
} UnetRowsIsa;
extern const UnetRowsIsa unet_rows_generic, unet_rows_avx2, unet_rows_avx512;

G_END_DECLS
