/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moves masks to later frames. */
#include "../picture.h"

#include <frame/format/mask.h>
#include <frame/time/mask-motion.h>
#include <frame/time/motion-search.h>
#include <gst/check/gstcheck.h>
#include <math.h>
#include <stdlib.h>

#define GUARD 64

static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_I420,
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_Y444,
  GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_GRAY8,
  GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_v210 };

/* Returns a smaller number of rounds where memory checkers slow the test down.
 */
static guint
rounds (guint n)
{
  const gchar *text = g_getenv ("UNET_TEST_ROUNDS");

  return text ? MIN (n, (guint) atoi (text)) : n;
}

/* ---- kernels ---------------------------------------------------------- */

static gdouble
cell_at (const UnetVectors *vectors, gint x, gint y, gboolean vertical)
{
  const UnetVector v =
      vectors->vectors[CLAMP (y, 0, vectors->height - 1) * vectors->width
          + CLAMP (x, 0, vectors->width - 1)];

  return vertical ? v.y : v.x;
}

/* Returns the vector between the centres of cells, bilinear and rounded to 1 /
 * 16 of a pixel. */
static gdouble
oracle_way (const UnetVectors *vectors, gint x, gint y, gboolean vertical)
{
  const gdouble u = (x + 0.5) / UNET_MOTION_CELL - 0.5;
  const gdouble v = (y + 0.5) / UNET_MOTION_CELL - 0.5;
  const gint i = (gint) floor (u), j = (gint) floor (v);
  const gdouble f = u - i, g = v - j;

  return floor ((cell_at (vectors, i, j, vertical) * (1 - f)
                    + cell_at (vectors, i + 1, j, vertical) * f)
                 * (1 - g)
             + (cell_at (vectors, i, j + 1, vertical) * (1 - f)
                   + cell_at (vectors, i + 1, j + 1, vertical) * f)
                 * g
             + 0.5)
      / UNET_VECTOR_ONE;
}

static gdouble
oracle_sample (const guint8 *src, gint w, gint h, gdouble x, gdouble y)
{
  const gint i = (gint) (x = CLAMP (x, 0, w - 1));
  const gint j = (gint) (y = CLAMP (y, 0, h - 1));
  const gint right = MIN (i + 1, w - 1), below = MIN (j + 1, h - 1);
  const gdouble f = x - i, g = y - j;

  return (src[j * w + i] * (1 - f) + src[j * w + right] * f) * (1 - g)
      + (src[below * w + i] * (1 - f) + src[below * w + right] * f) * g;
}

static void
check_plane (GRand *rand)
{
  const gint w = g_rand_int_range (rand, 1, 60);
  const gint h = g_rand_int_range (rand, 1, 60);
  const gboolean whole = g_rand_boolean (rand);
  const gint longest = g_rand_int_range (rand, 1, 2048);
  guint8 *memory = test_random_bytes (rand, (guint) (w * h + 2 * GUARD));
  guint8 *before = g_memdup2 (memory, (gsize) w * h + 2 * GUARD);
  guint8 *src = test_random_bytes (rand, (guint) (w * h));
  UnetMotion motion;

  fail_unless (unet_motion_init (&motion, w, h));
  for (gint i = 0; i < motion.cells.width * motion.cells.height; i++)
    if (g_rand_boolean (rand)) {
      motion.cells.vectors[i].x =
          (gint16) g_rand_int_range (rand, -longest, longest + 1);
      motion.cells.vectors[i].y =
          (gint16) g_rand_int_range (rand, -longest, longest + 1);
    }
  unet_plane_move (memory + GUARD, src, w, h, &motion.cells, whole);
  for (gint i = 0; i < w * h; i++) {
    gdouble x = i % w + oracle_way (&motion.cells, i % w, i / w, FALSE);
    gdouble y = i / w + oracle_way (&motion.cells, i % w, i / w, TRUE);
    gdouble expected;

    if (whole) {
      x = floor (x + 0.5);
      y = floor (y + 0.5);
    }
    expected = oracle_sample (src, w, h, x, y);
    fail_unless (fabs (memory[GUARD + i] - expected) <= 0.5,
        "%dx%d at %d: %d, not %g", w, h, i, memory[GUARD + i], expected);
  }
  fail_unless (memcmp (memory, before, GUARD) == 0);
  fail_unless (
      memcmp (memory + GUARD + w * h, before + GUARD + w * h, GUARD) == 0);
  unet_motion_clear (&motion);
  g_free (memory);
  g_free (before);
  g_free (src);
}

