/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipeline of a task, output by output. */

#include "batch/task.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define QUEUE        "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0"
#define DRAW         QUEUE " ! unetsegdraw output="
#define N_THUMBNAILS 6

static gboolean
have (const gchar *element)
{
  GstElementFactory *factory = gst_element_factory_find (element);

  if (factory == NULL)
    return FALSE;
  gst_object_unref (factory);
  return TRUE;
}

/* ---- encoders ----------------------------------------------------------- */

/* x264 takes odd sizes only without subsampling of chroma. Without B-frames,
 * frames are decoded in the order in which they are shown: segments can be
 * joined packet by packet, and QuickTime, which has the times of decoding,
 * keeps variable frame rates to the last frame. */
static gchar *
h264 (const BatchTask *task)
{
  gboolean odd = task->probe.width % 2 != 0 || task->probe.height % 2 != 0;

  return g_strdup_printf ("%sx264enc pass=qual quantizer=20 bframes=0 "
                          "speed-preset=veryfast threads=%u",
      odd ? "video/x-raw,format=Y444 ! " : "", MAX (task->threads, 1));
}

static gchar *
encoder (const BatchTask *task, const gchar *name)
{
  if (g_str_equal (name, "h264"))
    return h264 (task);
  if (g_str_equal (name, "vp9"))
    return g_strdup_printf (
        "vp9enc deadline=1 cpu-used=6 row-mt=true "
        "threads=%u end-usage=cq cq-level=24 target-bitrate=20000000",
        MAX (task->threads, 1));
  if (g_str_equal (name, "vp8"))
    return g_strdup_printf (
        "vp8enc deadline=1 cpu-used=4 threads=%u "
        "end-usage=cq cq-level=8 min-quantizer=2 target-bitrate=20000000",
        MAX (task->threads, 1));
  if (g_str_equal (name, "prores"))
    return g_strdup ("video/x-raw,format=A444_10LE ! avenc_prores_ks");
  return g_strdup ("avenc_ffv1 gop-size=1");
}

static const gchar *
encoder_element (const gchar *name)
{
  static const gchar *const names[][2] = { { "h264", "x264enc" },
    { "vp9", "vp9enc" }, { "vp8", "vp8enc" }, { "prores", "avenc_prores_ks" },
    { "ffv1", "avenc_ffv1" }, { "png", "pngenc" } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i][0], name))
      return names[i][1];
  return name;
}

/* The codec asked for; where none was, the first one that is installed. */
static const gchar *
choose_codec (const BatchTask *task, BatchKind kind)
{
  const gchar *name = task->options->outputs[kind].codec->name;

  if (kind == BATCH_OVERLAY && g_str_equal (name, "h264") && !have ("x264enc")
      && have ("vp8enc"))
    return "vp8";
  return name;
}

static gboolean
fits (const gchar *containers, const gchar *name)
{
  g_auto (GStrv) all = g_strsplit (containers, " ", -1);

  return name != NULL && g_strv_contains ((const gchar *const *) all, name);
}

/* What was asked for, else the input's, else Matroska, which takes all. MP4
 * has nothing smaller than 16 pixels. */
static const gchar *
overlay_container (const BatchTask *task, const gchar *codec)
{
  const gchar *containers = g_str_equal (codec, "h264") ? "mp4 mov mkv"
      : g_str_equal (codec, "ffv1")                     ? "mkv"
                                                        : "webm mkv";
  const gchar *wanted = task->options->container;
  gboolean small = task->probe.width < 16 || task->probe.height < 16;

  if (wanted != NULL && fits (containers, wanted))
    return wanted;
  if (!small && fits (containers, task->probe.container))
    return task->probe.container;
  return "mkv";
}

static const gchar *
muxer (const gchar *container)
{
  if (g_str_equal (container, "mp4"))
    return "mp4mux";
  if (g_str_equal (container, "mov"))
    return "qtmux";
  if (g_str_equal (container, "webm"))
    return "webmmux offset-to-zero=false";
  return "matroskamux offset-to-zero=false";
}

/* ---- branches ----------------------------------------------------------- */

static gboolean
need (const gchar *codec, GError **error)
{
  const gchar *element = encoder_element (codec);

  if (have (element))
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
      "the GStreamer element '%s', which writes %s, is not installed", element,
      codec);
  return FALSE;
}

static void
add_sink (GString *all, const BatchTask *task, const gchar *kind)
{
  if (task->rehearse)
    g_string_append (all, " ! fakesink async=false sync=false");
  else
    g_string_append_printf (all, " ! filesink name=%s-file async=false", kind);
}

