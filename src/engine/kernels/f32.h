/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels of our own for what oneDNN has no fast primitive for. All see a 4-D
 * float tensor as blocks of vectors: PLAIN is one channel a block and vectors
 * of 1, NHWC one block of all channels, nChw16c blocks of 16. Lanes beyond
 * the last channel are zero and stay zero. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 n, c, h, w;
  gint64 blocks; /* blocks of channels */
  gint64 vec;    /* lanes of a vector */
} UnetVec;

/* Runs over resolved operand pointers, on up to @threads threads. */
typedef void (*UnetKernel) (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Copies channels [0, src.c) of ptr[0] to channels [channel, …) of ptr[1]. */
typedef struct {
  UnetVec src, dst;
  gint64 channel;
} UnetCopyChannels;
void unet_kernel_copy_channels (
    gconstpointer params, gpointer const *ptr, guint threads);

/* ptr[0] holds r*r*c channels in groups [dy][dx][c], each group padded to
 * whole vectors; ptr[1] is r times as high and wide. The tail of a
 * transposed convolution with kernel = stride = r. */
typedef struct {
  UnetVec src, dst;
  gint64 r;
} UnetDepthToSpace;
void unet_kernel_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads);
/* As above from channels without padding between groups to PLAIN. */
void unet_kernel_depth_to_space_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Separable two-tap interpolation: output row y is
 * (1 - fy[y]) * in[y0[y]] + fy[y] * in[y1[y]], columns alike. Nearest has
 * fy = fx = 0. Tables follow the struct in memory. */
typedef struct {
  UnetVec src, dst;
  gboolean nearest;
  gint32 *y0, *y1, *x0, *x1;
  gfloat *fy, *fx;
} UnetResizeTables;
UnetResizeTables *unet_resize_tables_new (
    UnetVec src, UnetVec dst, gboolean nearest);
void unet_kernel_resize (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Zeros round ptr[0], whose first pixel comes to (y, x) of ptr[1]. */
typedef struct {
  UnetVec src, dst;
  gint64 y, x;
} UnetPadZero;
void unet_kernel_pad_zero (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Mean or maximum over rows and columns; ptr[1] is n * c * 1 * 1. */
typedef struct {
  UnetVec src;
  gboolean maximum;
} UnetGlobalPool;
void unet_kernel_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Maximum of 2x2 pixels with stride 2 over PLAIN tensors. */
typedef struct {
  UnetVec src, dst;
} UnetMaxPool2;
void unet_kernel_max_pool2_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Softmax over the channels of a PLAIN tensor, ptr[0] to ptr[1]. */
typedef struct {
  gint64 n, c, pixels;
  gboolean logarithm;
} UnetSoftmaxPlain;
void unet_kernel_softmax_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

/* clip (alpha * x + beta, low, high), ptr[0] to ptr[1], in place allowed.
 * Lanes beyond the last channel become 0. */
typedef struct {
  UnetVec vec;
  gfloat alpha, beta, low, high;
} UnetLinearClip;
void unet_kernel_linear_clip (
    gconstpointer params, gpointer const *ptr, guint threads);

/* x < 0 ? slope * x : x with one slope per channel in ptr[1] (vectors padded
 * with zeros), ptr[0] to ptr[2]. */
typedef struct {
  UnetVec vec;
} UnetPRelu;
void unet_kernel_prelu (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
