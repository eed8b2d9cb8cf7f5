/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/probe.h"

#include "batch/discovery.h"
#include "batch/error.h"
#include "base/missing-plugin.h"

#include <gio/gio.h>
#include <string.h>

#define CUT        "the file ends before the picture does"
#define FIRST_ONLY "an animation, of which GStreamer reads the first picture"

static const gchar *
result_text (GstDiscovererResult result)
{
  switch (result) {
    case GST_DISCOVERER_OK:
      return "complete";
    case GST_DISCOVERER_URI_INVALID:
      return "no such address";
    case GST_DISCOVERER_TIMEOUT:
      return "no answer in a minute";
    case GST_DISCOVERER_BUSY:
      return "the discoverer is busy";
    case GST_DISCOVERER_MISSING_PLUGINS:
      return "no plugin for it";
    case GST_DISCOVERER_ERROR:
      break;
  }
  return "no streams can be found in it";
}

/* A text in a folder of recordings is not a failure. */
static gboolean
is_media_name (const gchar *name)
{
  g_autofree gchar *type = g_content_type_guess (name, NULL, 0, NULL);

  return g_content_type_is_a (type, "video/*")
      || g_content_type_is_a (type, "image/*")
      || g_str_has_prefix (type, "video/") || g_str_has_prefix (type, "image/");
}

static gchar *
missing_text (GstDiscovererInfo *info)
{
  const gchar **details =
      gst_discoverer_info_get_missing_elements_installer_details (info);
  GString *all = g_string_new ("no plugin for it");

  for (guint i = 0; details != NULL && details[i] != NULL; i++) {
    g_autofree gchar *plugin = unet_missing_plugin_describe (details[i]);

    g_string_append_printf (all, "%s %s", i == 0 ? ":" : ",", plugin);
  }
  return g_string_free (all, FALSE);
}

static void
set_problem (GError **error, const BatchItem *item, GstDiscovererInfo *info,
    const GError *cause)
{
  GstDiscovererResult result = info ? gst_discoverer_info_get_result (info)
                                    : GST_DISCOVERER_ERROR;
  gboolean unknown =
      g_error_matches (cause, GST_STREAM_ERROR, GST_STREAM_ERROR_TYPE_NOT_FOUND)
      || g_error_matches (cause, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  g_autofree gchar *text = NULL;

  if (item->listed && !is_media_name (item->name)
      && (unknown || result == GST_DISCOVERER_MISSING_PLUGINS)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_NO_MEDIA, "not a recording");
    return;
  }
  if (result == GST_DISCOVERER_MISSING_PLUGINS)
    text = missing_text (info);
  else
    text = g_strdup (cause ? cause->message : result_text (result));
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s", text);
}

/* ---- streams ------------------------------------------------------------ */

static const gchar *
container_of (GstDiscovererStreamInfo *top)
{
  static const gchar *const known[][2] = {
    { "video/quicktime", "mp4" },
    { "video/x-matroska", "mkv" },
    { "video/webm", "webm" },
  };
  g_autoptr (GstCaps) caps = gst_discoverer_stream_info_get_caps (top);
  const GstStructure *s = caps && gst_caps_get_size (caps) > 0
      ? gst_caps_get_structure (caps, 0)
      : NULL;

  for (guint i = 0; s != NULL && i < G_N_ELEMENTS (known); i++) {
    if (!gst_structure_has_name (s, known[i][0]))
      continue;
    if (i == 0
        && g_strcmp0 (gst_structure_get_string (s, "variant"), "apple") == 0)
      return "mov";
    return known[i][1];
  }
  return NULL;
}

static gchar *
orientation_of (GstDiscovererStreamInfo *stream, GstDiscovererInfo *info)
{
  const GstTagList *lists[] = { gst_discoverer_stream_info_get_tags (stream),
    gst_discoverer_info_get_tags (info) };
  gchar *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (lists) && text == NULL; i++)
    if (lists[i] != NULL)
      gst_tag_list_get_string (lists[i], GST_TAG_IMAGE_ORIENTATION, &text);
  if (g_strcmp0 (text, "rotate-0") == 0)
    g_clear_pointer (&text, g_free);
  return text;
}

static void
read_video (
    BatchProbe *probe, GstDiscovererInfo *info, GstDiscovererVideoInfo *video)
{
  GstDiscovererStreamInfo *top = gst_discoverer_info_get_stream_info (info);
  GstDiscovererStreamInfo *stream = GST_DISCOVERER_STREAM_INFO (video);
  gboolean contained = GST_IS_DISCOVERER_CONTAINER_INFO (top);

  probe->width = gst_discoverer_video_info_get_width (video);
  probe->height = gst_discoverer_video_info_get_height (video);
  probe->par_n = gst_discoverer_video_info_get_par_num (video);
  probe->par_d = gst_discoverer_video_info_get_par_denom (video);
  /* Motion JPEG in a container is a video. */
  probe->picture = gst_discoverer_video_info_is_image (video) && !contained;
  probe->orientation = orientation_of (stream, info);
  probe->direction = "auto";
  probe->duration = gst_discoverer_info_get_duration (info);
  probe->container = g_strdup (container_of (top));
  probe->exact = probe->container != NULL
      && GST_CLOCK_TIME_IS_VALID (probe->duration) && probe->duration > 0;
  gst_object_unref (top);
}

