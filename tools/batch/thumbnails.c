/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/thumbnails.h"

#include <errno.h>
#include <string.h>

/* Largest size, in square pixels. */
#define MAX_WIDTH  240
#define MAX_HEIGHT 180

struct _BatchThumbnails {
  const BatchSetup *setup;
  GstElement *filter; /* (nullable): for the size, after connect */
  guint64 frames;     /* seen, by the thread of the network */
  guint n_picked;     /* by the same thread */
  guint n_written;    /* by the thread of the branch */
  gint error;         /* atomic: errno of a file */
};

BatchThumbnails *
batch_thumbnails_new (const BatchSetup *setup)
{
  BatchThumbnails *self = g_new0 (BatchThumbnails, 1);

  self->setup = setup;
  return self;
}

void
batch_thumbnails_free (BatchThumbnails *self)
{
  g_clear_object (&self->filter);
  g_free (self);
}

const gchar *
batch_thumbnails_describe (void)
{
  return " tee. ! identity name=pick ! "
         "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! "
         "unetsegdraw output=overlay name=thumbnails-draw ! "
         "videoscale add-borders=false ! videoconvert ! "
         "capsfilter name=thumbnail-size ! jpegenc quality=80 ! "
         "fakesink name=thumbnails async=false sync=false "
         "signal-handoffs=true";
}

gint
batch_thumbnails_get_error (BatchThumbnails *self)
{
  return g_atomic_int_get (&self->error);
}

/* Picks frames at equal distances, or frames 0, 10, 40, 160 and so on where the
 * length is not known. */
static GstPadProbeReturn
pick_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchThumbnails *self = data;
  GstClockTime duration = self->setup->probe.duration;
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  guint n = self->n_picked;
  gboolean due;

  self->frames++;
  if (self->setup->item->n_segments > 0 || !GST_CLOCK_TIME_IS_VALID (duration)
      || duration == 0 || !GST_CLOCK_TIME_IS_VALID (time))
    due = self->frames >= (n == 0 ? 0 : (guint64) 10 << (2 * (n - 1)));
  else
    due = time >= (2 * n + 1) * duration / (2 * BATCH_N_THUMBNAILS);
  if (!due || n >= BATCH_N_THUMBNAILS)
    return GST_PAD_PROBE_DROP;
  self->n_picked++;
  return GST_PAD_PROBE_OK;
}

static void
write_thumbnail (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchThumbnails *self)
{
  g_autofree gchar *name = g_strdup_printf ("%u.jpg", self->n_written++);
  g_autofree gchar *path =
      g_build_filename (self->setup->folder, ".report", name, NULL);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  errno = 0;
  if (!g_file_set_contents_full (path, (const gchar *) map.data, map.size,
          G_FILE_SET_CONTENTS_NONE, 0666, NULL))
    g_atomic_int_set (&self->error, errno != 0 ? errno : EIO);
  gst_buffer_unmap (buffer, &map);
}

/* The size of the upright frame in square pixels. */
static GstCaps *
thumbnail_caps (const BatchProbe *probe)
{
  gdouble w = probe->width * (gdouble) MAX (probe->par_n, 1)
      / MAX (probe->par_d, 1),
          h = probe->height, scale;
  const gchar *orientation = probe->orientation;

  if (orientation != NULL
      && (strstr (orientation, "90") || strstr (orientation, "270"))) {
    gdouble width = w;

    w = h;
    h = width;
  }
  scale = MIN (MAX_WIDTH / w, MAX_HEIGHT / h);
  return gst_caps_new_simple ("video/x-raw", "width", G_TYPE_INT,
      MAX ((gint) (w * scale), 1), "height", G_TYPE_INT,
      MAX ((gint) (h * scale), 1), "pixel-aspect-ratio", GST_TYPE_FRACTION, 1,
      1, NULL);
}

static void
set_size (BatchThumbnails *self)
{
  g_autoptr (GstCaps) caps = thumbnail_caps (&self->setup->probe);

  g_object_set (self->filter, "caps", caps, NULL);
}

void
batch_thumbnails_reset (BatchThumbnails *self)
{
  self->frames = 0;
  self->n_picked = self->n_written = 0;
  g_atomic_int_set (&self->error, 0);
  if (self->filter != NULL)
    set_size (self);
}

void
batch_thumbnails_connect (BatchThumbnails *self, GstBin *pipeline)
{
  g_autoptr (GstElement) pick = gst_bin_get_by_name (pipeline, "pick");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (pipeline, "thumbnails");
  g_autoptr (GstPad) pad = NULL;

  if (pick == NULL)
    return;
  self->filter = gst_bin_get_by_name (pipeline, "thumbnail-size");
  set_size (self);
  pad = gst_element_get_static_pad (pick, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, pick_frame, self, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (write_thumbnail), self);
}
