/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "analytics-meta.h"

#ifdef HAVE_GST_ANALYTICS

#include <gst/analytics/analytics.h>
#include <gst/video/video.h>

#include <math.h>

#define MAX_CLASSES 256

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

/* ---- writing ---------------------------------------------------------- */

static GQuark
class_quark (const UnetSegClasses *classes, guint id)
{
  const gchar *label = unet_seg_classes_get_label (classes, id);
  gchar name[16];

  if (label)
    return g_quark_from_string (label);
  if (id == 0)
    return g_quark_from_static_string ("background");
  g_snprintf (name, sizeof (name), "class %u", id);
  return g_quark_from_string (name);
}

static gboolean
add_mtds (GstAnalyticsRelationMeta *relations, const UnetSegMeta *meta,
    GstAnalyticsMtd *mask, GstAnalyticsMtd *names)
{
  guint n = MIN (meta->n_classes, MAX_CLASSES), ids[MAX_CLASSES];
  gint left = (gint) lrint (meta->x), top = (gint) lrint (meta->y);
  GQuark quarks[MAX_CLASSES];
  gfloat levels[MAX_CLASSES];

  for (guint i = 0; i < n; i++) {
    ids[i] = i;
    quarks[i] = class_quark (meta->classes, i);
    levels[i] = -1; /* not known for a class as a whole */
  }
  return gst_analytics_relation_meta_add_segmentation_mtd (relations,
             gst_buffer_ref (meta->class_map), GST_SEGMENTATION_TYPE_SEMANTIC,
             n, ids, left, top, (guint) (lrint (meta->x + meta->w) - left),
             (guint) (lrint (meta->y + meta->h) - top), mask)
      && gst_analytics_relation_meta_add_cls_mtd (
          relations, n, levels, quarks, names);
}

void
gst_unet_analytics_attach (GstBuffer *buffer, const UnetSegMeta *meta)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsMtd mask, names;

  if (relations == NULL)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  /* One call: setting a relation forgets the one before. */
  if (relations && add_mtds (relations, meta, &mask, &names))
    gst_analytics_relation_meta_set_relation (relations,
        GST_ANALYTICS_REL_TYPE_N_TO_N | GST_ANALYTICS_REL_TYPE_RELATE_TO,
        mask.id, names.id);
}

void
gst_unet_analytics_attach_object (GstBuffer *buffer, const gchar *label, gint x,
    gint y, gint width, gint height, guint64 id, GstClockTime first_seen)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsODMtd object;
  GstAnalyticsTrackingMtd track;

  if (relations
      && gst_analytics_relation_meta_add_od_mtd (relations,
          g_quark_from_string (label), x, y, width, height, 1, &object)
      && gst_analytics_relation_meta_add_tracking_mtd (
          relations, id, first_seen, &track)) {
    gst_analytics_tracking_mtd_update_last_seen (
        &track, GST_BUFFER_PTS (buffer));
    gst_analytics_relation_meta_set_relation (
        relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, object.id, track.id);
  }
}

/* ---- reading ---------------------------------------------------------- */

gboolean
gst_unet_analytics_next_object (GstBuffer *buffer, gpointer *state, gint *x,
    gint *y, gint *width, gint *height)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsMtd object;
  gfloat confidence;

  return relations
      && gst_analytics_relation_meta_iterate (
          relations, state, gst_analytics_od_mtd_get_mtd_type (), &object)
      && gst_analytics_od_mtd_get_location (
          &object, x, y, width, height, &confidence);
}

struct _GstUnetAnalyticsReader {
  UnetSegMeta meta;
  guint n_regions;
  guint ids[MAX_CLASSES];
  GQuark quarks[MAX_CLASSES];
  guint8 classes[MAX_CLASSES]; /* of regions */
};

GstUnetAnalyticsReader *
gst_unet_analytics_reader_new (void)
{
  return g_new0 (GstUnetAnalyticsReader, 1);
}

