/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* play-line PIPELINE…: plays a pipeline to its end and prints an error of it.
 * Exits with 0 at the end of the stream, 1 after an error, and 2 after half a
 * minute without either. */

#include <gst/gst.h>

static gint
wait_for_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  gint status = 0;

  if (!message) {
    g_printerr ("neither an end nor a message\n");
    return 2;
  }
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("ERROR: %s\n", error->message);
    status = 1;
  }
  gst_message_unref (message);
  return status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;
  gint status;

  gst_init (&argc, &argv);
  pipeline = gst_parse_launchv ((const gchar **) argv + 1, &error);
  if (!pipeline) {
    g_printerr ("ERROR: %s\n", error->message);
    return 1;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  status = wait_for_end (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return status;
}