static gboolean
add_video (GString *all, const BatchTask *task, const gchar *kind,
    const gchar *output, const gchar *codec, const gchar *container,
    GError **error)
{
  g_autofree gchar *encode = encoder (task, codec);

  if (!need (codec, error))
    return FALSE;
  g_string_append_printf (all,
      " tee. ! " DRAW "%s name=%s-draw ! "
      "videoconvert ! %s ! queue max-size-buffers=64 max-size-time=0 "
      "max-size-bytes=0 ! %s name=%s-mux",
      output, kind, encode, muxer (container), kind);
  add_sink (all, task, kind);
  return TRUE;
}

/* Pictures of a sequence, or the one of a picture. */
static gboolean
add_pictures (GString *all, const BatchTask *task, const gchar *kind,
    const gchar *output, GError **error)
{
  if (!need ("png", error))
    return FALSE;
  g_string_append_printf (all,
      " tee. ! " DRAW "%s name=%s-draw ! "
      "videoconvert ! pngenc compression-level=3",
      output, kind);
  if (task->probe.picture || task->rehearse)
    add_sink (all, task, kind);
  else
    g_string_append_printf (
        all, " ! multifilesink name=%s-files async=false", kind);
  return TRUE;
}

static gboolean
add_overlay (GString *all, BatchTask *task, GError **error)
{
  const gchar *codec;

  if (task->probe.picture)
    return add_pictures (all, task, "overlay", "overlay", error);
  codec = choose_codec (task, BATCH_OVERLAY);
  task->container = overlay_container (task, codec);
  return add_video (
      all, task, "overlay", "overlay", codec, task->container, error);
}

static gboolean
add_cutout (GString *all, BatchTask *task, GError **error)
{
  const gchar *codec = choose_codec (task, BATCH_CUTOUT);
  gboolean small = task->probe.width < 16 || task->probe.height < 16;

  if (task->probe.picture || g_str_equal (codec, "png"))
    return add_pictures (all, task, "cutout", "alpha", error);
  if (small) /* QuickTime has nothing smaller */
    codec = "ffv1";
  return add_video (all, task, "cutout", "alpha", codec,
      g_str_equal (codec, "prores") ? "mov" : "mkv", error);
}

static gboolean
add_mask (GString *all, BatchTask *task, GError **error)
{
  const gchar *codec = choose_codec (task, BATCH_MASK);

  if (task->probe.picture)
    return add_pictures (all, task, "mask", "mask", error);
  return add_video (all, task, "mask", "mask", codec,
      g_str_equal (codec, "h264") && task->probe.width >= 16
              && task->probe.height >= 16
          ? "mp4"
          : "mkv",
      error);
}

static gboolean
add_masks (GString *all, BatchTask *task, GError **error)
{
  g_string_append (all,
      " tee. ! " DRAW "mask name=masks-draw ! "
      "fakesink name=masks async=false sync=false signal-handoffs=true");
  return TRUE;
}

/* The timeline of the report comes from the results as well. */
static gboolean
add_results (GString *all, BatchTask *task, GError **error)
{
  g_string_append (all,
      " tee. ! " QUEUE " ! fakesink name=results "
      "async=false sync=false signal-handoffs=true");
  return TRUE;
}

static void
add_thumbnails (GString *all, const BatchTask *task)
{
  if (task->rehearse)
    return;
  g_string_append (all,
      " tee. ! identity name=pick ! " DRAW "overlay "
      "name=thumbnails-draw ! videoscale add-borders=false ! videoconvert ! "
      "capsfilter name=thumbnail-size ! jpegenc quality=80 ! fakesink "
      "name=thumbnails async=false sync=false signal-handoffs=true");
}

gchar *
batch_outputs_describe (BatchTask *task, GError **error)
{
  static gboolean (*const add[]) (GString *, BatchTask *, GError **) = {
    [BATCH_OVERLAY] = add_overlay,
    [BATCH_CUTOUT] = add_cutout,
    [BATCH_MASK] = add_mask,
    [BATCH_MASKS] = add_masks,
    [BATCH_RESULTS] = add_results,
  };
  const BatchOutput *outputs = task->options->outputs;
  GString *all = g_string_new ("uridecodebin name=source  "
                               "videoconvert name=entry");

  if (task->probe.orientation != NULL)
    g_string_append (all,
        " ! videoflip name=upright video-direction=auto ! "
        "videoconvert");
  g_string_append (all,
      " ! " QUEUE " ! unetseg name=unetseg output=none "
      "late=run ! tee name=tee allow-not-linked=true");
  for (BatchKind kind = 0; kind <= BATCH_RESULTS; kind++) {
    gboolean wanted = outputs[kind].wanted
        || (kind == BATCH_RESULTS && outputs[BATCH_REPORT].wanted);

    if (wanted && !add[kind](all, task, error)) {
      g_string_free (all, TRUE);
      return NULL;
    }
  }
  if (outputs[BATCH_REPORT].wanted)
    add_thumbnails (all, task);
  return g_string_free (all, FALSE);
}