static gboolean
read_info (const BatchItem *item, BatchProbe *probe, GstDiscovererInfo *info,
    GError **error)
{
  GList *videos = gst_discoverer_info_get_video_streams (info);

  if (videos == NULL) {
    g_set_error (error, BATCH_ERROR,
        item->listed && !is_media_name (item->name) ? BATCH_ERROR_NO_MEDIA
                                                    : BATCH_ERROR_INPUT,
        "no video in it");
    return FALSE;
  }
  read_video (probe, info, videos->data);
  gst_discoverer_stream_info_list_free (videos);
  return TRUE;
}

static gboolean
check_file (const BatchItem *item, GError **error)
{
  g_autofree gchar *path = g_filename_from_uri (item->uri, NULL, NULL);

  if (path == NULL)
    return TRUE;
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "no such file");
    return FALSE;
  }
  if (item->size == 0) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "empty: 0 bytes");
    return FALSE;
  }
  return TRUE;
}

/* ---- pictures ----------------------------------------------------------- */

/* Returns whether a file says what it is. Decoders do not tell the EXIF
 * orientation of a picture, and some give a whole frame for a file that was
 * cut. */
static gboolean
read_header (const BatchItem *item, UnetPictureHeader *header)
{
  g_autofree gchar *path = g_filename_from_uri (item->uri, NULL, NULL);

  return path != NULL && unet_picture_header_read (path, header);
}

/* GStreamer 1.26's discoverer writes beyond an object of its own where a GIF
 * ends inside of a block. */
static gboolean
check_header (const UnetPictureHeader *header, GError **error)
{
  const gchar *refusal = unet_picture_decoder_refuse (header);

  if (refusal != NULL)
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s", refusal);
  else if (header->state == UNET_PICTURE_EMPTY)
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
        "the file is too short for %ux%u pixels", header->width,
        header->height);
  else if (header->state == UNET_PICTURE_BROKEN)
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s", CUT);
  else
    return TRUE;
  return FALSE;
}

/* To some demuxers a GIF is a video. With one image it is a picture. */
static void
note_header (BatchProbe *probe, const UnetPictureHeader *header)
{
  probe->picture |= header->n_images == 1;
  if (header->state == UNET_PICTURE_CUT)
    probe->truncated = g_strdup (CUT);
  else if (probe->picture && header->animated)
    probe->truncated = g_strdup (FIRST_ONLY);
  if (probe->picture && probe->orientation == NULL && header->orientation > 1) {
    probe->orientation = g_strdup (unet_picture_header_get_tag (header));
    probe->direction = unet_picture_header_get_direction (header);
  }
}

/* Returns whether a header says all that a probe has to know. A discoverer
 * builds a pipeline for a file, which takes as long as decoding a picture. */
static gboolean
read_picture (const UnetPictureHeader *header, BatchProbe *probe)
{
  if (!unet_picture_decoder_find (header, &probe->decoder))
    return FALSE;
  probe->package = unet_picture_decoder_get_package (header);
  probe->size = header->size;
  probe->width = header->width;
  probe->height = header->height;
  probe->par_n = probe->par_d = 1;
  probe->picture = TRUE;
  probe->duration = GST_CLOCK_TIME_NONE;
  return TRUE;
}

gboolean
batch_probe (const BatchItem *item, BatchProbe *probe, GError **error)
{
  g_autoptr (GstDiscovererInfo) info = NULL;
  g_autoptr (GError) local = NULL;
  UnetPictureHeader header;
  gboolean known;

  memset (probe, 0, sizeof *probe);
  if (!check_file (item, error))
    return FALSE;
  known = read_header (item, &header);
  if (known && !check_header (&header, error))
    return FALSE;
  if (known && read_picture (&header, probe)) {
    note_header (probe, &header);
    return TRUE;
  }
  info = batch_discover (item->uri, &local);
  if (info == NULL || local != NULL
      || (gst_discoverer_info_get_result (info) != GST_DISCOVERER_OK
          && gst_discoverer_info_get_result (info)
              != GST_DISCOVERER_MISSING_PLUGINS)) {
    set_problem (error, item, info, local);
    return FALSE;
  }
  if (read_info (item, probe, info, error)) {
    if (known)
      note_header (probe, &header);
    return TRUE;
  }
  /* A stream that no plugin knows may be the video. */
  if (gst_discoverer_info_get_result (info) == GST_DISCOVERER_MISSING_PLUGINS) {
    g_clear_error (error);
    set_problem (error, item, info, NULL);
  }
  return FALSE;
}

void
batch_probe_clear (BatchProbe *probe)
{
  g_clear_pointer (&probe->orientation, g_free);
  g_clear_pointer (&probe->container, g_free);
  g_clear_pointer (&probe->truncated, g_free);
}
