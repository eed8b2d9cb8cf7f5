/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan that a batch pins, in FOLDER/.unetseg/plan.json: model, engine,
 * kind of processor, threads of an inference, and what was measured to choose
 * each layer's implementation. Whoever works on the batch takes it over, so
 * that all compute the same bits. */

#include "batch/types.h"

G_BEGIN_DECLS

typedef struct _BatchPlan BatchPlan;

/* Reads or begins the plan of @folder; with %BATCH_ERROR_MODEL where this
 * model, engine or processor is not that of the plan. */
BatchPlan *batch_plan_open (
    const gchar *folder, const BatchOptions *options, GError **error);
void batch_plan_free (BatchPlan *plan);

/* SHA-256 of the model and what describes it. */
const gchar *batch_plan_get_model (BatchPlan *plan);
UnetModel *batch_plan_get_loaded (BatchPlan *plan);
guint batch_plan_get_threads (BatchPlan *plan);
guint batch_plan_get_jobs (BatchPlan *plan);
/* Pins them; the plan must be locked. */
gboolean batch_plan_set_threads (
    BatchPlan *plan, guint threads, guint jobs, GError **error);

/* One process at a time, and one thread of it, adds to the plan. Another's
 * additions are there afterwards. */
gboolean batch_plan_lock (BatchPlan *plan, GError **error);
void batch_plan_unlock (BatchPlan *plan);

/* (nullable): the hash of how frames of this shape go through the network,
 * where the plan has it. */
gchar *batch_plan_find (BatchPlan *plan, const gchar *shape);
/* Adds a shape, from the first frame on @element; the plan must be locked. */
gboolean batch_plan_add (
    BatchPlan *plan, const gchar *shape, GstElement *element, GError **error);

G_END_DECLS
