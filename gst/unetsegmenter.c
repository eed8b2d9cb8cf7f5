/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unetsegmenter.h"
#include "frame/format/placement.h"
#include "frame/input/preprocess.h"
#include "frame/format/mask.h"
#include "frame/mask/bounding-box.h"
#include "frame/time/guide.h"
#include "frame/time/temporal-filter.h"
#include "frame/time/scene-change.h"
#include "frame/time/mask-motion.h"
#include "frame/mask/postprocess.h"

#include "session/tiles.h"
#include "frame/format/frame-map.h"
#include "unetpace.h"

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

/* Frames of a stream that int8 is learnt from; a third of them only tells
 * whether masks agree. */
#define CALIBRATION_FRAMES 12

struct _UnetSegmenter {
  UnetModel *model;
  UnetContract *contract;
  UnetSessionOptions options;
  gboolean live;
  gchar *calibration_path;      /* (nullable) */
  UnetCalibration *collecting;  /* (nullable): waits for frames */
  UnetCalibration *calibration; /* (nullable): finished, or being so */
  UnetBeside *beside;           /* (nullable): the next session */

  UnetSession *session; /* (nullable) */
  guint input_width, input_height;
  guint input, output;  /* indices */
  guint64 run_estimate; /* nanoseconds */
  UnetPace pace;
  gboolean is_by_rule; /* and measuring has not begun yet */

  GstVideoInfo info;
  GstVideoOrientationMethod orientation; /* what makes frames upright */
  UnetTiles *tiles;                      /* (nullable): fit=tile */
  UnetPreprocess *preprocess;
  UnetPostprocess *postprocess;
  UnetMask shape;         /* without data */
  UnetTemporal *temporal; /* (nullable): not held yet */
  UnetScene *scene;       /* (nullable): never compared */
  gboolean compared;      /* the frame that is read next */
  UnetMaskMotion *carry;  /* (nullable): never carried */
  gboolean watched;       /* the frame that is read next, too */
  gdouble elapsed, time_constant;
  gboolean holds; /* the frame that was read last */
  UnetMaskPool pool;
  UnetSegClasses *classes;
};

/* ---- model and session ------------------------------------------------ */

static gboolean
find_tensor (UnetModel *model, const gchar *name, guint n,
    const UnetTensorInfo *(*get) (const UnetModel *, guint), guint *index,
    GError **error)
{
  for (guint i = 0; i < n; i++) {
    if (g_strcmp0 (get (model, i)->name, name) == 0) {
      *index = i;
      return TRUE;
    }
  }
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
      "%s: no tensor is called '%s'", unet_model_get_name (model), name);
  return FALSE;
}

static gsize
input_size (UnetSegmenter *self, guint index)
{
  const UnetTensorInfo *info =
      unet_session_get_input_info (self->session, index);
  gsize size = unet_dtype_size (info->dtype);

  for (guint d = 0; d < info->n_dims; d++)
    size *= info->dims[d];
  return size;
}

/* Inputs beside the picture hold zeros. */
static void
clear_inputs (UnetSegmenter *self)
{
  for (guint i = 0; i < unet_model_get_n_inputs (self->model); i++)
    memset (unet_session_get_input_data (self->session, i), 0,
        input_size (self, i));
}

/* A network's memory goes on in another session of the same shapes. */
static void
copy_inputs (UnetSegmenter *self, UnetSession *to)
{
  for (guint i = 0; i < unet_model_get_n_inputs (self->model); i++)
    memcpy (unet_session_get_input_data (to, i),
        unet_session_get_input_data (self->session, i), input_size (self, i));
}

static gboolean
time_run (UnetSegmenter *self, guint64 *time, GError **error)
{
  GstClockTime start = gst_util_get_timestamp ();

  clear_inputs (self);
  if (!unet_session_run (self->session, error))
    return FALSE;
  *time = gst_util_get_timestamp () - start;
  return TRUE;
}

/* The first run touches memory for the first time, the second one counts. What
 * looks too slow for one thread may have been disturbed. */
static gboolean
warm_up (UnetSegmenter *self, GError **error)
{
  guint64 time;

  for (guint i = 0; i < 2; i++)
    if (!time_run (self, &self->run_estimate, error))
      return FALSE;
  for (guint i = 0; i < 3 && self->options.threads == 1
       && self->run_estimate > self->pace.budget;
       i++) {
    if (!time_run (self, &time, error))
      return FALSE;
    self->run_estimate = MIN (self->run_estimate, time);
  }
  return TRUE;
}

