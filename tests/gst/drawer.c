/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that unetsegdraw draws from metadata exactly the picture that unetseg
 * draws. */

#include <frame/draw/palette.h>

#include "common.h"

#include <math.h>

#define TIMEOUT (60 * GST_SECOND)

static void
wait_for_eos (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

  fail_unless (message != NULL, "no end");
  fail_unless (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS,
      "%" GST_PTR_FORMAT, message);
  gst_message_unref (message);
  gst_object_unref (bus);
}

/* ---- one inference, several drawers ------------------------------------ */

typedef struct {
  GChecksum *sum;
  GstVideoInfo info;
} Digest;

/* Hashes the pixels alone, because the padding of rows is undefined. */
static void
digest_picture (Digest *digest, GstBuffer *buffer)
{
  GstVideoFrame frame;

  fail_unless (
      gst_video_frame_map (&frame, &digest->info, buffer, GST_MAP_READ));
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++) {
    const guint8 *data = GST_VIDEO_FRAME_COMP_DATA (&frame, c);
    gint stride = GST_VIDEO_FRAME_COMP_STRIDE (&frame, c);
    gint row = GST_VIDEO_FRAME_COMP_WIDTH (&frame, c)
            * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c)
        - GST_VIDEO_FRAME_COMP_POFFSET (&frame, c);

    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c); y++)
      g_checksum_update (
          digest->sum, data + y * stride, row > 0 ? row : stride);
  }
  gst_video_frame_unmap (&frame);
}

/* Hashes the caps, times and pictures that arrive at a pad. */
static GstPadProbeReturn
digest_item (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Digest *digest = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

    digest_picture (digest, buffer);
    g_checksum_update (digest->sum, (guint8 *) &GST_BUFFER_PTS (buffer), 8);
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))
      == GST_EVENT_CAPS) {
    g_autofree gchar *text = NULL;
    GstCaps *caps;

    gst_event_parse_caps (GST_PAD_PROBE_INFO_EVENT (info), &caps);
    text = gst_caps_to_string (caps);
    g_checksum_update (digest->sum, (guint8 *) text, -1);
    fail_unless (gst_video_info_from_caps (&digest->info, caps));
  }
  return GST_PAD_PROBE_OK;
}

static void
free_digest (gpointer data)
{
  g_free (data);
}

/* Returns the checksum of the frames at the element. It outlives the
 * pipeline. */
static GChecksum *
digest_at (GstElement *pipeline, const gchar *name)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  Digest *digest = g_new0 (Digest, 1);

  digest->sum = g_checksum_new (G_CHECKSUM_SHA256);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      digest_item, digest, free_digest);
  gst_object_unref (pad);
  gst_object_unref (sink);
  return digest->sum;
}

typedef const gchar *Branches[3];

/* No branch sets a threshold, because unetseg has already applied its own to a
 * mask of several classes. */
static const Branches usual = { "output=overlay opacity=0.7 colors=\"red\"",
  "output=mask", "output=alpha" };
static const Branches special = { "output=overlay threshold=0.9",
  "output=mask threshold=0.2",
  "output=alpha threshold=0.3 colors=\"#80ff0000,background=#40000000\"" };
static const Branches backgrounds = { "output=blur blur-radius=0.1 refine=on",
  "output=replace background=#204060 grow=2 feather=3",
  "output=alpha refine=on edge-low=0.1 edge-high=0.9" };
/* With temporal=on unetseg has already read the frame at the mask's
 * resolution. */
static const Branches cutouts = { "output=alpha",
  "output=alpha clear-hidden=true",
  "output=alpha clear-hidden=true refine=on" };
static const Branches held = { "output=blur refine=on temporal=on",
  "output=overlay refine=on temporal=on",
  "output=alpha refine=off temporal=on" };

