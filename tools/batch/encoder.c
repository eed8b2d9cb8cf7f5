/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/encoder.h"

#include "batch/error.h"
#include "base/missing-plugin.h"

gboolean
batch_have_element (const gchar *element)
{
  GstElementFactory *factory = gst_element_factory_find (element);

  if (factory == NULL)
    return FALSE;
  gst_object_unref (factory);
  return TRUE;
}

/* x264 takes odd sizes only without chroma subsampling. There are no B-frames:
 * frames are then decoded in the order in which they are shown, so that
 * segments can be joined packet by packet, and QuickTime, which stores decoding
 * times, keeps variable frame rates to the last frame. */
static gchar *
h264 (const BatchSetup *setup)
{
  gboolean odd = setup->probe.width % 2 != 0 || setup->probe.height % 2 != 0;

  return g_strdup_printf ("%sx264enc pass=qual quantizer=20 bframes=0 "
                          "speed-preset=veryfast threads=%u",
      odd ? "video/x-raw,format=Y444 ! " : "", MAX (setup->threads, 1));
}

/* VP9 with frames in hand, which is the encoder's default, loses frames of a
 * still picture (GStreamer 1.22). */
gchar *
batch_encoder_describe (const BatchSetup *setup, const gchar *name)
{
  if (g_str_equal (name, "h264"))
    return h264 (setup);
  if (g_str_equal (name, "vp9"))
    return g_strdup_printf (
        "vp9enc deadline=1 cpu-used=6 row-mt=true lag-in-frames=0 "
        "threads=%u end-usage=cq cq-level=24 target-bitrate=20000000",
        MAX (setup->threads, 1));
  if (g_str_equal (name, "vp8"))
    return g_strdup_printf (
        "vp8enc deadline=1 cpu-used=4 threads=%u "
        "end-usage=cq cq-level=8 min-quantizer=2 target-bitrate=20000000",
        MAX (setup->threads, 1));
  if (g_str_equal (name, "prores"))
    return g_strdup ("video/x-raw,format=A444_10LE ! avenc_prores_ks");
  return g_strdup ("avenc_ffv1 gop-size=1");
}

gchar *
batch_encoder_describe_split (const BatchSetup *setup, const gchar *codec)
{
  g_autofree gchar *encode = batch_encoder_describe (setup, codec);

  return g_strconcat (encode, " keyframe-mode=disabled", NULL);
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

const gchar *
batch_encoder_choose (const BatchSetup *setup, BatchKind kind)
{
  const gchar *name = setup->options->outputs[kind].codec->name;

  if (kind == BATCH_OVERLAY && g_str_equal (name, "h264")
      && !batch_have_element ("x264enc") && batch_have_element ("vp8enc"))
    return "vp8";
  return name;
}

const gchar *
batch_encoder_get_alpha_container (const gchar *codec)
{
  if (g_str_equal (codec, "prores"))
    return "mov";
  return g_str_equal (codec, "ffv1") ? "mkv" : "webm";
}

static gboolean
fits (const gchar *containers, const gchar *name)
{
  g_auto (GStrv) all = g_strsplit (containers, " ", -1);

  return name != NULL && g_strv_contains ((const gchar *const *) all, name);
}

/* MP4 takes nothing smaller than 16 pixels; Matroska takes everything. */
const gchar *
batch_encoder_choose_container (const BatchSetup *setup, const gchar *codec)
{
  const gchar *containers = g_str_equal (codec, "h264") ? "mp4 mov mkv"
      : g_str_equal (codec, "ffv1")                     ? "mkv"
                                                        : "webm mkv";
  const gchar *wanted = setup->options->container;
  gboolean small = setup->probe.width < 16 || setup->probe.height < 16;

  if (wanted != NULL && fits (containers, wanted))
    return wanted;
  if (!small && fits (containers, setup->probe.container))
    return setup->probe.container;
  return "mkv";
}

const gchar *
batch_encoder_get_muxer (const gchar *container)
{
  if (g_str_equal (container, "mp4"))
    return "mp4mux";
  if (g_str_equal (container, "mov"))
    return "qtmux";
  if (g_str_equal (container, "webm"))
    return "webmmux offset-to-zero=false";
  return "matroskamux offset-to-zero=false";
}

gboolean
batch_encoder_require (const gchar *codec, GError **error)
{
  const gchar *element = encoder_element (codec), *package;

  if (batch_have_element (element))
    return TRUE;
  package = unet_missing_plugin_find_package (element);
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
      "the GStreamer element '%s', which writes %s, is not installed%s%s%s",
      element, codec, package ? " (apt install " : "", package ? package : "",
      package ? ")" : "");
  return FALSE;
}
