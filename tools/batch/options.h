/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of `unetseg batch`. */

#include <glib.h>

G_BEGIN_DECLS

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
  const gchar *containers; /* `mp4 mkv`: those that take it, the best first */
} BatchCodec;

typedef struct {
  gboolean wanted;
  const BatchCodec *codec; /* (nullable): none needed */
} BatchOutput;

typedef enum { BATCH_QUIET, BATCH_NORMAL, BATCH_VERBOSE } BatchVerbosity;

typedef struct {
  gchar **words; /* inputs, as the command line names them */
  gchar *folder;
  BatchOutput outputs[BATCH_N_KINDS];
  GHashTable *properties; /* of the elements: name to text */
  guint jobs, threads;    /* 0: chosen by the program */
  guint shard, n_shards;  /* shard from 1; n_shards 0: no shards */
  gdouble segment;        /* seconds, 0: whole files */
  gdouble patience;       /* seconds without progress before an input fails */
  gchar *container;       /* (nullable): for the overlay */
  gboolean resume, overwrite, retry, json, plan_only, follow_links;
  BatchVerbosity verbosity;
} BatchOptions;

/* Parses the command line, presets and standard input. Initialises @options
 * also on failure. */
gboolean batch_options_parse (
    BatchOptions *options, gint argc, gchar **argv, GError **error);
void batch_options_clear (BatchOptions *options);

/* The options that change outputs, as a text to compare and hash. Returns
 * (transfer full). */
gchar *batch_options_describe (const BatchOptions *options);

G_END_DECLS
