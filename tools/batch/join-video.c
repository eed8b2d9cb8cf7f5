/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/join-video.h"

#include "batch/audio.h"
#include "batch/encoder.h"
#include "batch/error.h"
#include "batch/muxer.h"
#include "batch/webm-alpha.h"
#include "base/missing-plugin.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <string.h>

/* For a packet, for tracks to appear, and for a file to end. */
#define TIMEOUT (120 * GST_SECOND)

static const gchar *
container_of (const gchar *path)
{
  const gchar *dot = strrchr (path, '.');

  return dot != NULL ? dot + 1 : "";
}

static gboolean
is_matroska (const gchar *path)
{
  return g_str_equal (container_of (path), "mkv")
      || g_str_equal (container_of (path), "webm");
}

static gboolean
take_error (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage)
      message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) local = NULL;

  if (message != NULL)
    gst_message_parse_error (message, &local, NULL);
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      local ? local->message : "no packets");
  return FALSE;
}

/* ---- out ---------------------------------------------------------------- */

static gboolean
stop_at_video (GstElement *source, GstPad *pad, GstCaps *caps, gpointer data)
{
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  return !(g_str_has_prefix (name, "video/x-")
             || g_str_has_prefix (name, "image/"))
      || g_str_has_prefix (name, "video/x-matroska")
      || g_str_has_prefix (name, "video/x-msvideo")
      || g_str_has_prefix (name, "video/x-ms-asf");
}

/* A demuxer fails when none of its pads is linked. */
static void
drop_stream (GstBin *pipeline, GstPad *pad)
{
  GstElement *end = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (end, "sink");

  g_object_set (end, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (pipeline, end);
  gst_element_sync_state_with_parent (end);
  gst_pad_link (pad, sink);
}

static void
on_pad (GstElement *source, GstPad *pad, gpointer data)
{
  GstElement *pipeline = data;
  const BatchAudioTarget targets[] = {
    { "joined-mux", g_object_get_data (data, "container") }, { NULL }
  };
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  const gchar *name = gst_caps_get_size (caps) > 0
      ? gst_structure_get_name (gst_caps_get_structure (caps, 0))
      : "";

  if (g_str_has_prefix (name, "audio/"))
    gst_object_unref (batch_audio_add (GST_BIN (pipeline), pad, targets));
  else
    drop_stream (GST_BIN (pipeline), pad);
}

static GstElement *
open_output (const gchar *path, const gchar *audio, GError **error)
{
  const gchar *container = container_of (path);
  g_autofree gchar *text =
      g_strdup_printf ("appsrc name=video format=time "
                       "block=true max-bytes=8388608 ! joined-mux.video_0  %s "
                       "name=joined-mux ! filesink name=file  %s",
          batch_encoder_get_muxer (container),
          audio != NULL ? "uridecodebin name=source" : "");
  GstElement *pipeline = unet_missing_plugin_parse (text, error), *element;

  if (pipeline == NULL)
    return NULL;
  element = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (element, "location", path, NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "joined-mux");
  batch_muxer_prepare (element);
  gst_object_unref (element);
  if (audio == NULL)
    return pipeline;
  g_object_set_data_full (
      G_OBJECT (pipeline), "container", g_strdup (container), g_free);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  {
    const BatchAudioTarget targets[] = { { "joined-mux", container },
      { NULL } };
    g_autoptr (GstCaps) caps = batch_audio_get_caps (targets);

    g_object_set (element, "uri", audio, "caps", caps, NULL);
  }
  g_signal_connect (
      element, "autoplug-continue", G_CALLBACK (stop_at_video), NULL);
  g_signal_connect (element, "pad-added", G_CALLBACK (on_pad), pipeline);
  gst_object_unref (element);
  return pipeline;
}

/* A muxer must know its tracks before the first packet: video waits until the
 * tracks of the recording are there. */
static gboolean
wait_for_audio (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstElement)
      source = gst_bin_get_by_name (GST_BIN (pipeline), "source");

  if (source == NULL)
    return TRUE;
  if (gst_element_get_state (source, NULL, NULL, TIMEOUT)
      != GST_STATE_CHANGE_FAILURE)
    return TRUE;
  return take_error (pipeline, path, error);
}

/* ---- in ----------------------------------------------------------------- */

