/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs all passes over whole networks. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"
#include "onnx/onnx.h"
#include "pass-check.h"
#include <stdio.h>

static void
check_file (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  UnetGraph *graph, *copy;
  UnetValue *input;
  gchar *data;
  gsize size;

  ck_assert (g_file_get_contents (path, &data, &size, NULL));
  bytes = g_bytes_new_take (data, size);
  graph = unet_onnx_parse (bytes, path, NULL, &error);
  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  input = g_ptr_array_index (graph->inputs, 0);
  for (guint d = 0; d < input->n_dims; d++)
    if (input->dims[d] < 0)
      input->dims[d] = 256; /* size of open dimensions */
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  copy = unet_graph_copy (graph);
  unet_graph_optimize (copy);
  check_links (copy);
  /* The networks were trained on numbers in this range. Over seventy layers
   * rounding errors grow as much as a change of the input's last bit. */
  check_same (graph, copy, 0, 1, 1e-4);
  ck_assert_uint_lt (copy->nodes->len, graph->nodes->len);
  unet_graph_free (graph);
  unet_graph_free (copy);
}

START_TEST (built_in_network)
{
  check_file (SOURCE_ROOT "/models/person.onnx");
}
END_TEST

START_TEST (other_networks)
{
  const gchar *folder = SOURCE_ROOT "/../shared/models";
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  if (!dir)
    printf ("SKIP: %s is not there\n", folder);
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    if (g_str_has_suffix (name, ".onnx"))
      check_file (path);
  }
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    built_in_network,
    other_networks,
  };

  return check_run_tests ("optimize", 300, tests, G_N_ELEMENTS (tests));
}
