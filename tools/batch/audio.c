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
batch_audio_get_caps (const BatchAudioTarget *targets)
{
  GstCaps *caps = gst_caps_from_string ("audio/x-raw");

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    gboolean taken = targets[0].mux == NULL;

    for (guint j = 0; targets[j].mux != NULL; j++)
      taken = taken || takes (kept[i].containers, targets[j].container);
    if (taken)
      gst_caps_append (caps, gst_caps_from_string (kept[i].caps));
  }
  return caps;
}

/* Returns (transfer full) (nullable): elements named `in` and, unless that is
 * the only one, `out`. */
static gchar *
describe_audio (const gchar *container, GstCaps *caps)
{
  const gchar *queue = "queue name=in max-size-buffers=0 "
                       "max-size-bytes=268435456 max-size-time=0";
  const gboolean raw =
      gst_structure_has_name (gst_caps_get_structure (caps, 0), "audio/x-raw");

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    g_autoptr (GstCaps) mine = gst_caps_from_string (kept[i].caps);

    if (takes (kept[i].containers, container)
        && gst_caps_can_intersect (caps, mine))
      return kept[i].parser != NULL
          ? g_strdup_printf ("%s ! %s name=out", queue, kept[i].parser)
          : g_strdup (queue);
  }
  for (guint i = 0; i < G_N_ELEMENTS (again); i++) {
    GstElementFactory *factory;

    if (!g_str_equal (again[i].container, container))
      continue;
    factory = gst_element_factory_find (again[i].encoder);
    if (factory == NULL)
      continue;
    gst_object_unref (factory);
    /* Another container takes these packets as they are. */
    return g_strdup_printf ("%s ! %saudioconvert ! audioresample ! %s name=out",
        queue, raw ? "" : "decodebin ! ", again[i].encoder);
  }
  return NULL;
}

static void
add_ghost (GstBin *bin, const gchar *element, const gchar *name)
{
  g_autoptr (GstElement) inner = gst_bin_get_by_name (bin, element);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (inner, name);

  gst_element_add_pad (GST_ELEMENT (bin), gst_ghost_pad_new (name, pad));
}

/* Adds the bin between a decoder's pad and a muxer: a parser, or an encoder.
 * Returns (transfer none) (nullable). */
static GstElement *
add_bin (GstBin *pipeline, GstCaps *caps, const BatchAudioTarget *target)
{
  g_autoptr (GstElement) mux = gst_bin_get_by_name (pipeline, target->mux);
  g_autoptr (GstElement) last = NULL;
  g_autofree gchar *text = describe_audio (target->container, caps);
  GstElement *bin;

  bin = mux && text ? gst_parse_bin_from_description (text, FALSE, NULL) : NULL;
  if (bin == NULL)
    return NULL;
  last = gst_bin_get_by_name (GST_BIN (bin), "out");
  add_ghost (GST_BIN (bin), "in", "sink");
  add_ghost (GST_BIN (bin), last != NULL ? "out" : "in", "src");
  gst_bin_add (pipeline, bin);
  /* By the name of the pad: a queue alone links to a pad of any type. */
  if (gst_element_link_pads (bin, "src", mux, "audio_%u"))
    return bin;
  gst_bin_remove (pipeline, bin);
  return NULL;
}

static GstElement *
add_element (GstBin *pipeline, const gchar *name)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  gst_bin_add (pipeline, element);
  return element;
}

static void
add_branches (GstBin *pipeline, GstElement *tee, GstCaps *caps,
    const BatchAudioTarget *targets)
{
  for (guint i = 0; targets[i].mux != NULL; i++) {
    GstElement *bin = add_bin (pipeline, caps, &targets[i]);

    if (bin == NULL)
      continue;
    gst_element_link (tee, bin);
    gst_element_sync_state_with_parent (bin);
  }
}

/* Where no muxer takes a track, its times still say how long the recording
 * is. */
GstPad *
batch_audio_add (GstBin *pipeline, GstPad *pad, const BatchAudioTarget *targets)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstElement *tee = add_element (pipeline, "tee"), *end;
  GstPad *sink = gst_element_get_static_pad (tee, "sink");

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  g_object_set (tee, "allow-not-linked", TRUE, NULL);
  if (gst_caps_get_size (caps) > 0)
    add_branches (pipeline, tee, caps, targets);
  end = add_element (pipeline, "fakesink");
  g_object_set (end, "async", FALSE, "sync", FALSE, NULL);
  gst_element_link (tee, end);
  gst_element_sync_state_with_parent (end);
  gst_element_sync_state_with_parent (tee);
  gst_pad_link (pad, sink);
  return sink;
}
