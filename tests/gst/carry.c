/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests masks that are older than their frame. An element that runs the network
 * for each frame gives the expected masks, because these networks detect
 * colours. */
#include "common.h"

#include <math.h>

#define WIDTH  160
#define HEIGHT 120

/* The properties of the scene that change from frame to frame. */
typedef struct {
  gdouble x, y;  /* centre of a disc in front of a still background */
  guint channel; /* index of the channel in which the disc is bright */
  gdouble noise; /* the largest noise of a sample */
  guint32 seed;
} Scene;

static const Scene first_scene = { 40, 60, 0, 0, 1 };

static guint
hash (guint32 a, guint32 b, guint32 c)
{
  guint32 h = a * 73856093u ^ b * 19349663u ^ c * 83492791u;

  h = (h ^ h >> 13) * 1274126177u;
  return (h ^ h >> 16) >> 8;
}

/* Returns a texture of 0..1 that moves with its object. It is interpolated
 * bilinearly in a random grid. */
static gdouble
texture_at (guint32 seed, gdouble x, gdouble y)
{
  const gint i = (gint) floor (x / 9), j = (gint) floor (y / 9);
  gdouble f = x / 9 - i, g = y / 9 - j, v[4];

  for (gint k = 0; k < 4; k++)
    v[k] =
        hash (seed, (guint32) (i + k % 2), (guint32) (j + k / 2)) % 256 / 255.;
  return (v[0] * (1 - f) + v[1] * f) * (1 - g)
      + (v[2] * (1 - f) + v[3] * f) * g;
}

/* The disc is bright in one channel. The background is dark in all of them. */
static void
draw_pixel (const Scene *scene, gint x, gint y, guint8 *rgb)
{
  const gdouble u = x - scene->x, v = y - scene->y;
  const gboolean disc = u * u + v * v < 24 * 24;
  const gdouble t = disc ? texture_at (7, u, v) : texture_at (8, x, y);

  for (guint c = 0; c < 3; c++) {
    gdouble value = disc && c == scene->channel ? 170 + 70 * t : 20 + 80 * t;

    if (scene->noise > 0)
      value += scene->noise
          * (hash (scene->seed, (guint32) (3 * x + (gint) c), (guint32) y) % 201
                  / 100.
              - 1);
    rgb[c] = (guint8) (value + .5);
  }
}

static GstBuffer *
scene_frame (const Scene *scene, guint index)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 3, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gint i = 0; i < WIDTH * HEIGHT; i++)
    draw_pixel (scene, i % WIDTH, i / WIDTH, map.data + 3 * i);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

static GstHarness *
scene_harness (const gchar *model, const gchar *properties)
{
  g_autofree gchar *all = g_strdup_printf (
      "output=none input-size=%ux%u %s", WIDTH, HEIGHT, properties);
  GstHarness *h = test_harness_new (model, all);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return h;
}

static GstBuffer *
push (GstHarness *h, const Scene *scene, guint index)
{
  return gst_harness_push_and_pull (h, scene_frame (scene, index));
}

static const UnetSegMeta *
meta_of (GstBuffer *buffer)
{
  const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (buffer);

  fail_unless (meta != NULL);
  return meta;
}

/* ---- comparing -------------------------------------------------------- */

static gboolean
same_plane (GstBuffer *a, GstBuffer *b)
{
  GstMapInfo x, y;
  gboolean same;

  gst_buffer_map (a, &x, GST_MAP_READ);
  gst_buffer_map (b, &y, GST_MAP_READ);
  same = x.size == y.size && memcmp (x.data, y.data, x.size) == 0;
  gst_buffer_unmap (a, &x);
  gst_buffer_unmap (b, &y);
  return same;
}

static gboolean
same_mask (GstBuffer *a, GstBuffer *b)
{
  return same_plane (meta_of (a)->class_map, meta_of (b)->class_map)
      && same_plane (meta_of (a)->probability, meta_of (b)->probability);
}

/* Returns the IoU: the pixels of the same class in both masks per pixel with a
 * class other than 0 in either. */
static gdouble
mask_iou (GstBuffer *a, GstBuffer *b)
{
  guint both = 0, either = 0;
  GstMapInfo x, y;

  gst_buffer_map (meta_of (a)->class_map, &x, GST_MAP_READ);
  gst_buffer_map (meta_of (b)->class_map, &y, GST_MAP_READ);
  for (gsize i = 0; i < x.size; i++) {
    both += x.data[i] && x.data[i] == y.data[i];
    either += x.data[i] || y.data[i];
  }
  gst_buffer_unmap (meta_of (a)->class_map, &x);
  gst_buffer_unmap (meta_of (b)->class_map, &y);
  return either ? (gdouble) both / either : 1;
}

/* ---- motion ----------------------------------------------------------- */

/* Three elements see a disc move. The first runs every frame. The others run
 * every third frame, and the last one moves its mask between. */