/* ---- beside the stream -------------------------------------------------- */

static void
start_beside (UnetSegmenter *self)
{
  self->beside = unet_beside_new (self->model, self->contract,
      self->input_width, self->input_height, &self->options, self->calibration,
      self->calibration_path);
}

/* Other streams came or went. */
static void
follow_pace (UnetSegmenter *self)
{
  if (self->beside || self->collecting
      || !unet_pace_should_change (&self->pace, self->options.threads))
    return;
  self->pace.misfits = 0;
  self->options.threads = unet_pace_get_threads (&self->pace);
  start_beside (self);
}

static void
begin_collecting (UnetSegmenter *self)
{
  g_clear_pointer (&self->collecting, unet_calibration_unref);
  self->collecting =
      unet_calibration_new (self->model, "the first frames of a stream");
}

/* Frames of another size are no use to what was begun. */
static void
drop_beside (UnetSegmenter *self)
{
  UnetSession *session = self->beside
      ? unet_beside_finish (g_steal_pointer (&self->beside), TRUE)
      : NULL;

  g_clear_pointer (&session, unet_session_unref);
  if (self->calibration && !unet_calibration_is_finished (self->calibration)) {
    g_clear_pointer (&self->calibration, unet_calibration_unref);
    self->options.calibration = NULL;
    begin_collecting (self);
  } else if (self->collecting) {
    begin_collecting (self);
  }
}

/* Enough frames: the next session is in int8, or tells why not. */
static void
end_collecting (UnetSegmenter *self)
{
  guint n = 0;

  if (self->collecting == NULL || self->beside)
    return;
  unet_calibration_get_data (self->collecting, &n);
  if (n < CALIBRATION_FRAMES)
    return;
  self->calibration = g_steal_pointer (&self->collecting);
  start_beside (self);
}

gboolean
unet_segmenter_settle (UnetSegmenter *self)
{
  UnetSession *session;

  end_collecting (self);
  follow_pace (self);
  if (self->beside == NULL
      || (self->live && !unet_beside_is_done (self->beside)))
    return FALSE;
  session = unet_beside_finish (g_steal_pointer (&self->beside), FALSE);
  self->options.calibration = self->calibration;
  if (session == NULL)
    return FALSE;
  copy_inputs (self, session);
  unet_session_unref (self->session);
  self->session = session;
  return TRUE;
}

UnetCalibration *
unet_segmenter_get_calibration (UnetSegmenter *self)
{
  return self->beside ? NULL : self->calibration;
}

static void
collect (UnetSegmenter *self)
{
  guint n;

  if (self->collecting == NULL)
    return;
  unet_calibration_get_data (self->collecting, &n);
  if (n < CALIBRATION_FRAMES)
    unet_calibration_add (self->collecting, self->session);
}

/* From the file where there is one; else from the first frames, if int8 is
 * asked for. */
static gboolean
open_calibration (UnetSegmenter *self, const gchar *path, GError **error)
{
  if (self->options.precision == UNET_PRECISION_F32
      || self->options.precision == UNET_PRECISION_BF16
      || unet_model_is_quantized (self->model))
    return TRUE;
  if (path && g_file_test (path, G_FILE_TEST_EXISTS)) {
    self->calibration = unet_calibration_load (path, error);
    self->options.calibration = self->calibration;
    return self->calibration != NULL;
  }
  self->calibration_path = g_strdup (path);
  if (self->options.precision == UNET_PRECISION_INT8)
    begin_collecting (self);
  return TRUE;
}

void
unet_segmenter_reset_state (UnetSegmenter *self)
{
  if (self->session)
    unet_session_reset_state (self->session);
  if (self->temporal)
    unet_temporal_reset (self->temporal);
  if (self->scene)
    unet_scene_reset (self->scene);
  if (self->carry)
    unet_mask_motion_reset (self->carry);
}

/* ---- session ----------------------------------------------------------- */

static gboolean
compile (UnetSegmenter *self, guint width, guint height, GError **error)
{
  const UnetTensorInfo *info;

  g_clear_pointer (&self->session, unet_session_unref);
  self->session = unet_session_new_for_size (
      self->model, self->contract, width, height, &self->options, error);
  if (self->session == NULL)
    return FALSE;
  self->input_width = width;
  self->input_height = height;

  info = unet_session_get_input_info (self->session, self->input);
  if (info->dtype != UNET_DTYPE_F32) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: input '%s' takes %s, pictures are f32",
        unet_model_get_name (self->model), info->name,
        unet_dtype_name (info->dtype));
    goto failed;
  }
  if (!warm_up (self, error))
    goto failed;
  return TRUE;

