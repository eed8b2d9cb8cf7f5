/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/infer.h"
#include "model/describe.h"
#include "model/model.h"
#include <string.h>

/* Describes inputs and outputs. Where sizes are open, two trial inferences
 * with different sizes show which dimensions of the outputs depend on them,
 * since shape arithmetic of the graph hides it. */

/* Sizes of the trials, which can be halved six times. */
static const gint64 trials[][3] = {
  /* batch, height, width */
  { 1, 256, 256 },
  { 1, 320, 384 },
};

static gboolean
is_open (const UnetValue *value)
{
  for (guint i = 0; i < value->n_dims; i++)
    if (value->dims[i] < 0)
      return TRUE;
  return !value->has_shape;
}

static gboolean
has_open_input (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++)
    if (is_open (g_ptr_array_index (graph->inputs, i)))
      return TRUE;
  return FALSE;
}

/* Pictures get the trial's size; other open dimensions 1. */
static void
set_trial_size (UnetValue *value, const gint64 *trial)
{
  gboolean nhwc = value->n_dims == 4 && value->dims[3] > 0
      && value->dims[3] <= 4 && value->dims[1] < 0;
  gint64 nchw_dims[4] = { trial[0], 3, trial[1], trial[2] };
  gint64 nhwc_dims[4] = { trial[0], trial[1], trial[2], 3 };

  for (guint i = 0; i < value->n_dims; i++)
    if (value->dims[i] < 0)
      value->dims[i] = value->n_dims == 4 ? (nhwc ? nhwc_dims[i] : nchw_dims[i])
                                          : 1;
}

static UnetGraph *
infer_copy (const UnetGraph *graph, const gint64 *trial, GError **error)
{
  UnetGraph *copy = unet_graph_copy (graph);

  for (guint i = 0; trial && i < copy->inputs->len; i++)
    set_trial_size (g_ptr_array_index (copy->inputs, i), trial);
  if (!unet_graph_infer (copy, error))
    g_clear_pointer (&copy, unet_graph_free);
  return copy;
}

static void
fill_info (
    UnetTensorInfo *info, const UnetValue *named, const UnetValue *shaped)
{
  info->name = named->name;
  info->dtype = shaped->dtype;
  info->n_dims = shaped->n_dims;
  memcpy (info->dims, shaped->dims, sizeof info->dims);
}

static UnetTensorInfo *
new_infos (
    const UnetGraph *graph, const GPtrArray *named, const GPtrArray *shaped)
{
  UnetTensorInfo *infos = g_new0 (UnetTensorInfo, named->len + 1);

  for (guint i = 0; i < named->len; i++)
    fill_info (
        &infos[i], g_ptr_array_index (named, i), g_ptr_array_index (shaped, i));
  return infos;
}

/* Keeps the dimensions that are the same in both trials. */
static void
compare_trials (UnetTensorInfo *info, const UnetValue *open, const UnetValue *a,
    const UnetValue *b)
{
  if (!a->has_shape || !b->has_shape || a->n_dims != b->n_dims)
    return;
  info->n_dims = a->n_dims;
  info->dtype = a->dtype;
  for (guint i = 0; i < a->n_dims; i++) {
    gboolean known = open->has_shape && open->n_dims == a->n_dims
        && open->dims[i] >= 0;
    /* Trials have one picture each; who leaves the batch open means it. */
    gboolean batch = i == 0 && open->has_shape && open->dims[0] < 0
        && a->dims[0] == 1;
    if (known)
      info->dims[i] = open->dims[i];
    else
      info->dims[i] = a->dims[i] == b->dims[i] && !batch ? a->dims[i] : -1;
  }
}

static gboolean
describe_open (UnetModel *model, GError **error)
{
  const UnetGraph *graph = model->graph;
  UnetGraph *open = infer_copy (graph, NULL, error), *a = NULL, *b = NULL;
  g_autoptr (GError) local = NULL;
  gboolean ok = open != NULL;

  if (ok) {
    model->outputs = new_infos (graph, graph->outputs, open->outputs);
    a = infer_copy (graph, trials[0], &local);
    b = a ? infer_copy (graph, trials[1], NULL) : NULL;
    /* A size may not suit the network, but what it lacks it lacks. */
    if (local && local->code != UNET_ERROR_SHAPE) {
      g_propagate_error (error, g_steal_pointer (&local));
      ok = FALSE;
    }
  }
  for (guint i = 0; b && i < graph->outputs->len; i++)
    compare_trials (&model->outputs[i], g_ptr_array_index (open->outputs, i),
        g_ptr_array_index (a->outputs, i), g_ptr_array_index (b->outputs, i));
  unet_graph_free (open);
  unet_graph_free (a);
  unet_graph_free (b);
  return ok;
}

/* ---- batches ---------------------------------------------------------- */

static UnetValue *
find_picture (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    UnetValue *value = g_ptr_array_index (graph->inputs, i);
    if (value->has_shape && value->n_dims == 4)
      return value;
  }
  return NULL;
}

/* Returns whether outputs of one picture are the @batch-th parts of those of
 * all. */
static gboolean
are_parts (const GPtrArray *one, const GPtrArray *all, gint64 batch)
{
  for (guint i = 0; i < all->len; i++) {
    const UnetValue *a = g_ptr_array_index (one, i);
    const UnetValue *b = g_ptr_array_index (all, i);

    if (!a->has_shape || !b->has_shape || a->n_dims != b->n_dims
        || a->n_dims == 0 || a->dims[0] * batch != b->dims[0]
        || memcmp (a->dims + 1, b->dims + 1, (a->n_dims - 1) * sizeof *a->dims))
      return FALSE;
  }
  return TRUE;
}

/* A file that fixes a batch of several pictures gets it open where the network
 * runs with one picture as well. */
static void
open_batch (UnetModel *model)
{
  UnetGraph *graph = model->graph, *all, *one = NULL;
  UnetValue *picture = find_picture (graph);

  model->batch = 1;
  if (!picture || picture->dims[0] <= 1)
    return;
  model->batch = picture->dims[0];
  all = infer_copy (graph, trials[0], NULL);
  picture->dims[0] = 1;
  if (all)
    one = infer_copy (graph, trials[0], NULL);
  model->opens_batch = one
      && are_parts (one->outputs, all->outputs, model->batch);
  picture->dims[0] = model->opens_batch ? -1 : model->batch;
  unet_graph_free (all);
  unet_graph_free (one);
}

gboolean
unet_model_describe (UnetModel *model, GError **error)
{
  const UnetGraph *graph = model->graph;
  UnetGraph *copy;

  open_batch (model);
  model->inputs = new_infos (graph, graph->inputs, graph->inputs);
  if (has_open_input (graph))
    return describe_open (model, error);
  copy = infer_copy (graph, NULL, error);
  if (!copy)
    return FALSE;
  model->outputs = new_infos (graph, graph->outputs, copy->outputs);
  unet_graph_free (copy);
  return TRUE;
}
