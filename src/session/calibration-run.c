/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"
#include "session/calibration-frames.h"
#include "session/mask-agreement.h"
#include "engine/emit/histogram.h"
#include "base/tensor-info.h"
#include "model/model.h"
#include "model/tensors.h"
#include "session/session.h"
#include <string.h>

/* Finds ranges, compares, and leaves in f32 what matters most. */

typedef struct {
  UnetCalibration *calibration;
  UnetCalibrationFrames *own;   /* of @calibration */
  const UnetContract *contract; /* (nullable) */
  UnetSessionOptions options;
  guint output;
  guint first_held; /* frames from here on are for comparing */
  GPtrArray *truth; /* of GBytes: results in f32, by frame */
  guint64 flops;    /* of a run */
} Job;

/* ---- runs ---------------------------------------------------------------- */

static UnetSession *
open_session (const Job *job, const UnetSessionPurpose *purpose, GError **error)
{
  return unet_session_compile (job->own->source, job->contract,
      job->own->shapes, job->own->n_shapes, &job->options, purpose, error);
}

static gboolean
run_frame (const Job *job, UnetSession *session, guint frame, GError **error)
{
  GPtrArray *inputs = g_ptr_array_index (job->own->frames, frame);

  if (g_cancellable_set_error_if_cancelled (job->options.cancellable, error))
    return FALSE;
  if (g_atomic_int_get (&job->calibration->cancelled)) {
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_ENGINE, "the calibration was cancelled");
    return FALSE;
  }
  for (guint i = 0; i < inputs->len; i++) {
    GBytes *bytes = g_ptr_array_index (inputs, i);

    memcpy (unet_session_get_input_data (session, i),
        g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
  return unet_session_run (session, error);
}

static GBytes *
take_result (const Job *job, UnetSession *session)
{
  const UnetTensorInfo *info =
      unet_session_get_output_info (session, job->output);

  return g_bytes_new (unet_session_get_output_data (session, job->output),
      unet_tensor_info_size (info));
}

/* ---- ranges -------------------------------------------------------------- */

static void
take_ranges (UnetCalibration *self, GHashTable *histograms)
{
  GHashTableIter iter;
  gpointer name, histogram;

  g_hash_table_iter_init (&iter, histograms);
  while (g_hash_table_iter_next (&iter, &name, &histogram)) {
    UnetRange range = unet_histogram_range (histogram);

    g_hash_table_insert (
        self->ranges, g_strdup (name), g_memdup2 (&range, sizeof range));
  }
}

/* Every frame in f32; the ranges are those of the frames not held back. */
static gboolean
watch (Job *job, GError **error)
{
  GHashTable *histograms = unet_histograms_new ();
  UnetSessionPurpose purpose = { NULL, histograms };
  UnetSession *session = open_session (job, &purpose, error);
  guint n = job->own->frames->len, i = 0;

  if (session)
    job->flops = unet_session_get_flops (session);

  for (; session && i < n && run_frame (job, session, i, error); i++) {
    g_ptr_array_add (job->truth, take_result (job, session));
    if (i + 1 == job->first_held || n == 1)
      take_ranges (job->calibration, histograms);
  }
  g_clear_pointer (&session, unet_session_unref);
  g_hash_table_unref (histograms);
  return i == n;
}

/* ---- comparison ---------------------------------------------------------- */

static gboolean
compare (const Job *job, guint first, guint last, UnetAgreement *agreement,
    GError **error)
{
  UnetLowPrecision narrowing = { FALSE, job->calibration->ranges,
    job->calibration->keep_f32 };
  UnetSessionPurpose purpose = { &narrowing, NULL };
  UnetSession *session = open_session (job, &purpose, error);
  guint i = first;

  *agreement = (UnetAgreement){ 0 };
  for (; session && i < last && run_frame (job, session, i, error); i++)
    unet_agreement_add (agreement,
        unet_session_get_output_info (session, job->output), job->contract,
        g_bytes_get_data (g_ptr_array_index (job->truth, i), NULL),
        unet_session_get_output_data (session, job->output));
  g_clear_pointer (&session, unet_session_unref);
  return i == last;
}

static gboolean
compare_held (const Job *job, GError **error)
{
  UnetCalibration *c = job->calibration;
  UnetAgreement a;

  if (!compare (job, job->first_held, job->own->frames->len, &a, error))
    return FALSE;
  c->difference = unet_agreement_difference (&a);
  c->iou = unet_agreement_iou (&a);
  return TRUE;
}

/* ---- sensitive layers ---------------------------------------------------- */

typedef struct {
  const gchar *name;
  gdouble difference; /* that remains while this one is in f32 */
} Layer;

static gint
by_difference (gconstpointer a, gconstpointer b)
{
  gdouble x = ((const Layer *) a)->difference;
  gdouble y = ((const Layer *) b)->difference;

  return x < y ? -1 : x > y;
}

/* Convolutions as the optimised network has them. */
static GArray *
list_layers (const Job *job, GError **error)
{
  UnetLowPrecision narrowing = { FALSE, job->calibration->ranges, NULL };
  UnetSessionPurpose purpose = { &narrowing, NULL };
  UnetSession *session = open_session (job, &purpose, error);
  const UnetGraph *graph = session ? unet_session_get_graph (session) : NULL;
  GArray *layers = g_array_new (FALSE, TRUE, sizeof (Layer));

  for (guint i = 0; graph && i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    Layer layer = { g_intern_string (node->name), 0 };

    if (node->op == UNET_OP_Conv || node->op == UNET_OP_ConvTranspose)
      g_array_append_val (layers, layer);
  }
  g_clear_pointer (&session, unet_session_unref);
  return layers;
}

/* Operations that the search may take, so that it ends after some seconds: a
 * number and no time, so that the same frames give the same result. */
#define SEARCH_FLOPS G_GUINT64_CONSTANT (3000000000000)

/* From both ends, where layers matter most. */
static gboolean
is_measured (const Job *job, const GArray *layers, guint i)
{
  guint from_end = MIN (i, layers->len - 1 - i);

  return (2 * from_end + 1) * job->flops <= SEARCH_FLOPS;
}

/* How much each layer's rounding contributes, seen on a frame that is not
 * held back. */
static gboolean
measure_layers (const Job *job, GArray *layers, GError **error)
{
  for (guint i = 0; i < layers->len; i++) {
    Layer *layer = &g_array_index (layers, Layer, i);
    UnetAgreement a;
    gboolean ok;

    layer->difference = 2; /* more than any */
    if (!is_measured (job, layers, i))
      continue;
    g_hash_table_add (job->calibration->keep_f32, g_strdup (layer->name));
    ok = compare (job, 0, 1, &a, error);
    g_hash_table_remove (job->calibration->keep_f32, layer->name);
    if (!ok)
      return FALSE;
    layer->difference = unet_agreement_difference (&a);
  }
  g_array_sort (layers, by_difference);
  return TRUE;
}

static void
set_f32 (
    const Job *job, const GArray *layers, guint first, guint n, gboolean on)
{
  for (guint i = first; i < first + n; i++) {
    const gchar *name = g_array_index (layers, Layer, i).name;

    if (on)
      g_hash_table_add (job->calibration->keep_f32, g_strdup (name));
    else
      g_hash_table_remove (job->calibration->keep_f32, name);
  }
}

/* Keeps up to a quarter of the layers in f32; beyond that int8 gains nothing.
 * Their order comes from one frame, so that the held ones may show no gain.
 * Such layers stay in int8: two roundings may have cancelled out. */
static gboolean
widen_layers (const Job *job, const GArray *layers, GError **error)
{
  UnetCalibration *c = job->calibration;
  guint most = (layers->len + 3) / 4, n = 0;

  for (guint step = 1; n < most && !unet_calibration_agrees (c); step *= 2) {
    const gdouble difference = c->difference, iou = c->iou;

    step = MIN (step, most - n);
    set_f32 (job, layers, n, step, TRUE);
    if (!compare_held (job, error))
      return FALSE;
    if (c->difference >= difference) {
      set_f32 (job, layers, n, step, FALSE);
      c->difference = difference;
      c->iou = iou;
    }
    n += step;
  }
  return TRUE;
}

static gboolean
spare_sensitive (const Job *job, GError **error)
{
  GArray *layers = list_layers (job, error);
  gboolean ok = layers->len > 0 && measure_layers (job, layers, error)
      && widen_layers (job, layers, error);

  g_array_unref (layers);
  return ok;
}

/* ---- all of it ----------------------------------------------------------- */

static void
job_init (Job *job, UnetCalibration *self, const UnetContract *contract,
    const UnetSessionOptions *options)
{
  const UnetSessionOptions init = UNET_SESSION_OPTIONS_INIT;
  UnetCalibrationFrames *own = unet_calibration_get_frames (self);
  guint n = own->frames->len;
  gint output;

  *job = (Job){ self, own, contract, options ? *options : init, 0, 0, NULL, 0 };
  job->options.tuning = UNET_TUNING_STATIC;
  job->options.profile = FALSE;
  job->options.calibration = NULL;
  job->truth = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  job->first_held = n - n / 3;
  if (job->first_held == n) /* too few to hold any back */
    job->first_held = MAX (n, 1) - 1;
  output = contract
      ? unet_model_find_output_index (own->source, contract->output)
      : 0;
  job->output = (guint) MAX (output, 0);
}

static gboolean
check_frames (UnetCalibration *self, GError **error)
{
  UnetModel *model = unet_calibration_get_frames (self)->source;

  if (self->n_frames > 0 && !unet_model_is_quantized (model))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT, "%s: %s",
      unet_model_get_name (model),
      self->n_frames > 0 ? "has scales of its own"
                         : "no frames to calibrate with");
  return FALSE;
}

gboolean
unet_calibration_finish (UnetCalibration *self, const UnetContract *contract,
    const UnetSessionOptions *options, GError **error)
{
  gboolean ok;
  Job job;

  g_return_val_if_fail (!self->finished, FALSE);
  if (!check_frames (self, error))
    return FALSE;
  job_init (&job, self, contract, options);
  ok = watch (&job, error) && compare_held (&job, error);
  if (ok) {
    self->finished = TRUE; /* for unet_calibration_agrees () */
    ok = unet_calibration_agrees (self) || spare_sensitive (&job, error);
  }
  self->finished = ok;
  g_ptr_array_unref (job.truth);
  if (ok)
    g_ptr_array_set_size (job.own->frames, 0);
  return ok;
}
