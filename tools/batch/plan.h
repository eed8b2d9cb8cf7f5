/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan of a batch, FOLDER/.unetseg/plan.json: model, version of oneDNN,
 * kind of processor, threads of an inference, and the times by which each
 * layer's implementation was chosen. Every process that works on the batch
 * reads it, so that all compute the same bits. Functions may be called in any
 * thread. */

#include "batch/options.h"

#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

typedef struct _BatchPlan BatchPlan;

/* Loads the model and reads the plan of @folder, or begins one. Fails with
 * %BATCH_ERROR_MODEL when model, engine or processor differ from the plan. */
BatchPlan *batch_plan_open (
    const gchar *folder, const BatchOptions *options, GError **error);
void batch_plan_free (BatchPlan *plan);

/* SHA-256 of the model and of the files that describe it. */
const gchar *batch_plan_get_model (BatchPlan *plan);
/* Threads of an inference, 0 before they are pinned. */
guint batch_plan_get_threads (BatchPlan *plan);
/* Pins them and writes the file. The plan must be locked. */
gboolean batch_plan_set_threads (
    BatchPlan *plan, guint threads, GError **error);

/* Waits until no other thread and no other process adds to the plan, and reads
 * what they have added. */
gboolean batch_plan_lock (BatchPlan *plan, GError **error);
void batch_plan_unlock (BatchPlan *plan);

/* Returns (transfer full) (nullable): the hash of how frames of this shape go
 * through the network, if the plan has it. */
gchar *batch_plan_find (BatchPlan *plan, const gchar *shape);
/* Adds a shape after the first frame on @element and writes the file. Makes a
 * session. The plan must be locked. */
gboolean batch_plan_add (
    BatchPlan *plan, const gchar *shape, GstElement *element, GError **error);

/* For tests: a plan without a model, and the fields of a document, which is
 * not trusted, taken over. */
BatchPlan *batch_plan_new (const gchar *path);
gboolean batch_plan_take (BatchPlan *plan, JsonObject *root, GError **error);

G_END_DECLS
