/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loops over independent jobs, on the OpenMP team that oneDNN uses too. */

#include <glib.h>

G_BEGIN_DECLS

/* One job of a kernel. @thread: below the number of threads asked for, and
 * nobody else's while the job runs */
typedef void (*UnetJob) (
    gconstpointer params, gpointer const *ptr, gint64 job, guint thread);

/* Each thread begins with its own part of the jobs, which are its neighbour's
 * in memory, and helps the others when it is through. */
void unet_parallel (UnetJob job, gconstpointer params, gpointer const *ptr,
    gint64 n_jobs, guint threads);

/* An empty region: makes the calling thread a team. */
void unet_parallel_make_team (guint threads);

/* How many threads regions of oneDNN have that are made in this thread. */
guint unet_parallel_get_threads (void);
void unet_parallel_set_threads (guint threads);

G_END_DECLS
