/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/frame-path.h"

#include "base/sample-type.h"
#include "base/tensor-info.h"
#include "frame/format/frame-map.h"
#include "meta/color-entry.h"
#include "model/output-shape.h"

#include <string.h>

/* ---- size ---------------------------------------------------------------- */

/* An upright frame. */
typedef struct {
  guint width, height;
  gint par_n, par_d;
} Upright;

/* Returns a width in square pixels. */
static guint
find_square_width (guint width, const Upright *up)
{
  return MAX (1, gst_util_uint64_scale_int_round (width, up->par_n, up->par_d));
}

static gboolean
swaps_sides (GstVideoOrientationMethod orientation)
{
  return orientation == GST_VIDEO_ORIENTATION_90R
      || orientation == GST_VIDEO_ORIENTATION_90L
      || orientation == GST_VIDEO_ORIENTATION_UL_LR
      || orientation == GST_VIDEO_ORIENTATION_UR_LL;
}

static Upright
upright_frame (const UnetFrameKind *kind)
{
  const GstVideoInfo *info = kind->info;
  Upright up = { GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),
    GST_VIDEO_INFO_PAR_N (info), GST_VIDEO_INFO_PAR_D (info) };

  if (swaps_sides (kind->orientation))
    up = (Upright){ up.height, up.width, up.par_d, up.par_n };
  return up;
}

void
unet_frame_kind_choose_size (
    const UnetFrameKind *kind, UnetModel *model, guint *width, guint *height)
{
  Upright up = upright_frame (kind);

  unet_model_choose_size (model, kind->contract,
      find_square_width (up.width, &up), up.height, width, height);
}

/* ---- opening ------------------------------------------------------------- */

static void
view_whole (UnetFramePath *self, const UnetContract *contract,
    UnetSession *session, UnetFrameView *view)
{
  const UnetTensorInfo *input =
      unet_session_get_input_info (session, self->input);
  gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;

  view->height = input->dims[nhwc ? 1 : 2];
  view->width = input->dims[nhwc ? 2 : 3];
  view->output = *unet_session_get_output_info (session, self->output);
  if (!unet_session_get_output_window (
          session, self->output, &view->x, &view->y, &view->w, &view->h)) {
    view->x = view->y = 0;
    view->w = view->width;
    view->h = view->height;
  }
}

static gboolean
open_view (UnetFramePath *self, const UnetContract *contract,
    UnetSession *session, const Upright *up, const UnetRegion *seen,
    UnetFrameView *view, GError **error)
{
  const guint width = find_square_width ((guint) seen->width, up);

  if (contract->fit != UNET_FIT_TILE) {
    view_whole (self, contract, session, view);
    return TRUE;
  }
  self->tiles =
      unet_tiles_new (session, contract, width, (guint) seen->height, error);
  if (self->tiles == NULL)
    return FALSE;
  view->width = width;
  view->height = (guint) seen->height;
  unet_tiles_get_window (self->tiles, &view->w, &view->h);
  view->output = *unet_tiles_get_output_info (self->tiles);
  return TRUE;
}

/* What the network sees: the frame, or what is round its region. */
static UnetRegion
find_seen (const UnetFrameKind *kind, const Upright *up, UnetRegion *region)
{
  UnetRegion all = { 0, 0, (gint) up->width, (gint) up->height };

  if (kind->region.width == 0) {
    *region = all;
    return all;
  }
  *region = unet_region_turn_upright (
      &kind->region, kind->orientation, up->width, up->height);
  return unet_region_grow (region, up->width, up->height);
}

static void
place (const UnetFrameKind *kind, const Upright *up, const UnetRegion *seen,
    const UnetRegion *region, UnetFrameView *v)
{
  UnetPlacement *p = &v->placement;

  unet_placement_init_for (p, kind->contract, (guint) seen->width,
      (guint) seen->height, up->par_n, up->par_d, v->width, v->height, v->x,
      v->y, v->w, v->h);
  p->orientation = kind->orientation;
  p->src_x += seen->x;
  p->src_y += seen->y;
  p->frame_width = up->width;
  p->frame_height = up->height;
  v->mask = *p;
  if (kind->region.width > 0)
    unet_region_cut_placement (region, &v->mask);
}

