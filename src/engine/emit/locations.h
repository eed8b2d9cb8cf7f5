/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the values of a plan lie while its graph is lowered. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Returns where @value can be read in @layout. Adds a reorder where it lies in
 * another layout only. */
UnetLoc *unet_plan_locate (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error);

/* As unet_plan_locate(), seen with @n_dims dimensions: ones are added in front.
 * The caller frees out->md. */
gboolean unet_plan_locate_broadcast (UnetPlan *plan, UnetValue *value,
    guint n_dims, UnetMemLayout layout, UnetLoc *out, GError **error);

/* Returns where @value is to be written in @layout: in its concat slot, or in
 * a storage of its own, which it adds. */
UnetLoc *unet_plan_place (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error);

/* Lets @value lie @offset bytes behind @from, seen through @md (transfer full).
 */
UnetLoc *unet_plan_alias (UnetPlan *plan, UnetValue *value,
    UnetMemLayout layout, const UnetLoc *from, gsize offset, UnetMd md);

/* Returns whether the node being lowered may overwrite @value in @layout: no
 * other step reads it later, and no other value shares its memory. */
gboolean unet_plan_dies (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

/* Adds a step that moves @value from one layout to another. */
gboolean unet_emit_reorder (UnetPlan *plan, UnetValue *value,
    const UnetLoc *from, const UnetLoc *to, GError **error);

G_END_DECLS
