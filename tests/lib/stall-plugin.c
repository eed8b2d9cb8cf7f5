/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A GStreamer plugin with a decoder that stalls: it reads a file of the text
 * STALL and a digit, puts out as many black frames of 96x64, and then neither
 * ends nor fails. */

#include <gst/gst.h>
#include <string.h>

#define MAGIC  "STALL"
#define TYPE   "video/x-stall"
#define WIDTH  96
#define HEIGHT 64
#define CAPS                                                                   \
  "video/x-raw,format=(string)GRAY8,width=(int)96,height=(int)64,"             \
  "framerate=(fraction)10/1"

typedef struct {
  GstElement parent;
  GstPad *src;
  gboolean begun;
} Stall;

typedef GstElementClass StallClass;

GType stall_get_type (void);
G_DEFINE_TYPE (Stall, stall, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (TYPE));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

static void
push_frame (Stall *self, guint index)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT, NULL);

  gst_buffer_memset (frame, 0, 0, WIDTH * HEIGHT);
  GST_BUFFER_PTS (frame) = index * GST_SECOND / 10;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 10;
  gst_pad_push (self->src, frame);
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Stall *self = (Stall *) parent;
  guint8 digit = '0';

  gst_buffer_extract (buffer, strlen (MAGIC), &digit, 1);
  gst_buffer_unref (buffer);
  for (guint i = 0; !self->begun && i < digit - '0'; i++)
    push_frame (self, i);
  self->begun = TRUE;
  return GST_FLOW_OK;
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Stall *self = (Stall *) parent;
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  GstSegment segment;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_unref (event);
      return gst_pad_push_event (self->src, gst_event_new_caps (caps));
    case GST_EVENT_SEGMENT:
      gst_event_unref (event);
      gst_segment_init (&segment, GST_FORMAT_TIME);
      return gst_pad_push_event (self->src, gst_event_new_segment (&segment));
    case GST_EVENT_EOS:
      gst_event_unref (event);
      return TRUE;
    default:
      return gst_pad_event_default (pad, parent, event);
  }
}

static void
stall_class_init (StallClass *class)
{
  gst_element_class_set_static_metadata (
      class, "Stalls", "Codec/Decoder/Video", "Stalls", "unetseg's tests");
  gst_element_class_add_static_pad_template (class, &sink_template);
  gst_element_class_add_static_pad_template (class, &src_template);
}

static void
stall_init (Stall *self)
{
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");

  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_event_function (sink, take_event);
  gst_element_add_pad (GST_ELEMENT (self), sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}

static void
find_type (GstTypeFind *find, gpointer data)
{
  const guint8 *bytes = gst_type_find_peek (find, 0, strlen (MAGIC));

  if (bytes != NULL && memcmp (bytes, MAGIC, strlen (MAGIC)) == 0)
    gst_type_find_suggest_empty_simple (find, GST_TYPE_FIND_MAXIMUM, TYPE);
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  GstCaps *caps = gst_caps_new_empty_simple (TYPE);
  gboolean ok = gst_type_find_register (
      plugin, TYPE, GST_RANK_PRIMARY, find_type, NULL, caps, NULL, NULL);

  gst_caps_unref (caps);
  return ok
      && gst_element_register (
          plugin, "stalldec", GST_RANK_PRIMARY, stall_get_type ());
}

#define PACKAGE "unetseg"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, stall,
    "A decoder that stalls", plugin_init, "1.0", "LGPL", "unetseg", "unetseg")
