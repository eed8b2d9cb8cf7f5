/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Windows of poolings. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Translates the window of the pooling @node for oneDNN. Returns %FALSE where
 * oneDNN cannot do it, with @error set only if the window is invalid. */
gboolean unet_pool_window (const UnetPlan *plan, const UnetNode *node,
    UnetDnnlWindow *window, dnnl_alg_kind_t *alg, GError **error);

/* Returns whether the window is 2x2 with stride 2 and without padding; an odd
 * row or column at the end is left out. */
gboolean unet_pool_window_is_2x2 (const UnetDnnlWindow *window);

/* Returns whether it is the maximum of such a window over f32. */
gboolean unet_pool_is_max2 (
    const UnetNode *node, const UnetDnnlWindow *window, dnnl_alg_kind_t alg);

G_END_DECLS
