/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares block differences with their definition. */
#include "../picture.h"

#include <frame/time/motion-search.h>
#include <gst/check/gstcheck.h>
#include <stdlib.h>

GST_START_TEST (test_difference)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 2000; i++) {
    const guint strides[2] = { (guint) g_rand_int_range (rand, 8, 50),
      (guint) g_rand_int_range (rand, 8, 50) };
    /* The blocks end with the last byte that is read, so that valgrind and ASan
     * find reads beyond it. */
    guint8 *a = test_random_bytes (rand, 7 * strides[0] + 8);
    guint8 *b = test_random_bytes (rand, 7 * strides[1] + 8);
    guint expected = 0;

    for (guint k = 0; k < 64; k++)
      expected += (guint) abs (
          a[k / 8 * strides[0] + k % 8] - b[k / 8 * strides[1] + k % 8]);
    assert_equals_int (
        unet_block_difference (a, strides[0], b, strides[1]), expected);
    assert_equals_int (
        unet_block_difference_plain (a, strides[0], b, strides[1]), expected);
    g_free (a);
    g_free (b);
  }
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
motion_search_suite (void)
{
  Suite *suite = suite_create ("motion-search");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_difference);
  return suite;
}

GST_CHECK_MAIN (motion_search);
