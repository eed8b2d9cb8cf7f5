/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests where outputs have rows, columns and channels. */

#include "lib/check-main.h"
#include "model/output-shape.h"
#include <string.h>

/* @dims: a text such as "1,6144,3" */
static UnetTensorInfo
parse_dims (const gchar *dims)
{
  g_auto (GStrv) parts = g_strsplit (dims, ",", -1);
  UnetTensorInfo info = { "y", UNET_DTYPE_F32, 0, { 0 } };

  for (; parts[info.n_dims]; info.n_dims++)
    info.dims[info.n_dims] = g_ascii_strtoll (parts[info.n_dims], NULL, 10);
  return info;
}

/* Compares the shape of an output of a network of @width x @height with
 * @expected, such as "3x64x96 interleaved flattened", or the reason why there
 * is none. */
static void
expect (guint width, guint height, const gchar *dims, const gchar *expected)
{
  const UnetOutputWindow window = { width, height, width, height,
    UNET_LAYOUT_NCHW };
  const UnetTensorInfo info = parse_dims (dims);
  g_autofree gchar *found = NULL;
  const gchar *why = NULL;
  UnetOutputShape shape;

  if (unet_output_shape_find (&shape, &info, &window, &why))
    found = g_strdup_printf ("%ux%ux%u%s%s", shape.channels, shape.height,
        shape.width, shape.interleaved ? " interleaved" : "",
        shape.flattened ? " flattened" : "");
  else
    found = g_strdup (why);
  ck_assert_msg (strstr (found, expected) != NULL, "%s: %s", dims, found);
}

START_TEST (pictures)
{
  expect (96, 64, "1,3,64,96", "3x64x96");
  expect (96, 64, "1,64,96,3", "3x64x96 interleaved");
  expect (96, 64, "1,64,96", "1x64x96");
  expect (96, 64, "64,96", "1x64x96");
  expect (32, 32, "1,16,16", "1x16x16");
  expect (32, 32, "1,1,64,64", "1x64x64");
}
END_TEST

/* Rows and columns are one dimension, before or behind the channels. */
START_TEST (flattened)
{
  expect (96, 64, "1,6144,3", "3x64x96 interleaved flattened");
  expect (96, 64, "1,3,6144", "3x64x96 flattened");
  expect (96, 64, "1,1,6144,3", "3x64x96 interleaved flattened");
  expect (96, 64, "1,6144,1,3", "3x64x96 interleaved flattened");
  expect (96, 64, "1,3,6144,1", "3x64x96 flattened");
  expect (96, 64, "1,6144,1", "1x64x96 flattened");
  expect (96, 64, "1,6144", "1x64x96 flattened");
  expect (96, 64, "6144,5", "5x64x96 interleaved flattened");
  expect (96, 64, "6144", "1x64x96 flattened");
  /* A quarter of the input's sides. */
  expect (96, 64, "1,384,21", "21x16x24 interleaved flattened");
  /* 6 is a number of pixels, too, but of too many classes. */
  expect (96, 64, "1,1536,6", "6x32x48 interleaved flattened");
  /* More pixels than a picture has rows. */
  expect (512, 256, "1,131072,2", "2x256x512 interleaved flattened");
}
END_TEST

START_TEST (refused)
{
  expect (96, 64, "1,6145,3", "without the last Reshape");
  expect (96, 64, "1,1000", "without the last Reshape");
  expect (96, 64, "2,1,64,96", "batch size 1");
  expect (96, 64, "1,-1,3", "open");
  expect (32, 32, "1,64,256", "more ways than one");
  expect (32, 32, "1,64,64", "more ways than one");
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = { pictures, flattened, refused };

  return check_run_tests ("output-shape", 30, tests, G_N_ELEMENTS (tests));
}
