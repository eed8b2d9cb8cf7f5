/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything but convolutions in low precision. */

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Lowers @node, which is no convolution and for which unet_int8_move_suits().
 */
gboolean unet_lower_int8_move (UnetPlan *plan, UnetNode *node, GError **error);

G_END_DECLS
