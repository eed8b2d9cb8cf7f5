/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/job.h"

#include "lib/print.h"
#include "lib/status.h"
#include "model/resolve-contract.h"

#include <string.h>

/* ---- model -------------------------------------------------------------- */

/* Standard output is for results. */
static void
print_notes (const GPtrArray *notes)
{
  for (guint i = 0; i < notes->len; i++) {
    const UnetNote *note = g_ptr_array_index (notes, i);

    g_printerr (
        "unetseg: %s%s\n", note->is_warning ? "warning: " : "", note->text);
  }
}

gboolean
tool_job_load (
    ToolJob *job, gchar **words, const ToolOptions *options, GError **error)
{
  g_autoptr (GHashTable) overrides = NULL;
  g_autoptr (GPtrArray) notes = unet_notes_new ();
  const gchar *path = words != NULL ? words[0] : NULL;

  memset (job, 0, sizeof *job);
  if (path != NULL && words[1] != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "one model at a time; '%s' is one word too many", words[1]);
    return FALSE;
  }
  if (!tool_parse_overrides (options->set, &overrides, error))
    return FALSE;
  if (g_strcmp0 (path, "person") == 0 || g_strcmp0 (path, "builtin") == 0)
    path = NULL;
  job->model = unet_model_load (path, error);
  if (job->model == NULL)
    return FALSE;
  job->contract = unet_model_resolve_contract (
      job->model, overrides, notes, &job->contract_error);
  if (job->contract == NULL && overrides != NULL) {
    g_propagate_error (error, g_steal_pointer (&job->contract_error));
    return FALSE;
  }
  print_notes (notes);
  return TRUE;
}

gboolean
tool_job_require_contract (ToolJob *job, GError **error)
{
  if (job->contract == NULL)
    g_propagate_error (error, g_steal_pointer (&job->contract_error));
  return job->contract != NULL;
}

gboolean
tool_job_choose_size (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, GError **error)
{
  if (options->size != NULL)
    return tool_parse_size (options->size, &job->width, &job->height, error);
  unet_model_choose_size (job->model, job->contract, frame_width, frame_height,
      &job->width, &job->height);
  return TRUE;
}

/* ---- session ------------------------------------------------------------ */

static gboolean
needs_calibration (const ToolOptions *options)
{
  return g_strcmp0 (options->precision, "int8") == 0
      || (options->calibration != NULL
          && g_strcmp0 (options->precision, "f32") != 0);
}

static UnetSession *
open_listed (ToolJob *job, gchar **texts, const UnetSessionOptions *options,
    GError **error)
{
  guint n = texts != NULL ? g_strv_length (texts) : 0;
  g_auto (GStrv) names = g_strdupv (texts);
  g_autofree UnetTensorInfo *shapes = g_new0 (UnetTensorInfo, n + 1);

  for (guint i = 0; i < n; i++) {
    if (!tool_parse_shape (names[i], &shapes[i], error))
      return NULL;
  }
  return unet_session_new (job->model, shapes, n, options, error);
}

static UnetSession *
open_one (ToolJob *job, const ToolOptions *options,
    const UnetSessionOptions *session, GError **error)
{
  if (options->shapes == NULL && job->contract != NULL)
    return unet_session_new_for_size (
        job->model, job->contract, job->width, job->height, session, error);
  return open_listed (job, options->shapes, session, error);
}

/* A calibration that comes with the model is not used when the command line
 * sets limits: they apply where a calibration is made. */
static gboolean
brings_calibration (const ToolJob *job, const ToolOptions *options)
{
  return unet_model_get_calibration (job->model) != NULL
      && options->calibration == NULL && options->max_difference < 0
      && options->min_iou < 0;
}

/* The frames run through a session in f32 with implementations chosen by
 * rule: they run once, so that measuring would take longer. */
static UnetCalibration *
make_calibration (ToolJob *job, const ToolOptions *options,
    const UnetSessionOptions *session, GError **error)
{
  const ToolFrames *frames = job->frames ? job->frames : &tool_pattern_frames;
  UnetSessionOptions plain = *session;
  UnetCalibration *calibration;
  UnetSession *f32;

  plain.precision = UNET_PRECISION_F32;
  plain.tuning = UNET_TUNING_STATIC;
  f32 = open_one (job, options, &plain, error);
  if (f32 == NULL)
    return NULL;
  calibration =
      tool_calibration_make (f32, job->contract, frames, options, error);
  unet_session_unref (f32);
  return calibration;
}

/* Sets job->calibration and the session's options, where the precision needs
 * a calibration. */
static gboolean
find_calibration (ToolJob *job, const ToolOptions *options,
    UnetSessionOptions *session, GError **error)
{
  if (needs_calibration (options) && job->calibration == NULL
      && !unet_model_is_quantized (job->model)) {
    if (options->calibration != NULL)
      job->calibration = unet_calibration_load (options->calibration, error);
    else if (brings_calibration (job, options))
      job->calibration =
          unet_calibration_ref (unet_model_get_calibration (job->model));
    else
      job->calibration = make_calibration (job, options, session, error);
    if (job->calibration == NULL)
      return FALSE;
  }
  session->calibration = job->calibration;
  return TRUE;
}

static void
report_precision (const ToolJob *job)
{
  const gchar *note = unet_session_get_precision_note (job->session);

  if (note != NULL)
    g_printerr ("unetseg: %s is used: %s\n",
        tool_enum_nick (
            UNET_TYPE_PRECISION, unet_session_get_precision (job->session)),
        note);
}

gboolean
tool_job_open (ToolJob *job, const ToolOptions *options, guint frame_width,
    guint frame_height, gboolean profile, GError **error)
{
  UnetSessionOptions session;
  gint64 start;

  if (!tool_parse_session (options, profile, &session, error))
    return FALSE;
  if (options->shapes == NULL && job->contract != NULL) {
    if (!tool_job_choose_size (job, options, frame_width, frame_height, error))
      return FALSE;
  } else if (options->size != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--size does not go with %s%s; use --shape",
        options->shapes ? "--shape" : "this model: ",
        options->shapes ? "" : job->contract_error->message);
    return FALSE;
  }
  if (!find_calibration (job, options, &session, error))
    return FALSE;
  start = g_get_monotonic_time ();
  job->session = open_one (job, options, &session, error);
  job->create_ms = (g_get_monotonic_time () - start) / 1e3;
  if (job->session != NULL)
    report_precision (job);
  return job->session != NULL;
}

gboolean
tool_job_open_shapes (ToolJob *job, const ToolOptions *options,
    const UnetTensorInfo *shapes, guint n_shapes, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  UnetSessionOptions session;

  if (!tool_parse_session (options, FALSE, &session, error))
    return FALSE;
  if (options->calibration != NULL && job->calibration == NULL) {
    job->calibration = unet_calibration_load (options->calibration, error);
    if (job->calibration == NULL)
      return FALSE;
  }
  session.calibration = job->calibration;
  job->session =
      unet_session_new (job->model, shapes, n_shapes, &session, error);
  job->create_ms = (g_get_monotonic_time () - start) / 1e3;
  if (job->session != NULL)
    report_precision (job);
  return job->session != NULL;
}

void
tool_job_clear (ToolJob *job)
{
  g_clear_pointer (&job->session, unet_session_unref);
  g_clear_pointer (&job->calibration, unet_calibration_unref);
  g_clear_pointer (&job->contract, unet_contract_free);
  g_clear_error (&job->contract_error);
  g_clear_pointer (&job->model, unet_model_unref);
}