static GstElement *
open_part (const gchar *path, GError **error)
{
  g_autofree gchar *text =
      g_strdup_printf ("filesrc name=file ! %s ! "
                       "appsink name=packets sync=false max-buffers=16",
          is_matroska (path) ? "matroskademux" : "qtdemux");
  GstElement *pipeline = unet_missing_plugin_parse (text, error), *file;

  if (pipeline == NULL)
    return NULL;
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (file, "location", path, NULL);
  gst_object_unref (file);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

/* A segment in Matroska has the times of the recording, to the millisecond. In
 * other containers it begins at 0, and its times are exact. */
static GstBuffer *
move_in_time (GstBuffer *packet, const JoinPart *part, GstClockTime start)
{
  GstBuffer *moved = gst_buffer_copy (packet);
  GstClockTimeDiff shift =
      is_matroska (part->path) ? 0 : GST_CLOCK_DIFF (start, part->first);

  if (GST_BUFFER_PTS_IS_VALID (moved))
    GST_BUFFER_PTS (moved) += shift;
  if (GST_BUFFER_DTS_IS_VALID (moved))
    GST_BUFFER_DTS (moved) += shift;
  return moved;
}

static GstClockTime
earliest (GstBuffer *packet, GstClockTime start)
{
  GstClockTime time = GST_BUFFER_PTS (packet);

  return GST_CLOCK_TIME_IS_VALID (start) ? start : time;
}

static gboolean
has_caps (GstAppSrc *out)
{
  g_autoptr (GstCaps) caps = gst_app_src_get_caps (out);

  return caps != NULL;
}

/* matroskademux and matroskamux spell a field of FFV1 differently. */
static void
set_caps (GstAppSrc *out, GstCaps *caps)
{
  GstStructure *s;

  caps = gst_caps_copy (caps);
  s = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (s, "video/x-ffv"))
    gst_structure_set (s, "ffversion", G_TYPE_INT, 1, NULL);
  gst_app_src_set_caps (out, caps);
  gst_caps_unref (caps);
}

/* The demuxer gives alpha of WebM as metadata, which the muxer ignores. */
static void
keep_alpha (BatchAlphaStore *alpha, GstBuffer *packet)
{
  GstVideoCodecAlphaMeta *meta = gst_buffer_get_video_codec_alpha_meta (packet);

  if (alpha != NULL && meta != NULL)
    batch_alpha_store_add (alpha, meta->buffer);
}

static gboolean
copy_part (const JoinPart *part, GstAppSrc *out, BatchAlphaStore *alpha,
    GError **error)
{
  GstElement *pipeline = open_part (part->path, error);
  g_autoptr (GstElement) sink = NULL;
  GstClockTime start = GST_CLOCK_TIME_NONE;
  GstSample *sample;
  gboolean ok = TRUE;

  if (pipeline == NULL)
    return FALSE;
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "packets");
  while (ok
      && (sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), TIMEOUT))
          != NULL) {
    GstBuffer *packet = gst_sample_get_buffer (sample);

    if (!has_caps (out)) /* those of every segment are equal */
      set_caps (out, gst_sample_get_caps (sample));
    start = earliest (packet, start);
    keep_alpha (alpha, packet);
    ok = gst_app_src_push_buffer (out, move_in_time (packet, part, start))
        == GST_FLOW_OK;
    gst_sample_unref (sample);
  }
  if (ok && !gst_app_sink_is_eos (GST_APP_SINK (sink)))
    ok = take_error (pipeline, part->path, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return ok;
}

/* ---- both --------------------------------------------------------------- */

static gboolean
wait_for_end (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) local = NULL;

  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return TRUE;
  if (message != NULL)
    gst_message_parse_error (message, &local, NULL);
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      local ? local->message : "the file does not end");
  return FALSE;
}

gboolean
batch_join_video (const gchar *path, const JoinPart *parts, guint n_parts,
    const gchar *audio, GError **error)
{
  gboolean webm = g_str_equal (container_of (path), "webm");
  BatchAlphaStore *alpha = webm ? batch_alpha_store_new (path, error) : NULL;
  GstElement *pipeline =
      webm && alpha == NULL ? NULL : open_output (path, audio, error);
  g_autoptr (GstElement) video = NULL;
  gboolean ok;

  if (pipeline == NULL) {
    batch_alpha_store_free (alpha);
    return FALSE;
  }
  video = gst_bin_get_by_name (GST_BIN (pipeline), "video");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  ok = wait_for_audio (pipeline, path, error);
  for (guint i = 0; ok && i < n_parts; i++)
    ok = copy_part (&parts[i], GST_APP_SRC (video), alpha, error);
  if (ok) {
    gst_app_src_end_of_stream (GST_APP_SRC (video));
    ok = wait_for_end (pipeline, path, error);
  } else if (error != NULL && *error == NULL) {
    take_error (pipeline, path, error);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  ok = ok && (alpha == NULL || batch_alpha_store_finish (alpha, error));
  batch_alpha_store_free (alpha);
  return ok;
}