/* Frames become floats first. */
static gboolean
open_samples (UnetFramePath *self, const UnetContract *contract,
    UnetSession *session, GError **error)
{
  const UnetFrameView *v = &self->view;
  const gsize channels = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;

  self->dtype = unet_session_get_input_info (session, self->input)->dtype;
  self->n_samples = channels * v->width * v->height;
  if (self->dtype == UNET_DTYPE_F32)
    return TRUE;
  self->samples = g_try_new0 (gfloat, self->n_samples);
  if (self->samples == NULL)
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "an input of %ux%u pixels is too large", v->width, v->height);
  return self->samples != NULL;
}

static gboolean
open_reader (UnetFramePath *self, const UnetFrameKind *kind,
    UnetSession *session, GError **error)
{
  const UnetContract *contract = kind->contract;
  const Upright up = upright_frame (kind);
  UnetFrameView *v = &self->view;
  UnetRegion region;
  const UnetRegion seen = find_seen (kind, &up, &region);

  if (!open_view (self, contract, session, &up, &seen, v, error)
      || !open_samples (self, contract, session, error))
    return FALSE;
  unet_output_take_first (
      &v->output, unet_session_get_input_info (session, self->input)->dims[0]);
  place (kind, &up, &seen, &region, v);
  if (contract->tta && self->tiles == NULL) {
    self->symmetries = unet_symmetries_new (session, contract, error);
    if (self->symmetries == NULL)
      return FALSE;
  }
  self->preprocess = unet_preprocess_new (
      kind->info, contract, v->width, v->height, &v->placement, error);
  return self->preprocess != NULL;
}

/* Returns the class of the mask that channel @i of the output would be. */
static guint
class_of_channel (const UnetContract *contract, gint i)
{
  if (i == contract->background)
    return 0;
  return (guint) i
      + (contract->background == UNET_BACKGROUND_NONE
          || i < contract->background);
}

/* Returns (transfer full): a colour for each of @classes, by the contract, else
 * a default one. Entries for classes that are not there have no effect. */
static guint32 *
choose_colors (const UnetContract *contract, const UnetSegClasses *classes)
{
  const guint n = unet_seg_classes_get_n_classes (classes);
  guint32 *argb = g_new (guint32, n);
  guint next = 1;

  for (guint i = 0; i < n; i++)
    argb[i] = unet_seg_classes_get_color (classes, i);
  for (guint i = 0; contract->colors && contract->colors[i]; i++) {
    UnetColorEntry entry;

    if (!unet_color_entry_init (&entry, contract->colors[i], NULL))
      continue;
    unet_color_entry_apply (&entry, classes, &next, argb);
    unet_color_entry_clear (&entry);
  }
  return argb;
}

/* With one foreground class the mask has two classes, whatever the model has.
 * Two labels are theirs. */
static UnetSegClasses *
make_classes (
    UnetFramePath *self, const UnetContract *contract, UnetModel *model)
{
  const gchar *const *labels = (const gchar *const *) contract->labels;
  const guint n = labels ? g_strv_length (contract->labels) : 0;
  const gchar *pair[3] = { NULL, NULL, NULL };
  const guint n_classes = self->shape.n_classes;
  const gchar *name = unet_model_get_name (model);
  g_autoptr (UnetSegClasses)
      all = unet_seg_classes_new (name, MAX (n, n_classes), labels);
  g_autofree guint32 *colors = choose_colors (contract, all);
  guint foreground;

  if (contract->foreground_class >= 0 && n > 2) {
    foreground = class_of_channel (contract, contract->foreground_class);
    pair[0] = labels[0];
    pair[1] = foreground < n ? labels[foreground] : NULL;
    labels = pair;
    if (contract->colors && foreground < n)
      colors[1] = colors[foreground];
  }
  return unet_seg_classes_new_colored (name, n_classes, labels, colors);
}

