/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/outputs.h"

#include "batch/alpha-split.h"
#include "batch/element-options.h"
#include "batch/encoder.h"
#include "batch/error.h"
#include "batch/mask-files.h"
#include "batch/muxer.h"
#include "batch/picture-files.h"
#include "batch/results.h"
#include "batch/thumbnails.h"
#include "batch/webm-alpha.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <gst/video/video.h>
#include <unetseg/unet-seg-meta.h>

#define QUEUE "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0"
#define DRAW  QUEUE " ! unetsegdraw output="

struct _BatchOutputs {
  const BatchSetup *setup;
  BatchAudioTarget targets[BATCH_MAX_AUDIO_TARGETS + 1];
  GstBin *pipeline;      /* (transfer none), after connect */
  BatchResults *results; /* (nullable) */
  BatchMaskFiles *masks; /* (nullable) */
  BatchThumbnails *thumbnails;
  BatchPictureFiles *pictures;
  BatchAlphaStore *alpha; /* (nullable): of a cut-out in WebM */
};

BatchOutputs *
batch_outputs_new (const BatchSetup *setup)
{
  BatchOutputs *self = g_new0 (BatchOutputs, 1);

  self->setup = setup;
  self->thumbnails = batch_thumbnails_new (setup);
  self->pictures = batch_picture_files_new (setup);
  return self;
}

void
batch_outputs_free (BatchOutputs *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->results, batch_results_free);
  g_clear_pointer (&self->masks, batch_mask_files_free);
  batch_thumbnails_free (self->thumbnails);
  batch_picture_files_free (self->pictures);
  batch_alpha_store_free (self->alpha);
  g_free (self);
}

const BatchAudioTarget *
batch_outputs_get_audio_targets (const BatchOutputs *self)
{
  return self->targets;
}

static void
add_audio_target (BatchOutputs *self, const gchar *mux, const gchar *container)
{
  guint n = 0;

  while (self->targets[n].mux != NULL)
    n++;
  self->targets[n] = (BatchAudioTarget){ mux, container };
}

/* ---- branches ----------------------------------------------------------- */

/* Whether the pipeline takes one picture after the other. */
static gboolean
is_direct (const BatchSetup *setup)
{
  return setup->probe.decoder.element != NULL;
}

static void
add_sink (GString *all, const BatchSetup *setup, const gchar *kind)
{
  g_autofree gchar *sink = batch_picture_files_describe (kind);

  if (setup->rehearse)
    g_string_append (all, " ! fakesink async=false sync=false");
  else if (is_direct (setup))
    g_string_append_printf (all, " ! %s", sink);
  else
    g_string_append_printf (all, " ! filesink name=%s-file async=false", kind);
}

static void
add_muxer (GString *all, const BatchSetup *setup, const gchar *kind,
    const gchar *container)
{
  g_string_append_printf (all,
      " ! queue max-size-buffers=64 max-size-time=0 "
      "max-size-bytes=0 ! %s name=%s-mux",
      batch_encoder_get_muxer (container), kind);
  add_sink (all, setup, kind);
}

static gboolean
add_video (GString *all, const BatchSetup *setup, const gchar *kind,
    const gchar *output, const gchar *codec, const gchar *container,
    GError **error)
{
  g_autofree gchar *encode = batch_encoder_describe (setup, codec);

  if (!batch_encoder_require (codec, error))
    return FALSE;
  g_string_append_printf (all,
      " tee. ! " DRAW "%s name=%s-draw ! videoconvert ! %s", output, kind,
      encode);
  add_muxer (all, setup, kind, container);
  return TRUE;
}

/* A codec without alpha: colours and alpha are two streams of it. */
static gboolean
add_alpha_video (GString *all, const BatchSetup *setup, const gchar *kind,
    const gchar *codec, const gchar *container, GError **error)
{
  g_autofree gchar *encode = batch_encoder_describe_split (setup, codec);

  if (!batch_encoder_require (codec, error))
    return FALSE;
  batch_alpha_split_register ();
  g_string_append_printf (all,
      " tee. ! " DRAW "alpha name=%s-draw ! videoconvert ! " BATCH_ALPHA_SPLIT
      " name=%s-split  %s-split.alpha ! " QUEUE " ! %s ! fakesink "
      "name=%s-alpha async=false sync=false signal-handoffs=true  "
      "%s-split.color ! " QUEUE " ! %s",
      kind, kind, kind, encode, kind, kind, encode);
  add_muxer (all, setup, kind, container);
  return TRUE;
}

