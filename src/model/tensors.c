/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/tensors.h"
#include "base/tensor-info.h"
#include "model/model.h"

gint
unet_model_find_input_index (const UnetModel *model, const gchar *name)
{
  return unet_tensor_info_find (model->inputs, model->graph->inputs->len, name);
}

gint
unet_model_find_output_index (const UnetModel *model, const gchar *name)
{
  return unet_tensor_info_find (
      model->outputs, model->graph->outputs->len, name);
}

static const UnetTensorInfo *
find_tensor (const UnetTensorInfo *infos, guint n, const gchar *name)
{
  gint found = unet_tensor_info_find (infos, n, name);
  guint64 index;

  if (found >= 0)
    return &infos[found];
  if (n && g_ascii_string_to_unsigned (name, 10, 0, n - 1, &index, NULL))
    return &infos[index];
  return NULL;
}

const UnetTensorInfo *
unet_model_find_input (const UnetModel *model, const gchar *name)
{
  guint n = model->graph->inputs->len;

  if (name)
    return find_tensor (model->inputs, n, name);
  for (guint i = 0; i < n; i++)
    if (model->inputs[i].n_dims == 4)
      return &model->inputs[i];
  return NULL;
}

const UnetTensorInfo *
unet_model_find_output (const UnetModel *model, const gchar *name)
{
  if (name)
    return find_tensor (model->outputs, model->graph->outputs->len, name);
  return &model->outputs[0];
}
