/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the pictures, caps and buffers of every output. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "common.h"

#define TIMEOUT (60 * GST_SECOND)

/* ---- what is in the pictures ------------------------------------------- */

static void
get_out_info (GstHarness *h, GstVideoInfo *info)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);

  fail_unless (caps && gst_video_info_from_caps (info, caps));
}

static void
assert_format (GstHarness *h, GstVideoFormat format)
{
  GstVideoInfo info;

  get_out_info (h, &info);
  fail_unless_equals_string (
      GST_VIDEO_INFO_NAME (&info), gst_video_format_to_string (format));
}

static guint8
byte_at (GstBuffer *buffer, gsize at)
{
  guint8 value = 0;

  assert_equals_uint64 (gst_buffer_extract (buffer, at, &value, 1), 1);
  return value;
}

/* Returns the values of a grey picture at the four stripes as one number. */
static guint
values_of_stripes (const gchar *properties)
{
  GstHarness *h = test_rgb_harness ("classes", properties);
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_STRIPES, 0));
  guint digits = 0;

  for (guint i = 0; i < 4; i++)
    digits = 1000 * digits + byte_at (out, 24 * 64 + 8 + 16 * i);
  gst_buffer_unref (out);
  test_harness_free (h);
  return digits;
}

GST_START_TEST (test_mask)
{
  GstVideoInfo info;
  GstHarness *h;
  GstBuffer *out;

  /* The mask shows class numbers, or the probability of a single class. */
  assert_equals_int (values_of_stripes ("output=mask"), 1002003);
  assert_equals_int (
      values_of_stripes ("output=mask foreground-class=2"), 255000);
  h = test_rgb_harness ("red", "output=mask");
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  get_out_info (h, &info);
  assert_equals_int (info.colorimetry.range, GST_VIDEO_COLOR_RANGE_0_255);
  assert_equals_int (GST_VIDEO_INFO_FPS_N (&info), 30);
  assert_equals_uint64 (gst_buffer_get_size (out), 64 * 48);
  assert_equals_int (byte_at (out, 8), 255);
  assert_equals_int (byte_at (out, 56), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static guint8
alpha_at (GstBuffer *rgba, guint x)
{
  return byte_at (rgba, (24 * 64 + x) * 4 + 3);
}

static void
check_alpha (const gchar *model, const gchar *properties, TestPicture picture,
    const guint8 expected[4])
{
  GstHarness *h = test_rgb_harness (model, properties);
  GstBuffer *out = gst_harness_push_and_pull (h, test_frame_at (h, picture, 0));

  assert_format (h, GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < 4; i++)
    assert_equals_int (alpha_at (out, 8 + 16 * i), expected[i]);
  /* The alpha is straight and not premultiplied. */
  if (picture == TEST_STRIPES)
    assert_equals_int (byte_at (out, (24 * 64 + 56) * 4 + 2), 255);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_START_TEST (test_alpha)
{
  check_alpha ("red", "output=alpha", TEST_HALF, (guint8[4]){ 255, 255, 0, 0 });
  check_alpha (
      "classes", "output=alpha", TEST_STRIPES, (guint8[4]){ 0, 255, 255, 255 });
  /* The opacity does not change alpha, but a colour's alpha does. A transparent
   * colour removes its class. */
  check_alpha ("classes",
      "output=alpha opacity=0.1 "
      "colors=\"green=transparent,blue=#40ff0000,background=#80000000\"",
      TEST_STRIPES, (guint8[4]){ 128, 255, 0, 64 });
}

GST_END_TEST;

/* Alpha that the frame has already is multiplied in place. */
GST_START_TEST (test_alpha_is_multiplied)
{
  GstHarness *h = test_harness_new ("red", "output=alpha");
  GstBuffer *in, *out;
  GstMapInfo map;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGBA, 64, 48);
  in = test_frame_at (h, TEST_HALF, 0);
  gst_buffer_map (in, &map, GST_MAP_WRITE);
  for (gsize i = 3; i < map.size; i += 4)
    map.data[i] = 100;
  gst_buffer_unmap (in, &map);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  assert_equals_int (alpha_at (out, 8), 100);
  assert_equals_int (alpha_at (out, 56), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- frames without a mask --------------------------------------------- */

/* Without a mask, an output with its own picture is all background. A frame
 * that is passed on stays unchanged. */
static void
check_no_mask (const gchar *element, const gchar *output, gboolean frame_is_bad,
    const guint8 expected[4])
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf ("%s %s%s %s", element,
      g_str_equal (element, "unetseg") ? "model=" : "",
      g_str_equal (element, "unetseg") ? path : "", output);
  GstHarness *h = gst_harness_new_parse (launch);
  GstBuffer *in, *out;

  gst_harness_set_src_caps (h, test_caps (GST_VIDEO_FORMAT_RGB, 64, 48));
  in = test_frame_at (h, TEST_HALF, 0);
  if (frame_is_bad)
    gst_buffer_resize (in, 0, 17);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out != NULL);
  if (expected) {
    guint8 bytes[4];

    assert_equals_uint64 (gst_buffer_extract (out, 4 * 70, bytes, 4), 4);
    assert_equals_int (memcmp (bytes, expected, 4), 0);
  } else {
    fail_unless (out == in);
  }
  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_START_TEST (test_no_mask)
{
  static const guint8 nothing[4] = { 0 }, clear[4] = { 255, 255, 255, 0 };

  check_no_mask ("unetseg", "output=mask", TRUE, nothing);
  check_no_mask ("unetseg", "output=alpha", TRUE, nothing);
  check_no_mask ("unetseg", "output=overlay", TRUE, NULL);
  check_no_mask ("unetseg", "output=none", TRUE, NULL);
  check_no_mask ("unetsegdraw", "output=mask", FALSE, nothing);
  check_no_mask ("unetsegdraw", "output=alpha", FALSE, clear);
  check_no_mask ("unetsegdraw", "output=replace background=#010101", FALSE,
      (const guint8[4]){ 1, 1, 1, 1 });
  check_no_mask ("unetsegdraw", "output=overlay", FALSE, NULL);
  check_no_mask ("unetsegdraw", "output=none", FALSE, NULL);
}

GST_END_TEST;

/* ---- caps -------------------------------------------------------------- */

/* Returns whether the sink pad takes caps @in when downstream takes @out. */
static gboolean
takes_in (const gchar *output, const gchar *out, const gchar *in)
{
  g_autofree gchar *properties = g_strdup_printf ("output=%s", output);
  GstHarness *h = test_harness_new ("red", properties);
  g_autoptr (GstCaps) wanted = gst_caps_from_string (in);
  g_autoptr (GstCaps) caps = NULL;
  gboolean taken;

  gst_harness_set_sink_caps_str (h, out);
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  taken = gst_caps_can_intersect (caps, wanted);
  test_harness_free (h);
  return taken;
}

#define RAW "video/x-raw,width=64,height=48,format="

GST_START_TEST (test_caps_backwards)
{
  static const struct {
    const gchar *output, *out, *in;
    gboolean taken;
  } cases[] = {
    { "overlay", RAW "I420", RAW "I420", TRUE },
    { "overlay", RAW "I420", RAW "NV12", FALSE },
    { "mask", RAW "GRAY8", RAW "NV12", TRUE },
    { "mask", RAW "GRAY8", RAW "RGB", TRUE },
    { "mask", RAW "GRAY8,colorimetry=1:4:0:0", RAW "I420,colorimetry=bt709",
        TRUE },
    { "mask", RAW "GRAY8,colorimetry=2:4:0:0", RAW "I420", FALSE },
    { "mask", RAW "I420", RAW "I420", FALSE },
    { "alpha", RAW "A420", RAW "I420", TRUE },
    { "alpha", RAW "A420", RAW "YV12", TRUE },
    { "alpha", RAW "A420", RAW "NV12", TRUE },
    { "alpha", RAW "A420", RAW "A420", TRUE },
    { "alpha", RAW "A420", RAW "RGB", FALSE },
    { "alpha", RAW "AYUV", RAW "YUY2", TRUE },
    { "alpha", RAW "RGBA", RAW "RGBx", TRUE },
    { "alpha", RAW "RGBA", RAW "BGRx", FALSE },
    { "alpha", RAW "A420_10LE", RAW "P010_10LE", TRUE },
    { "alpha", RAW "ARGB64", RAW "r210", TRUE },
    { "alpha", RAW "I420", RAW "I420", FALSE },
    { "alpha", "video/x-raw,format={I420,AYUV}", RAW "UYVY", TRUE },
    { "alpha", "video/x-raw,format={I420,AYUV}", RAW "I420", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    fail_unless (
        takes_in (cases[i].output, cases[i].out, cases[i].in) == cases[i].taken,
        "%s: %s from %s", cases[i].output, cases[i].out, cases[i].in);
}

GST_END_TEST;

/* Checks the formats on both sides of unetseg in a pipeline. @in: (nullable):
 * any format */
static void
check_negotiation (const gchar *source, const gchar *properties,
    const gchar *sink, const gchar *in, const gchar *out)
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf ("%s ! unetseg name=seg "
                                              "model=\"%s\" %s ! %s",
      source, path, properties, sink);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  static const gchar *const pads[] = { "sink", "src" };

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT)
          == GST_STATE_CHANGE_SUCCESS,
      "%s", launch);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstPad) pad = gst_element_get_static_pad (element, pads[i]);
    g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

    if (i || in)
      fail_unless_equals_string (
          gst_structure_get_string (gst_caps_get_structure (caps, 0), "format"),
          i ? out : in);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (element);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_negotiation)
{
  const gchar *sink = "fakesink";
  const gchar *nv12 = "videotestsrc ! video/x-raw,format=NV12";

  check_negotiation (nv12, "output=alpha", sink, "NV12", "A420");
  check_negotiation (nv12, "output=mask", sink, "NV12", "GRAY8");
  /* A grey mask does not make upstream send grey frames. */
  check_negotiation ("videotestsrc ! video/x-raw,format={I420,GRAY8}",
      "output=mask", "video/x-raw,format=GRAY8 ! fakesink", "I420", "GRAY8");
  check_negotiation ("videotestsrc ! video/x-raw,format={NV12,A420}",
      "output=alpha", "video/x-raw,format=A420 ! fakesink", "A420", "A420");
  /* Upstream converts, and only where it is needed. */
  check_negotiation ("videotestsrc ! video/x-raw,format=I420 ! videoconvert",
      "output=alpha", "video/x-raw,format=RGBA ! fakesink", NULL, "RGBA");
  check_negotiation ("videotestsrc ! video/x-raw,format=I420 ! videoconvert",
      "output=alpha", "video/x-raw,format={RGBA,A420} ! fakesink", "I420",
      "A420");
  check_negotiation ("videotestsrc ! video/x-raw,format=BGRA", "output=alpha",
      sink, "BGRA", "BGRA");
  check_negotiation ("videotestsrc ! video/x-raw,format=GRAY8", "output=alpha",
      sink, "GRAY8", "A420");
}

GST_END_TEST;

/* ---- another output while playing -------------------------------------- */

static const GstVideoFormat formats_of_outputs[] = { GST_VIDEO_FORMAT_NV12,
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_A420 };

/* Switches from every output to every other. No mask is computed again for
 * it. */
static void
check_switching (const gchar *name, GstHarness *h)
{
  guint n = G_N_ELEMENTS (formats_of_outputs);

  test_harness_set_format (h, GST_VIDEO_FORMAT_NV12, 64, 48);
  for (guint i = 0; i < 4 * n * n; i++) {
    guint output = i % 2 ? i / 2 / n % n : i / 2 % n;
    GstVideoInfo info;
    GstBuffer *out;

    g_object_set (h->element, "output", output, NULL);
    out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i));
    get_out_info (h, &info);
    fail_unless_equals_string (GST_VIDEO_INFO_NAME (&info),
        gst_video_format_to_string (formats_of_outputs[output]));
    fail_unless (gst_buffer_get_size (out) >= GST_VIDEO_INFO_SIZE (&info));
    if (g_str_equal (name, "unetseg"))
      assert_equals_int (gst_buffer_get_unet_seg_meta (out)->age_frames, i);
    gst_buffer_unref (out);
  }
}