static void
play_branches (const gchar *launch, GChecksum *sums[3])
{
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  static const gchar *const names[] = { "a", "b", "c" };

  fail_unless (pipeline != NULL, "%s", launch);
  for (guint i = 0; i < 3; i++)
    sums[i] = digest_at (pipeline, names[i]);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_eos (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
compare_branches (
    const gchar *model, const gchar *caps, const Branches branches)
{
  g_autofree gchar *path = test_model (model);
  g_autofree gchar *source = g_strdup_printf (
      "videotestsrc num-buffers=12 pattern=smpte75 horizontal-speed=5 ! "
      "video/x-raw,%s",
      caps);
  g_autofree gchar *several = g_strdup_printf (
      "%s ! tee name=t "
      "t. ! queue ! unetseg model=\"%s\" interval=2 %s ! fakesink name=a "
      "t. ! queue ! unetseg model=\"%s\" interval=2 %s ! fakesink name=b "
      "t. ! queue ! unetseg model=\"%s\" interval=2 %s ! fakesink name=c",
      source, path, branches[0], path, branches[1], path, branches[2]);
  g_autofree gchar *one =
      g_strdup_printf ("%s ! unetseg output=none "
                       "model=\"%s\" interval=2 %s ! tee name=t "
                       "t. ! queue ! unetsegdraw %s ! fakesink name=a "
                       "t. ! queue ! unetsegdraw %s ! fakesink name=b "
                       "t. ! queue ! unetsegdraw %s ! fakesink name=c",
          source, path, branches == held ? "temporal=on" : "", branches[0],
          branches[1], branches[2]);
  GChecksum *expected[3], *found[3];

  play_branches (several, expected);
  play_branches (one, found);
  for (guint i = 0; i < 3; i++) {
    fail_unless_equals_string (
        g_checksum_get_string (found[i]), g_checksum_get_string (expected[i]));
    for (guint j = 0; j < i; j++)
      fail_if (g_str_equal (
          g_checksum_get_string (found[i]), g_checksum_get_string (found[j])));
  }
  for (guint i = 0; i < 3; i++) {
    g_checksum_free (expected[i]);
    g_checksum_free (found[i]);
  }
}

GST_START_TEST (test_one_inference)
{
  static const gchar *const caps[] = {
    "format=I420,width=98,height=50",
    "format=NV12,width=64,height=48",
    "format=RGBA,width=97,height=51",
    "format=v210,width=96,height=48",
  };

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++)
    compare_branches ("classes", caps[i], usual);
  compare_branches ("red", caps[0], special);
  compare_branches ("red", caps[1], backgrounds);
  compare_branches ("classes", caps[2], backgrounds);
  compare_branches ("red", caps[0], cutouts);
  compare_branches ("red", caps[3], cutouts);
  compare_branches ("red", "format=I420,width=322,height=242", held);
  compare_branches ("red", caps[2], held);
  compare_branches ("red", caps[3], held);
}

GST_END_TEST;

/* ---- unetsegdraw -------------------------------------------------------- */

static GstHarness *
drawer_new (const gchar *properties)
{
  g_autofree gchar *path = test_model ("classes");
  g_autofree gchar *launch =
      g_strdup_printf ("unetseg async=false model=\"%s\" "
                       "output=none ! unetsegdraw %s",
          path, properties);
  GstHarness *h = gst_harness_new_parse (launch);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  return h;
}

static guint32
pixel_at (GstBuffer *buffer, guint x)
{
  guint8 rgb[3];

  gst_buffer_extract (buffer, (24 * 64 + x) * 3, rgb, 3);
  return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

/* Checks the colours drawn over the red and the green stripe. */
static void
check_drawn (const gchar *properties, guint32 red, guint32 green)
{
  GstHarness *h = drawer_new (properties);
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_STRIPES, 0));

  assert_equals_int (pixel_at (out, 24), red);
  assert_equals_int (pixel_at (out, 40), green);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_START_TEST (test_drawer_properties)
{
  check_drawn ("opacity=1 colors=\"red=#123456\"", 0x123456,
      unet_palette_default (2) & 0xffffff);
  check_drawn ("opacity=0", 0xff0000, 0x00ff00);
  check_drawn ("opacity=1 colors=\"#010203,#040506\"", 0x010203, 0x040506);
  /* The labels give the same classes other names, and there may be fewer labels
   * than classes. */
  check_drawn ("opacity=1 labels=\"nothing,sea,land\" "
               "colors=\"sea=#010203,land=#040506\"",
      0x010203, 0x040506);
  check_drawn ("opacity=1 labels=\"nothing,sea\" "
               "colors=\"sea=#010203,2=#040506\"",
      0x010203, 0x040506);
}

GST_END_TEST;

GST_START_TEST (test_drawer_description)
{
  GstElement *element = gst_element_factory_make ("unetsegdraw", NULL);
  g_autofree GParamSpec **specs = NULL;
  g_autofree gchar *labels = NULL;
  guint n, own = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstUnet"))
      continue;
    own++;
    fail_unless (strlen (g_param_spec_get_blurb (specs[i])) > 10);
    fail_unless (specs[i]->flags & GST_PARAM_MUTABLE_PLAYING);
  }
  fail_unless (own >= 5);
  g_object_set (element, "labels", " a , b", NULL);
  g_object_get (element, "labels", &labels, NULL);
  fail_unless_equals_string (labels, "a,b");
  gst_object_unref (element);
}

