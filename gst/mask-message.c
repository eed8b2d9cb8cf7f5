/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mask-message.h"

/* ---- times ------------------------------------------------------------ */

/* As `level` has them: GST_CLOCK_TIME_NONE where they are not known. */
static void
set_times (
    GstStructure *message, const GstSegment *segment, const GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTime stream_time = GST_CLOCK_TIME_NONE;
  GstClockTime running_time = GST_CLOCK_TIME_NONE;

  if (segment->format == GST_FORMAT_TIME) {
    stream_time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts);
    running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
  }
  gst_structure_set (message, "timestamp", GST_TYPE_CLOCK_TIME, pts,
      "stream-time", GST_TYPE_CLOCK_TIME, stream_time, "running-time",
      GST_TYPE_CLOCK_TIME, running_time, "duration", GST_TYPE_CLOCK_TIME,
      GST_BUFFER_DURATION (buffer), NULL);
}

/* ---- classes ---------------------------------------------------------- */

/* One list for each field, an entry for each class: gst-launch-1.0 -m prints
 * them as they are, and structures within a structure in escapes. */
enum {
  CLASS,
  LABEL,
  AREA,
  X,
  Y,
  WIDTH,
  HEIGHT,
  CENTER_X,
  CENTER_Y,
  N_FIELDS,
};

static const gchar *const class_names[N_FIELDS] = { "class", "label", "area",
  "x", "y", "width", "height", "centroid-x", "centroid-y" };
static const gchar *const object_names[N_FIELDS] = { "object-class",
  "object-label", "object-area", "object-x", "object-y", "object-width",
  "object-height", "object-centroid-x", "object-centroid-y" };

static void
append_int (GValue *list, gint number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, number);
  gst_value_array_append_and_take_value (list, &value);
}

static void
append_double (GValue *list, gdouble number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, number);
  gst_value_array_append_and_take_value (list, &value);
}

/* A class without a label has the name that the analytics metadata gives it. */
static void
append_label (GValue *list, const GstUnetMaskRegion *region)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  if (region->label)
    g_value_set_string (&value, region->label);
  else
    g_value_take_string (&value, g_strdup_printf ("class %u", region->id));
  gst_value_array_append_and_take_value (list, &value);
}

static void
append_region (GValue *lists, const GstUnetMaskRegion *region)
{
  append_int (&lists[CLASS], region->id);
  append_label (&lists[LABEL], region);
  append_double (&lists[AREA], region->area);
  append_int (&lists[X], region->x);
  append_int (&lists[Y], region->y);
  append_int (&lists[WIDTH], region->width);
  append_int (&lists[HEIGHT], region->height);
  append_double (&lists[CENTER_X], region->center_x);
  append_double (&lists[CENTER_Y], region->center_y);
}

static void
set_regions (GstStructure *message, const gchar *const names[N_FIELDS],
    const GArray *regions)
{
  GValue lists[N_FIELDS] = { G_VALUE_INIT };

  for (guint i = 0; i < N_FIELDS; i++)
    g_value_init (&lists[i], GST_TYPE_ARRAY);
  for (guint i = 0; i < regions->len; i++)
    append_region (lists, &g_array_index (regions, GstUnetMaskRegion, i));
  for (guint i = 0; i < N_FIELDS; i++)
    gst_structure_take_value (message, names[i], &lists[i]);
}

static void
set_numbers (GstStructure *message, const GArray *objects)
{
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  for (guint i = 0; i < objects->len; i++)
    append_int (
        &list, (gint) g_array_index (objects, GstUnetMaskRegion, i).tracked.id);
  gst_structure_take_value (message, "object-id", &list);
}

/* ---- the message ------------------------------------------------------ */

GstMessage *
gst_unet_mask_message_new (GstElement *element, const GstSegment *segment,
    GstBuffer *buffer, const GstVideoInfo *info, const UnetSegMeta *meta,
    const GArray *regions, const GArray *objects)
{
  GstStructure *message = gst_structure_new_empty ("unetseg");

  set_times (message, segment, buffer);
  gst_structure_set (message, "frame-width", G_TYPE_INT,
      GST_VIDEO_INFO_WIDTH (info), "frame-height", G_TYPE_INT,
      GST_VIDEO_INFO_HEIGHT (info), "age-frames", G_TYPE_UINT, meta->age_frames,
      "age", GST_TYPE_CLOCK_TIME, meta->age, NULL);
  set_regions (message, class_names, regions);
  if (objects) {
    set_numbers (message, objects);
    set_regions (message, object_names, objects);
  }
  return gst_message_new_element (GST_OBJECT (element), message);
}
