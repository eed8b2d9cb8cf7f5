/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element's model: opened at start, exchanged while frames flow. */
#include "gstunetseg.h"

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

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

  if (calibration == NULL)
    return;
  unet_calibration_get_agreement (calibration, &difference, &iou);
  gst_structure_set (info, "calibration", G_TYPE_STRING,
      unet_calibration_get_data (calibration, NULL), "difference",
      G_TYPE_DOUBLE, difference, "iou", G_TYPE_DOUBLE, iou, NULL);
}

void
gst_unet_seg_settle (GstUnetSeg *self)
{
  const gchar *note;
  guint width, height;

  if (!unet_segmenter_settle (self->segmenter))
    return;
  gst_unet_seg_describe (self);
  note = unet_session_get_precision_note (
      unet_segmenter_get_session (self->segmenter, &width, &height));
  if (note && unet_segmenter_get_calibration (self->segmenter))
    GST_ELEMENT_WARNING (self, STREAM, NOT_IMPLEMENTED,
        ("The network stays in f32: %s.", note), (NULL));
}

void
gst_unet_seg_describe (GstUnetSeg *self)
{
  UnetModel *model = unet_segmenter_get_model (self->segmenter);
  g_autofree gchar *contract =
      unet_contract_to_string (unet_segmenter_get_contract (self->segmenter));
  g_autofree gchar *size = NULL;
  guint width, height;
  UnetSession *session =
      unet_segmenter_get_session (self->segmenter, &width, &height);
  GstStructure *info = gst_structure_new ("application/x-unetseg-stats",
      "model", G_TYPE_STRING, unet_model_get_name (model), "contract",
      G_TYPE_STRING, contract, NULL);

  GST_INFO_OBJECT (self, "%s: %s", unet_model_get_name (model), contract);
  if (session) {
    size = g_strdup_printf ("%ux%u", width, height);
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

/* Everything that a model is opened with; the properties may change. */
typedef struct {
  gchar *path; /* (nullable) */
  GHashTable *overrides;
  UnetArithmetic arithmetic;
  guint serial;
} Request;

static void
request_init (Request *request, GstUnetSeg *self)
{
  GST_OBJECT_LOCK (self);
  request->path = g_strdup (self->model);
  request->overrides = copy_overrides (self->overrides);
  unet_arithmetic_copy (&request->arithmetic, &self->arithmetic);
  request->serial = self->model_serial;
  GST_OBJECT_UNLOCK (self);
}

static void
request_clear (Request *request)
{
  g_free (request->path);
  unet_arithmetic_clear (&request->arithmetic);
  g_hash_table_unref (request->overrides);
}

gboolean
gst_unet_seg_open_model (GstUnetSeg *self)
{
  g_autoptr (GError) error = NULL;
  Request request;

  request_init (&request, self);
  self->segmenter = unet_segmenter_new (request.path, request.overrides,
      &request.arithmetic,
      gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self)), &error);
  g_free (self->used_model);
  self->used_model = g_strdup (request.path);
  self->used_serial = request.serial;
  request_clear (&request);
  if (self->segmenter == NULL) {
    gst_unet_seg_fail (self, error);
    return FALSE;
  }
  gst_unet_seg_describe (self);
  return TRUE;
}

void
gst_unet_seg_close_model (GstUnetSeg *self)
{
  g_clear_pointer (&self->swap, unet_swap_free);
  unet_swap_join_retired (&self->retiring);
  g_clear_pointer (&self->segmenter, unet_segmenter_free);
}

/* ---- exchanging ------------------------------------------------------- */

static void
begin_swap (GstUnetSeg *self)
{
  Request request;

  request_init (&request, self);
  GST_INFO_OBJECT (self, "loading '%s' beside the model in use",
      request.path ? request.path : "built-in");
  self->swap = unet_swap_new (request.path, request.overrides,
      &request.arithmetic, &self->info, self->orientation,
      gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self)), request.serial);
  request_clear (&request);
}

/* The property tells what is in use, unless somebody has set it again. */
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

/* Caps may have changed while it was loaded. */
static UnetSegmenter *
finish (GstUnetSeg *self, UnetSwap *swap, GError **error)
{
  UnetSegmenter *segmenter = unet_swap_finish (swap, error);

  if (segmenter == NULL)
    return NULL;
  unet_segmenter_set_orientation (segmenter, self->orientation);
  if (unet_segmenter_set_info (segmenter, &self->info, error))
    return segmenter;
  unet_swap_retire (&self->retiring, segmenter);
  return NULL;
}

static gboolean
end_swap (GstUnetSeg *self)
{
  UnetSwap *swap = g_steal_pointer (&self->swap);
  g_autofree gchar *path = g_strdup (unet_swap_get_path (swap));
  g_autoptr (GError) error = NULL;
  UnetSegmenter *segmenter;

  self->used_serial = unet_swap_get_serial (swap);
  segmenter = finish (self, swap, &error);
  if (segmenter == NULL) {
    refuse (self, path, error);
    return FALSE;
  }
  unet_swap_retire (&self->retiring, self->segmenter);
  self->segmenter = segmenter;
  g_free (self->used_model);
  self->used_model = g_steal_pointer (&path);
  return TRUE;
}

/* Somebody has changed his mind meanwhile. */
static void
drop_swap (GstUnetSeg *self)
{
  UnetSegmenter *segmenter =
      unet_swap_finish (g_steal_pointer (&self->swap), NULL);

  if (segmenter)
    unet_swap_retire (&self->retiring, segmenter);
}

gboolean
gst_unet_seg_swap_model (GstUnetSeg *self)
{
  gboolean taken = FALSE;
  guint wanted;

  if (self->failed)
    return FALSE;
  GST_OBJECT_LOCK (self);
  wanted = self->model_serial;
  GST_OBJECT_UNLOCK (self);
  if (self->swap && unet_swap_is_done (self->swap)) {
    if (unet_swap_get_serial (self->swap) == wanted)
      taken = end_swap (self);
    else
      drop_swap (self);
  }
  if (self->swap == NULL && self->used_serial != wanted)
    begin_swap (self);
  return taken;
}
