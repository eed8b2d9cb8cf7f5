/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of every command that opens one model: all but batch and join. */

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

typedef struct {
  gchar *size;
  gchar *precision;
  gchar *tuning;
  gint threads;
  gchar **set;
  gchar **shapes;
  gchar *calibration;
  gdouble max_difference, min_iou; /* below 0: the library's default */
} ToolOptions;

#define TOOL_OPTIONS_INIT                                                      \
  {                                                                            \
    .max_difference = -1, .min_iou = -1                                        \
  }

/* Parses the command line of a command. @entries are its own options, @usage
 * is the text behind its name and @text the description below the options.
 * Stores the remaining words in @words (transfer full). */
gboolean tool_parse (gint argc, gchar **argv, const GOptionEntry *entries,
    const gchar *usage, const gchar *text, ToolOptions *options, gchar ***words,
    GError **error);
void tool_options_clear (ToolOptions *options);

/* Adds a field of the contract to those of --set. @value: (nullable): adds
 * nothing. */
void tool_options_add_field (
    ToolOptions *options, const gchar *key, const gchar *value);

/* Values of options. They return %FALSE with an error of %TOOL_ERROR_USAGE
 * that names the option. */

/* --size=WIDTHxHEIGHT */
gboolean tool_parse_size (
    const gchar *text, guint *width, guint *height, GError **error);
/* --shape=NAME=1x3x256x256; cuts @text up: @info keeps the name. */
gboolean tool_parse_shape (gchar *text, UnetTensorInfo *info, GError **error);
/* --set=KEY=VALUE, all of them. @overrides is (transfer full), and %NULL where
 * there is none. */
gboolean tool_parse_overrides (
    gchar **set, GHashTable **overrides, GError **error);
/* --precision, --tuning, --threads. */
gboolean tool_parse_session (const ToolOptions *options, gboolean profile,
    UnetSessionOptions *session, GError **error);
/* Requires 0 to 1. */
gboolean tool_check_threshold (gdouble threshold, GError **error);

G_END_DECLS
