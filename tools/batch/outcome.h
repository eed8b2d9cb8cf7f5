/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The result of one input. */

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum {
  BATCH_DONE,
  BATCH_SHORT, /* incomplete: the input ends before its container says */
  BATCH_FAILED,
  BATCH_SKIPPED, /* not a recording */
  BATCH_OPEN,    /* not finished */
} BatchStatus;

typedef struct {
  BatchStatus status;
  gchar *reason; /* (nullable) */
  guint64 frames;
  gdouble seconds;          /* of work */
  guint width, height;      /* of the frames */
  GstClockTime duration;    /* of the recording */
  GstClockTime first, next; /* of a segment: its first frame, and the first
                             * frame behind it */
  gchar *plan;              /* (nullable): hash of the network's plan */
} BatchOutcome;

void batch_outcome_clear (BatchOutcome *outcome);

/* `done`, `short`, `failed`, `skipped`, `open` */
const gchar *batch_status_get_name (BatchStatus status);
/* %BATCH_OPEN for another name and for %NULL. */
BatchStatus batch_status_from_name (const gchar *name);

G_END_DECLS
