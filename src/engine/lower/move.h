/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Operators that only move elements: views where memory allows it, otherwise
 * one copy. */

#include "engine/lower/lower.h"

G_BEGIN_DECLS

gboolean unet_lower_concat (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);
gboolean unet_lower_slice (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);
gboolean unet_lower_pad (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);
gboolean unet_lower_reshape (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);
gboolean unet_lower_transpose (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

G_END_DECLS