GST_START_TEST (test_switching)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");

  check_switching ("unetseg", h);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 1);
  test_harness_free (h);
  h = gst_harness_new ("unetsegdraw");
  check_switching ("unetsegdraw", h);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The output changes exactly at the frame that the controller sets. */
GST_START_TEST (test_controlled_output)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstControlSource *source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *times = GST_TIMED_VALUE_CONTROL_SOURCE (source);

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  /* For an enumeration the controller's 0 is the first value and 1 the last. */
  for (guint i = 0; i < 8; i++)
    gst_timed_value_control_source_set (
        times, gst_util_uint64_scale (i, GST_SECOND, 30), (i % 4 + .1) / 5.1);
  gst_object_add_control_binding (GST_OBJECT (h->element),
      gst_direct_control_binding_new (
          GST_OBJECT (h->element), "output", source));
  test_harness_set_format (h, GST_VIDEO_FORMAT_NV12, 64, 48);
  for (guint i = 0; i < 8; i++) {
    gst_buffer_unref (
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i)));
    assert_format (h, formats_of_outputs[i % 4]);
  }
  gst_object_unref (source);
  test_harness_free (h);
}

GST_END_TEST;

typedef struct {
  gint frames;
  gint other; /* frames whose caps differ from the first frame's */
  GstVideoFormat format;
} Seen;

