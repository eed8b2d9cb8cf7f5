/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calibrations for int8: loaded, made, and described in a line. */

#include "lib/options.h"

G_BEGIN_DECLS

/* The frames that a calibration is made with. */
typedef struct {
  const gchar *name; /* what they are: kept with the result */
  guint n;
  /* Puts frame @index into the inputs of @session. */
  gboolean (*put) (
      UnetSession *session, guint index, gpointer data, GError **error);
  gpointer data;
} ToolFrames;

/* Three generated patterns, for commands without pictures. */
extern const ToolFrames tool_pattern_frames;

/* Sets the limits that @options has, else the library's defaults. */
void tool_calibration_set_limits (
    UnetCalibration *calibration, const ToolOptions *options);

/* Makes a calibration of @session's model. @session is in f32, and its inputs
 * are overwritten. @contract is (nullable). Takes seconds. Returns (transfer
 * full): the calibration, or %NULL with @error set. */
UnetCalibration *tool_calibration_make (UnetSession *session,
    const UnetContract *contract, const ToolFrames *frames,
    const ToolOptions *options, GError **error);

/* A line about its frames and how well the masks agree. Returns (transfer
 * full). */
gchar *tool_calibration_describe (UnetCalibration *calibration);

G_END_DECLS
