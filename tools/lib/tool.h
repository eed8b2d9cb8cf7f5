/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the subcommands share: options, opening a model, text. */

#include <json-glib/json-glib.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Exit statuses. */
#define TOOL_OK     0
#define TOOL_FAILED 1
#define TOOL_USAGE  2

/* Errors of the command line. */
#define TOOL_ERROR (tool_error_quark ())
GQuark tool_error_quark (void);
typedef enum {
  TOOL_ERROR_USAGE,
  TOOL_ERROR_PICTURE,
  TOOL_ERROR_FILE
} ToolError;

/* A subcommand; argv[0] is its name. */
typedef struct {
  const gchar *name;
  const gchar *summary;
  gint (*main) (gint argc, gchar **argv);
} ToolCommand;

gint tool_inspect_main (gint argc, gchar **argv);
gint tool_bench_main (gint argc, gchar **argv);
gint tool_batch_main (gint argc, gchar **argv);
gint tool_calibrate_main (gint argc, gchar **argv);
gint tool_join_main (gint argc, gchar **argv);
gint tool_eval_main (gint argc, gchar **argv);
gint tool_run_main (gint argc, gchar **argv);

/* Options that every subcommand has. */
typedef struct {
  gchar *size;
  gchar *precision;
  gchar *tuning;
  gint threads;
  gchar **set;
  gchar **shapes;
  gchar *calibration;
  gdouble max_difference, min_iou; /* below 0: the library's own */
} ToolOptions;

#define TOOL_OPTIONS_INIT                                                      \
  {                                                                            \
    .max_difference = -1, .min_iou = -1                                        \
  }

/* Parses @argv for a subcommand: @entries are its own options, @usage what
 * follows its name, @text the description under the options. On success the
 * remaining words are in @words. */
gboolean tool_parse (gint argc, gchar **argv, const GOptionEntry *entries,
    const gchar *usage, const gchar *text, ToolOptions *options, gchar ***words,
    GError **error);
void tool_options_clear (ToolOptions *options);

/* A model opened as the options say. */
typedef struct {
  UnetModel *model;
  UnetContract *contract; /* (nullable): the model takes no picture */
  GError *contract_error; /* why there is none */
  UnetSession *session;
  UnetCalibration *calibration; /* (nullable) */
  guint width, height;          /* of the picture input, 0 without contract */
  gdouble create_ms;
} ToolJob;

/* @words: the remaining words, at most one: the model. */
gboolean tool_job_load (
    ToolJob *job, gchar **words, const ToolOptions *options, GError **error);
/* Sets width and height from --size, else for frames of this shape. */
gboolean tool_job_choose_size (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, GError **error);
/* Makes the session for --shape, --size, or for frames of this shape. */
gboolean tool_job_open (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, gboolean profile, GError **error);
/* The same for these input shapes. */
gboolean tool_job_open_shapes (ToolJob *job, const ToolOptions *options,
    const UnetTensorInfo *shapes, guint n_shapes, GError **error);
/* Fills every input with a fixed picture-like pattern. */
void tool_job_fill (ToolJob *job);
/* One of several; 0 is the one above. */
void tool_job_fill_pattern (ToolJob *job, guint pattern);
/* Loads the calibration that the options name, or makes one with patterns on
 * the job's session, which is in f32. */
gboolean tool_job_calibrate (
    ToolJob *job, const ToolOptions *options, GError **error);
/* Limits that the options set. */
void tool_calibration_limits (
    UnetCalibration *calibration, const ToolOptions *options);
/* What it was made with and how well masks agree, in a line. */
gchar *tool_calibration_describe (UnetCalibration *calibration);
void tool_job_clear (ToolJob *job);

guint64 tool_count (const UnetTensorInfo *info);
/* `1x3x256x256`; open dimensions are `?`. */
gchar *tool_shape (const UnetTensorInfo *info);
const gchar *tool_enum_nick (GType type, gint value);
gdouble tool_median (gdouble *values, guint n);

/* Ends a JSON document begun on @builder and prints it. */
void tool_print_json (JsonBuilder *builder);
void tool_json_string (
    JsonBuilder *builder, const gchar *key, const gchar *value);
void tool_json_int (JsonBuilder *builder, const gchar *key, gint64 value);
void tool_json_double (JsonBuilder *builder, const gchar *key, gdouble value);

/* Prints `unetseg: message` and gives the exit status that goes with it. */
gint tool_complain (const gchar *command, const GError *error);

G_END_DECLS
