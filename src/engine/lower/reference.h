/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Runs the operator's reference implementation, in PLAIN. */
gboolean unet_lower_reference (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

G_END_DECLS
