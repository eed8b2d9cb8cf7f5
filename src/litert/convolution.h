/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Convolutions, pooling and resizing: what the graph computes in NCHW. */

#include "litert/importer.h"

G_BEGIN_DECLS

/* Each adds the nodes of one operator, as UnetLitertImport does. */
gboolean unet_litert_conv_2d (const UnetLitertOp *op, GError **error);
gboolean unet_litert_depthwise_conv_2d (const UnetLitertOp *op, GError **error);
gboolean unet_litert_transpose_conv (const UnetLitertOp *op, GError **error);
gboolean unet_litert_pool (const UnetLitertOp *op, GError **error);
gboolean unet_litert_resize (const UnetLitertOp *op, GError **error);
gboolean unet_litert_depth_space (const UnetLitertOp *op, GError **error);
/* The operators that MediaPipe adds: Convolution2DTransposeBias,
 * MaxPoolingWithArgmax2D and MaxUnpooling2D. */
gboolean unet_litert_custom (const UnetLitertOp *op, GError **error);

/* Strides and padding of a transposed convolution, height first. */
typedef struct {
  gint64 strides[2];
  gboolean same;
  /* Extents of the output; 0 where the file leaves them open. */
  gint64 out[2];
  gint64 activation;
} UnetLitertDeconv;

/* Adds a ConvTranspose. @x: index of the input; weights are input 1.
 * @bias: index of the bias, which the operator may lack */
gboolean unet_litert_add_deconv (const UnetLitertOp *op,
    const UnetLitertDeconv *deconv, guint x, guint bias, GError **error);

G_END_DECLS