static GstPadProbeReturn
see (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Seen *seen = data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoInfo video;

  fail_unless (gst_video_info_from_caps (&video, caps));
  if (seen->frames == 0)
    seen->format = GST_VIDEO_INFO_FORMAT (&video);
  if (GST_VIDEO_INFO_FORMAT (&video) != seen->format)
    g_atomic_int_inc (&seen->other);
  g_atomic_int_inc (&seen->frames);
  return GST_PAD_PROBE_OK;
}

/* Sets @output in the middle of 200 frames, all of which arrive. Returns how
 * many have another format than the first. */
static guint
switch_while_playing (const gchar *source, const gchar *output,
    const gchar *formats, guint warnings)
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (
      "%s ! unetseg name=seg "
      "model=\"%s\" ! capsfilter caps=\"video/x-raw,format=%s\" ! "
      "identity sleep-time=1000 ! fakesink name=sink",
      source, path, formats);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  g_autoptr (GstElement)
      sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  Seen seen = { 0 };
  guint warned = 0;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, see, &seen, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (g_atomic_int_get (&seen.frames) < 20)
    g_usleep (1000);
  gst_util_set_object_arg (G_OBJECT (seg), "output", output);
  while ((message = gst_bus_timed_pop_filtered (bus, TIMEOUT,
              GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))) {
    GstMessageType type = GST_MESSAGE_TYPE (message);

    gst_message_unref (message);
    fail_if (type == GST_MESSAGE_ERROR, "%s", launch);
    if (type == GST_MESSAGE_EOS)
      break;
    warned++;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  assert_equals_int (seen.frames, 200);
  assert_equals_int (warned, warnings);
  return seen.other;
}