GST_START_TEST (test_plane)
{
  GRand *rand = g_rand_new_with_seed (2);

  for (guint i = 0; i < rounds (200); i++)
    check_plane (rand);
  g_rand_free (rand);
}

GST_END_TEST;

/* ---- scenes ----------------------------------------------------------- */

/* Interpolates bilinearly between the values of a grid of random points. */
static gdouble
wave_at (guint32 seed, gdouble x, gdouble y)
{
  const gint i = (gint) floor (x), j = (gint) floor (y);
  gdouble v[4], f = x - i, g = y - j;

  for (gint k = 0; k < 4; k++) {
    guint32 hash = (guint32) (i + k % 2) * 73856093u
        ^ (guint32) (j + k / 2) * 19349663u ^ seed * 83492791u;

    hash = (hash ^ hash >> 13) * 1274126177u;
    v[k] = (hash >> 16) % 1024 / 1024.0;
  }
  return (v[0] * (1 - f) + v[1] * f) * (1 - g)
      + (v[2] * (1 - f) + v[3] * f) * g;
}

/* Returns the grey value of an endless background with coarse and fine detail.
 */
static gdouble
world_at (guint32 seed, gdouble x, gdouble y)
{
  return 30 + 130 * wave_at (seed, x / 31, y / 31)
      + 60 * wave_at (seed + 100, x / 7, y / 7);
}

/* A textured disc in front of a background. */
typedef struct {
  guint32 seed;
  gdouble radius;
  gdouble x, y;         /* of the disc's centre */
  gdouble noise;        /* standard deviation */
  gdouble pan_x, pan_y; /* of the background */
} Stage;

static gboolean
is_in_front (const Stage *stage, gdouble x, gdouble y)
{
  return hypot (x - stage->x, y - stage->y) < stage->radius;
}

static gdouble
normal (GRand *rand)
{
  return sqrt (-2 * log (1 - g_rand_double (rand)))
      * cos (2 * G_PI * g_rand_double (rand));
}

/* Draws the stage in any format, by converting grey RGB. */
static GstBuffer *
draw_stage (const Stage *stage, const GstVideoInfo *info, GRand *rand,
    GstVideoFrame *frame)
{
  GstBuffer *grey, *buffer = gst_buffer_new_allocate (NULL, info->size, NULL);
  GstVideoConverter *converter;
  GstVideoInfo rgb;
  GstVideoFrame from;

  test_info_init (
      &rgb, GST_VIDEO_FORMAT_RGBx, (guint) info->width, (guint) info->height);
  grey = gst_buffer_new_allocate (NULL, rgb.size, NULL);
  gst_video_frame_map (&from, &rgb, grey, GST_MAP_READWRITE);
  for (gint i = 0; i < info->width * info->height; i++) {
    const gint x = i % info->width, y = i / info->width;
    gdouble v = is_in_front (stage, x + 0.5, y + 0.5)
        ? world_at (stage->seed, x - stage->x, y - stage->y)
        : world_at (stage->seed + 1, x - stage->pan_x, y - stage->pan_y);

    if (stage->noise > 0)
      v += stage->noise * normal (rand);
    memset ((guint8 *) from.data[0] + 4 * i, (gint) CLAMP (v + 0.5, 0, 255), 4);
  }
  gst_video_frame_map (frame, info, buffer, GST_MAP_READWRITE);
  converter = gst_video_converter_new (&rgb, info, NULL);
  gst_video_converter_frame (converter, &from, frame);
  gst_video_converter_free (converter);
  gst_video_frame_unmap (&from);
  gst_buffer_unref (grey);
  return buffer;
}

/* Reads a frame of the stage. @keep: the next mask is moved from this frame. */
static void
look_at (UnetMaskMotion *carry, const Stage *stage, const GstVideoInfo *info,
    GRand *rand, gboolean keep)
{
  GstVideoFrame frame;
  GstBuffer *buffer = draw_stage (stage, info, rand, &frame);

  unet_mask_motion_read_frame (carry, &frame);
  if (keep) {
    unet_mask_motion_keep_frame (carry);
    unet_mask_motion_use_kept (carry);
  }
  gst_video_frame_unmap (&frame);
  gst_buffer_unref (buffer);
}

