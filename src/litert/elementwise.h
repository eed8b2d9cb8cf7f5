/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Operators that compute each element on its own, and sums over axes. */

#include "litert/importer.h"

G_BEGIN_DECLS

gboolean unet_litert_unary (const UnetLitertOp *op, GError **error);
gboolean unet_litert_binary (const UnetLitertOp *op, GError **error);
gboolean unet_litert_rsqrt (const UnetLitertOp *op, GError **error);
gboolean unet_litert_square (const UnetLitertOp *op, GError **error);
gboolean unet_litert_squared_difference (
    const UnetLitertOp *op, GError **error);
gboolean unet_litert_not_equal (const UnetLitertOp *op, GError **error);
gboolean unet_litert_select (const UnetLitertOp *op, GError **error);
gboolean unet_litert_add_n (const UnetLitertOp *op, GError **error);
gboolean unet_litert_clip (const UnetLitertOp *op, GError **error);
gboolean unet_litert_leaky_relu (const UnetLitertOp *op, GError **error);
gboolean unet_litert_gelu (const UnetLitertOp *op, GError **error);
gboolean unet_litert_softmax (const UnetLitertOp *op, GError **error);
gboolean unet_litert_cast (const UnetLitertOp *op, GError **error);
gboolean unet_litert_quantize (const UnetLitertOp *op, GError **error);
gboolean unet_litert_dequantize (const UnetLitertOp *op, GError **error);
gboolean unet_litert_reduce (const UnetLitertOp *op, GError **error);
gboolean unet_litert_arg_max (const UnetLitertOp *op, GError **error);
gboolean unet_litert_l2_norm (const UnetLitertOp *op, GError **error);
gboolean unet_litert_fully_connected (const UnetLitertOp *op, GError **error);
gboolean unet_litert_batch_matmul (const UnetLitertOp *op, GError **error);

G_END_DECLS
