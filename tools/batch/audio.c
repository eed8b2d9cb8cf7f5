/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/audio.h"

/* Audio that a container takes without decoding. */
static const struct {
  const gchar *caps, *parser, *containers;
} kept[] = {
  { "audio/mpeg,mpegversion=(int){2,4},framed=(boolean)true", "aacparse",
      "mp4 mov mkv" },
  { "audio/mpeg,mpegversion=(int)1,parsed=(boolean)true", "mpegaudioparse",
      "mp4 mov mkv" },
  { "audio/x-ac3,framed=(boolean)true", "ac3parse", "mp4 mov mkv" },
  { "audio/x-opus", NULL, "mp4 mkv webm" },
  { "audio/x-vorbis", NULL, "mkv webm" },
  { "audio/x-flac,framed=(boolean)true", "flacparse", "mkv" },
};

/* Other audio is decoded and encoded again, in Matroska without loss. */
static const struct {
  const gchar *container, *encoder;
} again[] = {
  { "mkv", "flacenc" },
  { "mp4", "avenc_aac" },
  { "mov", "avenc_aac" },
  { "webm", "opusenc" },
  { "webm", "vorbisenc" },
};

static gboolean
takes (const gchar *containers, const gchar *name)
{
  g_auto (GStrv) all = g_strsplit (containers, " ", -1);

  return name != NULL && g_strv_contains ((const gchar *const *) all, name);
}

GstCaps *
batch_audio_get_caps (const gchar *container)
{
  GstCaps *caps = gst_caps_from_string ("audio/x-raw");

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (container == NULL || takes (kept[i].containers, container))
      gst_caps_append (caps, gst_caps_from_string (kept[i].caps));
  return caps;
}

static gchar *
describe_audio (const gchar *container, GstCaps *caps)
{
  const gchar *queue = "queue max-size-buffers=0 max-size-bytes=268435456 "
                       "max-size-time=0";

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    g_autoptr (GstCaps) mine = gst_caps_from_string (kept[i].caps);

    if (gst_caps_can_intersect (caps, mine))
      return g_strdup_printf ("%s%s%s", queue, kept[i].parser ? " ! " : "",
          kept[i].parser ? kept[i].parser : "");
  }
  for (guint i = 0; i < G_N_ELEMENTS (again); i++) {
    GstElementFactory *factory;

    if (!g_str_equal (again[i].container, container))
      continue;
    factory = gst_element_factory_find (again[i].encoder);
    if (factory == NULL)
      continue;
    gst_object_unref (factory);
    return g_strdup_printf (
        "%s ! audioconvert ! audioresample ! %s", queue, again[i].encoder);
  }
  return NULL;
}

/* Returns the bin between @pad and the muxer: a parser, or an encoder. */
static GstElement *
audio_bin (
    GstBin *pipeline, GstElement *mux, GstPad *pad, const gchar *container)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autofree gchar *text = NULL;
  GstElement *bin;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  text = describe_audio (container, caps);
  if (text == NULL)
    return NULL;
  bin = gst_parse_bin_from_description (text, TRUE, NULL);
  if (bin == NULL)
    return NULL;
  gst_bin_add (pipeline, bin);
  /* By the name of the pad: a queue alone links to a pad of any type. */
  if (gst_element_link_pads (bin, "src", mux, "audio_%u"))
    return bin;
  gst_bin_remove (pipeline, bin);
  return NULL;
}

GstPad *
batch_audio_add (GstBin *pipeline, GstPad *pad, const gchar *container)
{
  GstElement *mux = gst_bin_get_by_name (pipeline, "overlay-mux");
  GstElement *bin = mux != NULL && container != NULL
      ? audio_bin (pipeline, mux, pad, container)
      : NULL;
  GstPad *sink;

  g_clear_object (&mux);
  if (bin == NULL) { /* its times still say how long the recording is */
    bin = gst_element_factory_make ("fakesink", NULL);
    g_object_set (bin, "async", FALSE, "sync", FALSE, NULL);
    gst_bin_add (pipeline, bin);
  }
  sink = gst_element_get_static_pad (bin, "sink");
  gst_element_sync_state_with_parent (bin);
  gst_pad_link (pad, sink);
  return sink;
}
