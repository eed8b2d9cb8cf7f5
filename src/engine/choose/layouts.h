/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Fills plan->layouts: the layout in which each node computes. Measures
 * convolutions where the plan's tuning does. Call it after
 * unet_plan_choose_low_precision(). */
void unet_plan_choose_layouts (UnetPlan *plan);

G_END_DECLS
