/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time of a whole run, which the precision is chosen by. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Returns the least time of some runs of @plan in nanoseconds, which is
 * remembered as the times of implementations are; UNET_TIME_NEVER once the plan
 * is cancelled. The plan is complete. */
guint64 unet_timing_measure_run (UnetPlan *plan);

G_END_DECLS
