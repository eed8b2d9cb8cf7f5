/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inputs of a batch on several threads, each one a task at a time. */

#include "batch/commits.h"
#include "batch/manifest.h"
#include "batch/progress.h"
#include "batch/stop.h"

G_BEGIN_DECLS

typedef struct {
  /* Set by the owner before the start, then only read. */
  const BatchOptions *options;
  const BatchManifest *manifest;
  BatchPlan *plan;
  GPtrArray *items;
  BatchProgress *progress;
  guint n, threads; /* files at a time, threads of each inference */
  gint *stop;       /* atomic: BatchStop */
  void (*ended) (gpointer data); /* called by the last worker */
  gpointer data;

  BatchCommits *commits; /* between the start and the end */
  GMutex mutex;          /* of what follows */
  guint next;            /* item */
  guint running;         /* workers */
  GError *fatal;         /* (nullable): why the batch had to stop */
} BatchJobs;

/* Starts the workers, fewer than @n when the system has no more threads. Fails
 * with %TOOL_ERROR_SYSTEM when it has none; jobs->ended is then not called. */
gboolean batch_jobs_start (BatchJobs *jobs, GError **error);

G_END_DECLS