GST_END_TEST;

/* Names and colours change between two frames. */
GST_START_TEST (test_drawer_changes)
{
  GstHarness *h = drawer_new ("name=draw opacity=1");
  GstElement *draw = gst_bin_get_by_name (GST_BIN (h->element), "draw");

  for (guint i = 0; i < 9; i++) {
    GstBuffer *out;

    g_object_set (draw, "labels", i % 3 == 0 ? "n,a,b" : "n,b,a", "colors",
        i % 3 == 2 ? "a=#040506,b=#010203" : "a=#010203,b=#040506", NULL);
    out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_STRIPES, i));
    assert_equals_int (pixel_at (out, 24), i % 3 == 1 ? 0x040506 : 0x010203);
    gst_buffer_unref (out);
  }
  gst_object_unref (draw);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The drawer ignores metadata that make no sense and reads nothing beyond a
 * buffer. */
GST_START_TEST (test_drawer_nonsense)
{
  static const gdouble rectangles[][4] = { { 0, 0, 0, 48 }, { 0, 0, 64, -1 },
    { NAN, 0, 64, 48 }, { 0, 0, INFINITY, 48 }, { -1e300, 0, 1e300, 48 },
    { 1e300, 1e300, 1, 1 }, { 0, 0, 1e-300, 1e-300 } };
  static const gchar *const outputs[] = { "unetsegdraw output=overlay",
    "unetsegdraw output=mask", "unetsegdraw output=alpha" };
  g_autoptr (UnetSegClasses) classes = unet_seg_classes_new ("test", 3, NULL);
  GstBuffer *plane = gst_buffer_new_allocate (NULL, 100, NULL);

  gst_buffer_memset (plane, 0, 255, -1);
  for (guint o = 0; o < G_N_ELEMENTS (outputs); o++) {
    GstHarness *h = gst_harness_new_parse (outputs[o]);

    test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
    /* GStreamer checks the size when it copies metadata, so only the first
     * output gets wrong sizes. */
    for (guint i = 0; i < G_N_ELEMENTS (rectangles) + (o ? 0 : 2); i++) {
      GstBuffer *frame = test_frame_at (h, TEST_HALF, i);
      UnetSegMeta *meta =
          gst_buffer_add_unet_seg_meta (frame, classes, plane, plane, 10, 10);

      meta->w = 64;
      meta->h = 48;
      if (i < G_N_ELEMENTS (rectangles))
        memcpy (&meta->x, rectangles[i], sizeof (rectangles[i]));
      else if (i == G_N_ELEMENTS (rectangles))
        meta->height = 11;
      else
        meta->width = meta->height = 1u << 31;
      gst_buffer_unref (gst_harness_push_and_pull (h, frame));
    }
    gst_harness_teardown (h);
  }
  gst_buffer_unref (plane);
}

GST_END_TEST;

static Suite *
drawer_suite (void)
{
  Suite *suite = suite_create ("drawer");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_one_inference);
  tcase_add_test (tcase, test_drawer_properties);
  tcase_add_test (tcase, test_drawer_description);
  tcase_add_test (tcase, test_drawer_changes);
  tcase_add_test (tcase, test_drawer_nonsense);
  return suite;
}

GST_CHECK_MAIN (drawer);