/* Fills the true mask of the stage, for all of the frame or a part. */
static void
fill_true_mask (UnetMask *mask, const Stage *stage, guint8 id)
{
  for (guint i = 0; i < mask->width * mask->height; i++) {
    const gdouble x = mask->x + (i % mask->width + 0.5) * mask->w / mask->width;
    const gdouble y =
        mask->y + (gdouble) (i / mask->width + 0.5) * mask->h / mask->height;
    const gboolean in_front = is_in_front (stage, x, y);

    mask->class_map[i] = in_front ? id : 0;
    mask->probability[i] = in_front ? 250 : 5;
  }
}

static UnetMask
new_mask (guint width, guint height, guint n_classes, const GstVideoInfo *info)
{
  UnetMask mask = { .width = width,
    .height = height,
    .n_classes = n_classes,
    .w = info->width,
    .h = info->height };

  mask.class_map = g_malloc0 ((gsize) width * height);
  mask.probability = g_malloc0 ((gsize) width * height);
  return mask;
}

static void
free_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
}

static gdouble
mask_iou (const UnetMask *a, const UnetMask *b)
{
  guint both = 0, either = 0;

  for (guint i = 0; i < a->width * a->height; i++) {
    both += a->class_map[i] && a->class_map[i] == b->class_map[i];
    either += a->class_map[i] || b->class_map[i];
  }
  return either ? (gdouble) both / either : 1;
}

/* Checks that moving the mask recovers at least half of the overlap that
 * holding it loses. */
static void
check_carried (const UnetMask *to, const UnetMask *from, const UnetMask *truth)
{
  const gdouble carried = mask_iou (to, truth), held = mask_iou (from, truth);

  fail_unless (carried > 0.5 + held / 2, "IoU %g, held %g", carried, held);
}

/* ---- carrying --------------------------------------------------------- */

static void
check_moved (GRand *rand, GstVideoFormat format, guint n_classes)
{
  const guint scale = (guint) g_rand_int_range (rand, 1, 4);
  const guint8 id = (guint8) g_rand_int_range (rand, 1, (gint) n_classes);
  const gdouble way = g_rand_double_range (rand, 3, 24) * scale;
  const gdouble angle = g_rand_double_range (rand, 0, 2 * G_PI);
  Stage stage = { g_rand_int (rand), 22.0 * scale, 80.0 * scale, 60.0 * scale,
    2, 0, 0 };
  UnetMask from, to, truth;
  GstVideoInfo info;
  UnetMaskMotion *carry;

  test_info_init (&info, format, 160 * scale, 120 * scale);
  from = new_mask (160, 120, n_classes, &info);
  to = new_mask (160, 120, n_classes, &info);
  truth = new_mask (160, 120, n_classes, &info);
  carry = unet_mask_motion_new (&info, &from, NULL);
  fill_true_mask (&from, &stage, id);
  look_at (carry, &stage, &info, rand, TRUE);
  stage.x += way * cos (angle);
  stage.y += way * sin (angle);
  fill_true_mask (&truth, &stage, id);
  look_at (carry, &stage, &info, rand, FALSE);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &from, 0.5, &to);
  check_carried (&to, &from, &truth);
  for (guint i = 0; i < 160 * 120; i++) {
    if (n_classes == 2)
      fail_unless (to.class_map[i] == (to.probability[i] >= 128));
    else
      fail_unless (to.class_map[i] == (to.probability[i] == 250 ? id : 0));
  }
  free_mask (&from);
  free_mask (&to);
  free_mask (&truth);
  unet_mask_motion_free (carry);
}

GST_START_TEST (test_moved)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < rounds (G_N_ELEMENTS (formats)); i++) {
    check_moved (rand, formats[i], 2);
    check_moved (rand, formats[i], 5);
  }
  g_rand_free (rand);
}

GST_END_TEST;

