/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Constants in the form that steps read them in. All plans of the process
 * share them; they are found by the content that they are made from. So
 * sessions of one model share their weights whatever the input size, and so do
 * two files with the same weights. Any thread may call these functions. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

typedef struct _UnetCachedConstant UnetCachedConstant;

/* Fills the zeroed @data. Returns %FALSE with @error set if it cannot. */
typedef gboolean (*UnetConstantFill) (
    gpointer data, gpointer user_data, GError **error);

/* Returns a storage of @size bytes that @fill prepares, once in the process for
 * equal content of @source and equal @key. @source: (nullable): all that the
 * result depends on, besides @key. The plan keeps the constant alive. Returns
 * %NULL with UNET_ERROR_LIMIT without memory. */
UnetStorage *unet_plan_cache_constant (UnetPlan *plan, gconstpointer source,
    gsize source_size, const gchar *key, gsize size, UnetConstantFill fill,
    gpointer user_data, GError **error);

/* Caches @source (nullable), and zeros behind it up to @size bytes. */
UnetStorage *unet_plan_cache_bytes (UnetPlan *plan, gconstpointer source,
    gsize source_size, const gchar *key, gsize size, GError **error);

/* Caches @source, which lies as @from, in the layout @to. */
UnetStorage *unet_plan_cache_reordered (UnetPlan *plan, gconstpointer source,
    UnetConstMd from, UnetConstMd to, GError **error);

/* Drops one plan's use of @constant. */
void unet_cached_constant_release (UnetCachedConstant *constant);

/* Drops those constants of the plan's graph of which only prepared forms are
 * in use. Call it when all steps are there. */
void unet_plan_release_weights (UnetPlan *plan);

G_END_DECLS