failed:
  g_clear_pointer (&self->session, unet_session_unref);
  return FALSE;
}

static gboolean
open_session (UnetSegmenter *self, guint width, guint height, GError **error)
{
  drop_beside (self);
  if (width != self->input_width || height != self->input_height)
    self->pace.alone = 0;
  if (self->pace.chooses)
    self->options.threads = unet_pace_get_threads (&self->pace);
  if (!compile (self, width, height, error))
    return FALSE;
  if (self->pace.chooses && self->options.threads == 1) {
    self->pace.alone = self->run_estimate;
    self->options.threads = unet_pace_get_threads (&self->pace);
    if (self->options.threads != 1 && !compile (self, width, height, error))
      return FALSE;
  }
  self->is_by_rule = TRUE;
  return TRUE;
}

/* A size that does not follow the frames' aspect can be compiled for before
 * the first frame, so that what is wrong with the model is known by then. */
static gboolean
open_early (UnetSegmenter *self, GError **error)
{
  guint width, height, other_width, other_height;

  unet_model_choose_size (
      self->model, self->contract, 1920, 1080, &width, &height);
  unet_model_choose_size (
      self->model, self->contract, 1080, 1920, &other_width, &other_height);
  if (width != other_width || height != other_height)
    return TRUE;
  return open_session (self, width, height, error);
}

UnetSegmenter *
unet_segmenter_new (const gchar *path, GHashTable *overrides,
    const UnetArithmetic *arithmetic, gboolean live, GError **error)
{
  UnetSegmenter *self = g_new0 (UnetSegmenter, 1);
  UnetModel *model;

  gst_video_info_init (&self->info);
  self->live = live;
  self->options = (UnetSessionOptions) UNET_SESSION_OPTIONS_INIT;
  self->options.threads = arithmetic->threads;
  self->options.precision = arithmetic->precision;
  self->options.tuning = UNET_TUNING_STATIC;
  self->model = model = unet_model_load (path, error);
  if (model == NULL)
    goto failed;
  self->contract = unet_model_get_contract (model, overrides, error);
  if (self->contract == NULL)
    goto failed;
  unet_pace_init (&self->pace, arithmetic->threads);
  if (self->contract->fit == UNET_FIT_TILE) /* many runs a frame */
    self->pace.chooses = FALSE;
  unet_pace_set_info (&self->pace, &self->info, live);
  if (!find_tensor (model, self->contract->input,
          unet_model_get_n_inputs (model), unet_model_get_input, &self->input,
          error)
      || !find_tensor (model, self->contract->output,
          unet_model_get_n_outputs (model), unet_model_get_output,
          &self->output, error))
    goto failed;
  if (!open_calibration (self, arithmetic->calibration, error)
      || !open_early (self, error))
    goto failed;
  return self;

failed:
  unet_segmenter_free (self);
  return NULL;
}

void
unet_segmenter_set_live (UnetSegmenter *self, gboolean live)
{
  self->live = live;
}

/* ---- frames of one kind ----------------------------------------------- */

static void
close_info (UnetSegmenter *self)
{
  g_clear_pointer (&self->preprocess, unet_preprocess_free);
  g_clear_pointer (&self->postprocess, unet_postprocess_free);
  g_clear_pointer (&self->tiles, unet_tiles_free);
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
  g_clear_pointer (&self->temporal, unet_temporal_free);
  g_clear_pointer (&self->scene, unet_scene_free);
  g_clear_pointer (&self->carry, unet_mask_motion_free);
  self->compared = self->watched = self->holds = FALSE;
  unet_mask_pool_close (&self->pool);
  gst_video_info_init (&self->info);
}

void
unet_segmenter_free (UnetSegmenter *self)
{
  unet_pace_leave (&self->pace);
  close_info (self);
  drop_beside (self);
  g_clear_pointer (&self->collecting, unet_calibration_unref);
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  g_free (self->calibration_path);
  g_clear_pointer (&self->session, unet_session_unref);
  g_clear_pointer (&self->contract, unet_contract_free);
  g_clear_pointer (&self->model, unet_model_unref);
  g_free (self);
}

/* The picture that the network sees, as a whole or in tiles. */
typedef struct {
  guint width, height;
  gdouble x, y, w, h; /* which part of it the output covers */
  const UnetTensorInfo *output;
} View;

