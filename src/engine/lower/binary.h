/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Arithmetic of two operands. */
gboolean unet_lower_binary (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

G_END_DECLS
