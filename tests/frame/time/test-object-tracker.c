/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of objects over time. */
#include <frame/time/object-tracker.h>
#include <gst/check/gstcheck.h>

static void
add (GArray *objects, guint8 id, gdouble x, gdouble y, gdouble w, gdouble h)
{
  UnetMaskObject object = { id,
    { .area = w * h / 1e4, .x = x, .y = y, .w = w, .h = h } };

  g_array_append_val (objects, object);
}

static GArray *
new_list (void)
{
  return g_array_new (FALSE, FALSE, sizeof (UnetMaskObject));
}

/* Frames are 40 apart. */
static void
follow (UnetObjectTracker *tracker, GArray *objects, guint *ids)
{
  UnetTrackedObject tracked[UNET_MASK_MAX_OBJECTS];
  static guint64 now;

  unet_object_tracker_follow (tracker, objects, now += 40, tracked);
  for (guint i = 0; i < objects->len; i++) {
    ids[i] = tracked[i].id;
    fail_unless (tracked[i].since <= now && tracked[i].since % 40 == 0);
  }
  g_array_unref (objects);
}

/* An object keeps the time at which it came. */
GST_START_TEST (test_since)
{
  UnetObjectTracker *tracker = unet_object_tracker_new ();
  g_autoptr (GArray) objects = new_list ();
  UnetTrackedObject tracked[2];

  add (objects, 1, 0, 0, 50, 50);
  unet_object_tracker_follow (tracker, objects, 7, tracked);
  add (objects, 1, 100, 0, 50, 50);
  unet_object_tracker_follow (tracker, objects, 9, tracked);
  assert_equals_uint64 (tracked[0].since, 7);
  assert_equals_uint64 (tracked[1].since, 9);
  unet_object_tracker_free (tracker);
}
GST_END_TEST;

/* Two people pass each other; the list is ordered by size, which changes. */
GST_START_TEST (test_two)
{
  UnetObjectTracker *tracker = unet_object_tracker_new ();
  guint known[2];

  for (guint i = 0; i < 100; i++) {
    GArray *objects = new_list ();
    const gboolean swapped = i / 7 % 2;
    guint ids[2];

    add (objects, 1, swapped ? 100 - i : i, swapped ? 60 : 0, 30, 50);
    add (objects, 1, swapped ? i : 100 - i, swapped ? 0 : 60, 30, 50);
    follow (tracker, objects, ids);
    if (i == 0)
      memcpy (known, ids, sizeof ids);
    assert_equals_int (ids[swapped], known[0]);
    assert_equals_int (ids[!swapped], known[1]);
  }
  fail_unless (known[0] > 0 && known[1] > 0 && known[0] != known[1]);
  unet_object_tracker_free (tracker);
}
GST_END_TEST;

/* An object comes back under its number in time, not later; numbers are not
 * used again; another class is another object. */
GST_START_TEST (test_absence)
{
  UnetObjectTracker *tracker = unet_object_tracker_new ();
  GArray *objects = new_list ();
  guint id, again, other;

  add (objects, 1, 10, 10, 50, 50);
  follow (tracker, objects, &id);
  for (guint i = 0; i < UNET_TRACKER_PATIENCE; i++)
    follow (tracker, new_list (), NULL);
  objects = new_list ();
  add (objects, 1, 20, 10, 50, 50);
  follow (tracker, objects, &again);
  assert_equals_int (again, id);
  objects = new_list ();
  add (objects, 2, 20, 10, 50, 50);
  follow (tracker, objects, &other);
  assert_equals_int (other, id + 1);
  for (guint i = 0; i <= UNET_TRACKER_PATIENCE; i++)
    follow (tracker, new_list (), NULL);
  objects = new_list ();
  add (objects, 1, 20, 10, 50, 50);
  follow (tracker, objects, &again);
  assert_equals_int (again, id + 2);
  unet_object_tracker_reset (tracker);
  objects = new_list ();
  add (objects, 1, 20, 10, 50, 50);
  follow (tracker, objects, &again);
  assert_equals_int (again, id + 3);
  unet_object_tracker_free (tracker);
}
GST_END_TEST;

/* The pair that overlaps the most counts first; the limit is 0.3: boxes of 100
 * by 10 that are 50 apart have 1/3, and 60 apart 1/4. */
GST_START_TEST (test_overlap)
{
  static const struct {
    gdouble shift;
    gboolean is_same;
  } cases[] = { { 0, TRUE }, { 50, TRUE }, { 60, FALSE }, { 200, FALSE } };
  guint ids[3], known[2];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetObjectTracker *tracker = unet_object_tracker_new ();
    GArray *objects = new_list ();

    add (objects, 1, 0, 0, 100, 10);
    follow (tracker, objects, known);
    objects = new_list ();
    add (objects, 1, cases[i].shift, 0, 100, 10);
    follow (tracker, objects, ids);
    fail_unless (
        (ids[0] == known[0]) == cases[i].is_same, "%g", cases[i].shift);
    objects = new_list ();
    add (objects, 1, cases[i].shift - 20, 0, 100, 10);
    add (objects, 1, cases[i].shift + 10, 0, 100, 10);
    add (objects, 1, cases[i].shift + 30, 0, 100, 10);
    known[0] = ids[0];
    follow (tracker, objects, ids);
    assert_equals_int (ids[1], known[0]);
    fail_unless (ids[0] != known[0] && ids[2] != known[0]);
    unet_object_tracker_free (tracker);
  }
}
GST_END_TEST;

/* A mask of noise takes no more time with each frame. */
GST_START_TEST (test_noise)
{
  UnetObjectTracker *tracker = unet_object_tracker_new ();
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 300; i++) {
    GArray *objects = new_list ();
    guint ids[UNET_MASK_MAX_OBJECTS];

    for (guint k = 0; k < UNET_MASK_MAX_OBJECTS; k++)
      add (objects, 1, g_rand_double_range (rand, 0, 1000),
          g_rand_double_range (rand, 0, 1000), 5, 5);
    follow (tracker, objects, ids);
    for (guint k = 0; k < UNET_MASK_MAX_OBJECTS; k++)
      for (guint j = 0; j < k; j++)
        if (ids[j] == ids[k])
          ck_abort_msg ("number %u twice", ids[j]);
  }
  g_rand_free (rand);
  unet_object_tracker_free (tracker);
}
GST_END_TEST;

static Suite *
object_tracker_suite (void)
{
  Suite *suite = suite_create ("object-tracker");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_two);
  tcase_add_test (tc, test_absence);
  tcase_add_test (tc, test_overlap);
  tcase_add_test (tc, test_noise);
  tcase_add_test (tc, test_since);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (object_tracker);
