/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/cost/int8-conv.h"
#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Adds a step that computes the depthwise convolution @conv. */
gboolean unet_emit_int8_depthwise (UnetInt8Conv *conv, GError **error);

G_END_DECLS
