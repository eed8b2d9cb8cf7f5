/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* MaxPool and AveragePool. */
gboolean unet_lower_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

/* Pooling and reductions over whole pictures. */
gboolean unet_lower_global_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

/* Adds a step with oneDNN's pooling from @src to @dst. */
gboolean unet_emit_pool (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *window, dnnl_alg_kind_t alg,
    GError **error);

G_END_DECLS
