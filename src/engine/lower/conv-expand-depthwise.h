/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"

G_BEGIN_DECLS

/* Lowers @node and the depthwise convolution that alone reads its result, as
 * one primitive, if that is faster. Returns %FALSE if it is not, and adds no
 * step then. @ok: (out): whether lowering succeeded. */
gboolean unet_lower_expand_depthwise (
    UnetPlan *plan, UnetNode *node, gboolean *ok, GError **error);

G_END_DECLS
