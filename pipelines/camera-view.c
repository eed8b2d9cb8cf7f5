/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "camera-view.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

static gboolean
has_paintable_sink (void)
{
  g_autoptr (GstElementFactory)
      factory = gst_element_factory_find ("gtk4paintablesink");

  return factory != NULL;
}

const gchar *
camera_view_describe_sink (void)
{
  if (has_paintable_sink ())
    return "videoconvert ! gtk4paintablesink name=screen";
  return "videoconvert ! video/x-raw,format=RGBA ! "
         "appsink name=screen max-buffers=1 drop=true";
}

/* ---- textures of an appsink ---------------------------------------------- */

/* The newest frame on its way to the main thread. */
typedef struct {
  gint references; /* atomic */
  GWeakRef picture;
  GMutex mutex;
  GstSample *newest; /* (nullable): not shown yet */
} Way;

static Way *
way_ref (Way *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

static void
way_unref (gpointer data)
{
  Way *self = data;

  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  g_weak_ref_clear (&self->picture);
  g_mutex_clear (&self->mutex);
  g_clear_pointer (&self->newest, gst_sample_unref);
  g_free (self);
}

static void
unmap (gpointer data)
{
  GstVideoFrame *frame = data;

  gst_video_frame_unmap (frame);
  g_free (frame);
}

/* The texture reads the frame's own memory. */
static GdkTexture *
make_texture (GstSample *sample)
{
  g_autofree GstVideoFrame *frame = g_new (GstVideoFrame, 1);
  g_autoptr (GBytes) bytes = NULL;
  gint width, height, stride;
  GstVideoInfo info;
  gpointer data;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample))
      || !gst_video_frame_map (
          frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ))
    return NULL;
  width = GST_VIDEO_FRAME_WIDTH (frame);
  height = GST_VIDEO_FRAME_HEIGHT (frame);
  stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);
  data = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  bytes = g_bytes_new_with_free_func (
      data, (gsize) stride * (height - 1) + 4 * width, unmap, frame);
  frame = NULL;
  return gdk_memory_texture_new (
      width, height, GDK_MEMORY_R8G8B8A8, bytes, stride);
}

static gboolean
show_newest (gpointer data)
{
  Way *way = data;
  g_autoptr (GtkPicture) picture = g_weak_ref_get (&way->picture);
  g_autoptr (GdkTexture) texture = NULL;
  GstSample *sample;

  g_mutex_lock (&way->mutex);
  sample = g_steal_pointer (&way->newest);
  g_mutex_unlock (&way->mutex);
  if (sample == NULL)
    return G_SOURCE_REMOVE;
  texture = picture ? make_texture (sample) : NULL;
  gst_sample_unref (sample);
  if (texture)
    gtk_picture_set_paintable (picture, GDK_PAINTABLE (texture));
  return G_SOURCE_REMOVE;
}

/* A frame that waits is replaced, so that a slow screen drops frames. */
static GstFlowReturn
take_sample (Way *way, GstSample *sample)
{
  gboolean waits;

  if (sample == NULL)
    return GST_FLOW_EOS;
  g_mutex_lock (&way->mutex);
  waits = way->newest != NULL;
  g_clear_pointer (&way->newest, gst_sample_unref);
  way->newest = sample;
  g_mutex_unlock (&way->mutex);
  if (!waits)
    g_idle_add_full (G_PRIORITY_DEFAULT, show_newest, way_ref (way), way_unref);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_sample (GstAppSink *sink, gpointer data)
{
  return take_sample (data, gst_app_sink_pull_sample (sink));
}

static GstFlowReturn
on_preroll (GstAppSink *sink, gpointer data)
{
  return take_sample (data, gst_app_sink_pull_preroll (sink));
}

static void
connect_app_sink (GtkPicture *picture, GstAppSink *sink)
{
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample,
    .new_preroll = on_preroll };
  Way *way = g_new0 (Way, 1);

  way->references = 1;
  g_weak_ref_init (&way->picture, picture);
  g_mutex_init (&way->mutex);
  gst_app_sink_set_callbacks (sink, &callbacks, way, way_unref);
}

void
camera_view_connect (GtkPicture *picture, GstElement *pipeline)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "screen");
  g_autoptr (GdkPaintable) paintable = NULL;

  if (GST_IS_APP_SINK (sink)) {
    connect_app_sink (picture, GST_APP_SINK (sink));
  } else {
    g_object_get (sink, "paintable", &paintable, NULL);
    gtk_picture_set_paintable (picture, paintable);
  }
  gst_object_unref (sink);
}