/* A sequence of pictures, or one picture of a picture. */
static gboolean
add_pictures (GString *all, const BatchSetup *setup, const gchar *kind,
    const gchar *output, GError **error)
{
  if (!batch_encoder_require ("png", error))
    return FALSE;
  g_string_append_printf (all,
      " tee. ! " DRAW "%s name=%s-draw ! "
      "videoconvert ! pngenc compression-level=3",
      output, kind);
  if (setup->probe.picture || setup->rehearse)
    add_sink (all, setup, kind);
  else
    g_string_append_printf (
        all, " ! multifilesink name=%s-files async=false", kind);
  return TRUE;
}

static gboolean
add_overlay (GString *all, BatchOutputs *self, GError **error)
{
  const gchar *codec, *container;

  if (self->setup->probe.picture)
    return add_pictures (all, self->setup, "overlay", "overlay", error);
  codec = batch_encoder_choose (self->setup, BATCH_OVERLAY);
  container = batch_encoder_choose_container (self->setup, codec);
  add_audio_target (self, "overlay-mux", container);
  return add_video (
      all, self->setup, "overlay", "overlay", codec, container, error);
}

static gboolean
add_cutout (GString *all, BatchOutputs *self, GError **error)
{
  const gchar *codec = batch_encoder_choose (self->setup, BATCH_CUTOUT);
  gboolean small = self->setup->probe.width < 16
      || self->setup->probe.height < 16;
  const gchar *container;

  if (self->setup->probe.picture || g_str_equal (codec, "png"))
    return add_pictures (all, self->setup, "cutout", "alpha", error);
  if (small && g_str_equal (codec, "prores")) /* QuickTime takes none smaller */
    codec = "ffv1";
  container = batch_encoder_get_alpha_container (codec);
  add_audio_target (self, "cutout-mux", container);
  if (g_str_equal (container, "webm"))
    return add_alpha_video (
        all, self->setup, "cutout", codec, container, error);
  return add_video (
      all, self->setup, "cutout", "alpha", codec, container, error);
}

static gboolean
add_mask (GString *all, BatchOutputs *self, GError **error)
{
  const gchar *codec = batch_encoder_choose (self->setup, BATCH_MASK);

  if (self->setup->probe.picture)
    return add_pictures (all, self->setup, "mask", "mask", error);
  return add_video (all, self->setup, "mask", "mask", codec,
      g_str_equal (codec, "h264") && self->setup->probe.width >= 16
              && self->setup->probe.height >= 16
          ? "mp4"
          : "mkv",
      error);
}

static gboolean
add_masks (GString *all, BatchOutputs *self, GError **error)
{
  g_string_append (all, batch_mask_files_describe ());
  return TRUE;
}

/* The timeline of the report is made from the results as well. */
static gboolean
add_results (GString *all, BatchOutputs *self, GError **error)
{
  g_string_append_printf (all,
      " tee. ! %sfakesink name=results "
      "async=false sync=false signal-handoffs=true",
      is_direct (self->setup) ? "" : QUEUE " ! ");
  return TRUE;
}

/* The elements take every format that the decoders make, but few formats have
 * one with alpha beside them. Without videoconvert, which asks for all formats
 * in turn, pads are linked in half the time. */
static gboolean
needs_conversion (const BatchSetup *setup)
{
  return setup->options->outputs[BATCH_CUTOUT].wanted
      || setup->probe.orientation != NULL;
}

/* Ends with the element before the network. Finding out what a file is takes
 * longer than decoding a picture, and there is no next frame that a queue could
 * hold. */
static void
add_source (GString *all, const BatchSetup *setup)
{
  const BatchProbe *probe = &setup->probe;
  g_autofree gchar *decode = is_direct (setup)
      ? unet_picture_decoder_describe (&probe->decoder)
      : NULL;

  if (decode != NULL)
    g_string_append_printf (all, "%s%s", decode,
        needs_conversion (setup) ? " ! videoconvert name=entry" : "");
  else
    g_string_append (all, "uridecodebin name=source  videoconvert name=entry");
  if (probe->orientation != NULL)
    g_string_append_printf (all,
        " ! videoflip name=upright video-direction=%s ! videoconvert",
        probe->direction);
  if (!is_direct (setup))
    g_string_append (all, " ! " QUEUE);
}

