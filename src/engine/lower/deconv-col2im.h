/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Steps of transposed convolutions by col2im (cost/deconv-col2im.h). */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Lowers @node where cost/ chose %UNET_CONV_COL2IM. */
gboolean unet_lower_deconv_col2im (UnetPlan *plan, UnetNode *node,
    const UnetWindow *w, UnetMemLayout layout, GError **error);

G_END_DECLS
