/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A model and its session, opened as the command line says. */

#include "lib/calibration.h"
#include "lib/options.h"

G_BEGIN_DECLS

typedef struct {
  UnetModel *model;
  UnetContract *contract; /* (nullable): the model takes no picture */
  GError *contract_error; /* why there is none */
  UnetSession *session;
  UnetCalibration *calibration; /* (nullable) */
  const ToolFrames *frames; /* (nullable): of a calibration that the job makes;
                             * %NULL: generated patterns */
  guint width, height;      /* of the picture input, 0 without contract */
  gdouble create_ms;
} ToolJob;

/* Loads the model that @words name, and its contract. @words: the remaining
 * words of the command line, at most one. Initialises @job, also on failure. */
gboolean tool_job_load (
    ToolJob *job, gchar **words, const ToolOptions *options, GError **error);
void tool_job_clear (ToolJob *job);

/* Moves the reason why there is no contract to @error. Returns whether there
 * is one. */
gboolean tool_job_require_contract (ToolJob *job, GError **error);

/* Sets width and height: --size, or the size for frames of that shape. */
gboolean tool_job_choose_size (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, GError **error);

/* Makes the session for --shape, --size, or for frames of that shape. When the
 * precision needs a calibration and none is named, makes one first. Prints on
 * stderr when the session has another precision than asked for. */
gboolean tool_job_open (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, gboolean profile, GError **error);
/* The same for the shapes of some inputs. */
gboolean tool_job_open_shapes (ToolJob *job, const ToolOptions *options,
    const UnetTensorInfo *shapes, guint n_shapes, GError **error);

G_END_DECLS
