/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Fills plan->low and plan->is_low from plan->low_precision: which nodes
 * compute in low precision, and on which scales. */
void unet_plan_choose_low_precision (UnetPlan *plan);

G_END_DECLS
