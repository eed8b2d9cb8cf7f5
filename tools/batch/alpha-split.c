/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/alpha-split.h"

#include <gst/base/gstflowcombiner.h>
#include <gst/video/video.h>

#define TYPE_ALPHA_SPLIT (alpha_split_get_type ())
G_DECLARE_FINAL_TYPE (AlphaSplit, alpha_split, ALPHA, SPLIT, GstElement)

struct _AlphaSplit {
  GstElement parent;
  GstPad *sink, *color, *alpha;
  GstFlowCombiner *flow;

  /* The streaming thread alone uses these. */
  GstVideoInfo in, out;
  GstMemory *grey; /* (nullable): chroma of the alpha stream */
  guint n_frames;
};

G_DEFINE_TYPE (AlphaSplit, alpha_split, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE ("A420")));
static GstStaticPadTemplate color_template = GST_STATIC_PAD_TEMPLATE ("color",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE ("I420")));
static GstStaticPadTemplate alpha_template = GST_STATIC_PAD_TEMPLATE ("alpha",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE ("I420")));

/* ---- caps ------------------------------------------------------------- */

/* Luma of the alpha stream has the stride that alpha has, whatever it is. Only
 * its chroma is of this element. */
static GstMemory *
make_grey (const GstVideoInfo *info)
{
  const gsize size =
      GST_VIDEO_INFO_SIZE (info) - GST_VIDEO_INFO_PLANE_OFFSET (info, 1);
  GstMemory *grey = gst_allocator_alloc (NULL, size, NULL);
  GstMapInfo map;

  gst_memory_map (grey, &map, GST_MAP_WRITE);
  memset (map.data, 128, map.size);
  gst_memory_unmap (grey, &map);
  return grey;
}

static gboolean
set_caps (AlphaSplit *self, GstCaps *caps)
{
  g_autoptr (GstCaps) out = gst_caps_copy (caps);
  GstEvent *event;
  gboolean ok;

  if (!gst_video_info_from_caps (&self->in, caps))
    return FALSE;
  gst_caps_set_simple (out, "format", G_TYPE_STRING, "I420", NULL);
  if (!gst_video_info_from_caps (&self->out, out))
    return FALSE;
  g_clear_pointer (&self->grey, gst_memory_unref);
  self->grey = make_grey (&self->out);
  event = gst_event_new_caps (out);
  ok = gst_pad_push_event (self->color, gst_event_ref (event));
  return gst_pad_push_event (self->alpha, event) && ok;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  AlphaSplit *self = ALPHA_SPLIT (parent);
  GstCaps *caps;
  gboolean ok;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      ok = set_caps (self, caps);
      gst_event_unref (event);
      return ok;
    case GST_EVENT_FLUSH_STOP:
      gst_flow_combiner_reset (self->flow);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* Caps of frames with alpha, whatever the two encoders take: their sizes are
 * the same. */
static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCaps *caps, *filter;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CAPS:
      gst_query_parse_caps (query, &filter);
      caps = gst_pad_get_pad_template_caps (pad);
      if (filter != NULL) {
        GstCaps *both =
            gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);

        gst_caps_unref (caps);
        caps = both;
      }
      gst_query_set_caps_result (query, caps);
      gst_caps_unref (caps);
      return TRUE;
    case GST_QUERY_ALLOCATION: /* the encoders' pools are of other caps */
      gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
      return TRUE;
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

/* ---- frames ----------------------------------------------------------- */

/* Returns the offset of a plane of @frame in its buffer. */
static gsize
plane_offset (const GstVideoFrame *frame, guint plane)
{
  return GST_VIDEO_FRAME_PLANE_OFFSET (frame, plane);
}

static GstBuffer *
make_color (const GstVideoFrame *frame)
{
  GstBuffer *buffer = gst_buffer_new ();
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };

  gst_buffer_copy_into (buffer, frame->buffer,
      GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS
          | GST_BUFFER_COPY_MEMORY,
      0, -1);
  for (guint i = 0; i < 3; i++) {
    offset[i] = plane_offset (frame, i);
    stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_I420, frame->info.width, frame->info.height, 3, offset,
      stride);
  return buffer;
}

