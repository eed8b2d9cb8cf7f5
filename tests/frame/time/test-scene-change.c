/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares frames with a kept frame. */
#include "../picture.h"

#include <frame/time/scene-change.h>
#include <gst/check/gstcheck.h>
#include <math.h>

GST_START_TEST (test_scene)
{
  GRand *rand = g_rand_new_with_seed (7);
  const UnetMask shape = {
    .width = 32, .height = 32, .n_classes = 2, .w = 128, .h = 96
  };
  TestFrame frame;
  GstVideoInfo info;
  UnetScene *scene;
  gdouble change;

  test_info_init (&info, GST_VIDEO_FORMAT_NV12, 128, 96);
  test_frame_init_smooth (&frame, &info, rand);
  scene = unet_scene_new (&info, &shape, NULL);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 1);
  unet_scene_keep_frame (scene);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 0);
  for (guint y = 0; y < 24; y++)
    for (guint x = 0; x < 32; x++)
      ((guint8 *) frame.frame.data[0])[y * frame.frame.info.stride[0] + x] ^=
          0x40;
  change = unet_scene_compare (scene, &frame.frame);
  fail_unless (change > 0.02 && change < 0.3, "%g", change);
  unet_scene_reset (scene);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 1);
  unet_scene_free (scene);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
scene_change_suite (void)
{
  Suite *suite = suite_create ("scene-change");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_scene);
  return suite;
}

GST_CHECK_MAIN (scene_change);