/* The mask covers a part of the frame, and its vectors refer to that part. */
GST_START_TEST (test_part)
{
  GRand *rand = g_rand_new_with_seed (4);
  Stage stage = { 1, 30, 100, 70, 0, 0, 0 };
  UnetMask from, to, truth;
  GstVideoInfo info;
  UnetMaskMotion *carry;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, 240, 160);
  from = new_mask (96, 64, 2, &info);
  from.x = 40;
  from.y = 20;
  from.w = 144;
  from.h = 96;
  to = from;
  to.class_map = g_malloc0 (96 * 64);
  to.probability = g_malloc0 (96 * 64);
  truth = to;
  truth.class_map = g_malloc0 (96 * 64);
  truth.probability = g_malloc0 (96 * 64);
  carry = unet_mask_motion_new (&info, &from, NULL);
  fill_true_mask (&from, &stage, 1);
  look_at (carry, &stage, &info, rand, TRUE);
  stage.x += 15;
  stage.y -= 9;
  fill_true_mask (&truth, &stage, 1);
  look_at (carry, &stage, &info, rand, FALSE);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &from, 0.5, &to);
  check_carried (&to, &from, &truth);
  free_mask (&from);
  free_mask (&to);
  free_mask (&truth);
  unet_mask_motion_free (carry);
  g_rand_free (rand);
}

GST_END_TEST;

/* Sensor noise is not found as motion at any resolution. */
GST_START_TEST (test_noise)
{
  GRand *rand = g_rand_new_with_seed (5);

  for (guint k = 0; k < rounds (15); k++) {
    const guint scale = 1 + k % 3;
    Stage stage = { k, 20.0 * scale, 60.0 * scale, 40.0 * scale,
      1 + (gdouble) (k / 3), 0, 0 };
    UnetMask from, to;
    GstVideoInfo info;
    UnetMaskMotion *carry;

    test_info_init (&info, GST_VIDEO_FORMAT_I420, 128 * scale, 96 * scale);
    from = new_mask (128, 96, 2, &info);
    to = new_mask (128, 96, 2, &info);
    carry = unet_mask_motion_new (&info, &from, NULL);
    fill_true_mask (&from, &stage, 1);
    look_at (carry, &stage, &info, rand, TRUE);
    for (guint i = 0; i < 4; i++) {
      look_at (carry, &stage, &info, rand, FALSE);
      fail_if (unet_mask_motion_search (carry), "noise of %g moved something",
          stage.noise);
    }
    free_mask (&from);
    free_mask (&to);
    unet_mask_motion_free (carry);
  }
  g_rand_free (rand);
}

GST_END_TEST;

/* The mask is not moved into another scene, nor after a reset. */
GST_START_TEST (test_no_motion)
{
  GRand *rand = g_rand_new_with_seed (6);
  Stage stage = { 1, 20, 60, 50, 0, 0, 0 }, other = { 7, 20, 60, 50, 20, 0, 0 };
  UnetMask from, to;
  GstVideoInfo info;
  UnetMaskMotion *carry;

  test_info_init (&info, GST_VIDEO_FORMAT_NV12, 128, 96);
  from = new_mask (128, 96, 2, &info);
  to = new_mask (128, 96, 2, &info);
  carry = unet_mask_motion_new (&info, &from, NULL);
  fill_true_mask (&from, &stage, 1);
  look_at (carry, &stage, &info, rand, FALSE);
  fail_if (unet_mask_motion_search (carry));
  look_at (carry, &stage, &info, rand, TRUE);
  look_at (carry, &other, &info, rand, FALSE);
  fail_if (unet_mask_motion_search (carry));
  stage.x += 8;
  look_at (carry, &stage, &info, rand, FALSE);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &from, 0.5, &to);
  unet_mask_motion_reset (carry);
  fail_if (unet_mask_motion_search (carry));
  free_mask (&from);
  free_mask (&to);
  unet_mask_motion_free (carry);
  g_rand_free (rand);
}

GST_END_TEST;

/* While the network computes the mask of one frame, the mask of another is
 * moved. */
