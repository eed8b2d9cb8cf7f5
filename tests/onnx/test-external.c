/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests which files beside a model its external data may read. */

#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include "model-folder.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unetseg/unetseg.h>
#include <unistd.h>

static GByteArray *
external_tensor (
    const gchar *location, const gchar *offset, const gchar *length)
{
  const gchar *pairs[][2] = { { "location", location }, { "offset", offset },
    { "length", length } };
  GByteArray *tensor = writer_tensor ("w", W_FLOAT, "3,1,1", NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    GByteArray *entry = g_byte_array_new ();
    if (!pairs[i][1]) {
      g_byte_array_unref (entry);
      continue;
    }
    pb_string (entry, 1, pairs[i][0]);
    pb_string (entry, 2, pairs[i][1]);
    pb_message (tensor, 13, entry);
  }
  pb_int (tensor, 14, 1);
  return tensor;
}

static gchar *
write_external (const gchar *location, const gchar *offset, const gchar *length)
{
  Writer w = one_node ("Add", "x,w");

  pb_message (w.graph, 5, external_tensor (location, offset, length));
  return write_file ("model.onnx", writer_end (&w));
}

static void
write_weights (const gchar *name)
{
  gfloat data[5] = { -1, -1, 1, 2, 3 };
  g_autofree gchar *path = write_file (name, g_bytes_new (data, sizeof data));

  ck_assert_ptr_nonnull (path);
}

START_TEST (external_data)
{
  UnetSession *session;
  UnetModel *model;
  g_autofree gchar *path = NULL;
  const gfloat *y;

  write_weights ("weights.bin");
  path = write_external ("weights.bin", "8", "12");
  model = unet_model_load (path, NULL);
  ck_assert_ptr_nonnull (model);
  session = unet_session_new (model, NULL, 0, NULL, NULL);
  ck_assert_ptr_nonnull (session);
  memset (
      unet_session_get_input_data (session, 0), 0, 3 * 64 * sizeof (gfloat));
  ck_assert (unet_session_run (session, NULL));
  y = unet_session_get_output_data (session, 0);
  for (guint c = 0; c < 3; c++)
    ck_assert_float_eq (y[64 * c + 5], c + 1);
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

START_TEST (external_data_outside)
{
  static const gchar *const locations[] = { "../weights.bin", "/etc/passwd",
    "sub/../../weights.bin", "..\\weights.bin" };

  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    g_autofree gchar *path = write_external (locations[i], "0", "12");
    expect_error (path, UNET_ERROR_LIMIT, "outside");
  }
}
END_TEST

START_TEST (external_data_by_link)
{
  g_autofree gchar *link = g_build_filename (model_folder, "link.bin", NULL);
  g_autofree gchar *sub = g_build_filename (model_folder, "sub", NULL);
  g_autofree gchar *path = NULL, *second = NULL;

  write_weights ("weights.bin");
  ck_assert_int_eq (symlink ("weights.bin", link), 0);
  ck_assert_int_eq (symlink ("/etc", sub), 0);
  path = write_external ("link.bin", "0", "12");
  expect_error (path, UNET_ERROR_NOT_FOUND, "link.bin");
  second = write_external ("sub/passwd", "0", "12");
  expect_error (second, UNET_ERROR_NOT_FOUND, "sub/passwd");
}
END_TEST

START_TEST (external_data_short)
{
  static const gchar *const wrong[][2] = {
    { "12", "12" },
    { "9223372036854775807", "12" },
    { "0", "11" },
    { "0", "-1" },
    { "x", "12" },
  };

  write_weights ("weights.bin");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree gchar *path =
        write_external ("weights.bin", wrong[i][0], wrong[i][1]);
    g_autoptr (GError) error = NULL;
    ck_assert_ptr_null (unet_model_load (path, &error));
    ck_assert_ptr_nonnull (error);
  }
}
END_TEST

/* The shape claims more bytes than any disk has. */
START_TEST (external_data_huge)
{
  Writer w = one_node ("Add", "x,w");
  GByteArray *tensor = writer_tensor ("w", W_FLOAT, "1000000,1000000", NULL, 0);
  GByteArray *entry = g_byte_array_new ();

  write_weights ("weights.bin");
  pb_string (entry, 1, "location");
  pb_string (entry, 2, "weights.bin");
  pb_message (tensor, 13, entry);
  pb_int (tensor, 14, 1);
  pb_message (w.graph, 5, tensor);
  expect_bytes_error (writer_end (&w), UNET_ERROR_NOT_FOUND, "weights.bin");
}
END_TEST

START_TEST (external_data_without_folder)
{
  Writer w = one_node ("Add", "x,w");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  pb_message (w.graph, 5, external_tensor ("weights.bin", "0", "12"));
  bytes = writer_end (&w);
  ck_assert_ptr_null (unet_model_new_from_bytes (bytes, "bytes", &error));
  ck_assert_int_eq (error->code, UNET_ERROR_LIMIT);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    external_data,
    external_data_outside,
    external_data_by_link,
    external_data_short,
    external_data_huge,
    external_data_without_folder,
  };
  TCase *tcase = check_new_case ("external", 120, tests, G_N_ELEMENTS (tests));

  tcase_add_checked_fixture (tcase, model_folder_setup, model_folder_teardown);
  return check_run_cases ("external", tcase, NULL);
}
