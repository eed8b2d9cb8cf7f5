/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounding boxes of classes. */
#include <frame/mask/bounding-box.h>
#include <gst/check/gstcheck.h>
#include <math.h>

GST_START_TEST (test_box)
{
  UnetMask mask = {
    .width = 10, .height = 5, .n_classes = 3, .x = 4, .y = 8, .w = 100, .h = 100
  };
  guint8 classes[50] = { 0 };
  gdouble box[4];

  mask.class_map = classes;
  fail_if (unet_mask_find_box (&mask, 1, box));
  classes[2 * 10 + 3] = classes[3 * 10 + 6] = 1;
  classes[49] = 2;
  fail_unless (unet_mask_find_box (&mask, 1, box));
  fail_unless (box[0] == 34 && box[1] == 48 && box[2] == 40 && box[3] == 40);
  fail_unless (unet_mask_find_box (&mask, 2, box));
  fail_unless (box[0] == 94 && box[1] == 88 && box[2] == 10 && box[3] == 20);
}

GST_END_TEST;

static Suite *
bounding_box_suite (void)
{
  Suite *suite = suite_create ("bounding-box");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_box);
  return suite;
}

GST_CHECK_MAIN (bounding_box);