static UnetFramePath *
alloc_path (const UnetFrameKind *kind)
{
  UnetFramePath *self = g_new0 (UnetFramePath, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->info = *kind->info;
  self->orientation = kind->orientation;
  self->region = kind->region;
  self->input = kind->input;
  self->output = kind->output;
  return self;
}

UnetFramePath *
unet_frame_path_new_reader (
    const UnetFrameKind *kind, UnetSession *session, GError **error)
{
  UnetFramePath *self = alloc_path (kind);

  if (!open_reader (self, kind, session, error))
    g_clear_pointer (&self, unet_frame_path_unref);
  return self;
}

gboolean
unet_frame_path_add_masks (UnetFramePath *self, const UnetContract *contract,
    UnetSession *session, GError **error)
{
  const UnetFrameView *v = &self->view;

  self->postprocess = unet_postprocess_new (contract, &v->output, v->width,
      v->height, &v->mask, v->x, v->y, v->w, v->h, error);
  if (self->postprocess == NULL)
    return FALSE;
  unet_postprocess_get_info (self->postprocess, &self->shape);
  if (!unet_mask_pool_open (&self->pool, &self->shape, error)) {
    g_clear_pointer (&self->postprocess, unet_postprocess_free);
    return FALSE;
  }
  self->classes =
      make_classes (self, contract, unet_session_get_model (session));
  return TRUE;
}

UnetFramePath *
unet_frame_path_new (
    const UnetFrameKind *kind, UnetSession *session, GError **error)
{
  UnetFramePath *self = unet_frame_path_new_reader (kind, session, error);

  if (self != NULL
      && !unet_frame_path_add_masks (self, kind->contract, session, error))
    g_clear_pointer (&self, unet_frame_path_unref);
  return self;
}

UnetFramePath *
unet_frame_path_new_of_parts (const UnetFrameKind *kind,
    const UnetFramePartsClass *parts_class, gpointer parts, guint n_runs,
    const UnetMask *shape, UnetSession *session, GError **error)
{
  UnetFramePath *self = alloc_path (kind);

  self->parts_class = parts_class;
  self->parts = parts;
  self->n_runs = n_runs;
  self->shape = *shape;
  self->classes =
      make_classes (self, kind->contract, unet_session_get_model (session));
  if (!unet_mask_pool_open (&self->pool, &self->shape, error))
    g_clear_pointer (&self, unet_frame_path_unref);
  return self;
}

gboolean
unet_frame_path_keep_input (
    UnetFramePath *self, UnetSession *session, GError **error)
{
  const gsize size = unet_tensor_info_size (
      unet_session_get_input_info (session, self->input));

  if (self->tiles)
    return TRUE;
  self->kept = g_try_malloc0 (size);
  if (self->kept == NULL)
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "no memory for an input of %" G_GSIZE_FORMAT " bytes", size);
  return self->kept != NULL;
}

UnetFramePath *
unet_frame_path_ref (UnetFramePath *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
unet_frame_path_unref (UnetFramePath *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->preprocess, unet_preprocess_free);
  g_clear_pointer (&self->postprocess, unet_postprocess_free);
  g_free (self->samples);
  g_free (self->kept);
  if (self->parts)
    self->parts_class->free (self->parts);
  g_clear_pointer (&self->tiles, unet_tiles_free);
  g_clear_pointer (&self->symmetries, unet_symmetries_free);
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
  g_clear_pointer (&self->temporal, unet_temporal_free);
  unet_mask_pool_close (&self->pool);
  g_clear_pointer (&self->output_pools, g_ptr_array_unref);
  g_free (self);
}

gboolean
unet_frame_path_takes (const UnetFramePath *self, const GstVideoInfo *info)
{
  GstVideoInfo own = self->info, other = *info;

  own.fps_n = other.fps_n = 0;
  own.fps_d = other.fps_d = 1;
  return gst_video_info_is_equal (&own, &other);
}

/* ---- frames -------------------------------------------------------------- */

/* A mask that is not smoothed ends the smoothing: the old mask would be of an
 * older picture later. */
static void
look (UnetFramePath *self, const GstVideoFrame *frame, gdouble elapsed,
    gdouble time_constant)
{
  if (time_constant > 0 && self->temporal == NULL && self->postprocess)
    self->temporal =
        unet_temporal_new (&self->info, &self->shape, self->orientation, NULL);
  self->smooths = self->temporal && time_constant > 0;
  if (self->postprocess == NULL)
    return;
  unet_postprocess_set_temporal (
      self->postprocess, self->smooths ? self->temporal : NULL);
  if (self->smooths)
    unet_temporal_read_frame (
        self->temporal, frame, elapsed > 0 ? elapsed : G_MAXINT, time_constant);
  else
    unet_frame_path_reset (self);
}

static void
read_picture (
    UnetFramePath *self, UnetSession *session, const GstVideoFrame *frame)
{
  gpointer to = self->kept;

  if (to == NULL)
    to = self->tiles ? unet_tiles_get_picture (self->tiles)
                     : unet_session_get_input_data (session, self->input);

  unet_preprocess_run (
      self->preprocess, frame, self->samples ? self->samples : to);
  if (self->samples)
    unet_samples_convert (to, self->dtype, self->samples, self->n_samples);
}

