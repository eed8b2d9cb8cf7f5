/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loops over independent jobs, on the OpenMP team that oneDNN uses, too, or on
 * a pool whose threads join when they get a processor. */

#include "engine/kernels/worker-pool.h"

G_BEGIN_DECLS

/* Elements of a job at least: a job of fewer costs more to hand out. */
#define UNET_PARALLEL_JOB_ELEMENTS 8192

/* Runs one job of a kernel. @thread is below the number of threads that
 * unet_parallel () got; no two jobs run with the same @thread at once. */
typedef void (*UnetJob) (
    gconstpointer params, gpointer const *ptr, gint64 job, guint thread);

/* Runs jobs 0 to @n_jobs - 1 on up to @threads threads and returns when all are
 * done. Each thread begins with a part of its own, of adjacent jobs, and takes
 * jobs of the others when its part is done. */
void unet_parallel (UnetJob job, gconstpointer params, gpointer const *ptr,
    gint64 n_jobs, guint threads);

/* Makes the loops of the calling thread run on @pool (nullable), which has at
 * most as many threads as unet_parallel () gets; on a team when it is %NULL. */
void unet_parallel_set_pool (UnetWorkerPool *pool);

/* Starts a team for the calling thread. */
void unet_parallel_make_team (guint threads);

/* Get and set the number of threads that primitives of oneDNN use when the
 * calling thread runs them. */
guint unet_parallel_get_threads (void);
void unet_parallel_set_threads (guint threads);

G_END_DECLS