/* A new output never ends a stream. Upstream changes its caps where it can,
 * even with frames in queues. Otherwise the output stays and the element posts
 * a warning. */
GST_START_TEST (test_switching_where_caps_are_bound)
{
  const gchar *fixed = "videotestsrc num-buffers=200 ! "
                       "video/x-raw,format=I420,width=64,height=48";
  g_autofree gchar *converted = g_strconcat (fixed, " ! videoconvert", NULL);
  g_autofree gchar *queued =
      g_strconcat (converted, " ! queue max-size-buffers=7", NULL);

  fail_unless (switch_while_playing (fixed, "alpha", "{I420,A420}", 0) > 0);
  fail_unless (switch_while_playing (converted, "alpha", "{I420,RGBA}", 0) > 0);
  fail_unless (switch_while_playing (queued, "alpha", "{I420,RGBA}", 0) > 0);
  assert_equals_int (switch_while_playing (queued, "mask", "I420", 1), 0);
  assert_equals_int (switch_while_playing (fixed, "mask", "I420", 1), 0);
  assert_equals_int (switch_while_playing (fixed, "none", "I420", 0), 0);
}

GST_END_TEST;

/* ---- buffers ----------------------------------------------------------- */

/* Lets a sink ask for rows with padding. */
static GstPadProbeReturn
propose_padding (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  GstVideoAlignment align;
  GstBufferPool *pool;
  GstStructure *config;
  GstVideoInfo video;
  GstCaps *caps;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation (query, &caps, NULL);
  gst_video_info_from_caps (&video, caps);
  pool = gst_video_buffer_pool_new ();
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, video.size, 0, 0);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option (
      config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_video_alignment_reset (&align);
  align.padding_left = 16;
  align.padding_right = 32;
  align.padding_top = 4;
  gst_buffer_pool_config_set_video_alignment (config, &align);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  gst_query_add_allocation_pool (query, pool, video.size, 0, 0);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_object_unref (pool);
  return GST_PAD_PROBE_HANDLED;
}

