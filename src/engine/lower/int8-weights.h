/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Weights and biases of convolutions in low precision. */

#include "engine/cost/int8-conv.h"
#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Returns rows of weights by output channel, whatever ONNX's order is. g_free()
 * the result. */
gfloat *unet_int8_conv_weights (const UnetInt8Conv *conv);

/* Rounds @row to int8 in [-limit, limit], or down to -128 where @limit is 127
 * and that is exact. Returns the value of one step. */
gfloat unet_int8_quantize_row (
    const gfloat *row, gint64 n, gint limit, gint8 *out);

/* Returns the largest int8 weight that oneDNN sums without saturation. */
gint unet_int8_largest_weight (const UnetInt8Conv *conv);

/* Caches the bias of every output channel in the units that oneDNN adds it in.
 */
UnetStorage *unet_int8_cache_bias (
    const UnetInt8Conv *conv, const gfloat *factors, GError **error);

/* Caches @size bytes of @data as they are. */
UnetStorage *unet_int8_cache_bytes (
    UnetPlan *plan, gconstpointer data, gsize size, GError **error);

G_END_DECLS
