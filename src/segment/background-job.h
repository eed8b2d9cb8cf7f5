/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work in threads beside a stream: compiling a session, loading a model,
 * freeing what is still in use. */

#include "base/export.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The jobs of one owner. All calls but unet_job_group_interrupt() come from
 * one thread at a time. */
typedef struct _UnetJobGroup UnetJobGroup;
typedef struct _UnetJob UnetJob;

/* Runs in the job's thread. Returns: (nullable) (transfer full): the result;
 * %NULL where it failed, with @error set. Should return soon after
 * @cancellable is cancelled. */
typedef gpointer (*UnetJobWork) (
    gpointer data, GCancellable *cancellable, GError **error);

UNET_INTERNAL_API UnetJobGroup *unet_job_group_new (void);
/* Waits for the jobs that were dropped. No other job may be left. */
UNET_INTERNAL_API void unet_job_group_free (UnetJobGroup *self);
/* While @interrupted, unet_job_wait() returns at once. Any thread may call
 * it. */
UNET_INTERNAL_API void unet_job_group_interrupt (
    UnetJobGroup *self, gboolean interrupted);

/* Starts @work (@data) in a thread called @name. @free_data frees @data when
 * the job ends; @free_result (nullable) frees a result that is not taken.
 * Returns %NULL with @error of %G_THREAD_ERROR set where no thread can be had,
 * or where a limit leaves none beside those of a pipeline; then @data stays the
 * caller's. */
UNET_INTERNAL_API UnetJob *unet_job_start (UnetJobGroup *group,
    const gchar *name, UnetJobWork work, gpointer data,
    GDestroyNotify free_data, GDestroyNotify free_result, GError **error);
UNET_INTERNAL_API gboolean unet_job_is_done (UnetJob *self);
/* Waits until the job is done. Returns FALSE where the group is interrupted
 * first. */
UNET_INTERNAL_API gboolean unet_job_wait (UnetJob *self);
/* Waits for the job, however long it takes, and frees it. Returns:
 * (transfer full) (nullable): the result, or %NULL with @error set. */
UNET_INTERNAL_API gpointer unet_job_finish (UnetJob *self, GError **error);
/* Cancels the job and frees it and its result when it ends, without
 * waiting. */
UNET_INTERNAL_API void unet_job_drop (UnetJob *self);

G_END_DECLS