GST_START_TEST (test_beside)
{
  GRand *rand = g_rand_new_with_seed (8);
  Stage stage = { 3, 20, 50, 50, 0, 0, 0 };
  UnetMask masks[3], to;
  GstVideoInfo info;
  UnetMaskMotion *carry;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, 160, 96);
  for (guint i = 0; i < 3; i++) {
    masks[i] = new_mask (160, 96, 2, &info);
    stage.x = 50 + 10.0 * i;
    fill_true_mask (&masks[i], &stage, 1);
  }
  to = new_mask (160, 96, 2, &info);
  carry = unet_mask_motion_new (&info, &to, NULL);
  stage.x = 50;
  look_at (carry, &stage, &info, rand, TRUE);
  stage.x = 60;
  look_at (carry, &stage, &info, rand, FALSE);
  unet_mask_motion_keep_frame (carry);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &masks[0], 0.5, &to);
  check_carried (&to, &masks[0], &masks[1]);
  stage.x = 70;
  look_at (carry, &stage, &info, rand, FALSE);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &masks[0], 0.5, &to);
  check_carried (&to, &masks[0], &masks[2]);
  unet_mask_motion_use_kept (carry);
  fail_unless (unet_mask_motion_search (carry));
  unet_mask_motion_apply (carry, &masks[1], 0.5, &to);
  check_carried (&to, &masks[1], &masks[2]);
  for (guint i = 0; i < 3; i++)
    free_mask (&masks[i]);
  free_mask (&to);
  unet_mask_motion_free (carry);
  g_rand_free (rand);
}

GST_END_TEST;

/* A moved plane has only values of the original, and classes follow the
 * threshold. */
static void
check_moved_planes (const UnetMask *from, const UnetMask *to)
{
  const gsize n = (gsize) from->width * from->height;
  guint8 low = 255, high = 0;
  gboolean has[256] = { FALSE };

  for (gsize i = 0; i < n; i++) {
    low = MIN (low, from->probability[i]);
    high = MAX (high, from->probability[i]);
    has[from->class_map[i]] = TRUE;
  }
  for (gsize i = 0; i < n; i++) {
    fail_unless (to->probability[i] >= low && to->probability[i] <= high);
    if (from->n_classes > 2)
      fail_unless (has[to->class_map[i]]);
    else
      fail_unless (to->class_map[i] == (to->probability[i] >= 128));
  }
}

/* Masks move at any size and with any motion, even under noise that hides it.
 */
GST_START_TEST (test_sizes)
{
  GRand *rand = g_rand_new_with_seed (9);
  guint n_moved = 0;

  for (guint k = 0; k < rounds (60); k++) {
    const guint w = (guint) g_rand_int_range (rand, 1, 70);
    const guint h = (guint) g_rand_int_range (rand, 1, 70);
    Stage stage = { k, 10, 20, 20, 60, 0, 0 };
    UnetMask from, to;
    GstVideoInfo info;
    UnetMaskMotion *carry;

    test_info_init (&info, formats[k % G_N_ELEMENTS (formats)],
        (guint) g_rand_int_range (rand, 16, 90),
        (guint) g_rand_int_range (rand, 16, 90));
    from = new_mask (w, h, 2 + k % 2, &info);
    to = new_mask (w, h, 2 + k % 2, &info);
    for (guint i = 0; i < w * h; i++) {
      from.probability[i] = (guint8) g_rand_int_range (rand, 20, 240);
      from.class_map[i] = (guint8) g_rand_int_range (rand, 0, 3);
    }
    carry = unet_mask_motion_new (&info, &from, NULL);
    look_at (carry, &stage, &info, rand, TRUE);
    for (guint i = 0; i < 3; i++) {
      stage.x = g_rand_double_range (rand, 0, 60);
      stage.pan_x = g_rand_double_range (rand, -30, 30);
      stage.pan_y = g_rand_double_range (rand, -30, 30);
      stage.noise = g_rand_double_range (rand, 0, 60);
      look_at (carry, &stage, &info, rand, FALSE);
      if (unet_mask_motion_search (carry)) {
        unet_mask_motion_apply (carry, &from, 0.5, &to);
        check_moved_planes (&from, &to);
        n_moved++;
      }
    }
    free_mask (&from);
    free_mask (&to);
    unet_mask_motion_free (carry);
  }
  /* A few rounds may all be too small or too noisy for motion. */
  fail_unless (n_moved > 0 || rounds (60) < 60);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
mask_motion_suite (void)
{
  Suite *suite = suite_create ("mask-motion");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_plane);
  tcase_add_test (tcase, test_moved);
  tcase_add_test (tcase, test_part);
  tcase_add_test (tcase, test_noise);
  tcase_add_test (tcase, test_no_motion);
  tcase_add_test (tcase, test_beside);
  tcase_add_test (tcase, test_sizes);
  return suite;
}

GST_CHECK_MAIN (mask_motion);