/* Alpha stays where it is, and the grey chroma follows it. */
static GstBuffer *
make_alpha (AlphaSplit *self, const GstVideoFrame *frame)
{
  GstBuffer *buffer = gst_buffer_new ();
  gsize from = plane_offset (frame, 3), size;
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };

  stride[0] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 3);
  size = (gsize) stride[0] * (frame->info.height - 1) + frame->info.width;
  gst_buffer_copy_into (buffer, frame->buffer,
      GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS
          | GST_BUFFER_COPY_MEMORY,
      from, size);
  gst_buffer_append_memory (buffer, gst_memory_ref (self->grey));
  for (guint i = 1; i < 3; i++) {
    offset[i] = size + GST_VIDEO_INFO_PLANE_OFFSET (&self->out, i)
        - GST_VIDEO_INFO_PLANE_OFFSET (&self->out, 1);
    stride[i] = GST_VIDEO_INFO_PLANE_STRIDE (&self->out, i);
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_I420, frame->info.width, frame->info.height, 3, offset,
      stride);
  return buffer;
}

/* Each encoder would place its key frames by its own picture. */
static void
request_key (AlphaSplit *self)
{
  GstEvent *event;

  if (self->n_frames++ % BATCH_ALPHA_KEY != 0)
    return;
  event = gst_video_event_new_downstream_force_key_unit (
      GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, FALSE, 0);
  gst_pad_push_event (self->color, gst_event_ref (event));
  gst_pad_push_event (self->alpha, event);
}

static GstFlowReturn
on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  AlphaSplit *self = ALPHA_SPLIT (parent);
  GstBuffer *color, *alpha;
  GstVideoFrame frame;
  GstFlowReturn flow;

  if (!gst_video_frame_map (&frame, &self->in, buffer, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, ("A frame does not fit its caps."), (NULL));
    return GST_FLOW_ERROR;
  }
  color = make_color (&frame);
  alpha = make_alpha (self, &frame);
  gst_video_frame_unmap (&frame);
  gst_buffer_unref (buffer);
  request_key (self);
  flow = gst_pad_push (self->color, color);
  gst_flow_combiner_update_pad_flow (self->flow, self->color, flow);
  flow = gst_pad_push (self->alpha, alpha);
  return gst_flow_combiner_update_pad_flow (self->flow, self->alpha, flow);
}

/* ---- class ------------------------------------------------------------ */

static void
alpha_split_finalize (GObject *object)
{
  AlphaSplit *self = ALPHA_SPLIT (object);

  g_clear_pointer (&self->grey, gst_memory_unref);
  gst_flow_combiner_free (self->flow);
  G_OBJECT_CLASS (alpha_split_parent_class)->finalize (object);
}

static void
alpha_split_class_init (AlphaSplitClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = alpha_split_finalize;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &color_template);
  gst_element_class_add_static_pad_template (element_class, &alpha_template);
  gst_element_class_set_static_metadata (element_class, "Alpha split",
      "Filter/Video", "Takes colours and alpha of frames apart", "unetseg");
}

static GstPad *
add_source (AlphaSplit *self, GstStaticPadTemplate *template)
{
  GstPad *pad =
      gst_pad_new_from_static_template (template, template->name_template);

  gst_pad_use_fixed_caps (pad);
  gst_element_add_pad (GST_ELEMENT (self), pad);
  gst_flow_combiner_add_pad (self->flow, pad);
  return pad;
}

static void
alpha_split_init (AlphaSplit *self)
{
  self->flow = gst_flow_combiner_new ();
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, on_buffer);
  gst_pad_set_event_function (self->sink, on_event);
  gst_pad_set_query_function (self->sink, on_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
  self->color = add_source (self, &color_template);
  self->alpha = add_source (self, &alpha_template);
}

void
batch_alpha_split_register (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  gst_element_register (
      NULL, BATCH_ALPHA_SPLIT, GST_RANK_NONE, TYPE_ALPHA_SPLIT);
  g_once_init_leave (&done, 1);
}
