/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element's model: opened at start, exchanged while frames flow. */
#include "gstunetseg.h"

#include "log.h"

#include "model/notes.h"
#include "model/tensors.h"

/* ---- errors ----------------------------------------------------------- */

static void
classify (const GError *error, const gchar *path, GQuark *domain, gint *code)
{
  *domain = GST_STREAM_ERROR;
  *code = GST_STREAM_ERROR_DECODE;
  if (error->domain != UNET_ERROR)
    return;
  switch ((UnetError) error->code) {
    case UNET_ERROR_NOT_FOUND:
      *domain = GST_RESOURCE_ERROR;
      *code = path && g_file_test (path, G_FILE_TEST_EXISTS)
          ? GST_RESOURCE_ERROR_OPEN_READ
          : GST_RESOURCE_ERROR_NOT_FOUND;
      break;
    case UNET_ERROR_UNSUPPORTED:
      *code = GST_STREAM_ERROR_FORMAT;
      break;
    case UNET_ERROR_CONTRACT:
      *domain = GST_RESOURCE_ERROR;
      *code = GST_RESOURCE_ERROR_SETTINGS;
      break;
    case UNET_ERROR_LIMIT:
      *domain = GST_RESOURCE_ERROR;
      *code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      break;
    case UNET_ERROR_ENGINE:
      *domain = GST_RESOURCE_ERROR;
      *code = GST_RESOURCE_ERROR_FAILED;
      break;
    case UNET_ERROR_PARSE:
    case UNET_ERROR_SHAPE:
      break;
  }
}

static void
post (GstUnetSeg *self, GstMessageType type, const GError *error,
    const gchar *path, gchar *debug)
{
  GQuark domain;
  gint code;

  classify (error, path, &domain, &code);
  gst_element_message_full (GST_ELEMENT (self), type, domain, code,
      g_strdup (error->message), debug, __FILE__, GST_FUNCTION, __LINE__);
}

/* Once: upstream may offer the same caps again. */
void
gst_unet_seg_fail (GstUnetSeg *self, const GError *error)
{
  g_autofree gchar *path = NULL;

  if (self->failed)
    return;
  self->failed = TRUE;
  GST_OBJECT_LOCK (self);
  path = g_strdup (self->model);
  GST_OBJECT_UNLOCK (self);
  post (self, GST_MESSAGE_ERROR, error, path,
      g_strdup_printf ("model '%s'", path ? path : "built-in"));
}

/* ---- opening ---------------------------------------------------------- */

static GHashTable *
copy_overrides (GHashTable *overrides)
{
  GHashTable *copy =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, overrides);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_strdup (value));
  return copy;
}

static void
add_calibration (GstUnetSeg *self, GstStructure *info)
{
  UnetCalibration *calibration =
      unet_segmenter_get_calibration (self->segmenter);
  gdouble difference, iou;

  if (calibration == NULL || !unet_calibration_is_finished (calibration))
    return;
  unet_calibration_get_agreement (calibration, &difference, &iou);
  gst_structure_set (info, "calibration", G_TYPE_STRING,
      unet_calibration_get_data (calibration, NULL), "difference",
      G_TYPE_DOUBLE, difference, "iou", G_TYPE_DOUBLE, iou, NULL);
}

/* WIDTHxHEIGHT of the picture's input; owned by the caller. */
static gchar *
input_size (GstUnetSeg *self, UnetSession *session)
{
  const UnetContract *contract = unet_segmenter_get_contract (self->segmenter);
  gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  gint index = unet_model_find_input_index (
      unet_segmenter_get_model (self->segmenter), contract->input);
  const UnetTensorInfo *info = unet_session_get_input_info (session, index);

  return g_strdup_printf ("%dx%d", (gint) info->dims[nhwc ? 2 : 3],
      (gint) info->dims[nhwc ? 1 : 2]);
}

void
gst_unet_seg_describe (GstUnetSeg *self)
{
  UnetModel *model = unet_segmenter_get_model (self->segmenter);
  g_autofree gchar *contract =
      unet_contract_to_string (unet_segmenter_get_contract (self->segmenter));
  g_autofree gchar *size = NULL;
  UnetSession *session = unet_segmenter_get_session (self->segmenter);
  GstStructure *info = gst_structure_new ("application/x-unetseg-stats",
      "model", G_TYPE_STRING, unet_model_get_name (model), "contract",
      G_TYPE_STRING, contract, NULL);

  GST_INFO_OBJECT (self, "%s: %s", unet_model_get_name (model), contract);
  if (session) {
    size = input_size (self, session);
    gst_structure_set (info, "input-size", G_TYPE_STRING, size, "threads",
        G_TYPE_UINT, unet_session_get_threads (session), "precision",
        UNET_TYPE_PRECISION, unet_session_get_precision (session),
        "precision-note", G_TYPE_STRING,
        unet_session_get_precision_note (session), "flops", G_TYPE_UINT64,
        unet_session_get_flops (session), "arena-size", G_TYPE_UINT64,
        (guint64) unet_session_get_arena_size (session, NULL), "engine",
        G_TYPE_STRING, unet_session_get_engine_name (), NULL);
    add_calibration (self, info);
    GST_INFO_OBJECT (self, "session: %" GST_PTR_FORMAT, info);
  }
  GST_OBJECT_LOCK (self);
  g_clear_pointer (&self->session_info, gst_structure_free);
  self->session_info = info;
  GST_OBJECT_UNLOCK (self);
}

