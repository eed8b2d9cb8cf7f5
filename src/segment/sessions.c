/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/sessions.h"

#include "base/tensor-info.h"
#include "segment/auto-calibration.h"
#include "segment/log.h"
#include "session/session.h"

#include <string.h>

/* Sessions that are kept beside the one in use: a stream that switches between
 * two or three sizes never compiles again. */
#define N_RECENT 2
/* Bytes of their arenas together. Above, the oldest is freed: a network of
 * 1024x1024 pixels can take hundreds of megabytes. */
#define RECENT_BYTES (G_GUINT64_CONSTANT (512) << 20)

struct _UnetSessions {
  UnetModel *model;
  UnetContract *contract;
  guint input;
  UnetSessionOptions options;
  gboolean live;
  UnetThreadChoice choice;
  UnetAutoCalibration calibration;
  UnetJobGroup *jobs;

  guint width, height;           /* asked for; 0: nothing yet */
  UnetCompiled current;          /* without session: none of that size */
  UnetCompiled recent[N_RECENT]; /* the newest first */
  UnetJob *job;                  /* (nullable): the next session */
  gboolean measures;             /* the job does */
  gboolean is_by_rule;           /* the one in use; no other was begun */
};

UnetSessions *
unet_sessions_new (UnetModel *model, const UnetContract *contract, guint input,
    const UnetRunOptions *options, UnetJobGroup *jobs, GError **error)
{
  UnetSessions *self = g_new0 (UnetSessions, 1);

  self->model = unet_model_ref (model);
  self->contract = unet_contract_copy (contract);
  self->input = input;
  self->jobs = jobs;
  self->options = (UnetSessionOptions) UNET_SESSION_OPTIONS_INIT;
  self->options.threads = options->threads;
  self->options.precision = options->precision;
  unet_session_count_threads (1); /* before there are threads of a stream */
  unet_thread_choice_init (&self->choice, options->threads);
  if (contract->fit == UNET_FIT_TILE) /* many runs for a frame */
    self->choice.chooses = FALSE;
  if (!unet_auto_calibration_init (&self->calibration, model, options, error))
    g_clear_pointer (&self, unet_sessions_free);
  return self;
}

static void
drop_job (UnetSessions *self)
{
  g_clear_pointer (&self->job, unet_job_drop);
}

void
unet_sessions_free (UnetSessions *self)
{
  drop_job (self);
  unet_thread_choice_leave (&self->choice);
  unet_compiled_clear (&self->current);
  for (guint i = 0; i < N_RECENT; i++)
    unet_compiled_clear (&self->recent[i]);
  unet_auto_calibration_clear (&self->calibration);
  unet_contract_free (self->contract);
  unet_model_unref (self->model);
  g_free (self);
}

void
unet_sessions_set_info (
    UnetSessions *self, const GstVideoInfo *info, gboolean live)
{
  self->live = live;
  unet_thread_choice_set_info (&self->choice, info, live);
  if (info->finfo && GST_VIDEO_INFO_WIDTH (info) > 0)
    unet_thread_choice_join (&self->choice);
}

/* ---- background ---------------------------------------------------------- */

static gpointer
compile (gpointer data, GCancellable *cancellable, GError **error)
{
  return unet_compile (data, cancellable, error);
}

static UnetCompilation *
new_compilation (UnetSessions *self, gboolean measures)
{
  UnetCompilation *what = unet_compilation_new (
      self->model, self->contract, self->input, &self->options);
  UnetCalibration *calibration = measures
      ? self->calibration.calibration
      : unet_auto_calibration_get_finished (&self->calibration);

  what->width = self->width;
  what->height = self->height;
  what->measures = measures;
  what->choice = self->choice;
  if (calibration)
    what->calibration = unet_calibration_ref (calibration);
  what->calibration_path = g_strdup (self->calibration.path);
  return what;
}

/* Without a thread, a session by rule is compiled here, and a measured one not
 * at all. */
static UnetCompiled *
start (UnetSessions *self, gboolean measures, GError **error)
{
  UnetCompilation *what = new_compilation (self, measures);
  g_autoptr (GError) no_thread = NULL;
  UnetCompiled *compiled = NULL;

  self->measures = measures;
  self->job = unet_job_start (self->jobs, "unetseg-compile", compile, what,
      (GDestroyNotify) unet_compilation_free,
      (GDestroyNotify) unet_compiled_free, &no_thread);
  if (self->job)
    return NULL;
  GST_WARNING ("no thread to compile in: %s", no_thread->message);
  if (!measures)
    compiled = unet_compile (what, NULL, error);
  unet_compilation_free (what);
  return compiled;
}

/* ---- sizes --------------------------------------------------------------- */

static gboolean
suits (const UnetSessions *self, const UnetCompiled *compiled)
{
  UnetCalibration *finished = NULL;

  if (!self->job) /* which may be at work with it */
    finished = unet_auto_calibration_get_finished (&self->calibration);
  return compiled->session && compiled->width == self->width
      && compiled->height == self->height
      && (!self->choice.chooses
          || unet_thread_choice_get (&self->choice) == compiled->threads)
      && (finished == NULL || compiled->calibration == finished);
}

static guint64
arena_bytes (const UnetCompiled *compiled)
{
  return compiled->session
      ? unet_session_get_arena_size (compiled->session, NULL)
      : 0;
}

