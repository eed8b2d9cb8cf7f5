/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/discovery.h"

/* For one file. */
#define TIMEOUT (60 * GST_SECOND)
/* After this time without a read, no stream will be found any more. */
#define SILENCE (10 * G_USEC_PER_SEC)

/* decodebin holds back the errors of an element that it is connecting, and
 * drops them when the element has changed its state by then. A demuxer that
 * fails at once is then never reported, and the discoverer waits for its
 * timeout. */
typedef struct {
  GMainLoop *loop;
  GstDiscovererInfo *info;
  GError *error;
  gint reads;   /* atomic */
  gint seen;    /* of them */
  gint64 since; /* monotonic time */
} Discovery;

static GstPadProbeReturn
on_read (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Discovery *discovery = data;

  g_atomic_int_inc (&discovery->reads);
  return GST_PAD_PROBE_OK;
}

static void
on_source (GstDiscoverer *discoverer, GstElement *source, gpointer data)
{
  GstPad *pad = gst_element_get_static_pad (source, "src");

  if (pad != NULL)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_PULL | GST_PAD_PROBE_TYPE_BUFFER,
        on_read, data, NULL);
  g_clear_object (&pad);
}

static gboolean
check_silence (gpointer data)
{
  Discovery *discovery = data;
  gint reads = g_atomic_int_get (&discovery->reads);
  gint64 now = g_get_monotonic_time ();

  if (reads == 0 || reads != discovery->seen)
    discovery->since = now;
  discovery->seen = reads;
  if (now - discovery->since > SILENCE)
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
  gst_discoverer_stop (discoverer);
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

  g_main_context_push_thread_default (context);
  discoverer = gst_discoverer_new (TIMEOUT, &discovery.error);
  if (discoverer != NULL) {
    run_discovery (&discovery, discoverer, context, uri);
    g_object_unref (discoverer);
  }
  g_main_context_pop_thread_default (context);
  if (discovery.error != NULL)
    g_propagate_error (error, discovery.error);
  return discovery.info;
}