GstStructure *
gst_unet_seg_make_stats (GstUnetSeg *self)
{
  const GstUnetSegStats *stats = &self->stats;
  GstStructure *s = self->session_info
      ? gst_structure_copy (self->session_info)
      : gst_structure_new_empty ("application/x-unetseg-stats");

  gst_structure_set (s, "frames", G_TYPE_UINT64, stats->frames, "segmented",
      G_TYPE_UINT64, stats->segmented, "reused", G_TYPE_UINT64, stats->reused,
      "late", G_TYPE_UINT64, stats->late, "inference-time-median",
      G_TYPE_UINT64, gst_unet_timing_percentile (&stats->inference, 50),
      "inference-time-p95", G_TYPE_UINT64,
      gst_unet_timing_percentile (&stats->inference, 95), "latency",
      G_TYPE_UINT64, (guint64) self->latency, "frames-wait", G_TYPE_BOOLEAN,
      self->frames_wait, NULL);
  return s;
}

/* ---- sessions --------------------------------------------------------- */

/* Once for each reason: the same one comes with every size. */
static void
warn_of_note (GstUnetSeg *self)
{
  UnetSession *session = unet_segmenter_get_session (self->segmenter);
  const gchar *note = unet_session_get_precision_note (session);

  if (note == NULL || unet_segmenter_get_calibration (self->segmenter) == NULL
      || g_strcmp0 (note, self->note) == 0)
    return;
  g_free (self->note);
  self->note = g_strdup (note);
  GST_ELEMENT_WARNING (self, STREAM, NOT_IMPLEMENTED,
      ("The network stays in f32: %s.", note), (NULL));
}

/* Once for each model that is opened. */
static void
say_notes (GstUnetSeg *self)
{
  g_autoptr (GPtrArray) notes = unet_segmenter_take_notes (self->segmenter);

  for (guint i = 0; notes && i < notes->len; i++) {
    const UnetNote *note = g_ptr_array_index (notes, i);

    if (note->is_warning)
      GST_ELEMENT_WARNING (
          self, RESOURCE, SETTINGS, ("%s.", note->text), (NULL));
    else
      GST_INFO_OBJECT (self, "%s", note->text);
  }
}

UnetReadiness
gst_unet_seg_update (GstUnetSeg *self)
{
  g_autoptr (GError) error = NULL;
  gboolean changed;
  UnetReadiness readiness = unet_segmenter_update (
      self->segmenter, gst_unet_seg_is_exact (self), &changed, &error);

  if (readiness == UNET_FAILED)
    gst_unet_seg_fail (self, error);
  if (readiness != UNET_READY)
    return readiness;
  if (changed || !self->ready) {
    gst_unet_seg_describe (self);
    say_notes (self);
    warn_of_note (self);
  }
  self->ready = TRUE;
  return UNET_READY;
}

/* ---- opening and closing ---------------------------------------------- */

static void
request_init (GstUnetModelRequest *request, GstUnetSeg *self)
{
  request->live = gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self));
  GST_OBJECT_LOCK (self);
  request->path = g_strdup (self->model);
  request->overrides = copy_overrides (self->overrides);
  unet_run_options_copy (&request->options, &self->run_options);
  request->serial = self->model_serial;
  GST_OBJECT_UNLOCK (self);
}

static void
set_segmenter (GstUnetSeg *self, UnetSegmenter *segmenter)
{
  GST_OBJECT_LOCK (self);
  self->segmenter = segmenter;
  if (segmenter)
    unet_segmenter_interrupt (segmenter, self->interrupted);
  GST_OBJECT_UNLOCK (self);
}

void
gst_unet_seg_interrupt (GstUnetSeg *self, gboolean interrupted)
{
  GST_OBJECT_LOCK (self);
  self->interrupted = interrupted;
  if (self->segmenter)
    unet_segmenter_interrupt (self->segmenter, interrupted);
  GST_OBJECT_UNLOCK (self);
}