/* Keeps the session in use as the newest of the recent ones. */
static void
retire (UnetSessions *self)
{
  guint64 bytes = 0;

  if (self->current.session == NULL)
    return;
  unet_compiled_clear (&self->recent[N_RECENT - 1]);
  memmove (&self->recent[1], &self->recent[0],
      (N_RECENT - 1) * sizeof (*self->recent));
  self->recent[0] = self->current;
  memset (&self->current, 0, sizeof (self->current));
  for (guint i = 0; i < N_RECENT; i++) {
    bytes += arena_bytes (&self->recent[i]);
    if (bytes > RECENT_BYTES)
      unet_compiled_clear (&self->recent[i]);
  }
}

static gboolean
recall (UnetSessions *self)
{
  for (guint i = 0; i < N_RECENT; i++) {
    UnetCompiled found = self->recent[i];

    if (!suits (self, &found))
      continue;
    memset (&self->recent[i], 0, sizeof (self->recent[i]));
    retire (self);
    self->current = found;
    self->is_by_rule = found.by_rule;
    return TRUE;
  }
  return FALSE;
}

gboolean
unet_sessions_request (UnetSessions *self, guint width, guint height)
{
  gboolean same = self->width == width && self->height == height;

  self->width = width;
  self->height = height;
  if (suits (self, &self->current))
    return TRUE;
  if (same && self->job && self->current.session == NULL)
    return FALSE; /* on its way */
  if (self->job && self->measures)
    unet_auto_calibration_restart (&self->calibration);
  drop_job (self);
  if (!same) {
    unet_auto_calibration_restart (&self->calibration);
    self->choice.alone = 0;
  }
  self->is_by_rule = FALSE;
  if (recall (self))
    return TRUE;
  retire (self);
  return FALSE;
}

/* ---- between two frames -------------------------------------------------- */

/* A recurrent network's memory goes on in another session of the same
 * shapes. */
static void
copy_inputs (UnetSessions *self, UnetSession *to)
{
  for (guint i = 0; i < unet_model_get_n_inputs (self->model); i++)
    memcpy (unet_session_get_input_data (to, i),
        unet_session_get_input_data (self->current.session, i),
        unet_tensor_info_size (unet_session_get_input_info (to, i)));
}

static void
take_first (UnetSessions *self, UnetCompiled *compiled)
{
  unet_compiled_clear (&self->current);
  self->current = *compiled;
  g_free (compiled);
  if (self->current.alone > 0)
    self->choice.alone = self->current.alone;
  if (self->choice.chooses)
    self->options.threads = self->current.threads;
  self->is_by_rule = TRUE;
  /* The rate of the frames, or other streams, may have come meanwhile. */
  if (!suits (self, &self->current))
    unet_compiled_clear (&self->current);
}

static void
take_measured (UnetSessions *self, UnetCompiled *compiled)
{
  copy_inputs (self, compiled->session);
  compiled->run_time = self->current.run_time;
  compiled->alone = self->current.alone;
  unet_compiled_clear (&self->current);
  self->current = *compiled;
  g_free (compiled);
}

/* Starts what the session in use lacks. */
static void
start_next (UnetSessions *self)
{
  gboolean calibrates, misfits;

  if (self->job || self->current.session == NULL)
    return;
  calibrates = unet_auto_calibration_end_collecting (&self->calibration);
  misfits = self->calibration.collecting == NULL && !calibrates
      && unet_thread_choice_should_change (
          &self->choice, self->options.threads);
  if (misfits) {
    self->choice.misfits = 0;
    self->options.threads = unet_thread_choice_get (&self->choice);
  }
  if (self->is_by_rule || calibrates || misfits)
    start (self, TRUE, NULL);
  self->is_by_rule = FALSE;
}

/* Returns whether the session in use is another one. */
static gboolean
take (UnetSessions *self, UnetCompiled *compiled, const GError *error)
{
  if (self->measures && compiled == NULL) {
    GST_WARNING ("the session by rule stays: %s", error->message);
    return FALSE;
  }
  if (self->measures)
    take_measured (self, compiled);
  else
    take_first (self, compiled);
  return TRUE;
}

static UnetReadiness
readiness (const UnetSessions *self)
{
  return self->current.session ? UNET_READY : UNET_PENDING;
}

/* Returns whether the job is done, after waiting where that is wanted. */
static gboolean
wait (UnetSessions *self, gboolean waits)
{
  if (unet_job_is_done (self->job))
    return TRUE;
  if (!waits || (self->live && self->current.session))
    return FALSE;
  return unet_job_wait (self->job);
}

UnetReadiness
unet_sessions_update (
    UnetSessions *self, gboolean waits, gboolean *changed, GError **error)
{
  if (changed)
    *changed = FALSE;
  if (self->width == 0)
    return UNET_PENDING;
  for (;;) {
    GError *local = NULL;
    UnetCompiled *compiled = NULL;

    start_next (self);
    if (self->job == NULL && self->current.session)
      return UNET_READY;
    if (self->job == NULL)
      compiled = start (self, FALSE, &local);
    if (self->job) {
      if (!wait (self, waits))
        return readiness (self);
      compiled = unet_job_finish (g_steal_pointer (&self->job), &local);
    }
    if (compiled == NULL && !self->measures) {
      g_propagate_error (error, local);
      return UNET_FAILED;
    }
    if (take (self, compiled, local) && changed)
      *changed = TRUE;
    g_clear_error (&local);
  }
}

/* ---- what there is ------------------------------------------------------- */

UnetSession *
unet_sessions_get (UnetSessions *self)
{
  return self->current.session;
}

guint64
unet_sessions_get_run_time (UnetSessions *self)
{
  return self->current.run_time;
}

UnetCalibration *
unet_sessions_ref_collecting (UnetSessions *self)
{
  return unet_auto_calibration_ref_collecting (&self->calibration);
}

UnetCalibration *
unet_sessions_get_calibration (UnetSessions *self)
{
  return self->current.calibration;
}
