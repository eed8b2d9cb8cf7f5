/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/compile.h"

#include "base/tensor-info.h"
#include "segment/log.h"
#include "segment/session-pool.h"
#include "session/session.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <string.h>

/* ---- what is compiled ---------------------------------------------------- */

UnetCompilation *
unet_compilation_new (UnetModel *model, const UnetContract *contract,
    guint input, const UnetSessionOptions *options)
{
  UnetCompilation *self = g_new0 (UnetCompilation, 1);

  self->model = unet_model_ref (model);
  self->contract = unet_contract_copy (contract);
  self->input = input;
  self->options = *options;
  return self;
}

void
unet_compilation_free (UnetCompilation *self)
{
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  g_free (self->calibration_path);
  unet_contract_free (self->contract);
  unet_model_unref (self->model);
  g_free (self);
}

void
unet_compiled_clear (UnetCompiled *self)
{
  g_clear_pointer (&self->session, unet_session_unref);
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  memset (self, 0, sizeof (*self));
}

void
unet_compiled_free (UnetCompiled *self)
{
  unet_compiled_clear (self);
  g_free (self);
}

/* ---- runs ---------------------------------------------------------------- */

static gboolean
time_run (UnetCompilation *self, UnetSession *session,
    GCancellable *cancellable, guint64 *time, GError **error)
{
  GstClockTime start = gst_util_get_timestamp ();
  gboolean ok;

  unet_session_clear_inputs (session);
  unet_session_set_cancellable (session, cancellable);
  ok = unet_session_run (session, error);
  unet_session_set_cancellable (session, NULL);
  if (!ok)
    return FALSE;
  *time = gst_util_get_timestamp () - start;
  return TRUE;
}

/* Runs the network twice, since the first run touches memory for the first
 * time. A time that is too long for one thread may have been disturbed, and is
 * taken again up to three times. */
static gboolean
warm_up (UnetCompilation *self, UnetCompiled *to, GCancellable *cancellable,
    GError **error)
{
  guint64 time;

  for (guint i = 0; i < 2; i++)
    if (!time_run (self, to->session, cancellable, &to->run_time, error))
      return FALSE;
  for (guint i = 0;
       i < 3 && to->threads == 1 && to->run_time > self->choice.budget; i++) {
    if (!time_run (self, to->session, cancellable, &time, error))
      return FALSE;
    to->run_time = MIN (to->run_time, time);
  }
  return TRUE;
}

/* ---- by rule ------------------------------------------------------------- */

/* Sets to->session, and to->run_time where the session was used before. Returns
 * whether it was. */
static gboolean
get_session (UnetCompilation *self, UnetCompiled *to, GCancellable *cancellable,
    GError **error)
{
  UnetSessionOptions options = self->options;
  gboolean reused;

  options.threads = to->threads;
  options.tuning = self->measures ? UNET_TUNING_MEASURE : UNET_TUNING_STATIC;
  options.calibration = self->calibration;
  options.cancellable = cancellable;
  to->session = unet_session_pool_get (self->model, self->contract, self->width,
      self->height, &options, &to->run_time, &reused, error);
  return reused;
}

/* The time of one thread is kept, so that the choice can be made again. */
static gboolean
compile_by_rule (UnetCompilation *self, UnetCompiled *to,
    GCancellable *cancellable, GError **error)
{
  to->threads = self->choice.chooses ? unet_thread_choice_get (&self->choice)
                                     : self->options.threads;
  get_session (self, to, cancellable, error);
  if (to->session == NULL)
    return FALSE;
  if (to->run_time == 0) {
    if (!warm_up (self, to, cancellable, error))
      return FALSE;
    unet_session_pool_note (to->session, to->run_time);
  }
  if (self->choice.chooses && to->threads == 1)
    to->alone = to->run_time;
  return TRUE;
}

/* ---- measured ------------------------------------------------------------ */

static void
cancel_calibration (GCancellable *cancellable, UnetCalibration *calibration)
{
  unet_calibration_cancel (calibration);
}

static gboolean
finish_calibration (
    UnetCompilation *self, GCancellable *cancellable, GError **error)
{
  gulong handler = 0;
  gboolean ok;

  if (cancellable)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (cancel_calibration), self->calibration, NULL);
  ok = unet_calibration_finish (
      self->calibration, self->contract, &self->options, error);
  if (cancellable)
    g_cancellable_disconnect (cancellable, handler);
  return ok;
}

static gboolean
calibrate (UnetCompilation *self, GCancellable *cancellable, GError **error)
{
  gdouble difference, iou;
  guint n;

  if (self->calibration == NULL
      || unet_calibration_is_finished (self->calibration))
    return TRUE;
  if (!finish_calibration (self, cancellable, error))
    return FALSE;
  unet_calibration_get_agreement (self->calibration, &difference, &iou);
  unet_calibration_get_data (self->calibration, &n);
  GST_INFO ("%s: calibrated on %u frames: probabilities differ by %.5f, "
            "intersection over union %.5f",
      unet_model_get_name (self->model), n, difference, iou);
  return self->calibration_path == NULL
      || unet_calibration_save (
          self->calibration, self->calibration_path, error);
}

/* Returns memory to the system: measuring takes and frees several times what
 * the session keeps, and glibc holds it for a thread that ends. */
static void
trim_memory (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

static gboolean
compile_measured (UnetCompilation *self, UnetCompiled *to,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!calibrate (self, cancellable, &local))
    GST_WARNING ("calibration: %s", local->message);
  to->threads = self->options.threads;
  if (!get_session (self, to, cancellable, error))
    trim_memory ();
  return to->session != NULL;
}

/* ---- either -------------------------------------------------------------- */

UnetCompiled *
unet_compile (UnetCompilation *self, GCancellable *cancellable, GError **error)
{
  UnetCompiled *to = g_new0 (UnetCompiled, 1);
  gboolean ok;

  to->width = self->width;
  to->height = self->height;
  to->by_rule = !self->measures;
  ok = self->measures ? compile_measured (self, to, cancellable, error)
                      : compile_by_rule (self, to, cancellable, error);
  if (!ok)
    g_clear_pointer (&to, unet_compiled_free);
  else if (self->calibration)
    to->calibration = unet_calibration_ref (self->calibration);
  return to;
}
