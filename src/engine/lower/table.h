/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Returns whether @op has more than a reference implementation. */
gboolean unet_op_has_lowering (UnetOp op);

/* Lowers @node in @layout by the implementation of its operator. */
gboolean unet_plan_lower (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

G_END_DECLS