void
gst_unet_analytics_reader_free (GstUnetAnalyticsReader *self)
{
  gst_clear_buffer (&self->meta.class_map);
  gst_clear_buffer (&self->meta.probability);
  g_clear_pointer (&self->meta.classes, unet_seg_classes_unref);
  g_free (self);
}

/* Names of the regions, where there is a classification of as many. */
static gboolean
find_names (const GstAnalyticsMtd *mask, guint n, GstAnalyticsMtd *names)
{
  gpointer state = NULL;

  while (gst_analytics_relation_meta_get_direct_related (mask->meta, mask->id,
      GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (),
      &state, names)) {
    if (gst_analytics_cls_mtd_get_length (names) >= n)
      return TRUE;
  }
  return FALSE;
}

/* Region 0 is the background wherever it stands in the list. */
static void
make_classes (GstUnetAnalyticsReader *self)
{
  const gchar *labels[MAX_CLASSES + 1] = { NULL };
  guint n = 1;

  labels[0] = "background";
  for (guint i = 0; i < self->n_regions; i++) {
    const gchar *name = self->quarks[i] ? g_quark_to_string (self->quarks[i])
                                        : NULL;

    self->classes[i] = self->ids[i] == 0 ? 0 : (guint8) MIN (n, 255);
    if (self->ids[i] != 0 && n < MAX_CLASSES)
      n++;
    labels[self->classes[i]] = name ? name : "";
  }
  g_clear_pointer (&self->meta.classes, unet_seg_classes_unref);
  self->meta.n_classes = MAX (n, 2);
  self->meta.classes =
      unet_seg_classes_new (NULL, self->meta.n_classes, labels);
}

/* Classes stay the same object as long as regions and names do. */
static void
read_classes (GstUnetAnalyticsReader *self, const GstAnalyticsMtd *mask)
{
  guint n = (guint) MIN (
      gst_analytics_segmentation_mtd_get_region_count (mask), MAX_CLASSES);
  gboolean same = self->meta.classes && n == self->n_regions, named;
  GstAnalyticsMtd names;

  named = find_names (mask, n, &names);
  for (guint i = 0; i < n; i++) {
    guint id = gst_analytics_segmentation_mtd_get_region_id (mask, i);
    GQuark quark = named ? gst_analytics_cls_mtd_get_quark (&names, i) : 0;

    same = same && id == self->ids[i] && quark == self->quarks[i];
    self->ids[i] = id;
    self->quarks[i] = quark;
  }
  self->n_regions = n;
  if (!same)
    make_classes (self);
}

static guint8
class_of (const GstUnetAnalyticsReader *self, guint region)
{
  for (guint i = 0; i < self->n_regions; i++)
    if (self->ids[i] == region)
      return self->classes[i];
  /* Not listed, but not the background either. */
  return region != 0;
}

static void
fill_row (const GstUnetAnalyticsReader *self, GstVideoFormat format,
    const guint8 *src, guint8 *classes, guint8 *probability, guint width)
{
  guint last = 0;
  guint8 id = class_of (self, last);

  for (guint x = 0; x < width; x++) {
    guint region = format == GST_VIDEO_FORMAT_GRAY8 ? src[x]
        : format == GST_VIDEO_FORMAT_GRAY16_LE
        ? GST_READ_UINT16_LE (src + 2 * x)
        : GST_READ_UINT16_BE (src + 2 * x);

    if (region != last) {
      last = region;
      id = class_of (self, last);
    }
    classes[x] = id;
    probability[x] = id ? 255 : 0;
  }
}

static gboolean
is_whole (const GstVideoMeta *meta, gsize size)
{
  gsize row = meta->width * (meta->format == GST_VIDEO_FORMAT_GRAY8 ? 1 : 2);

  return (meta->format == GST_VIDEO_FORMAT_GRAY8
             || meta->format == GST_VIDEO_FORMAT_GRAY16_LE
             || meta->format == GST_VIDEO_FORMAT_GRAY16_BE)
      && meta->width > 0 && meta->height > 0 && meta->width <= 32767
      && meta->height <= 32767 && meta->stride[0] >= 0
      && (gsize) meta->stride[0] >= row && meta->offset[0] <= size
      && size - meta->offset[0]
      >= (gsize) meta->stride[0] * (meta->height - 1) + row;
}

