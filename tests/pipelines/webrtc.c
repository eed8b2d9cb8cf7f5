/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sends a test picture with a blurred background from one webrtcbin to another,
 * with offer, answer, ICE and DTLS as between two programs. Succeeds once
 * frames have been decoded. Exits with 77 where an element is missing. */
#include <gst/gst.h>

#include <stdio.h>

#define ENOUGH 10

typedef struct {
  GMainLoop *loop;
  GstElement *pipeline, *sender, *receiver;
  gint frames;
} Call;

/* ---- offer and answer ------------------------------------------------- */

/* Returns the description that a promise has under @name. GStreamer's type for
 * it is in a header that is not always installed, so it stays a pointer. */
static gconstpointer
get_description (GstPromise *promise, const gchar *name)
{
  const GstStructure *reply = gst_promise_get_reply (promise);
  const GValue *value = reply ? gst_structure_get_value (reply, name) : NULL;

  if (!value)
    g_error ("no %s", name);
  return g_value_get_boxed (value);
}

static void
on_answer (GstPromise *promise, gpointer data)
{
  Call *call = data;
  gconstpointer answer = get_description (promise, "answer");

  g_signal_emit_by_name (call->receiver, "set-local-description", answer, NULL);
  g_signal_emit_by_name (call->sender, "set-remote-description", answer, NULL);
  gst_promise_unref (promise);
}

static void
on_offer_known (GstPromise *promise, gpointer data)
{
  Call *call = data;

  gst_promise_unref (promise);
  g_signal_emit_by_name (call->receiver, "create-answer", NULL,
      gst_promise_new_with_change_func (on_answer, call, NULL));
}

static void
on_offer (GstPromise *promise, gpointer data)
{
  Call *call = data;
  gconstpointer offer = get_description (promise, "offer");

  g_signal_emit_by_name (call->sender, "set-local-description", offer, NULL);
  g_signal_emit_by_name (call->receiver, "set-remote-description", offer,
      gst_promise_new_with_change_func (on_offer_known, call, NULL));
  gst_promise_unref (promise);
}

static void
on_negotiation_needed (GstElement *sender, Call *call)
{
  g_signal_emit_by_name (sender, "create-offer", NULL,
      gst_promise_new_with_change_func (on_offer, call, NULL));
}

static void
on_candidate (GstElement *from, guint line, const gchar *candidate, Call *call)
{
  GstElement *to = from == call->sender ? call->receiver : call->sender;

  g_signal_emit_by_name (to, "add-ice-candidate", line, candidate);
}

/* ---- frames ----------------------------------------------------------- */

static void
on_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, Call *call)
{
  if (g_atomic_int_add (&call->frames, 1) + 1 == ENOUGH)
    g_main_loop_quit (call->loop);
}

static void
on_pad (GstElement *receiver, GstPad *pad, Call *call)
{
  GstElement *bin, *sink;
  GstPad *entrance;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  bin =
      gst_parse_bin_from_description ("rtpvp8depay ! vp8dec ! "
                                      "fakesink name=seen signal-handoffs=true",
          TRUE, NULL);
  sink = gst_bin_get_by_name (GST_BIN (bin), "seen");
  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), call);
  gst_object_unref (sink);
  gst_bin_add (GST_BIN (call->pipeline), bin);
  gst_element_sync_state_with_parent (bin);
  entrance = gst_element_get_static_pad (bin, "sink");
  gst_pad_link (pad, entrance);
  gst_object_unref (entrance);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return TRUE;
  gst_message_parse_error (message, &error, NULL);
  fprintf (stderr, "%s\n", error->message);
  g_main_loop_quit (((Call *) data)->loop);
  return TRUE;
}

static gboolean
on_timeout (gpointer data)
{
  g_main_loop_quit (((Call *) data)->loop);
  return FALSE;
}

static void
connect_ends (Call *call)
{
  GstElement *const ends[] = { call->sender, call->receiver };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    g_signal_connect (
        ends[i], "on-ice-candidate", G_CALLBACK (on_candidate), call);
  g_signal_connect (call->sender, "on-negotiation-needed",
      G_CALLBACK (on_negotiation_needed), call);
  g_signal_connect (call->receiver, "pad-added", G_CALLBACK (on_pad), call);
}

static gboolean
have_elements (void)
{
  static const gchar *const names[] = { "webrtcbin", "nicesrc", "dtlsenc",
    "srtpenc", "vp8enc", "rtpvp8pay" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (names[i]);

    if (!factory) {
      printf ("no %s\n", names[i]);
      return FALSE;
    }
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  Call call = { 0 };
  g_autoptr (GError) error = NULL;
  GstBus *bus;

  gst_init (&argc, &argv);
  if (!have_elements ())
    return 77;
  call.loop = g_main_loop_new (NULL, FALSE);
  call.pipeline = gst_parse_launch (
      "videotestsrc is-live=true ! "
      "video/x-raw,width=320,height=240,framerate=30/1 ! "
      "unetseg output=blur interval=10 ! videoconvert ! vp8enc deadline=1 "
      "keyframe-max-dist=10 ! rtpvp8pay pt=96 ! webrtcbin name=sender "
      "webrtcbin name=receiver",
      &error);
  if (!call.pipeline)
    g_error ("%s", error->message);
  call.sender = gst_bin_get_by_name (GST_BIN (call.pipeline), "sender");
  call.receiver = gst_bin_get_by_name (GST_BIN (call.pipeline), "receiver");
  connect_ends (&call);
  bus = gst_element_get_bus (call.pipeline);
  gst_bus_add_watch (bus, on_message, &call);
  g_timeout_add_seconds (60, on_timeout, &call);
  gst_element_set_state (call.pipeline, GST_STATE_PLAYING);
  g_main_loop_run (call.loop);
  gst_element_set_state (call.pipeline, GST_STATE_NULL);
  printf ("%d frames\n", g_atomic_int_get (&call.frames));
  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  gst_object_unref (call.sender);
  gst_object_unref (call.receiver);
  gst_object_unref (call.pipeline);
  g_main_loop_unref (call.loop);
  return call.frames < ENOUGH;
}