static gboolean
open_view (UnetSegmenter *self, guint square_width, guint height, View *view,
    GError **error)
{
  *view = (View){ self->input_width, self->input_height, 0, 0,
    self->input_width, self->input_height,
    unet_session_get_output_info (self->session, self->output) };
  if (self->contract->fit != UNET_FIT_TILE) {
    if (!unet_session_get_output_window (self->session, self->output, &view->x,
            &view->y, &view->w, &view->h)) {
      view->w = self->input_width;
      view->h = self->input_height;
    }
    return TRUE;
  }
  self->tiles = unet_tiles_new (
      self->session, self->contract, square_width, height, error);
  if (self->tiles == NULL)
    return FALSE;
  view->width = square_width;
  view->height = height;
  unet_tiles_get_window (self->tiles, &view->w, &view->h);
  view->output = unet_tiles_get_output_info (self->tiles);
  return TRUE;
}

/* A frame as it is to be looked at. */
typedef struct {
  guint width, height;
  gint par_n, par_d;
  guint square; /* width in square pixels */
} Upright;

static Upright
stand_up (UnetSegmenter *self, const GstVideoInfo *info)
{
  Upright up = { GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),
    GST_VIDEO_INFO_PAR_N (info), GST_VIDEO_INFO_PAR_D (info), 0 };

  switch (self->orientation) {
    case GST_VIDEO_ORIENTATION_90R:
    case GST_VIDEO_ORIENTATION_90L:
    case GST_VIDEO_ORIENTATION_UL_LR:
    case GST_VIDEO_ORIENTATION_UR_LL:
      up = (Upright){ up.height, up.width, up.par_d, up.par_n, 0 };
      break;
    default:
      break;
  }
  up.square =
      MAX (1, gst_util_uint64_scale_int_round (up.width, up.par_n, up.par_d));
  return up;
}

static gboolean
open_frame_path (UnetSegmenter *self, const GstVideoInfo *info,
    const Upright *up, GError **error)
{
  UnetPlacement placement;
  View v;

  if (!open_view (self, up->square, up->height, &v, error))
    return FALSE;
  unet_placement_init_for (&placement, self->contract, up->width, up->height,
      up->par_n, up->par_d, v.width, v.height, v.x, v.y, v.w, v.h);
  placement.orientation = self->orientation;
  self->preprocess = unet_preprocess_new (
      info, self->contract, v.width, v.height, &placement, error);
  if (self->preprocess == NULL)
    return FALSE;
  self->postprocess = unet_postprocess_new (self->contract, v.output, v.width,
      v.height, &placement, v.x, v.y, v.w, v.h, error);
  if (self->postprocess == NULL)
    return FALSE;
  unet_postprocess_get_info (self->postprocess, &self->shape);
  return TRUE;
}

/* With one foreground class the mask has two, whatever the model has. */
static UnetSegClasses *
make_classes (UnetSegmenter *self)
{
  const gchar *const *labels = (const gchar *const *) self->contract->labels;
  gint foreground = self->contract->foreground_class;
  const gchar *pair[3] = { NULL, NULL, NULL };

  if (labels && foreground >= 0
      && g_strv_length (self->contract->labels) > MAX (foreground, 1)) {
    pair[0] = labels[0];
    pair[1] = labels[foreground];
    labels = pair;
  }
  return unet_seg_classes_new (
      unet_model_get_name (self->model), self->shape.n_classes, labels);
}

static gboolean
same_picture (const GstVideoInfo *a, const GstVideoInfo *b)
{
  GstVideoInfo a_ = *a, b_ = *b;

  a_.fps_n = b_.fps_n = 0;
  a_.fps_d = b_.fps_d = 1;
  return gst_video_info_is_equal (&a_, &b_);
}

gboolean
unet_segmenter_set_orientation (
    UnetSegmenter *self, GstVideoOrientationMethod orientation)
{
  if (orientation == self->orientation)
    return FALSE;
  self->orientation = orientation;
  close_info (self);
  return TRUE;
}

static gboolean
suits (UnetSegmenter *self, guint width, guint height)
{
  return self->session && width == self->input_width
      && height == self->input_height
      && (!self->pace.chooses
          || unet_pace_get_threads (&self->pace) == self->options.threads);
}

