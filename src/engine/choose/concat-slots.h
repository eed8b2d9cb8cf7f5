/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Concatenations that cost nothing: the inputs are written to their part of the
 * output from the start. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Fills plan->slots. Call it after unet_plan_find_fused_inputs(). */
void unet_plan_find_concat_slots (UnetPlan *plan);

/* Returns whether @in was written to its slot, at @channel of the concatenation
 * @out. */
gboolean unet_value_is_in_slot (const UnetPlan *plan, const UnetValue *in,
    const UnetValue *out, gint64 channel);

G_END_DECLS
