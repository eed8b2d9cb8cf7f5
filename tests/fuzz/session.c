/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles any bytes as a model and runs it on a small picture: by the engine's
 * rules, or by the reference kernels where the file's length is odd. */

#include "graph/ops/infer.h"
#include "model/model.h"

#include <string.h>
#include <unetseg/unetseg.h>

/* The fuzzer tests many small networks rather than a few large ones. */
#define MAX_ELEMENTS 65536
#define MAX_WORK     1e8

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static gdouble
count (const UnetValue *value)
{
  return unet_dims_count (value->n_dims, value->dims);
}

/* Estimates the work: each element of the output may take all of the largest
 * input. */
static gdouble
node_work (const UnetNode *node)
{
  gdouble in = 0, out = 0;

  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = g_ptr_array_index (node->inputs, i);
    if (value)
      in = MAX (in, count (value));
  }
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = g_ptr_array_index (node->outputs, i);
    if (value)
      out += count (value);
  }
  return in * out;
}

static gboolean
is_small (UnetGraph *graph)
{
  gdouble work = 0;

  for (guint i = 0; i < graph->values->len; i++)
    if (count (g_ptr_array_index (graph->values, i)) > MAX_ELEMENTS)
      return FALSE;
  for (guint i = 0; i < graph->nodes->len; i++)
    work += node_work (g_ptr_array_index (graph->nodes, i));
  return work <= MAX_WORK;
}

/* Gives open dimensions small sizes. Returns %NULL if the network is not
 * small. */
static UnetTensorInfo *
close_shapes (UnetModel *model)
{
  UnetGraph *copy = unet_graph_copy (unet_model_get_graph (model));
  guint n = unet_model_get_n_inputs (model);
  UnetTensorInfo *shapes = g_new0 (UnetTensorInfo, n + 1);

  for (guint i = 0; i < n; i++) {
    UnetValue *value = g_ptr_array_index (copy->inputs, i);
    shapes[i] = *unet_model_get_input (model, i);
    for (guint k = 0; k < shapes[i].n_dims; k++) {
      if (shapes[i].dims[k] < 0)
        shapes[i].dims[k] = k == 0 ? 1 : k == 1 ? 3 : 16;
      value->dims[k] = shapes[i].dims[k];
    }
  }
  if (!unet_graph_infer (copy, NULL) || !is_small (copy))
    g_clear_pointer (&shapes, g_free);
  unet_graph_free (copy);
  return shapes;
}

static void
run (UnetSession *session, guint n_inputs)
{
  for (guint i = 0; i < n_inputs; i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (session, i);
    gsize size = unet_dims_count (info->n_dims, info->dims)
        * unet_dtype_size (info->dtype);
    memset (unet_session_get_input_data (session, i), 0, size);
  }
  unet_session_run (session, NULL);
  unet_session_run (session, NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  UnetModel *model = unet_model_new_from_bytes (bytes, "fuzz", NULL);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  g_autofree UnetTensorInfo *shapes = NULL;
  UnetSession *session = NULL;

  if (!model)
    return 0;
  options.threads = 1;
  options.tuning = size & 1 ? UNET_TUNING_REFERENCE : UNET_TUNING_STATIC;
  shapes = close_shapes (model);
  if (shapes)
    session = unet_session_new (
        model, shapes, unet_model_get_n_inputs (model), &options, NULL);
  if (session) {
    run (session, unet_model_get_n_inputs (model));
    unet_session_unref (session);
  }
  unet_model_unref (model);
  return 0;
}
