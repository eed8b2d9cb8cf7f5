/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Times of implementations, which choices are made by. A time is measured once
 * in the process and remembered by a text that describes what was measured.
 * Once the plan is cancelled nothing is measured, and a time that is not known
 * is UNET_TIME_NEVER. Any thread may call these functions. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Supplies times instead of measurements. */
typedef struct _UnetTimeSource UnetTimeSource;
struct _UnetTimeSource {
  /* Returns nanoseconds for what @key describes. */
  guint64 (*get_time) (const UnetTimeSource *source, const gchar *key);
  /* (nullable): Returns the tiles that a Winograd convolution computes at
   * once, in place of @block. */
  gint64 (*get_block) (const UnetTimeSource *source, gint64 block);
};

/* Returns the time of @kernel, the least of a few runs over scratch memory.
 * @sizes: of its @n operands in bytes. */
guint64 unet_timing_measure_kernel (UnetPlan *plan, const gchar *key,
    UnetKernel kernel, gconstpointer params, const gsize *sizes, guint n);

/* Returns the time of a primitive of @pd, likewise. @ops: (nullable): its
 * post-ops. */
guint64 unet_timing_measure_primitive (UnetPlan *plan, const gchar *key,
    const_dnnl_primitive_desc_t pd, const_dnnl_post_ops_t ops);

/* Returns whether the time of @key needs no measurement: it is known, or the
 * plan is cancelled. */
gboolean unet_timing_is_known (
    const UnetPlan *plan, const gchar *key, guint64 *ns);

/* Remembers what was measured for @key, unless the plan is cancelled. */
void unet_timing_remember (const UnetPlan *plan, const gchar *key, guint64 ns);

/* A table of times: key -> guint64 nanoseconds. */
GHashTable *unet_timing_table_new (void);
void unet_timing_table_set (GHashTable *table, const gchar *key, guint64 ns);

/* Returns @table as text (transfer full), sorted by key. */
gchar *unet_timing_table_print (GHashTable *table);

/* Returns the table (transfer full) that @text is, or %NULL. */
GHashTable *unet_timing_table_parse (const gchar *text);

/* Remembers all times of @table; those of unet_tuning_load() stay. */
void unet_timing_remember_table (GHashTable *table);

/* From now on @table (nullable) receives all times that this thread uses. */
void unet_timing_collect (GHashTable *table);

G_END_DECLS