gchar *
batch_outputs_describe (BatchOutputs *self, GError **error)
{
  static gboolean (*const add[]) (GString *, BatchOutputs *, GError **) = {
    [BATCH_OVERLAY] = add_overlay,
    [BATCH_CUTOUT] = add_cutout,
    [BATCH_MASK] = add_mask,
    [BATCH_MASKS] = add_masks,
    [BATCH_RESULTS] = add_results,
  };
  const BatchOutput *outputs = self->setup->options->outputs;
  GString *all = g_string_new (NULL);

  add_source (all, self->setup);
  g_string_append (all,
      " ! unetseg name=unetseg output=none "
      "late=run ! tee name=tee allow-not-linked=true");
  for (BatchKind kind = 0; kind <= BATCH_RESULTS; kind++) {
    gboolean wanted = outputs[kind].wanted
        || (kind == BATCH_RESULTS && outputs[BATCH_REPORT].wanted);

    if (wanted && !add[kind](all, self, error)) {
      g_string_free (all, TRUE);
      return NULL;
    }
  }
  if (outputs[BATCH_REPORT].wanted && !self->setup->rehearse)
    g_string_append (all, batch_thumbnails_describe ());
  return g_string_free (all, FALSE);
}

/* ---- files -------------------------------------------------------------- */

static GstElement *
find (const BatchOutputs *self, const gchar *format, const gchar *kind)
{
  g_autofree gchar *name = g_strconcat (kind, format, NULL);

  return gst_bin_get_by_name (self->pipeline, name);
}

static const gchar *
extension (const BatchOutputs *self, const gchar *mux, const gchar *muxer)
{
  for (guint i = 0; self->targets[i].mux != NULL; i++)
    if (g_str_equal (self->targets[i].mux, mux))
      return self->targets[i].container;
  if (g_str_equal (muxer, "GstQTMux"))
    return "mov";
  return g_str_equal (muxer, "GstMP4Mux") ? "mp4" : "mkv";
}

static void
set_file (const BatchOutputs *self, const gchar *kind)
{
  GstElement *sink = is_direct (self->setup) ? NULL
                                             : find (self, "-file", kind);
  GstElement *mux = find (self, "-mux", kind);
  g_autofree gchar *name = NULL, *path = NULL;

  if (sink != NULL) {
    name = g_strdup_printf ("%s.%s", kind,
        mux ? extension (self, GST_OBJECT_NAME (mux), G_OBJECT_TYPE_NAME (mux))
            : "png");
    path = g_build_filename (self->setup->folder, name, NULL);
    g_object_set (sink, "location", path, NULL);
  }
  if (mux != NULL)
    batch_muxer_prepare (mux);
  g_clear_object (&sink);
  g_clear_object (&mux);
}

static gboolean
make_folder (const BatchOutputs *self, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (self->setup->folder, name, NULL);

  if (g_mkdir (path, 0777) == 0)
    return TRUE;
  return batch_fail_errno (error, path);
}

static gboolean
set_files (const BatchOutputs *self, const gchar *kind, GError **error)
{
  GstElement *sink = find (self, "-files", kind);
  g_autofree gchar *escaped = NULL, *path = NULL;
  g_auto (GStrv) parts = NULL;

  if (sink == NULL)
    return TRUE;
  /* The location is a format. */
  parts = g_strsplit (self->setup->folder, "%", -1);
  escaped = g_strjoinv ("%%", parts);
  path = g_build_filename (escaped, kind, "%06d.png", NULL);
  g_object_set (sink, "location", path, NULL);
  gst_object_unref (sink);
  return make_folder (self, kind, error);
}

static void
on_result (GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchOutputs *self)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GstEvent)
      event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  GstClockTime time = GST_BUFFER_PTS (buffer);
  const GstSegment *segment;
  GstVideoInfo info;

  if (event != NULL && GST_CLOCK_TIME_IS_VALID (time)) {
    gst_event_parse_segment (event, &segment);
    time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, time);
  }
  if (caps != NULL && gst_video_info_from_caps (&info, caps))
    batch_results_add (self->results, gst_buffer_get_unet_seg_meta (buffer),
        info.width, info.height, time);
}

/* ---- properties --------------------------------------------------------- */

static void
set_if_there (GstElement *element, const gchar *name, const gchar *value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), name))
    gst_util_set_object_arg (G_OBJECT (element), name, value);
}

/* The same frame gives the same mask, independent of the frames before it. The
 * command line can set the properties otherwise. */
static void
apply_properties (BatchOutputs *self)
{
  static const gchar *const names[] = { "unetseg", "overlay-draw",
    "cutout-draw", "mask-draw", "masks-draw", "thumbnails-draw" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstElement) element = find (self, "", names[i]);

    if (element == NULL)
      continue;
    set_if_there (element, "temporal", "off");
    set_if_there (element, "precision", "f32");
    set_if_there (element, "clear-hidden", "true");
    batch_element_options_apply (self->setup->options->properties, element);
  }
}