static void
check_interval (const gchar *model, guint channel)
{
  GstHarness *own = scene_harness (model, "");
  GstHarness *held = scene_harness (model, "interval=3 carry=false");
  GstHarness *carried = scene_harness (model, "interval=3");
  Scene scene = first_scene;
  gdouble held_iou = 0, carried_iou = 0;

  scene.channel = channel;
  for (guint i = 0; i < 15; i++, scene.x += 5, scene.y -= 1) {
    GstBuffer *a = push (own, &scene, i), *b = push (held, &scene, i);
    GstBuffer *c = push (carried, &scene, i);

    fail_if (meta_of (a)->carried || meta_of (b)->carried);
    assert_equals_int (meta_of (b)->age_frames, i % 3);
    assert_equals_int (meta_of (c)->age_frames, i % 3);
    assert_equals_int (meta_of (c)->carried, i % 3 > 0);
    if (i % 3 == 0)
      fail_unless (same_mask (a, b) && same_mask (a, c));
    held_iou += mask_iou (a, b) / 15;
    carried_iou += mask_iou (a, c) / 15;
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    gst_buffer_unref (c);
  }
  fail_unless (carried_iou > 0.9 && carried_iou > 0.5 + held_iou / 2,
      "%s: IoU of carried masks %g, of others %g", model, carried_iou,
      held_iou);
  assert_equals_uint64 (test_stat (carried->element, "reused"), 10);
  test_harness_free (own);
  test_harness_free (held);
  test_harness_free (carried);
}

GST_START_TEST (test_interval)
{
  check_interval ("red-dynamic", 0);
}

GST_END_TEST;

GST_START_TEST (test_classes)
{
  for (guint channel = 0; channel < 3; channel++)
    check_interval ("classes", channel);
}

GST_END_TEST;

/* A still scene keeps one mask in the same buffers, however much noise it
 * has. */
