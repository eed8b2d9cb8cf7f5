/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/frame-path.h"
#include "segment/seg-mask.h"

#include "frame/format/frame-map.h"
#include "model/tensors.h"
#include "session/session.h"

#include <unetseg/unetseg.h>

#include <string.h>

/* Pictures of a camera have one size, those of an album the two orientations of
 * one or two; a session of 256×256 has some megabytes besides the weights. */
#define N_SESSIONS 4

/* A session for one size of the network's input. */
typedef struct {
  guint width, height;
  UnetSession *session; /* (nullable): there is none in this place yet */
} SizedSession;

struct _UnetSegmentation {
  gatomicrefcount ref_count;
  UnetModel *model;
  UnetContract *contract;
  UnetSessionOptions options; /* holds references */
  guint input, output;        /* indices of the model's tensors */
  gdouble threshold;
  SizedSession sessions[N_SESSIONS]; /* the first one was used last */
  UnetFramePath *path; /* (nullable): of the first session, for the last
                        * picture's kind */
};

G_DEFINE_BOXED_TYPE (UnetSegmentation, unet_segmentation, unet_segmentation_ref,
    unet_segmentation_unref)

/* ---- life ---------------------------------------------------------------- */

static void
copy_options (UnetSessionOptions *to, const UnetSessionOptions *from)
{
  static const UnetSessionOptions defaults = UNET_SESSION_OPTIONS_INIT;

  *to = from != NULL ? *from : defaults;
  if (to->calibration != NULL)
    unet_calibration_ref (to->calibration);
  if (to->cancellable != NULL)
    g_object_ref (to->cancellable);
}

/* Sets the indices of the contract's tensors, whose names are resolved. */
static gboolean
find_tensors (UnetSegmentation *self, GError **error)
{
  const UnetContract *contract = self->contract;
  gint input = unet_model_find_input_index (self->model, contract->input);
  gint output = unet_model_find_output_index (self->model, contract->output);

  if (input < 0 || output < 0) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: the contract names no input and output",
        unet_model_get_name (self->model));
    return FALSE;
  }
  self->input = input;
  self->output = output;
  return TRUE;
}