/* ---- what text cannot say ----------------------------------------------- */

static GstElement *
find (const BatchTask *task, const gchar *format, const gchar *kind)
{
  g_autofree gchar *name = g_strconcat (kind, format, NULL);

  return gst_bin_get_by_name (GST_BIN (task->pipeline), name);
}

static const gchar *
extension (const BatchTask *task, const gchar *kind, const gchar *muxer)
{
  if (g_str_equal (kind, "overlay"))
    return task->container;
  if (g_str_equal (muxer, "GstQTMux"))
    return "mov";
  return g_str_equal (muxer, "GstMP4Mux") ? "mp4" : "mkv";
}

/* Milliseconds and the usual rates (24, 25, 30, 60, and those by 1001) are
 * whole numbers of it. */
#define TICKS_PER_SECOND 240000

/* How long the last frame is shown, a decoder may not know, or say that it is
 * nanoseconds; players then leave that frame out: as long as the one before. */
static GstPadProbeReturn
give_duration (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstClockTime *last = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time = GST_BUFFER_PTS (buffer), step = GST_SECOND / 25;

  if (GST_CLOCK_TIME_IS_VALID (*last) && time > *last)
    step = time - *last;
  *last = time;
  if (GST_BUFFER_DURATION_IS_VALID (buffer)
      && GST_BUFFER_DURATION (buffer) >= GST_MSECOND)
    return GST_PAD_PROBE_OK;
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_DURATION (buffer) = step;
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* qtmux and mp4mux would make the unit of time from the frame rate, too, which
 * goes wrong with one in nanoseconds. */
void
batch_outputs_prepare_muxer (GstElement *mux)
{
  GstPad *pad = gst_element_get_static_pad (mux, "video_0");
  GstClockTime *last;

  if (pad == NULL)
    return;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (pad), "trak-timescale"))
    g_object_set (pad, "trak-timescale", TICKS_PER_SECOND, NULL);
  last = g_new (GstClockTime, 1);
  *last = GST_CLOCK_TIME_NONE;
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, give_duration, last, g_free);
  gst_object_unref (pad);
}

static void
set_file (const BatchTask *task, const gchar *kind)
{
  GstElement *sink = find (task, "-file", kind);
  GstElement *mux = find (task, "-mux", kind);
  g_autofree gchar *name = NULL, *path = NULL;

  if (sink != NULL) {
    name = g_strdup_printf ("%s.%s", kind,
        mux ? extension (task, kind, G_OBJECT_TYPE_NAME (mux)) : "png");
    path = g_build_filename (task->folder, name, NULL);
    g_object_set (sink, "location", path, NULL);
  }
  if (mux != NULL)
    batch_outputs_prepare_muxer (mux);
  g_clear_object (&sink);
  g_clear_object (&mux);
}

static gboolean
make_folder (const BatchTask *task, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (task->folder, name, NULL);

  if (g_mkdir (path, 0777) == 0)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      g_strerror (errno));
  return FALSE;
}

static gboolean
set_files (const BatchTask *task, const gchar *kind, GError **error)
{
  GstElement *sink = find (task, "-files", kind);
  g_autofree gchar *escaped = NULL, *path = NULL;
  g_auto (GStrv) parts = NULL;

  if (sink == NULL)
    return TRUE;
  /* The folder is part of a format. */
  parts = g_strsplit (task->folder, "%", -1);
  escaped = g_strjoinv ("%%", parts);
  path = g_build_filename (escaped, kind, "%06d.png", NULL);
  g_object_set (sink, "location", path, NULL);
  gst_object_unref (sink);
  return make_folder (task, kind, error);
}

static void
connect_sink (BatchTask *task, const gchar *name, GCallback handler)
{
  GstElement *sink = find (task, "", name);

  if (sink != NULL)
    g_signal_connect (sink, "handoff", handler, task);
  g_clear_object (&sink);
}

