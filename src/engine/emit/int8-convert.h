/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Steps between f32 and low precision. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Adds a step that quantizes or dequantizes @value; exactly one of @from and
 * @to is UNET_MEM_LOW. */
void unet_emit_int8_conversion (
    UnetPlan *plan, UnetValue *value, const UnetLoc *from, const UnetLoc *to);

/* Returns the name of a kernel for layer lists, such as `unet:int8_move` or,
 * for bfloat16, `unet:bf16_move`. The string is static. */
const gchar *unet_int8_impl (UnetElementType type, const gchar *kernel);

G_END_DECLS
