/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output-caps.h"

#include "frame/draw/cutout.h"
#include "frame/format/placement.h"

/* Grey of full range, as gst_video_colorimetry_to_string() has it. */
#define GRAY_COLORIMETRY "1:4:0:0"

GType
gst_unet_seg_output_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      { GST_UNET_SEG_OUTPUT_OVERLAY,
          "Class colours over the frame, and metadata", "overlay" },
      { GST_UNET_SEG_OUTPUT_NONE, "Metadata only, the frame stays as it is",
          "none" },
      { GST_UNET_SEG_OUTPUT_MASK,
          "Grey: probability of one class, or numbers of several", "mask" },
      { GST_UNET_SEG_OUTPUT_ALPHA,
          "The foreground, with the mask as straight alpha", "alpha" },
      { GST_UNET_SEG_OUTPUT_BLUR, "The frame with its background blurred",
          "blur" },
      { GST_UNET_SEG_OUTPUT_REPLACE,
          "The frame with a colour or a picture as background", "replace" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegOutput", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

GType
gst_unet_seg_switch_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      { GST_UNET_SEG_SWITCH_AUTO, "Where the property's description says",
          "auto" },
      { GST_UNET_SEG_SWITCH_ON, "Always", "on" },
      { GST_UNET_SEG_SWITCH_OFF, "Never", "off" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegSwitch", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

/* ---- formats ---------------------------------------------------------- */

/* The order in which formats are offered to upstream: colours before grey, in
 * which networks see little, and formats that are quick to read first. */
static const GstVideoFormat preferred[] = { GST_VIDEO_FORMAT_I420,
  GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21,
  GST_VIDEO_FORMAT_A420, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_UYVY,
  GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_AYUV,
  GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_xRGB,
  GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA,
  GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR, GST_VIDEO_FORMAT_RGB,
  GST_VIDEO_FORMAT_BGR };

static gint
rank_format (GstVideoFormat format)
{
  for (guint i = 0; i < G_N_ELEMENTS (preferred); i++)
    if (preferred[i] == format)
      return (gint) i;
  return G_N_ELEMENTS (preferred)
      + GST_VIDEO_FORMAT_INFO_IS_GRAY (gst_video_format_get_info (format));
}

static gint
compare_formats (gconstpointer a, gconstpointer b)
{
  return rank_format (*(const GstVideoFormat *) a)
      - rank_format (*(const GstVideoFormat *) b);
}

/* Every format of the pads, the preferred ones first. */
static const GArray *
all_formats (void)
{
  static GArray *formats;

  if (g_once_init_enter (&formats)) {
    GArray *array = g_array_new (FALSE, FALSE, sizeof (GstVideoFormat));
    const GstVideoFormat *raw;
    guint n;

    raw = gst_video_formats_raw (&n);
    for (guint i = 0; i < n; i++) {
      const GstVideoFormatInfo *info = gst_video_format_get_info (raw[i]);

      if (!GST_VIDEO_FORMAT_INFO_HAS_PALETTE (info) && info->unpack_func
          && info->pack_func)
        g_array_append_val (array, raw[i]);
    }
    g_array_sort (array, compare_formats);
    g_once_init_leave (&formats, array);
  }
  return formats;
}

GstCaps *
gst_unet_output_template_caps (void)
{
  const GArray *formats = all_formats ();
  GstCaps *caps = gst_video_make_raw_caps (
      (const GstVideoFormat *) formats->data, formats->len);

  /* As videoconvert: beyond this sizes in bytes overflow. */
  gst_caps_set_simple (caps, "width", GST_TYPE_INT_RANGE, 1,
      UNET_MAX_PICTURE_SIZE, "height", GST_TYPE_INT_RANGE, 1,
      UNET_MAX_PICTURE_SIZE, NULL);
  return caps;
}

static GstVideoFormat
output_format (GstUnetSegOutput output, GstVideoFormat format)
{
  switch (output) {
    case GST_UNET_SEG_OUTPUT_MASK:
      return GST_VIDEO_FORMAT_GRAY8;
    case GST_UNET_SEG_OUTPUT_ALPHA:
      return unet_cutout_get_format (format);
    default:
      return format;
  }
}

/* ---- caps ------------------------------------------------------------- */

static gboolean
names_format (const GValue *value, GstVideoFormat format)
{
  const gchar *name = gst_video_format_to_string (format);

  if (value == NULL)
    return TRUE;
  if (G_VALUE_HOLDS_STRING (value))
    return g_str_equal (g_value_get_string (value), name);
  for (guint i = 0; i < gst_value_list_get_size (value); i++)
    if (g_strcmp0 (
            g_value_get_string (gst_value_list_get_value (value, i)), name)
        == 0)
      return TRUE;
  return FALSE;
}

static void
append_format (GValue *list, GstVideoFormat format)
{
  GValue name = G_VALUE_INIT;

  for (guint i = 0; i < gst_value_list_get_size (list); i++)
    if (g_str_equal (g_value_get_string (gst_value_list_get_value (list, i)),
            gst_video_format_to_string (format)))
      return;
  g_value_init (&name, G_TYPE_STRING);
  g_value_set_static_string (&name, gst_video_format_to_string (format));
  gst_value_list_append_and_take_value (list, &name);
}

/* Formats of the other pad for those in @value, (nullable): any. */
static void
map_formats (GstUnetSegOutput output, GstPadDirection direction,
    const GValue *value, GValue *list)
{
  const GArray *formats = all_formats ();

  g_value_init (list, GST_TYPE_LIST);
  for (guint i = 0; i < formats->len; i++) {
    GstVideoFormat in = g_array_index (formats, GstVideoFormat, i);
    GstVideoFormat out = output_format (output, in);

    if (direction == GST_PAD_SINK && names_format (value, in))
      append_format (list, out);
    else if (direction == GST_PAD_SRC && names_format (value, out))
      append_format (list, in);
  }
}

static void
set_formats (GstStructure *structure, GValue *list)
{
  if (gst_value_list_get_size (list) == 1)
    gst_structure_set_value (
        structure, "format", gst_value_list_get_value (list, 0));
  else
    gst_structure_set_value (structure, "format", list);
  g_value_unset (list);
}

/* A mask has nothing of the frame's colours. Returns whether there may be a
 * mask of such caps. */
static gboolean
map_colorimetry (GstStructure *structure, GstPadDirection direction)
{
  const GValue *value = gst_structure_get_value (structure, "colorimetry");
  GValue mask = G_VALUE_INIT;
  gboolean ok = TRUE;

  g_value_init (&mask, G_TYPE_STRING);
  g_value_set_static_string (&mask, GRAY_COLORIMETRY);
  if (direction == GST_PAD_SRC)
    ok = value == NULL || gst_value_intersect (NULL, value, &mask);
  gst_structure_remove_fields (structure, "colorimetry", "chroma-site", NULL);
  if (direction == GST_PAD_SINK)
    gst_structure_set_value (structure, "colorimetry", &mask);
  g_value_unset (&mask);
  return ok;
}

/* Grey is of full range where nothing is said, colour is not. */
static void
keep_gray_range (GstStructure *structure)
{
  const gchar *name = gst_structure_get_string (structure, "format");

  if (name && !gst_structure_has_field (structure, "colorimetry")
      && GST_VIDEO_FORMAT_INFO_IS_GRAY (
          gst_video_format_get_info (gst_video_format_from_string (name))))
    gst_structure_set (
        structure, "colorimetry", G_TYPE_STRING, GRAY_COLORIMETRY, NULL);
}

static GstStructure *
transform_structure (GstUnetSegOutput output, GstPadDirection direction,
    const GstStructure *from)
{
  GstStructure *to = gst_structure_copy (from);
  GValue list = G_VALUE_INIT;

  map_formats (
      output, direction, gst_structure_get_value (from, "format"), &list);
  if (gst_value_list_get_size (&list) == 0
      || (output == GST_UNET_SEG_OUTPUT_MASK
          && !map_colorimetry (to, direction))) {
    g_value_unset (&list);
    gst_structure_free (to);
    return NULL;
  }
  if (output == GST_UNET_SEG_OUTPUT_ALPHA && direction == GST_PAD_SINK)
    keep_gray_range (to);
  set_formats (to, &list);
  return to;
}

GstCaps *
gst_unet_output_transform_caps (
    GstUnetSegOutput output, GstPadDirection direction, GstCaps *caps)
{
  GstCaps *result;

  if (output == GST_UNET_SEG_OUTPUT_OVERLAY
      || output == GST_UNET_SEG_OUTPUT_NONE || gst_caps_is_any (caps))
    return gst_caps_ref (caps);

  result = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = transform_structure (
        output, direction, gst_caps_get_structure (caps, i));

    if (structure)
      result = gst_caps_merge_structure_full (result, structure,
          gst_caps_features_copy (gst_caps_get_features (caps, i)));
  }
  return result;
}

gboolean
gst_unet_output_refuses (const GstVideoInfo *info)
{
  GstVideoInterlaceMode mode = GST_VIDEO_INFO_INTERLACE_MODE (info);

  return mode == GST_VIDEO_INTERLACE_MODE_FIELDS
      || mode == GST_VIDEO_INTERLACE_MODE_ALTERNATE;
}

gboolean
gst_unet_output_fits (
    GstUnetSegOutput output, const GstVideoInfo *in, const GstVideoInfo *out)
{
  if (output == GST_UNET_SEG_OUTPUT_MASK)
    return GST_VIDEO_INFO_FORMAT (out) == GST_VIDEO_FORMAT_GRAY8
        && out->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return GST_VIDEO_INFO_FORMAT (out)
      == output_format (output, GST_VIDEO_INFO_FORMAT (in))
      && gst_video_colorimetry_is_equal (&in->colorimetry, &out->colorimetry);
}
