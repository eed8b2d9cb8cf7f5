/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/discovery.h"

#include "base/libav-end.h"
#include "base/read-watch.h"

/* For one file. */
#define TIMEOUT (60 * GST_SECOND)

/* decodebin holds back the errors of an element that it is connecting, and
 * drops them when the element has changed its state by then. A demuxer that
 * fails at once is then never reported, and the discoverer waits for its
 * timeout. */
typedef struct {
  GMainLoop *loop;
  GstDiscovererInfo *info;
  GError *error;
  UnetReadWatch *watch;
  GstElement *pipeline; /* (nullable): of the discoverer, once it has begun */
} Discovery;

static void
on_source (GstDiscoverer *discoverer, GstElement *source, gpointer data)
{
  Discovery *discovery = data;

  unet_read_watch_add_source (discovery->watch, source);
  g_clear_object (&discovery->pipeline);
  discovery->pipeline = unet_libav_end_mend_around (source);
}

static gboolean
check_silence (gpointer data)
{
  Discovery *discovery = data;

  if (unet_read_watch_measure_silence (discovery->watch) > UNET_READ_SILENCE
      && unet_read_watch_has_begun (discovery->watch))
    g_main_loop_quit (discovery->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_discovered (GstDiscoverer *discoverer, GstDiscovererInfo *info,
    GError *error, gpointer data)
{
  Discovery *discovery = data;

  discovery->info = g_object_ref (info);
  discovery->error = error ? g_error_copy (error) : NULL;
  g_main_loop_quit (discovery->loop);
}

static void
run_discovery (Discovery *discovery, GstDiscoverer *discoverer,
    GMainContext *context, const gchar *uri)
{
  GSource *timer = g_timeout_source_new (100);

  discovery->loop = g_main_loop_new (context, FALSE);
  g_source_set_callback (timer, check_silence, discovery, NULL);
  g_source_attach (timer, context);
  g_signal_connect (
      discoverer, "source-setup", G_CALLBACK (on_source), discovery);
  g_signal_connect (
      discoverer, "discovered", G_CALLBACK (on_discovered), discovery);
  gst_discoverer_start (discoverer);
  if (gst_discoverer_discover_uri_async (discoverer, uri))
    g_main_loop_run (discovery->loop);
  /* gst_discoverer_stop () waits for ever for its own lock where it removes the
   * streams of a file that it has not finished. */
  if (discovery->info == NULL && discovery->pipeline != NULL)
    gst_element_set_state (discovery->pipeline, GST_STATE_NULL);
  gst_discoverer_stop (discoverer);
  g_clear_object (&discovery->pipeline);
  g_source_destroy (timer);
  g_source_unref (timer);
  g_main_loop_unref (discovery->loop);
}

GstDiscovererInfo *
batch_discover (const gchar *uri, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Discovery discovery = { NULL };
  GstDiscoverer *discoverer;

  discovery.watch = unet_read_watch_new ();
  g_main_context_push_thread_default (context);
  discoverer = gst_discoverer_new (TIMEOUT, &discovery.error);
  if (discoverer != NULL) {
    run_discovery (&discovery, discoverer, context, uri);
    g_object_unref (discoverer);
  }
  g_main_context_pop_thread_default (context);
  unet_read_watch_unref (discovery.watch);
  if (discovery.error != NULL)
    g_propagate_error (error, discovery.error);
  return discovery.info;
}
