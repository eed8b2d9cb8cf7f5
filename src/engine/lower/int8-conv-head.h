/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/cost/int8-conv.h"
#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Adds a step that computes @conv to a few channels by @kernel, which is
 * UNET_CONV_F32_HEAD or UNET_CONV_INT8_HEAD. */
gboolean unet_emit_int8_head (
    UnetInt8Conv *conv, UnetConvKernel kernel, GError **error);

G_END_DECLS
