/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the numbers for int8 come from. */

#include "lib/tool.h"

#define PATTERNS 3

void
tool_calibration_limits (
    UnetCalibration *calibration, const ToolOptions *options)
{
  unet_calibration_set_limits (calibration,
      options->max_difference >= 0 ? options->max_difference : .01,
      options->min_iou >= 0 ? options->min_iou : .99);
}

gchar *
tool_calibration_describe (UnetCalibration *calibration)
{
  gdouble difference, iou;
  guint n, wide = unet_calibration_get_n_wide (calibration);
  const gchar *data = unet_calibration_get_data (calibration, &n);
  g_autofree gchar *kept = NULL;

  unet_calibration_get_agreement (calibration, &difference, &iou);
  if (wide > 0)
    kept = g_strdup_printf ("; %u layers stay in f32", wide);
  return g_strdup_printf (
      "%u frames of %s: probabilities differ from f32 by "
      "%.5f on average, intersection over union of masks %.5f%s",
      n, data, difference, iou, kept ? kept : "");
}

static gboolean
load (ToolJob *job, const ToolOptions *options, GError **error)
{
  job->calibration = unet_calibration_load (options->calibration, error);
  return job->calibration != NULL;
}

/* For programs without pictures: on what `bench` runs on. */
static gboolean
make (ToolJob *job, const ToolOptions *options, GError **error)
{
  UnetSession *session = job->session;
  UnetSessionOptions threads = UNET_SESSION_OPTIONS_INIT;

  threads.threads = unet_session_get_threads (session);
  job->calibration = unet_calibration_new (job->model, "made-up waves");
  tool_calibration_limits (job->calibration, options);
  for (guint i = 0; i < PATTERNS; i++) {
    tool_job_fill_pattern (job, PATTERNS - i - 1);
    unet_calibration_add (job->calibration, session);
  }
  return unet_calibration_finish (
      job->calibration, job->contract, &threads, error);
}

gboolean
tool_job_calibrate (ToolJob *job, const ToolOptions *options, GError **error)
{
  if (job->calibration != NULL)
    return TRUE;
  return options->calibration != NULL ? load (job, options, error)
                                      : make (job, options, error);
}
