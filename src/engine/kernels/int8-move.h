/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels over narrow tensors: NHWC of unsigned or signed bytes, or of
 * bfloat16, seen as rows of pixels that lie a step apart, so that a part of a
 * wider tensor is a tensor, too. Whatever only moves counts bytes. */

#include <glib.h>
#include "engine/kernels/f32.h"

G_BEGIN_DECLS

typedef enum {
  UNET_NARROW_NONE,
  UNET_NARROW_U8,
  UNET_NARROW_S8,
  UNET_NARROW_BF16,
} UnetNarrowType;

guint unet_narrow_size (UnetNarrowType type);

/* Pixels in memory: steps between pixels, rows and pictures, in elements. */
typedef struct {
  gint64 pixel, row, image;
} UnetPixels;

/* @bytes of each of n * h * w pixels from ptr[0] to ptr[1]; steps and offsets
 * count bytes. */
typedef struct {
  gint64 n, h, w, bytes;
  UnetPixels src, dst;
  gint64 src_offset, dst_offset;
} UnetNarrowMove;
void unet_kernel_narrow_move (
    gconstpointer params, gpointer const *ptr, guint threads);

/* The same, from zeros all round: ptr[1] is cleared first. */
void unet_kernel_narrow_pad (
    gconstpointer params, gpointer const *ptr, guint threads);

/* ptr[0] has r*r groups of @bytes for each of n * h * w pixels, ptr[1] is r
 * times as high and wide; steps count bytes. */
typedef struct {
  gint64 n, h, w, r, bytes;
  UnetPixels dst;
} UnetNarrowSpread;
void unet_kernel_narrow_spread (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Maximum of 2x2 pixels with stride 2; n, h, w, c of the result. */
typedef struct {
  UnetNarrowType type;
  gint64 n, h, w, c;
  UnetPixels src, dst;
} UnetNarrowMaxPool2;
void unet_kernel_narrow_max_pool2 (
    gconstpointer params, gpointer const *ptr, guint threads);

/* round (factor * x), clipped to the type, between types. */
typedef struct {
  UnetNarrowType from, to;
  gint64 n, h, w, c;
  UnetPixels src, dst;
  gfloat factor;
} UnetNarrowConvert;
void unet_kernel_narrow_convert (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Float tensors of any layout to narrow ones, round (factor * x), and back,
 * factor * x. */
typedef struct {
  UnetNarrowType type;
  UnetVec vec;       /* of the floats */
  UnetPixels pixels; /* of the narrow side */
  gfloat factor;
} UnetNarrowFloat;
void unet_kernel_narrow_quantize (
    gconstpointer params, gpointer const *ptr, guint threads);
void unet_kernel_narrow_dequantize (
    gconstpointer params, gpointer const *ptr, guint threads);

/* round (a * x + b * y), clipped to @low and the type. */
typedef struct {
  UnetNarrowType x, y, to;
  gint64 n, h, w, c;
  UnetPixels px, py, dst;
  gfloat a, b, low;
} UnetNarrowAdd;
void unet_kernel_narrow_add (
    gconstpointer params, gpointer const *ptr, guint threads);

/* round (factor * x * y) with one y, a float in ptr[1], for each channel of
 * each picture; clipped to @low and the type. */
typedef struct {
  UnetNarrowType from, to;
  gint64 n, h, w, c;
  UnetPixels src, dst;
  gfloat factor, low;
} UnetNarrowScale;
void unet_kernel_narrow_scale (
    gconstpointer params, gpointer const *ptr, guint threads);

/* ptr[1] holds what each of the 256 bytes becomes. */
typedef struct {
  gint64 n, h, w, c;
  UnetPixels src, dst;
} UnetNarrowMap;
void unet_kernel_narrow_map (
    gconstpointer params, gpointer const *ptr, guint threads);

/* As UnetResizeTables, with the same meaning of tables. */
typedef struct {
  UnetNarrowType type;
  gint64 c;
  UnetPixels src, dst;
  UnetResizeTables *tables; /* owned */
} UnetNarrowResize;
/* Frees one with its tables. */
void unet_narrow_resize_free (gpointer resize);
void unet_kernel_narrow_resize (
    gconstpointer params, gpointer const *ptr, guint threads);

/* factor * mean, or maximum, of each channel, as floats. */
typedef struct {
  UnetNarrowType type;
  gint64 n, h, w, c;
  UnetPixels src;
  gfloat factor;
  gboolean maximum;
} UnetNarrowGlobalPool;
void unet_kernel_narrow_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads);

#define UNET_HEAD_CHANNELS 8

/* 1x1 convolution to few channels: ptr[0] narrow, ptr[1] float weights
 * [oc][c], ptr[2] float bias [oc], ptr[3] PLAIN floats. */
typedef struct {
  UnetNarrowType type;
  gint64 n, h, w, c, oc;
  UnetPixels src;
} UnetNarrowHead;
void unet_kernel_narrow_head (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
