/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests when a loaded model is shared, and what it tells about itself. */

#include "lib/check-main.h"
#include "../onnx/model-folder.h"
#include "lib/onnx-writer.h"
#include <unetseg/unetseg.h>

START_TEST (shared_while_held)
{
  Writer a = one_node ("Relu", "x"), b = one_node ("Sigmoid", "x");
  g_autofree gchar *path = write_file ("model.onnx", writer_end (&a));
  UnetModel *first = unet_model_load (path, NULL);
  UnetModel *second = unet_model_load (path, NULL), *third;

  ck_assert_ptr_nonnull (first);
  ck_assert_ptr_eq (first, second);
  g_free (write_file ("model.onnx", writer_end (&b)));
  third = unet_model_load (path, NULL);
  ck_assert_ptr_nonnull (third);
  ck_assert_ptr_ne (first, third);
  unet_model_unref (first);
  unet_model_unref (second);
  unet_model_unref (third);
}
END_TEST

static gpointer
load_in_thread (gpointer path)
{
  return unet_model_load (path, NULL);
}

START_TEST (shared_between_threads)
{
  Writer w = one_node ("Relu", "x");
  g_autofree gchar *path = write_file ("model.onnx", writer_end (&w));
  GThread *threads[8];
  UnetModel *models[8];

  for (guint round = 0; round < 20; round++) {
    for (guint i = 0; i < 8; i++)
      threads[i] = g_thread_new ("load", load_in_thread, path);
    for (guint i = 0; i < 8; i++) {
      models[i] = g_thread_join (threads[i]);
      ck_assert_ptr_nonnull (models[i]);
      ck_assert_ptr_eq (models[i], models[0]);
    }
    for (guint i = 0; i < 8; i++)
      unet_model_unref (models[i]);
  }
}
END_TEST

START_TEST (built_in)
{
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (NULL, &error);
  UnetModel *again = unet_model_load (NULL, NULL);
  g_autoptr (UnetContract) contract = NULL;

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_eq (model, again);
  ck_assert_uint_gt (unet_model_get_n_parameters (model), 100000);
  contract = unet_model_get_contract (model, NULL, &error);
  ck_assert_msg (contract != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq (contract->labels[1], "person");
  unet_model_unref (model);
  unet_model_unref (again);
}
END_TEST

/* Dimensions of the output are open if they depend on open ones of the input.
 */
START_TEST (open_sizes)
{
  Writer w = writer_new (13);
  gfloat scales[4] = { 1, 1, 2, 2 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  const UnetTensorInfo *info;
  UnetModel *model;

  writer_input (&w, "x", W_FLOAT, "N,3,H,W");
  writer_noise (&w, "w", "5,3,3,3", 1, 1);
  writer_floats (&w, "scales", "4", scales);
  writer_op (&w, "Conv", "conv", "x,w", "c");
  writer_op (&w, "Resize", "up", "c,,scales", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  model = unet_model_new_from_bytes (bytes, "open", &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  info = unet_model_get_output (model, 0);
  ck_assert_uint_eq (info->n_dims, 4);
  ck_assert_int_eq (info->dims[0], -1);
  ck_assert_int_eq (info->dims[1], 5);
  ck_assert_int_eq (info->dims[2], -1);
  ck_assert_int_eq (info->dims[3], -1);
  ck_assert_uint_eq (unet_model_get_n_parameters (model), 5 * 27 + 4);
  unet_model_unref (model);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    shared_while_held,
    shared_between_threads,
    built_in,
    open_sizes,
  };
  TCase *tcase = check_new_case ("model", 120, tests, G_N_ELEMENTS (tests));

  tcase_add_checked_fixture (tcase, model_folder_setup, model_folder_teardown);
  return check_run_cases ("model", tcase, NULL);
}
