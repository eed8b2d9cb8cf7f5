/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Direct convolution of stride 1 to PLAIN tensors with vectors along the row.
 * It is for the few channels and large pictures at both ends of a U-Net, where
 * blocks of 16 channels would be mostly empty. */

#include "base/cpu.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

typedef struct _UnetConvFewChannelsIsa UnetConvFewChannelsIsa;

typedef struct {
  const UnetConvFewChannelsIsa *isa; /* unet_conv_few_channels_isa () */
  gint64 n, ic, ih, iw, oc, oh, ow;
  gint64 vec; /* channels of a block of the source: 1, 8 or 16 */
  gint64 kh, kw, dil_y, dil_x, pad_y, pad_x;
  /* applied to each sum, as in f32-conv-winograd.h */
  gboolean add;
  gfloat slope, low, high;
  /* steps of the prepared input, in floats; set by
   * unet_conv_few_channels_scratch () */
  gint64 row, plane;
} UnetConvFewChannelsShape;

/* Output rows that one call of unet_conv_few_channels_strip () computes. */
#define UNET_CONV_FEW_CHANNELS_STRIP 4

/* Sets row and plane of @shape. Returns the scratch memory of one thread, in
 * floats. */
gsize unet_conv_few_channels_scratch (UnetConvFewChannelsShape *shape);
/* Reorders [oc][ic][kh][kw] to [oc / group][ic][kh][kw][group], with zeros
 * after the last channel. */
void unet_conv_few_channels_weights (
    const UnetConvFewChannelsShape *shape, const gfloat *weights, gfloat *out);
gsize unet_conv_few_channels_weights_size (
    const UnetConvFewChannelsShape *shape); /* in floats */
/* Computes output rows [y, y + UNET_CONV_FEW_CHANNELS_STRIP) of picture @image.
 * @bias: one for each channel, padded to whole groups. */
void unet_conv_few_channels_strip (const UnetConvFewChannelsShape *shape,
    const gfloat *src, const gfloat *weights, const gfloat *bias, gint64 image,
    gint64 y, gfloat *scratch, gfloat *dst);

/* One compiled variant. @group: output channels that are computed together;
 * weights come in groups of them. @lanes: floats of a vector. */
struct _UnetConvFewChannelsIsa {
  gint64 group, lanes;
  void (*compute) (const UnetConvFewChannelsShape *, const gfloat *prepared,
      const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
      gint64 rows, gfloat *dst);
  /* copies @n pixels of a block of 8 or 16 channels, of which @channels are
   * used, to rows that are @plane floats apart */
  void (*unpack[2]) (
      const gfloat *src, gint64 n, gint64 channels, gfloat *out, gint64 plane);
};
extern const UnetConvFewChannelsIsa unet_conv_few_channels_generic,
    unet_conv_few_channels_avx2, unet_conv_few_channels_avx512;
extern const UnetIsaVariant unet_conv_few_channels_variants[];
/* Returns the variant that this processor runs best. */
const UnetConvFewChannelsIsa *unet_conv_few_channels_isa (void);

G_END_DECLS
