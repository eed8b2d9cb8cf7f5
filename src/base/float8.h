/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Floats of 8 bits (Micikevicius et al. 2022, "FP8 Formats for Deep Learning";
 * https://onnx.ai/onnx/technical/float8.html). */

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

gboolean unet_dtype_is_float8 (UnetDType dtype);
/* @dtype: one of the types that unet_dtype_is_float8() accepts */
gdouble unet_float8_decode (UnetDType dtype, guint8 code);
/* Rounds to the nearest number, and to even between two. Larger numbers give
 * the largest one with @saturate, else infinity, or NaN where the type has no
 * infinity. */
guint8 unet_float8_encode (UnetDType dtype, gdouble value, gboolean saturate);

G_END_DECLS
