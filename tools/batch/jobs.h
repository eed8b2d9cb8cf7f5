/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inputs through the network, some at once. */

#include "batch/manifest.h"
#include "batch/progress.h"

G_BEGIN_DECLS

typedef struct {
  const BatchOptions *options;
  const BatchManifest *manifest;
  BatchPlan *plan;
  GPtrArray *items;
  BatchProgress *progress;
  guint n, threads; /* files at once, threads of each */
  gint *stop;       /* atomic: see batch_task_run() */

  GMutex mutex;
  guint next;    /* item */
  guint running; /* workers */
  GError *fatal; /* (nullable): why the batch had to stop */
  void (*ended) (gpointer data);
  gpointer data;
} BatchJobs;

/* Decides @n and @threads, as the plan has it if it has it already. */
gboolean batch_jobs_split (BatchJobs *jobs, GError **error);
/* Starts the workers; the last one to end calls @ended. */
void batch_jobs_start (BatchJobs *jobs);

G_END_DECLS
