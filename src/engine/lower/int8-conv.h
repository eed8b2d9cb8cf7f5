/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Lowers a convolution in low precision. */
gboolean unet_lower_int8_conv (UnetPlan *plan, UnetNode *node, GError **error);

G_END_DECLS