static void
on_result (GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchTask *task)
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
    batch_results_add (task->results, gst_buffer_get_unet_seg_meta (buffer),
        info.width, info.height, time);
}

/* Evenly over the recording; where its length is not known, ever further
 * apart. */
static GstPadProbeReturn
pick_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;
  GstClockTime duration = task->probe.duration;
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  guint64 frames = task->frames;
  guint n = task->thumbnails;
  gboolean due;

  if (task->item->n_segments > 0 || !GST_CLOCK_TIME_IS_VALID (duration)
      || duration == 0 || !GST_CLOCK_TIME_IS_VALID (time))
    due = frames >= (n == 0 ? 0 : (guint64) 10 << (2 * (n - 1)));
  else
    due = time >= (2 * n + 1) * duration / (2 * N_THUMBNAILS);
  if (!due || n >= N_THUMBNAILS)
    return GST_PAD_PROBE_DROP;
  task->thumbnails++;
  return GST_PAD_PROBE_OK;
}

/* As a person sees it: square pixels, upright. */
static GstCaps *
thumbnail_caps (const BatchProbe *probe)
{
  gdouble w = probe->width * (gdouble) MAX (probe->par_n, 1)
      / MAX (probe->par_d, 1),
          h = probe->height, scale;
  const gchar *turn = probe->orientation;

  if (turn != NULL && (strstr (turn, "90") || strstr (turn, "270"))) {
    gdouble width = w;

    w = h;
    h = width;
  }
  scale = MIN (240 / w, 180 / h);
  return gst_caps_new_simple ("video/x-raw", "width", G_TYPE_INT,
      MAX ((gint) (w * scale), 1), "height", G_TYPE_INT,
      MAX ((gint) (h * scale), 1), "pixel-aspect-ratio", GST_TYPE_FRACTION, 1,
      1, NULL);
}

static void
set_thumbnails (BatchTask *task)
{
  GstElement *pick = find (task, "", "pick");
  GstElement *filter = find (task, "", "thumbnail-size");
  GstCaps *caps;
  GstPad *pad;

  if (pick == NULL)
    return;
  caps = thumbnail_caps (&task->probe);
  g_object_set (filter, "caps", caps, NULL);
  gst_caps_unref (caps);
  pad = gst_element_get_static_pad (pick, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, pick_frame, task, NULL);
  gst_object_unref (pad);
  gst_object_unref (pick);
  gst_object_unref (filter);
}

static void
set_if_there (GstElement *element, const gchar *name, const gchar *value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), name))
    gst_util_set_object_arg (G_OBJECT (element), name, value);
}

static void
apply_properties (BatchTask *task)
{
  static const gchar *const names[] = { "unetseg", "overlay-draw",
    "cutout-draw", "mask-draw", "masks-draw", "thumbnails-draw" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = find (task, "", names[i]);

    /* The same frame gives the same mask, whatever came before it; the
     * command line may ask for more. */
    if (element != NULL) {
      set_if_there (element, "temporal", "off");
      set_if_there (element, "precision", "f32");
    }
    if (element != NULL)
      batch_options_apply (task->options, element);
    g_clear_object (&element);
  }
}

gboolean
batch_outputs_connect (BatchTask *task, GError **error)
{
  static const gchar *const kinds[] = { "overlay", "cutout", "mask" };
  const BatchOutput *outputs = task->options->outputs;
  g_autofree gchar *results =
      g_build_filename (task->folder, "results.jsonl", NULL);
  gboolean write = outputs[BATCH_RESULTS].wanted && !task->rehearse;

  apply_properties (task);
  if (!task->rehearse) {
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
      set_file (task, kinds[i]);
      if (!set_files (task, kinds[i], error))
        return FALSE;
    }
    if ((outputs[BATCH_MASKS].wanted && !make_folder (task, "masks", error))
        || (outputs[BATCH_REPORT].wanted
            && !make_folder (task, ".report", error)))
      return FALSE;
  }
  if (outputs[BATCH_RESULTS].wanted || outputs[BATCH_REPORT].wanted) {
    task->results = batch_results_new (write ? results : NULL, error);
    if (task->results == NULL)
      return FALSE;
  }
  connect_sink (task, "results", G_CALLBACK (on_result));
  connect_sink (task, "masks", G_CALLBACK (batch_pictures_mask));
  connect_sink (task, "thumbnails", G_CALLBACK (batch_pictures_thumbnail));
  set_thumbnails (task);
  return TRUE;
}