/* ---- all of it ---------------------------------------------------------- */

static gboolean
make_files (const BatchOutputs *self, GError **error)
{
  static const gchar *const kinds[] = { "overlay", "cutout", "mask" };
  const BatchOutput *outputs = self->setup->options->outputs;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    set_file (self, kinds[i]);
    if (!set_files (self, kinds[i], error))
      return FALSE;
  }
  return (!outputs[BATCH_MASKS].wanted || make_folder (self, "masks", error))
      && (!outputs[BATCH_REPORT].wanted
          || make_folder (self, ".report", error));
}

static void
on_alpha (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchAlphaStore *store)
{
  batch_alpha_store_add (store, buffer);
}

static gboolean
connect_alpha (BatchOutputs *self, GError **error)
{
  g_autoptr (GstElement) sink = find (self, "-alpha", "cutout");
  g_autofree gchar *path =
      g_build_filename (self->setup->folder, "cutout.webm", NULL);

  if (sink == NULL || self->setup->rehearse)
    return TRUE;
  self->alpha = batch_alpha_store_new (path, error);
  if (self->alpha == NULL)
    return FALSE;
  g_signal_connect (sink, "handoff", G_CALLBACK (on_alpha), self->alpha);
  return TRUE;
}

static gboolean
open_results (BatchOutputs *self, GError **error)
{
  const BatchOutput *outputs = self->setup->options->outputs;
  g_autofree gchar *path =
      g_build_filename (self->setup->folder, "results.jsonl", NULL);
  gboolean write = outputs[BATCH_RESULTS].wanted && !self->setup->rehearse;

  g_clear_pointer (&self->results, batch_results_free);
  self->results = batch_results_new (write ? path : NULL, error);
  return self->results != NULL;
}

static gboolean
connect_results (BatchOutputs *self, GError **error)
{
  g_autoptr (GstElement) sink = find (self, "", "results");

  if (sink == NULL)
    return TRUE;
  if (!open_results (self, error))
    return FALSE;
  g_signal_connect (sink, "handoff", G_CALLBACK (on_result), self);
  return TRUE;
}

gboolean
batch_outputs_connect (BatchOutputs *self, GstBin *pipeline, GError **error)
{
  g_autoptr (GstElement) segmenter = gst_bin_get_by_name (pipeline, "unetseg");

  self->pipeline = pipeline;
  apply_properties (self);
  if ((!self->setup->rehearse && !make_files (self, error))
      || !connect_results (self, error) || !connect_alpha (self, error))
    return FALSE;
  if (self->setup->options->outputs[BATCH_MASKS].wanted) {
    self->masks = batch_mask_files_new (self->setup, segmenter);
    batch_mask_files_connect (self->masks, pipeline);
  }
  batch_thumbnails_connect (self->thumbnails, pipeline);
  if (is_direct (self->setup))
    batch_picture_files_connect (self->pictures, pipeline);
  return TRUE;
}

gboolean
batch_outputs_reset (BatchOutputs *self, GError **error)
{
  batch_picture_files_reset (self->pictures);
  batch_thumbnails_reset (self->thumbnails);
  if (self->masks != NULL)
    batch_mask_files_reset (self->masks);
  return make_files (self, error)
      && (self->results == NULL || open_results (self, error));
}

void
batch_outputs_note_classes (BatchOutputs *self, const UnetSegClasses *classes)
{
  if (self->masks != NULL)
    batch_mask_files_set_classes (self->masks, classes);
}

gboolean
batch_outputs_check (BatchOutputs *self, GError **error)
{
  gint code = self->masks ? batch_mask_files_get_error (self->masks) : 0;

  if (code == 0)
    code = batch_thumbnails_get_error (self->thumbnails);
  if (code == 0)
    code = batch_picture_files_get_error (self->pictures);
  if (code == 0 && self->alpha != NULL)
    code = batch_alpha_store_get_error (self->alpha);
  if (code == 0)
    return TRUE;
  errno = code;
  return batch_fail_errno (error, self->setup->folder);
}

gboolean
batch_outputs_finish (BatchOutputs *self, GError **error)
{
  g_autofree gchar *timeline =
      g_build_filename (self->setup->folder, ".report", "timeline.json", NULL);
  gboolean report = self->setup->options->outputs[BATCH_REPORT].wanted
      && !self->setup->rehearse;

  return batch_outputs_check (self, error)
      && (self->alpha == NULL || batch_alpha_store_finish (self->alpha, error))
      && (self->results == NULL
          || batch_results_finish (
              self->results, report ? timeline : NULL, error));
}