GST_START_TEST (test_still)
{
  static const gchar *const models[] = { "red-dynamic", "classes" };

  for (guint k = 0; k < 2 * G_N_ELEMENTS (models); k++) {
    GstHarness *h = scene_harness (models[k / 2], "interval=4");
    Scene scene = first_scene;
    GstBuffer *last = NULL;

    scene.noise = k % 2 ? 15 : 4;
    for (guint i = 0; i < 8; i++, scene.seed++) {
      GstBuffer *out = push (h, &scene, i);

      fail_if (meta_of (out)->carried);
      if (i % 4)
        fail_unless (meta_of (out)->class_map == meta_of (last)->class_map
            && meta_of (out)->probability == meta_of (last)->probability);
      gst_clear_buffer (&last);
      last = out;
    }
    gst_buffer_unref (last);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* The drawn mask and the boxes are those of the metadata. */
GST_START_TEST (test_drawn)
{
  GstHarness *h = scene_harness (
      "red-dynamic", "interval=9 output=mask refine=off boxes=true");
  Scene scene = first_scene;
  GstBuffer *out = push (h, &scene, 0), *plain;
  GstVideoRegionOfInterestMeta *box;
  guint8 value;

  gst_buffer_unref (out);
  scene.x += 20;
  plain = scene_frame (&scene, 1);
  out = gst_harness_push_and_pull (h, plain);
  fail_unless (meta_of (out)->carried);
  for (guint i = 0; i < WIDTH; i++) {
    gst_buffer_extract (out, 60 * WIDTH + i, &value, 1);
    if (fabs (i - scene.x) < 20)
      fail_unless (value > 200, "%u at %u", value, i);
    else if (fabs (i - scene.x) > 32)
      fail_unless (value < 50, "%u at %u", value, i);
  }
  box = gst_buffer_get_video_region_of_interest_meta (out);
  fail_unless (box != NULL);
  fail_unless (abs ((gint) (box->x + box->w) - (gint) scene.x - 24) <= 6, "%u",
      box->x + box->w);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- forgetting ------------------------------------------------------- */

static void
flush (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

static void
change_segment (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

static void
change_caps (GstHarness *h)
{
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH / 2, HEIGHT);
  gst_buffer_unref (
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 5)));
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
}

static void
change_model (GstHarness *h)
{
  g_autofree gchar *model = test_model ("classes");
  Scene scene = first_scene;
  GstBuffer *out;

  g_object_set (h->element, "model", model, NULL);
  for (guint i = 0; i < 2000; i++) {
    guint n_classes;

    out = push (h, &scene, 5);
    n_classes = meta_of (out)->n_classes;
    gst_buffer_unref (out);
    if (n_classes > 2)
      break;
    fail_unless (i < 1999);
    g_usleep (2000);
  }
  flush (h);
}

/* After each of these changes the next frame gets its own mask. The frame after
 * it looks the same and reuses that mask. */
GST_START_TEST (test_forgets)
{
  static void (*const changes[]) (
      GstHarness *) = { flush, change_segment, change_caps, change_model };

  for (guint k = 0; k <= G_N_ELEMENTS (changes); k++) {
    GstHarness *h = scene_harness ("red-dynamic", "interval=100");
    Scene scene = first_scene;
    GstBuffer *a, *b;

    for (guint i = 0; i < 3; i++, scene.x += 8)
      gst_buffer_unref (push (h, &scene, i));
    if (k < G_N_ELEMENTS (changes))
      changes[k](h);
    a = scene_frame (&scene, 10);
    if (k == G_N_ELEMENTS (changes))
      GST_BUFFER_FLAG_SET (a, GST_BUFFER_FLAG_DISCONT);
    a = gst_harness_push_and_pull (h, a);
    assert_equals_int (meta_of (a)->age_frames, 0);
    b = push (h, &scene, 11);
    assert_equals_int (meta_of (b)->age_frames, 1);
    fail_if (meta_of (b)->carried);
    fail_unless (same_mask (a, b));
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* A mask stays in its place where carry=false when it was made, because its
 * picture was not kept. */
GST_START_TEST (test_switched)
{
  GstHarness *h = scene_harness ("red-dynamic", "interval=2 carry=false");
  Scene scene = first_scene;

  for (guint i = 0; i < 8; i++, scene.x += 6) {
    GstBuffer *out;

    if (i == 1 || i == 7)
      g_object_set (h->element, "carry", i == 1, NULL);
    out = push (h, &scene, i);
    assert_equals_int (meta_of (out)->age_frames, i % 2);
    assert_equals_int (meta_of (out)->carried, i == 3 || i == 5);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* The element does not use a kept picture after carry is switched off and the
 * caps change. The next frame has its own mask. */
GST_START_TEST (test_switched_off)
{
  GstHarness *h = scene_harness ("red-dynamic", "interval=2");
  Scene scene = first_scene;
  GstBuffer *out;

  for (guint i = 0; i < 2; i++, scene.x += 6)
    gst_buffer_unref (push (h, &scene, i));
  g_object_set (h->element, "carry", FALSE, NULL);
  change_caps (h);
  out = push (h, &scene, 2);
  assert_equals_int (meta_of (out)->age_frames, 0);
  fail_if (meta_of (out)->carried);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- late and beside the stream --------------------------------------- */

static void
send_qos (GstHarness *h, guint index, GstClockTimeDiff diff)
{
  fail_unless (gst_harness_push_upstream_event (h,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1, diff,
          gst_util_uint64_scale (index, GST_SECOND, 30))));
}

/* The element cannot foresee late frames. So it keeps the pictures of masks as
 * soon as a sink sends QoS events. */
GST_START_TEST (test_late)
{
  GstHarness *own = scene_harness ("red-dynamic", "");
  GstHarness *h = scene_harness ("red-dynamic", "");
  Scene scene = first_scene;

  send_qos (h, 0, 0);
  for (guint i = 0; i < 5; i++, scene.x += 6) {
    GstBuffer *a, *b;

    if (i == 2)
      send_qos (h, 2, GST_SECOND);
    a = push (own, &scene, i);
    b = push (h, &scene, i);
    assert_equals_int (meta_of (b)->age_frames, i < 2 ? 0 : i - 1);
    assert_equals_int (meta_of (b)->carried, i >= 2);
    fail_unless (mask_iou (a, b) > 0.9, "%g", mask_iou (a, b));
    gst_buffer_unref (a);
    gst_buffer_unref (b);
  }
  test_harness_free (own);
  test_harness_free (h);
}

GST_END_TEST;

/* The inference thread may finish at any time, and its mask may belong to any
 * earlier frame. */
GST_START_TEST (test_async)
{
  GstHarness *own = scene_harness ("red-dynamic", "");
  GstHarness *h = scene_harness ("red-dynamic", "async=true");
  Scene scene = first_scene;
  guint index = 0, n_moved = 0;

  for (gboolean found = FALSE; !found; g_usleep (1000)) {
    GstBuffer *out = push (h, &scene, index++);

    fail_unless (index < 5000);
    found = gst_buffer_get_unet_seg_meta (out) != NULL;
    gst_buffer_unref (out);
  }
  for (guint i = 0; i < 40; i++) {
    GstBuffer *a, *b;

    scene.x += i < 20 ? 4 : -4;
    a = push (own, &scene, index);
    b = push (h, &scene, index++);
    fail_unless (meta_of (b)->age_frames > 0);
    n_moved += meta_of (b)->carried;
    if (meta_of (b)->age_frames <= 4)
      fail_unless (mask_iou (a, b) > 0.85, "%u frames old: %g",
          meta_of (b)->age_frames, mask_iou (a, b));
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    g_usleep (5000);
  }
  /* The mask always belongs to an earlier frame, and the disc never stops, so
   * most masks are moved. */
  fail_unless (n_moved > 30, "%u of 40", n_moved);
  flush (h);
  gst_buffer_unref (push (h, &scene, index));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  test_harness_free (own);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
carry_suite (void)
{
  Suite *suite = suite_create ("carry");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_interval);
  tcase_add_test (tcase, test_classes);
  tcase_add_test (tcase, test_still);
  tcase_add_test (tcase, test_drawn);
  tcase_add_test (tcase, test_forgets);
  tcase_add_test (tcase, test_switched);
  tcase_add_test (tcase, test_switched_off);
  tcase_add_test (tcase, test_late);
  tcase_add_test (tcase, test_async);
  return suite;
}

GST_CHECK_MAIN (carry);
