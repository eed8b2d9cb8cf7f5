/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-features.h"

#include "log.h"

/* Elements that bring frames into system memory. A DMABuf may be tiled, which
 * only its driver or GL can undo, so that it is not mapped. */
static const struct {
  const gchar *feature, *elements;
} downloads[] = {
  { "memory:GLMemory", "glcolorconvert ! gldownload" },
  { "memory:DMABuf",
      "vapostproc ! video/x-raw, or glupload ! glcolorconvert ! gldownload" },
  { "memory:VAMemory", "vapostproc ! video/x-raw" },
  { "memory:VASurface", "vaapipostproc ! video/x-raw" },
  { "memory:CUDAMemory", "cudadownload" },
  { "memory:D3D11Memory", "d3d11download" },
  { "memory:VulkanImage", "vulkandownload" },
  { "memory:NVMM", "nvvidconv ! video/x-raw" },
};

static const gchar *
find_elements (const gchar *feature)
{
  for (guint i = 0; i < G_N_ELEMENTS (downloads); i++)
    if (g_str_equal (downloads[i].feature, feature))
      return downloads[i].elements;
  return NULL;
}

/* Returns the feature that names a memory other than the system's, or NULL. */
static const gchar *
find_memory (const GstCapsFeatures *features)
{
  if (features == NULL || gst_caps_features_is_any (features))
    return NULL;
  for (guint i = 0; i < gst_caps_features_get_size (features); i++) {
    const gchar *feature = gst_caps_features_get_nth (features, i);

    if (g_str_has_prefix (feature, "memory:")
        && !g_str_equal (feature, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
      return feature;
  }
  return NULL;
}

const gchar *
gst_unet_memory_find_foreign (const GstCaps *caps)
{
  const gchar *first = NULL;

  if (gst_caps_is_any (caps))
    return NULL;
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const gchar *memory = find_memory (gst_caps_get_features (caps, i));

    if (memory == NULL)
      return NULL;
    if (first == NULL)
      first = memory;
  }
  return first;
}

/* ---- messages --------------------------------------------------------- */

/* Only the first caps of a stream are explained: upstream may try others. */
typedef struct {
  GstElement *element; /* not owned: the element owns the pad */
  gint explained;      /* atomic */
} Watch;

static void
explain (Watch *watch, const gchar *feature, const GstCaps *caps)
{
  const gchar *elements = find_elements (feature);

  if (!g_atomic_int_compare_and_exchange (&watch->explained, FALSE, TRUE))
    return;
  if (elements)
    GST_ELEMENT_ERROR (watch->element, CORE, NEGOTIATION,
        ("Frames are in %s, and this element reads system memory: put '%s' "
         "before it.",
            feature, elements),
        ("%" GST_PTR_FORMAT, caps));
  else
    GST_ELEMENT_ERROR (watch->element, CORE, NEGOTIATION,
        ("Frames are in %s, and this element reads system memory: put an "
         "element before it that downloads them.",
            feature),
        ("%" GST_PTR_FORMAT, caps));
}

/* The pad refuses such caps after the probe, and upstream ends the stream. */
static GstPadProbeReturn
look_at_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  const gchar *feature;
  Watch *watch = data;
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    g_atomic_int_set (&watch->explained, FALSE);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  feature = gst_unet_memory_find_foreign (caps);
  if (feature)
    explain (watch, feature, caps);
  return GST_PAD_PROBE_OK;
}

/* Returns whether upstream asked for caps of another memory, and got none. */
static gboolean
is_refusal (GstQuery *query)
{
  GstCaps *wanted = NULL, *answer = NULL;
  gboolean accepts = TRUE;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    gst_query_parse_caps (query, &wanted);
    gst_query_parse_caps_result (query, &answer);
    accepts = answer == NULL || !gst_caps_is_empty (answer);
  } else if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_parse_accept_caps (query, &wanted);
    gst_query_parse_accept_caps_result (query, &accepts);
  }
  return !accepts && wanted && gst_unet_memory_find_foreign (wanted);
}

/* ---- links ------------------------------------------------------------- */

/* Adds @more (transfer full) to the answer of a query for caps. */
static void
add_to_answer (GstQuery *query, GstCaps *more)
{
  GstCaps *filter = NULL, *answer = NULL;

  gst_query_parse_caps (query, &filter);
  gst_query_parse_caps_result (query, &answer);
  if (filter) {
    GstCaps *both =
        gst_caps_intersect_full (filter, more, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (more);
    more = both;
  }
  if (answer)
    more = gst_caps_merge (gst_caps_ref (answer), more);
  gst_query_set_caps_result (query, more);
  gst_caps_unref (more);
}

/* Elements are linked before their pads are active, and GStreamer does not say
 * there what the other pad has: a link that fails cannot be explained. So until
 * then the pad takes every memory that the table names. */
static void
allow_link (GstQuery *query)
{
  GstCaps *caps;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return;
  caps = gst_caps_new_empty ();
  for (guint i = 0; i < G_N_ELEMENTS (downloads); i++)
    gst_caps_append_structure_full (caps,
        gst_structure_new_empty ("video/x-raw"),
        gst_caps_features_new (downloads[i].feature, NULL));
  add_to_answer (query, caps);
}

/* With such an upstream the source pad has no caps, and could not be linked
 * either. */
static GstPadProbeReturn
allow_source_link (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  GstCaps *answer = NULL;

  if (GST_PAD_IS_ACTIVE (pad) || GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_parse_caps_result (query, &answer);
  if (answer && gst_caps_is_empty (answer))
    add_to_answer (query, gst_pad_get_pad_template_caps (pad));
  return GST_PAD_PROBE_OK;
}

/* ---- negotiation ------------------------------------------------------- */

/* Some elements ask for one memory after the other. Only those that cannot make
 * frames in system memory end the stream. */
static GstPadProbeReturn
look_at_answer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_autoptr (GstCaps) possible = NULL;
  const gchar *feature;

  if (!GST_PAD_IS_ACTIVE (pad)) {
    allow_link (GST_PAD_PROBE_INFO_QUERY (info));
    return GST_PAD_PROBE_OK;
  }
  if (!is_refusal (GST_PAD_PROBE_INFO_QUERY (info)))
    return GST_PAD_PROBE_OK;
  possible = gst_pad_peer_query_caps (pad, NULL);
  feature = gst_unet_memory_find_foreign (possible);
  if (feature)
    explain (data, feature, possible);
  return GST_PAD_PROBE_OK;
}

static void
end_watch (gpointer data)
{
  g_atomic_rc_box_release (data);
}

void
gst_unet_memory_watch (GstElement *element, GstPad *sinkpad, GstPad *srcpad)
{
  Watch *watch = g_atomic_rc_box_new0 (Watch);

  watch->element = element;
  gst_pad_add_probe (sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      look_at_event, watch, end_watch);
  gst_pad_add_probe (sinkpad,
      GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PULL,
      look_at_answer, g_atomic_rc_box_acquire (watch), end_watch);
  gst_pad_add_probe (srcpad,
      GST_PAD_PROBE_TYPE_QUERY_UPSTREAM | GST_PAD_PROBE_TYPE_PULL,
      allow_source_link, NULL, NULL);
}