gboolean
unet_segmenter_set_info (
    UnetSegmenter *self, const GstVideoInfo *info, GError **error)
{
  guint width, height;
  Upright up;

  unet_pace_set_info (&self->pace, info, self->live);
  unet_pace_join (&self->pace);
  if (self->preprocess && same_picture (&self->info, info)
      && suits (self, self->input_width, self->input_height))
    return TRUE;
  close_info (self);

  up = stand_up (self, info);
  unet_model_choose_size (
      self->model, self->contract, up.square, up.height, &width, &height);
  if (!suits (self, width, height)
      && !open_session (self, width, height, error))
    return FALSE;
  if (self->is_by_rule)
    start_beside (self);
  self->is_by_rule = FALSE;
  if (!open_frame_path (self, info, &up, error)
      || !unet_mask_pool_open (&self->pool, &self->shape, error)) {
    close_info (self);
    return FALSE;
  }
  self->classes = make_classes (self);
  self->info = *info;
  return TRUE;
}

/* ---- one frame -------------------------------------------------------- */

static gfloat *
picture_data (UnetSegmenter *self)
{
  if (self->tiles)
    return unet_tiles_get_picture (self->tiles);
  return unet_session_get_input_data (self->session, self->input);
}

static gconstpointer
output_data (UnetSegmenter *self)
{
  if (self->tiles)
    return unet_tiles_get_output (self->tiles);
  return unet_session_get_output_data (self->session, self->output);
}

static gboolean
run_network (UnetSegmenter *self, GError **error)
{
  if (self->tiles)
    return unet_tiles_run (self->tiles, self->session, error);
  return unet_session_run (self->session, error);
}

static gboolean
fill_mask (UnetSegmenter *self, gdouble threshold, UnetMaskBuffers *mask,
    GError **error)
{
  UnetMaskMap map;

  if (!unet_mask_pool_acquire (&self->pool, mask, &map, error))
    return FALSE;
  unet_postprocess_run (
      self->postprocess, output_data (self), threshold, &map.mask);
  unet_mask_buffers_unmap (mask, &map);
  return TRUE;
}

void
unet_segmenter_hold (
    UnetSegmenter *self, gdouble elapsed, gdouble time_constant)
{
  self->elapsed = elapsed;
  self->time_constant = time_constant;
}

gboolean
unet_segmenter_is_still (
    UnetSegmenter *self, const GstVideoFrame *frame, gdouble threshold)
{
  if (self->scene == NULL)
    self->scene = unet_scene_new (&self->info, &self->shape, NULL);
  if (self->scene == NULL)
    return FALSE;
  self->compared = TRUE;
  return unet_scene_compare (self->scene, frame) < threshold;
}

/* What is not held is forgotten: it would be of an older picture later. */
static void
look (UnetSegmenter *self, const GstVideoFrame *frame)
{
  if (self->time_constant > 0 && self->temporal == NULL)
    self->temporal =
        unet_temporal_new (&self->info, &self->shape, self->orientation, NULL);
  self->holds = self->temporal && self->time_constant > 0;
  unet_postprocess_set_temporal (
      self->postprocess, self->holds ? self->temporal : NULL);
  if (self->holds)
    unet_temporal_read_frame (
        self->temporal, frame, self->elapsed, self->time_constant);
  else if (self->temporal)
    unet_temporal_reset (self->temporal);
  self->time_constant = 0;
}

void
unet_segmenter_read (UnetSegmenter *self, const GstVideoFrame *frame)
{
  unet_preprocess_run (self->preprocess, frame, picture_data (self));
  look (self, frame);
  if (self->compared)
    unet_scene_keep_frame (self->scene);
  if (self->watched)
    unet_mask_motion_keep_frame (self->carry);
  else if (self->carry)
    unet_mask_motion_reset (self->carry);
  self->compared = self->watched = FALSE;
}

const UnetGuide *
unet_segmenter_get_guide (UnetSegmenter *self)
{
  return self->holds ? unet_temporal_get_guide (self->temporal) : NULL;
}

gboolean
unet_segmenter_run (UnetSegmenter *self, gdouble threshold,
    UnetMaskBuffers *mask, guint64 *run_time, GError **error)
{
  GstClockTime start = gst_util_get_timestamp ();

  if (!run_network (self, error))
    return FALSE;
  collect (self); /* a run leaves its inputs as they are */
  unet_session_advance (self->session);
  *run_time = gst_util_get_timestamp () - start;
  return fill_mask (self, threshold, mask, error);
}

UnetSegMeta *
unet_segmenter_attach (
    UnetSegmenter *self, GstBuffer *buffer, const UnetMaskBuffers *mask)
{
  UnetSegMeta *meta = gst_buffer_add_unet_seg_meta (buffer, self->classes,
      mask->class_map, mask->probability, self->shape.width,
      self->shape.height);

  meta->x = self->shape.x;
  meta->y = self->shape.y;
  meta->w = self->shape.w;
  meta->h = self->shape.h;
  return meta;
}

