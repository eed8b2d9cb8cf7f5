/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-folder.h"
#include <check.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unetseg/unetseg.h>

gchar *model_folder;

void
model_folder_setup (void)
{
  model_folder = g_dir_make_tmp ("unetseg-import-XXXXXX", NULL);
  ck_assert_ptr_nonnull (model_folder);
}

static void
remove_all (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR)
        && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
      remove_all (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

void
model_folder_teardown (void)
{
  remove_all (model_folder);
  g_clear_pointer (&model_folder, g_free);
}

gchar *
write_file (const gchar *name, GBytes *bytes)
{
  gchar *path = g_build_filename (model_folder, name, NULL);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  ck_assert (g_file_set_contents (path, data ? data : "", (gssize) size, NULL));
  g_bytes_unref (bytes);
  return path;
}

Writer
one_node (const gchar *op, const gchar *inputs)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_op (&w, op, "the-node", inputs, "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  return w;
}

void
expect_error (const gchar *path, gint code, const gchar *word)
{
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (path, &error);

  ck_assert_ptr_null (model);
  ck_assert_ptr_nonnull (error);
  ck_assert_msg (error->domain == UNET_ERROR && error->code == code,
      "code %d: %s", error->code, error->message);
  ck_assert_msg (g_str_has_prefix (error->message, path), "%s", error->message);
  ck_assert_msg (!word || strstr (error->message, word), "%s does not say %s",
      error->message, word);
}

void
expect_bytes_error (GBytes *bytes, gint code, const gchar *word)
{
  g_autofree gchar *path = write_file ("model.onnx", bytes);

  expect_error (path, code, word);
}
