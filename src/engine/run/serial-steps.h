/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a plan of several threads needs to run without a team. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Makes primitives for one thread and a pool for the kernels, the first time
 * that it is called. The calling thread has set one thread. A step that oneDNN
 * makes no such primitive for, or that there is no memory for, keeps the one
 * that it has. */
void unet_plan_make_serial (UnetPlan *plan);

G_END_DECLS