static void
attach_box (
    UnetSegmenter *self, GstBuffer *buffer, const UnetMask *mask, guint id)
{
  const gchar *label = unet_seg_classes_get_label (self->classes, id);
  gint width = GST_VIDEO_INFO_WIDTH (&self->info);
  gint height = GST_VIDEO_INFO_HEIGHT (&self->info);
  gdouble box[4];
  gint x, y, right, bottom;

  if (!unet_mask_find_box (mask, id, box))
    return;
  x = CLAMP ((gint) box[0], 0, width - 1);
  y = CLAMP ((gint) box[1], 0, height - 1);
  right = CLAMP ((gint) (box[0] + box[2] + .5), x + 1, width);
  bottom = CLAMP ((gint) (box[1] + box[3] + .5), y + 1, height);
  gst_buffer_add_video_region_of_interest_meta (
      buffer, label ? label : "foreground", x, y, right - x, bottom - y);
}

void
unet_segmenter_attach_boxes (
    UnetSegmenter *self, GstBuffer *buffer, const UnetMaskBuffers *mask)
{
  UnetMaskMap map;

  if (!unet_mask_pool_map (&self->pool, mask, GST_MAP_READ, &map))
    return;
  for (guint i = 1; i < self->shape.n_classes; i++)
    attach_box (self, buffer, &map.mask, i);
  unet_mask_buffers_unmap (mask, &map);
}

/* ---- older masks -------------------------------------------------------- */

/* Without memory for it masks stay where they were. */
void
unet_segmenter_watch (UnetSegmenter *self, const GstVideoFrame *frame)
{
  if (self->carry == NULL && frame)
    self->carry = unet_mask_motion_new (&self->info, &self->shape, NULL);
  self->watched = self->carry && frame;
  if (self->watched)
    unet_mask_motion_read_frame (self->carry, frame);
}

void
unet_segmenter_take_up (UnetSegmenter *self)
{
  if (self->carry)
    unet_mask_motion_use_kept (self->carry);
}

gboolean
unet_segmenter_carry (UnetSegmenter *self, const UnetMaskBuffers *from,
    gdouble threshold, UnetMaskBuffers *to)
{
  UnetMaskMap old, new;
  gboolean moved;

  if (self->carry == NULL || !unet_mask_motion_search (self->carry)
      || !unet_mask_pool_map (&self->pool, from, GST_MAP_READ, &old))
    return FALSE;
  moved = unet_mask_pool_acquire (&self->pool, to, &new, NULL);
  if (moved) {
    unet_mask_motion_apply (self->carry, &old.mask, threshold, &new.mask);
    unet_mask_buffers_unmap (to, &new);
  }
  unet_mask_buffers_unmap (from, &old);
  return moved;
}

/* The run itself has been measured when the session was made. */
static void
rehearse (UnetSegmenter *self, GstVideoFrame *frame)
{
  UnetMaskBuffers mask = { NULL, NULL };

  unet_preprocess_run (self->preprocess, frame, picture_data (self));
  if (fill_mask (self, .5, &mask, NULL))
    unet_mask_buffers_clear (&mask);
}

guint64
unet_segmenter_estimate (UnetSegmenter *self)
{
  guint64 time = self->run_estimate
      * (self->tiles ? unet_tiles_get_n_tiles (self->tiles) : 1);
  GstBuffer *buffer;
  UnetMap map;

  if (self->preprocess == NULL)
    return time;
  buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&self->info), NULL);
  if (buffer == NULL)
    return time;
  gst_buffer_memset (buffer, 0, 0, -1);
  if (unet_map_frame (&map, &self->info, buffer, GST_MAP_READ)) {
    GstClockTime start = gst_util_get_timestamp ();

    rehearse (self, &map.frame);
    time += gst_util_get_timestamp () - start;
    unet_unmap_frame (&map);
  }
  gst_buffer_unref (buffer);
  return time;
}

UnetModel *
unet_segmenter_get_model (UnetSegmenter *self)
{
  return self->model;
}

const UnetContract *
unet_segmenter_get_contract (UnetSegmenter *self)
{
  return self->contract;
}

UnetSession *
unet_segmenter_get_session (UnetSegmenter *self, guint *width, guint *height)
{
  *width = self->input_width;
  *height = self->input_height;
  return self->session;
}
