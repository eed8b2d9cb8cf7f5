/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Element types and constants of LiteRT files. */

#include "litert/importer.h"

G_BEGIN_DECLS

typedef enum {
  UNET_LITERT_FLOAT32 = 0,
  UNET_LITERT_FLOAT16 = 1,
  UNET_LITERT_INT32 = 2,
  UNET_LITERT_UINT8 = 3,
  UNET_LITERT_INT64 = 4,
  UNET_LITERT_BOOL = 6,
  UNET_LITERT_INT8 = 9,
  UNET_LITERT_FLOAT64 = 10,
  UNET_LITERT_INT4 = 17,
  UNET_LITERT_BFLOAT16 = 18,
} UnetLitertType;

/* Returns the element type that the graph holds: 16-bit floats become f32,
 * and NONE stands for types that are not supported. */
UnetDType unet_litert_dtype (gint type);
const gchar *unet_litert_type_name (gint type);

/* Reads a constant tensor; a quantised one becomes floats. Returns %NULL with
 * %UNET_ERROR_PARSE, _UNSUPPORTED or _LIMIT. */
UnetTensor *unet_litert_constant (
    UnetLitert *litert, const UnetLitertTensor *tensor, GError **error);

G_END_DECLS