void
gst_unet_seg_cancel (GstUnetSeg *self)
{
  GST_OBJECT_LOCK (self);
  self->interrupted = TRUE;
  if (self->segmenter)
    unet_segmenter_cancel (self->segmenter);
  GST_OBJECT_UNLOCK (self);
}

gboolean
gst_unet_seg_open_model (GstUnetSeg *self)
{
  GstUnetModelRequest request;
  g_autoptr (GError) error = NULL;

  request_init (&request, self);
  self->jobs = unet_job_group_new ();
  set_segmenter (self,
      unet_segmenter_new (request.path, request.overrides, &request.options,
          request.live, &error));
  g_free (self->used_model);
  self->used_model = g_strdup (request.path);
  self->used_serial = request.serial;
  gst_unet_model_request_clear (&request);
  if (self->segmenter == NULL) {
    g_clear_pointer (&self->jobs, unet_job_group_free);
    gst_unet_seg_fail (self, error);
    return FALSE;
  }
  gst_unet_seg_describe (self);
  return TRUE;
}

void
gst_unet_seg_close_model (GstUnetSeg *self)
{
  UnetSegmenter *segmenter = self->segmenter;

  g_clear_pointer (&self->swap, gst_unet_model_swap_drop);
  set_segmenter (self, NULL);
  g_clear_pointer (&segmenter, unet_segmenter_free);
  g_clear_pointer (&self->jobs, unet_job_group_free);
}

/* ---- replacing -------------------------------------------------------- */

/* The property tells the model in use, unless it has been set again. */
static void
refuse (GstUnetSeg *self, const gchar *path, const GError *error)
{
  gboolean changed = FALSE;

  post (self, GST_MESSAGE_WARNING, error, path,
      g_strdup_printf ("model '%s' stays in use",
          self->used_model ? self->used_model : "built-in"));
  GST_OBJECT_LOCK (self);
  if (self->model_serial == self->used_serial) {
    g_free (self->model);
    self->model = g_strdup (self->used_model);
    changed = TRUE;
  }
  GST_OBJECT_UNLOCK (self);
  if (changed)
    g_object_notify (G_OBJECT (self), "model");
}

static void
begin_swap (GstUnetSeg *self)
{
  g_autoptr (GError) error = NULL;
  GstUnetModelRequest request;
  g_autofree gchar *path = NULL;
  guint serial;

  request_init (&request, self);
  path = g_strdup (request.path);
  serial = request.serial;
  GST_INFO_OBJECT (
      self, "loading '%s' in the background", path ? path : "built-in");
  self->swap = gst_unet_model_swap_new (
      self->jobs, &request, &self->info, self->orientation, &error);
  if (self->swap)
    return;
  self->used_serial = serial;
  refuse (self, path, error);
}

/* Caps may have changed while the model was loaded. */
static UnetSegmenter *
finish (GstUnetSeg *self, GError **error)
{
  UnetSegmenter *segmenter =
      gst_unet_model_swap_finish (g_steal_pointer (&self->swap), error);

  if (segmenter == NULL)
    return NULL;
  unet_segmenter_set_orientation (segmenter, self->orientation);
  unet_segmenter_set_info (segmenter, &self->info);
  if (unet_segmenter_update (
          segmenter, gst_unet_seg_is_exact (self), NULL, error)
      != UNET_FAILED)
    return segmenter;
  gst_unet_model_retire (self->jobs, segmenter);
  return NULL;
}

static gboolean
end_swap (GstUnetSeg *self)
{
  const GstUnetModelRequest *request =
      gst_unet_model_swap_get_request (self->swap);
  g_autofree gchar *path = g_strdup (request->path);
  g_autoptr (GError) error = NULL;
  UnetSegmenter *segmenter, *old = self->segmenter;

  self->used_serial = request->serial;
  segmenter = finish (self, &error);
  if (segmenter == NULL) {
    refuse (self, path, error);
    return FALSE;
  }
  set_segmenter (self, segmenter);
  gst_unet_model_retire (self->jobs, old);
  g_free (self->used_model);
  self->used_model = g_steal_pointer (&path);
  return TRUE;
}

gboolean
gst_unet_seg_swap_model (GstUnetSeg *self)
{
  gboolean taken = FALSE;
  guint wanted;

  GST_OBJECT_LOCK (self);
  wanted = self->model_serial;
  GST_OBJECT_UNLOCK (self);
  if (self->swap
      && gst_unet_model_swap_get_request (self->swap)->serial != wanted)
    g_clear_pointer (&self->swap, gst_unet_model_swap_drop);
  if (self->swap && gst_unet_model_swap_is_done (self->swap))
    taken = end_swap (self);
  if (self->swap == NULL && self->used_serial != wanted)
    begin_swap (self);
  return taken;
}