/* Planes of our own, used again from frame to frame. */
static gboolean
reserve (GstUnetAnalyticsReader *self, guint width, guint height)
{
  UnetSegMeta *meta = &self->meta;
  gsize size = (gsize) width * height;

  if (meta->class_map == NULL
      || gst_buffer_get_size (meta->class_map) != size) {
    gst_clear_buffer (&meta->class_map);
    gst_clear_buffer (&meta->probability);
    meta->class_map = gst_buffer_new_allocate (NULL, size, NULL);
    meta->probability = gst_buffer_new_allocate (NULL, size, NULL);
  }
  meta->width = width;
  meta->height = height;
  return meta->class_map && meta->probability;
}

static gboolean
read_mask (
    GstUnetAnalyticsReader *self, const GstVideoMeta *video, const guint8 *src)
{
  GstMapInfo classes, probability;

  if (!reserve (self, video->width, video->height)
      || !gst_buffer_map (self->meta.class_map, &classes, GST_MAP_WRITE))
    return FALSE;
  if (!gst_buffer_map (self->meta.probability, &probability, GST_MAP_WRITE)) {
    gst_buffer_unmap (self->meta.class_map, &classes);
    return FALSE;
  }
  for (guint y = 0; y < video->height; y++)
    fill_row (self, video->format,
        src + video->offset[0] + (gsize) y * video->stride[0],
        classes.data + (gsize) y * video->width,
        probability.data + (gsize) y * video->width, video->width);
  gst_buffer_unmap (self->meta.class_map, &classes);
  gst_buffer_unmap (self->meta.probability, &probability);
  return TRUE;
}

static gboolean
read_mtd (GstUnetAnalyticsReader *self, const GstAnalyticsMtd *mask)
{
  gint x, y;
  guint w, h;
  GstBuffer *buffer =
      gst_analytics_segmentation_mtd_get_mask (mask, &x, &y, &w, &h);
  GstVideoMeta *video = buffer ? gst_buffer_get_video_meta (buffer) : NULL;
  gboolean ok = FALSE;
  GstMapInfo map;

  if (video && gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    if (is_whole (video, map.size)) {
      read_classes (self, mask);
      ok = read_mask (self, video, map.data);
    }
    gst_buffer_unmap (buffer, &map);
  }
  gst_clear_buffer (&buffer);
  self->meta.x = x;
  self->meta.y = y;
  self->meta.w = w;
  self->meta.h = h;
  return ok;
}

const UnetSegMeta *
gst_unet_analytics_reader_read (GstUnetAnalyticsReader *self, GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsMtd mask;

  while (relations
      && gst_analytics_relation_meta_iterate (relations, &state,
          gst_analytics_segmentation_mtd_get_mtd_type (), &mask)) {
    if (read_mtd (self, &mask))
      return &self->meta;
  }
  return NULL;
}

#else

void
gst_unet_analytics_attach (GstBuffer *buffer, const UnetSegMeta *meta)
{
}

void
gst_unet_analytics_attach_object (GstBuffer *buffer, const gchar *label, gint x,
    gint y, gint width, gint height, guint64 id, GstClockTime first_seen)
{
}

gboolean
gst_unet_analytics_next_object (GstBuffer *buffer, gpointer *state, gint *x,
    gint *y, gint *width, gint *height)
{
  return FALSE;
}

GstUnetAnalyticsReader *
gst_unet_analytics_reader_new (void)
{
  return NULL;
}

void
gst_unet_analytics_reader_free (GstUnetAnalyticsReader *self)
{
}

const UnetSegMeta *
gst_unet_analytics_reader_read (GstUnetAnalyticsReader *self, GstBuffer *buffer)
{
  return NULL;
}

#endif
