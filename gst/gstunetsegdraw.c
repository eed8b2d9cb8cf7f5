/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-unetsegdraw
 * @title: unetsegdraw
 *
 * Draws the masks that `unetseg` has found and left as #UnetSegMeta, by the
 * same properties and with the same code. One inference then serves several
 * branches, and a queue in front of each gives it a thread of its own. With
 * GStreamer 1.26 or later it also draws #GstAnalyticsSegmentationMtd that other
 * elements have left.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! unetseg output=none ! tee name=t t. !
 * queue ! unetsegdraw ! videoconvert ! autovideosink t. ! queue ! unetsegdraw
 * output=mask ! videoconvert ! autovideosink
 * ]| Shows a webcam's picture with the person in colour, and the mask.
 *
 * Since: 1.0
 */

#include "gstunetsegdraw.h"

#include "log.h"

#include "analytics-meta.h"

enum {
  PROP_0,
  PROP_LABELS,
};

struct _GstUnetSegDraw {
  GstUnetBaseDraw parent;

  gchar **labels; /* (nullable), under the object lock */

  /* The streaming thread uses these. */
  GstUnetAnalyticsReader *reader;
  UnetSegMeta named;        /* what is drawn, under other names */
  UnetSegClasses *original; /* (nullable): whose names these replace */
  gboolean renamed, warned_missing;
};

G_DEFINE_TYPE (GstUnetSegDraw, gst_unet_seg_draw, GST_TYPE_UNET_BASE_DRAW)

/* ---- names ------------------------------------------------------------ */

static void
gst_unet_seg_draw_forget_names (GstUnetSegDraw *self)
{
  g_clear_pointer (&self->named.classes, unet_seg_classes_unref);
  g_clear_pointer (&self->original, unet_seg_classes_unref);
}

/* Returns (transfer full): the same classes and colours by other names. */
static UnetSegClasses *
rename_classes (const UnetSegClasses *classes, gchar **labels)
{
  const guint n = unet_seg_classes_get_n_classes (classes);
  g_autofree guint32 *colors = g_new (guint32, n);

  for (guint i = 0; i < n; i++)
    colors[i] = unet_seg_classes_get_color (classes, i);
  return unet_seg_classes_new_colored (unet_seg_classes_get_model (classes), n,
      (const gchar *const *) labels, colors);
}

/* The mask with the names of the property, where there are any. */
static const UnetSegMeta *
gst_unet_seg_draw_rename (GstUnetSegDraw *self, const UnetSegMeta *meta)
{
  UnetSegClasses *classes = self->named.classes;

  GST_OBJECT_LOCK (self);
  if (self->labels == NULL || self->renamed || self->original != meta->classes)
    gst_unet_seg_draw_forget_names (self);
  self->renamed = FALSE;
  if (self->labels && self->named.classes == NULL) {
    self->original = unet_seg_classes_ref (meta->classes);
    self->named.classes = rename_classes (meta->classes, self->labels);
  }
  classes = self->named.classes;
  GST_OBJECT_UNLOCK (self);
  if (classes == NULL)
    return meta;
  self->named = *meta;
  self->named.classes = classes;
  return &self->named;
}

/* ---- frames ----------------------------------------------------------- */

static const UnetSegMeta *
gst_unet_seg_draw_find_mask (GstUnetBaseDraw *base, const GstVideoFrame *frame,
    GstBuffer *out, GstUnetDrawSettings *settings)
{
  GstUnetSegDraw *self = GST_UNET_SEG_DRAW (base);
  const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

  if (meta == NULL)
    meta = gst_unet_analytics_reader_read (self->reader, out);
  if (meta)
    return gst_unet_seg_draw_rename (self, meta);
  if (!self->warned_missing)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Frames come without a mask; is there a unetseg upstream?"),
        ("said once"));
  self->warned_missing = TRUE;
  return NULL;
}

static gboolean
gst_unet_seg_draw_start (GstBaseTransform *trans)
{
  GST_UNET_SEG_DRAW (trans)->warned_missing = FALSE;
  GST_UNET_SEG_DRAW (trans)->reader = gst_unet_analytics_reader_new ();
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_draw_parent_class)
      ->start (trans);
}

static gboolean
gst_unet_seg_draw_stop (GstBaseTransform *trans)
{
  gst_unet_seg_draw_forget_names (GST_UNET_SEG_DRAW (trans));
  g_clear_pointer (
      &GST_UNET_SEG_DRAW (trans)->reader, gst_unet_analytics_reader_free);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_draw_parent_class)
      ->stop (trans);
}

/* ---- properties ------------------------------------------------------- */

static void
gst_unet_seg_draw_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstUnetSegDraw *self = GST_UNET_SEG_DRAW (object);
  const gchar *text;

  if (id != PROP_LABELS) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  text = g_value_get_string (value);
  GST_OBJECT_LOCK (self);
  g_strfreev (self->labels);
  self->labels = text && *text ? g_strsplit (text, ",", -1) : NULL;
  for (guint i = 0; self->labels && self->labels[i]; i++)
    g_strstrip (self->labels[i]);
  self->renamed = TRUE;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_unet_seg_draw_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstUnetSegDraw *self = GST_UNET_SEG_DRAW (object);

  if (id != PROP_LABELS) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_value_take_string (
      value, self->labels ? g_strjoinv (",", self->labels) : NULL);
  GST_OBJECT_UNLOCK (self);
}

/* ---- class ------------------------------------------------------------ */

static void
gst_unet_seg_draw_finalize (GObject *object)
{
  g_strfreev (GST_UNET_SEG_DRAW (object)->labels);
  G_OBJECT_CLASS (gst_unet_seg_draw_parent_class)->finalize (object);
}

static void
gst_unet_seg_draw_init (GstUnetSegDraw *self)
{
}

static void
gst_unet_seg_draw_class_init (GstUnetSegDrawClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_unet_seg_draw_set_property;
  object_class->get_property = gst_unet_seg_draw_get_property;
  object_class->finalize = gst_unet_seg_draw_finalize;
  g_object_class_install_property (object_class, PROP_LABELS,
      g_param_spec_string ("labels", "Labels",
          "Names of the classes separated by commas, the background first, "
          "for the property colors (unset = as the metadata says)",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));

  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "U-Net segmentation drawer", "Filter/Effect/Video",
      "Draws the masks that unetseg has attached to frames",
      "The unetseg authors");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_unet_seg_draw_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_unet_seg_draw_stop);
  GST_UNET_BASE_DRAW_CLASS (klass)->find_mask = gst_unet_seg_draw_find_mask;
}