void
unet_frame_path_read (UnetFramePath *self, UnetSession *session,
    const GstVideoFrame *frame, gdouble elapsed, gdouble time_constant)
{
  self->smooths = FALSE;
  if (self->parts) {
    self->parts_class->read (self->parts, session, frame);
    return;
  }
  read_picture (self, session, frame);
  look (self, frame, elapsed, time_constant);
}

const UnetGuide *
unet_frame_path_get_guide (UnetFramePath *self)
{
  return self->smooths ? unet_temporal_get_guide (self->temporal) : NULL;
}

gboolean
unet_frame_path_run (UnetFramePath *self, UnetSession *session, GError **error)
{
  if (self->tiles)
    return unet_tiles_run (self->tiles, session, error);
  if (self->kept)
    memcpy (unet_session_get_input_data (session, self->input), self->kept,
        unet_tensor_info_size (
            unet_session_get_input_info (session, self->input)));
  if (self->symmetries)
    return unet_symmetries_run (self->symmetries, session, error);
  return unet_session_run (session, error);
}

gboolean
unet_frame_path_run_all (UnetFramePath *self, UnetSession *session,
    gdouble threshold, GError **error)
{
  if (self->parts)
    return self->parts_class->run (self->parts, session, threshold, error);
  return unet_frame_path_run (self, session, error);
}

gconstpointer
unet_frame_path_get_output (UnetFramePath *self, UnetSession *session,
    guint index, const UnetTensorInfo **info)
{
  if (self->parts || (self->tiles && index != self->output))
    return NULL;
  *info = self->tiles ? unet_tiles_get_output_info (self->tiles)
                      : unet_session_get_output_info (session, index);
  if (self->symmetries && index == self->output)
    return unet_symmetries_get_output (self->symmetries);
  return self->tiles ? unet_tiles_get_output (self->tiles)
                     : unet_session_get_output_data (session, index);
}

GArray *
unet_frame_path_copy_outputs (
    UnetFramePath *self, UnetSession *session, GError **error)
{
  guint n = unet_model_get_n_outputs (unet_session_get_model (session));
  g_autoptr (GArray) copies = unet_output_copies_new ();

  if (self->output_pools == NULL)
    self->output_pools = unet_output_pools_new ();
  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info;
    gconstpointer data = unet_frame_path_get_output (self, session, i, &info);

    if (data
        && !unet_output_copies_add (
            copies, self->output_pools, i, info, data, error))
      return NULL;
  }
  return g_steal_pointer (&copies);
}

gboolean
unet_frame_path_fill (UnetFramePath *self, UnetSession *session,
    gdouble threshold, UnetMaskBuffers *mask, GError **error)
{
  const UnetTensorInfo *info;
  UnetMaskMap map;

  if (!unet_mask_pool_acquire (&self->pool, mask, &map, error))
    return FALSE;
  if (self->parts)
    self->parts_class->fill (self->parts, threshold, &map.mask);
  else
    unet_postprocess_run (self->postprocess,
        unet_frame_path_get_output (self, session, self->output, &info),
        threshold, &map.mask);
  unet_mask_buffers_unmap (mask, &map);
  return TRUE;
}

void
unet_frame_path_reset (UnetFramePath *self)
{
  if (self->temporal)
    unet_temporal_reset (self->temporal);
}

/* ---- estimate ------------------------------------------------------------ */

static void
read_and_fill (
    UnetFramePath *self, UnetSession *session, const GstVideoFrame *frame)
{
  UnetMaskBuffers mask = { NULL, NULL };

  if (self->parts)
    self->parts_class->read (self->parts, session, frame);
  else
    read_picture (self, session, frame);
  if (unet_frame_path_fill (self, session, .5, &mask, NULL))
    unet_mask_buffers_clear (&mask);
}

guint
unet_frame_path_get_n_runs (const UnetFramePath *self)
{
  if (self->parts)
    return self->n_runs;
  if (self->tiles)
    return unet_tiles_get_n_runs (self->tiles);
  return self->symmetries ? unet_symmetries_get_n (self->symmetries) : 1;
}

guint64
unet_frame_path_measure (UnetFramePath *self, UnetSession *session)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&self->info), NULL);
  guint64 time = 0;
  UnetMap map;

  if (buffer == NULL)
    return 0;
  gst_buffer_memset (buffer, 0, 0, -1);
  if (unet_map_frame (&map, &self->info, buffer, GST_MAP_READ)) {
    GstClockTime start = gst_util_get_timestamp ();

    read_and_fill (self, session, &map.frame);
    time = gst_util_get_timestamp () - start;
    unet_unmap_frame (&map);
  }
  gst_buffer_unref (buffer);
  return time;
}
