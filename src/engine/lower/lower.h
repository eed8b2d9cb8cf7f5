/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Adds the steps of @node, all of whose results can then be located. @layout:
 * the one chosen for @node; an implementation may use another. Returns %FALSE
 * with @error set. */
typedef gboolean (*UnetLower) (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

G_END_DECLS
