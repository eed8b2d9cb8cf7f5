/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of `unetseg batch` share: what was asked for, what there is
 * to do, and what came of it. */

#include <gst/gst.h>
#include <gst/pbutils/pbutils.h>
#include <unetseg/unet-seg-meta.h>

#include <stdio.h>

#include "lib/json.h"
#include "lib/print.h"
#include "lib/status.h"

G_BEGIN_DECLS

/* ---- what was asked for (batch-options.c) ------------------------------ */

typedef enum {
  BATCH_OVERLAY,
  BATCH_CUTOUT,
  BATCH_MASK,
  BATCH_MASKS,
  BATCH_RESULTS,
  BATCH_REPORT,
  BATCH_N_KINDS,
} BatchKind;

/* An encoder that an output can go through. */
typedef struct {
  BatchKind kind;
  const gchar *name;       /* as in `--to mask:h264` */
  const gchar *containers; /* `mp4 mkv`: that fit, the best first */
} BatchCodec;

typedef struct {
  gboolean wanted;
  const BatchCodec *codec; /* (nullable): none needed */
} BatchOutput;

typedef enum { BATCH_QUIET, BATCH_NORMAL, BATCH_VERBOSE } BatchVerbosity;

typedef struct {
  gchar **words; /* inputs as named on the command line */
  gchar *folder;
  BatchOutput outputs[BATCH_N_KINDS];
  GHashTable *properties; /* of the elements: name -> text */
  guint jobs, threads;    /* 0: find out */
  guint shard, n_shards;  /* from 1; n_shards 0: everything */
  gdouble segment;        /* seconds, 0: whole files */
  gdouble patience;       /* seconds without a frame before giving up */
  gchar *container;       /* (nullable): for the overlay */
  gboolean resume, overwrite, retry, json, plan_only;
  BatchVerbosity verbosity;
} BatchOptions;

gboolean batch_options_parse (
    BatchOptions *options, gint argc, gchar **argv, GError **error);
void batch_options_clear (BatchOptions *options);
/* Sets those properties that @element has. */
void batch_options_apply (const BatchOptions *options, GstElement *element);
/* What changes outputs, as text that is compared and hashed. */
gchar *batch_options_describe (const BatchOptions *options);

/* ---- what there is to do (batch-inputs.c, batch-segments.c) ------------- */

typedef struct {
  gchar *uri;
  gchar *name;     /* of its outputs, below the folder; file name encoding */
  gboolean listed; /* found in a folder, not named by somebody */
  guint64 size;    /* bytes, 0: not known */
  gint64 mtime;    /* microseconds since 1970, 0: not known */
  guint segment, n_segments; /* n_segments 0: the whole file */
  GstClockTime begin, end;   /* first frame, and first of the next segment;
                              * GST_CLOCK_TIME_NONE: from start, to end */
} BatchItem;

BatchItem *batch_item_new (const gchar *uri, const gchar *name);
BatchItem *batch_item_copy (const BatchItem *item);
void batch_item_free (BatchItem *item);
/* `clips/a.mp4`, with `[2/5]` behind it for a segment; UTF-8. */
gchar *batch_item_label (const BatchItem *item);
/* Where its outputs are when they are complete, and until then. */
gchar *batch_item_folder (const BatchItem *item, const gchar *folder);
gchar *batch_item_work_folder (const BatchItem *item, const gchar *folder);

/* Every input that @words stand for, sorted by name, names unique. */
GPtrArray *batch_inputs_find (
    gchar **words, const gchar *folder, GError **error);
/* Where the keyframes are at which a recording can be cut into pieces of about
 * @seconds: the first frames of all but the first segment. */
GArray *batch_segments_find (const gchar *uri, gdouble seconds);
/* Long recordings of @items into segments. */
GPtrArray *batch_segments_split (GPtrArray *items, gdouble seconds);
/* The items of shard @k of @n: largest first to whoever has least. */
GPtrArray *batch_shard_take (GPtrArray *items, guint k, guint n);

/* ---- what an input is (batch-probe.c) ----------------------------------- */

typedef struct {
  guint width, height; /* as stored */
  guint par_n, par_d;
  gboolean picture; /* not a video */
  gboolean exact;   /* the duration is the container's, no estimate */
  GstClockTime duration;
  gchar *orientation; /* (nullable): image-orientation, unless upright */
  gchar *container;   /* (nullable): mp4, mkv, webm: what to write as well */
} BatchProbe;

typedef enum {
  BATCH_ERROR_INPUT,    /* this input cannot be processed */
  BATCH_ERROR_NO_MEDIA, /* and is no recording at all */
  BATCH_ERROR_OUTPUT,   /* nothing more can be written: stop */
  BATCH_ERROR_STOPPED,  /* somebody asked to stop */
  BATCH_ERROR_MODEL,    /* nothing can be processed: stop */
} BatchError;
#define BATCH_ERROR (batch_error_quark ())
GQuark batch_error_quark (void);

gboolean batch_probe (const BatchItem *item, BatchProbe *probe, GError **error);
void batch_probe_clear (BatchProbe *probe);

/* ---- what came of it ---------------------------------------------------- */

typedef enum {
  BATCH_DONE,
  BATCH_SHORT, /* as far as it went, less than its container promised */
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
  GstClockTime first, next; /* of a segment: first frame, first one behind */
  gchar *plan;              /* (nullable): hash of the network's plan */
} BatchOutcome;

void batch_outcome_clear (BatchOutcome *outcome);
const gchar *batch_status_name (BatchStatus status);

G_END_DECLS