/* Upstream may send rows of any stride, and downstream gets the stride it asks
 * for. */
GST_START_TEST (test_allocation)
{
  static const gchar *const outputs[] = { "output=mask", "output=alpha" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    GstHarness *h = test_harness_new ("red", outputs[i]);
    g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);
    GstQuery *query = gst_query_new_allocation (caps, TRUE);
    GstVideoMeta *meta;
    GstBuffer *out;

    gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
        propose_padding, NULL, NULL);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    fail_unless (gst_pad_peer_query (h->srcpad, query));
    fail_unless (
        gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
    gst_query_unref (query);

    out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
    meta = gst_buffer_get_video_meta (out);
    fail_unless (meta != NULL);
    fail_unless (meta->stride[0] >= 64 + 16 + 32);
    fail_unless (meta->offset[0] >= 4 * (gsize) meta->stride[0]);
    if (i == 0) {
      assert_equals_int (byte_at (out, meta->offset[0] + 8), 255);
      assert_equals_int (byte_at (out, meta->offset[0] + 56), 0);
    } else {
      assert_equals_int (byte_at (out, meta->offset[3] + 8), 255);
      assert_equals_int (byte_at (out, meta->offset[3] + 56), 0);
    }
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* A picture made from a frame keeps its metadata, except those that describe
 * its memory or colours. */
GST_START_TEST (test_metadata_goes_on)
{
  static const gchar *const outputs[] = { "output=overlay", "output=mask",
    "output=alpha" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    GstHarness *h = test_rgb_harness ("red", outputs[i]);
    g_autoptr (GstCaps) clock = gst_caps_new_empty_simple ("timestamp/test");
    GstBuffer *buffer = test_frame_at (h, TEST_HALF, 3);

    gst_buffer_add_reference_timestamp_meta (buffer, clock, 5, 6);
    gst_buffer_add_video_region_of_interest_meta (buffer, "face", 1, 2, 3, 4);
    GST_BUFFER_OFFSET (buffer) = 77;
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    buffer = gst_harness_push_and_pull (h, buffer);
    fail_unless (
        gst_buffer_get_reference_timestamp_meta (buffer, clock) != NULL);
    fail_unless (
        gst_buffer_get_video_region_of_interest_meta_id (buffer, 0) != NULL);
    assert_equals_uint64 (GST_BUFFER_PTS (buffer), GST_SECOND / 10);
    assert_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND / 30);
    fail_unless (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER));
    assert_equals_int (
        gst_buffer_get_n_meta (buffer, UNET_SEG_META_API_TYPE), 1);
    gst_buffer_unref (buffer);
    test_harness_free (h);
  }
}

GST_END_TEST;

static Suite *
outputs_suite (void)
{
  Suite *suite = suite_create ("outputs");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_mask);
  tcase_add_test (tcase, test_alpha);
  tcase_add_test (tcase, test_alpha_is_multiplied);
  tcase_add_test (tcase, test_no_mask);
  tcase_add_test (tcase, test_caps_backwards);
  tcase_add_test (tcase, test_negotiation);
  tcase_add_test (tcase, test_switching);
  tcase_add_test (tcase, test_switching_where_caps_are_bound);
  tcase_add_test (tcase, test_controlled_output);
  tcase_add_test (tcase, test_allocation);
  tcase_add_test (tcase, test_metadata_goes_on);
  return suite;
}

GST_CHECK_MAIN (outputs);