UnetSegmentation *
unet_segmentation_new (UnetModel *model, GHashTable *overrides,
    const UnetSessionOptions *options, GError **error)
{
  UnetSegmentation *self;

  g_return_val_if_fail (model != NULL, NULL);
  if (!gst_init_check (NULL, NULL, error))
    return NULL;
  self = g_new0 (UnetSegmentation, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->model = unet_model_ref (model);
  self->threshold = 0.5;
  copy_options (&self->options, options);
  self->contract = unet_model_get_contract (model, overrides, error);
  if (self->contract == NULL || !find_tensors (self, error))
    g_clear_pointer (&self, unet_segmentation_unref);
  return self;
}

UnetSegmentation *
unet_segmentation_ref (UnetSegmentation *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
unet_segmentation_unref (UnetSegmentation *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->path, unet_frame_path_unref);
  for (guint i = 0; i < N_SESSIONS; i++)
    g_clear_pointer (&self->sessions[i].session, unet_session_unref);
  g_clear_pointer (&self->options.calibration, unet_calibration_unref);
  g_clear_object (&self->options.cancellable);
  g_clear_pointer (&self->contract, unet_contract_free);
  unet_model_unref (self->model);
  g_free (self);
}

UnetModel *
unet_segmentation_get_model (UnetSegmentation *self)
{
  return self->model;
}

const UnetContract *
unet_segmentation_get_contract (UnetSegmentation *self)
{
  return self->contract;
}

UnetSession *
unet_segmentation_dup_session (UnetSegmentation *self)
{
  UnetSession *session = self->sessions[0].session;

  return session != NULL ? unet_session_ref (session) : NULL;
}

void
unet_segmentation_set_threshold (UnetSegmentation *self, gdouble threshold)
{
  g_return_if_fail (threshold >= 0 && threshold <= 1);
  self->threshold = threshold;
}

void
unet_segmentation_reset (UnetSegmentation *self)
{
  if (self->sessions[0].session != NULL)
    unet_session_reset_state (self->sessions[0].session);
}

/* ---- sessions ------------------------------------------------------------ */

/* Moves a session to the front of the list, and the ones before it back. */
static void
move_to_front (UnetSegmentation *self, guint index)
{
  SizedSession used = self->sessions[index];

  memmove (&self->sessions[1], self->sessions, index * sizeof used);
  self->sessions[0] = used;
}

/* Makes the first session that of @width by @height. */
static gboolean
open_session (UnetSegmentation *self, guint width, guint height, GError **error)
{
  SizedSession *last = &self->sessions[N_SESSIONS - 1];
  UnetSession *session;

  for (guint i = 0; i < N_SESSIONS; i++) {
    const SizedSession *known = &self->sessions[i];

    if (known->session == NULL || known->width != width
        || known->height != height)
      continue;
    move_to_front (self, i);
    return TRUE;
  }
  session = unet_session_new_for_size (
      self->model, self->contract, width, height, &self->options, error);
  if (session == NULL)
    return FALSE;
  unet_session_clear_inputs (session); /* for those besides the picture */
  g_clear_pointer (&last->session, unet_session_unref);
  *last = (SizedSession){ width, height, session };
  move_to_front (self, N_SESSIONS - 1);
  return TRUE;
}

/* Prepares for pictures of @info. */
static gboolean
open_path (UnetSegmentation *self, const GstVideoInfo *info, GError **error)
{
  const UnetFrameKind kind = { info, GST_VIDEO_ORIENTATION_IDENTITY,
    self->contract, self->input, self->output };
  guint width, height;

  if (self->path != NULL && unet_frame_path_takes (self->path, info))
    return TRUE;
  g_clear_pointer (&self->path, unet_frame_path_unref);
  unet_frame_kind_choose_size (&kind, self->model, &width, &height);
  if (!open_session (self, width, height, error))
    return FALSE;
  unet_segmentation_reset (self);
  self->path = unet_frame_path_new (&kind, self->sessions[0].session, error);
  return self->path != NULL;
}

/* ---- pictures ------------------------------------------------------------ */

static UnetSegMask *
make_mask (UnetSegmentation *self, GError **error)
{
  UnetFramePath *path = self->path;
  UnetMaskBuffers buffers = { NULL, NULL };
  UnetSegMask *mask;

  if (!unet_frame_path_fill (
          path, self->sessions[0].session, self->threshold, &buffers, error))
    return NULL;
  mask = unet_seg_mask_new (&path->shape, path->classes, &buffers);
  unet_mask_buffers_clear (&buffers);
  if (mask == NULL)
    g_set_error_literal (
        error, UNET_ERROR, UNET_ERROR_ENGINE, "the mask cannot be mapped");
  return mask;
}

UnetSegMask *
unet_segmentation_run (
    UnetSegmentation *self, const GstVideoFrame *frame, GError **error)
{
  UnetSession *session;

  g_return_val_if_fail (frame != NULL, NULL);
  if (!open_path (self, &frame->info, error))
    return NULL;
  session = self->sessions[0].session;
  unet_frame_path_read (self->path, session, frame, 0, 0);
  if (!unet_frame_path_run (self->path, session, error))
    return NULL;
  unet_session_advance (session);
  return make_mask (self, error);
}

static UnetSegMask *
run_buffer (UnetSegmentation *self, const GstVideoInfo *info, GstBuffer *buffer,
    GError **error)
{
  UnetSegMask *mask;
  UnetMap map;

  if (!unet_map_frame (&map, info, buffer, GST_MAP_READ)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "%" G_GSIZE_FORMAT " bytes are no picture of %s, %dx%d",
        gst_buffer_get_size (buffer), GST_VIDEO_INFO_NAME (info),
        GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
    return NULL;
  }
  mask = unet_segmentation_run (self, &map.frame, error);
  unet_unmap_frame (&map);
  return mask;
}

/* Returns whether frames of @info hold pixels that the processor can read. */
static gboolean
has_pixels (const GstVideoInfo *info)
{
  return info->finfo != NULL && GST_VIDEO_INFO_N_PLANES (info) > 0
      && GST_VIDEO_INFO_WIDTH (info) > 0 && GST_VIDEO_INFO_HEIGHT (info) > 0;
}

UnetSegMask *
unet_segmentation_run_sample (
    UnetSegmentation *self, GstSample *sample, GError **error)
{
  GstBuffer *buffer;
  GstCaps *caps;
  GstVideoInfo info;

  g_return_val_if_fail (GST_IS_SAMPLE (sample), NULL);
  buffer = gst_sample_get_buffer (sample);
  caps = gst_sample_get_caps (sample);
  if (buffer == NULL || caps == NULL || !gst_caps_is_fixed (caps)
      || !gst_video_info_from_caps (&info, caps) || !has_pixels (&info)) {
    g_set_error_literal (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "the sample holds no frame of raw video");
    return NULL;
  }
  return run_buffer (self, &info, buffer, error);
}

/* GStreamer's own functions read beyond a table for a number that is no
 * format. */
static gboolean
is_format (GstVideoFormat format)
{
  GEnumClass *formats = g_type_class_ref (GST_TYPE_VIDEO_FORMAT);
  gboolean is_known = g_enum_get_value (formats, format) != NULL;

  g_type_class_unref (formats);
  return is_known && format > GST_VIDEO_FORMAT_ENCODED;
}

/* Describes a picture in memory. */
static gboolean
describe_picture (GstVideoInfo *info, GstVideoFormat format, guint width,
    guint height, guint stride, GError **error)
{
  if (width == 0 || height == 0) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "a picture of %ux%u has no pixels", width, height);
    return FALSE;
  }
  if (MAX (width, height) > UNET_MAX_PICTURE_SIZE || stride > G_MAXINT) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "a picture of %ux%u with rows of %u bytes is too large", width, height,
        stride);
    return FALSE;
  }
  if (!is_format (format)
      || !gst_video_info_set_format (info, format, width, height)
      || !has_pixels (info)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "format %d is none of pixels", format);
    return FALSE;
  }
  if (stride > 0 && GST_VIDEO_INFO_N_PLANES (info) > 1) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "a stride of %u: %s has several planes", stride,
        GST_VIDEO_INFO_NAME (info));
    return FALSE;
  }
  return TRUE;
}

UnetSegMask *
unet_segmentation_run_bytes (UnetSegmentation *self, GBytes *bytes,
    GstVideoFormat format, guint width, guint height, guint stride,
    GError **error)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { stride };
  UnetSegMask *mask;
  GstBuffer *buffer;
  GstVideoInfo info;

  g_return_val_if_fail (bytes != NULL, NULL);
  if (!describe_picture (&info, format, width, height, stride, error))
    return NULL;
  buffer = gst_buffer_new_wrapped_bytes (bytes);
  if (stride > 0)
    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, format,
        width, height, 1, offset, strides);
  mask = run_buffer (self, &info, buffer, error);
  gst_buffer_unref (buffer);
  return mask;
}

UnetSegMask *
unet_segmentation_run_data (UnetSegmentation *self, gconstpointer data,
    gsize size, GstVideoFormat format, guint width, guint height, guint stride,
    GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (data != NULL || size == 0, NULL);
  bytes = g_bytes_new_static (data, size);
  return unet_segmentation_run_bytes (
      self, bytes, format, width, height, stride, error);
}
