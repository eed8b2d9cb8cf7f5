/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/trial.h"
#include "graph/ops/infer.h"
#include "model/model.h"
#include "model/recurrent-state.h"
#include "model/tensors.h"
#include <string.h>

/* Pixels each way of an input of open size, which can be halved eight times;
 * rounded up to the contract's multiple. */
#define DEFAULT_SIDE 256

static guint
choose_extent (gint64 own, guint wanted, const UnetContract *contract)
{
  const guint multiple = MAX (contract->multiple, 1);
  const guint side = contract->input_side ? contract->input_side : DEFAULT_SIDE;

  if (own > 0)
    return (guint) own;
  return wanted ? wanted : (side + multiple - 1) / multiple * multiple;
}

static void
bind_picture (UnetTrial *self, UnetValue *picture, const UnetContract *contract)
{
  const guint row = self->layout == UNET_LAYOUT_NHWC ? 1 : 2;
  const guint channel = self->layout == UNET_LAYOUT_NHWC ? 3 : 1;
  gint64 dims[UNET_MAX_DIMS];

  memcpy (dims, picture->dims, sizeof dims);
  self->height = choose_extent (dims[row], contract->input_height, contract);
  self->width = choose_extent (dims[row + 1], contract->input_width, contract);
  dims[row] = self->height;
  dims[row + 1] = self->width;
  if (dims[0] < 0)
    dims[0] = 1;
  if (dims[channel] < 0)
    dims[channel] = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  unet_value_set_shape (picture, picture->dtype, 4, dims);
}

UnetTrial *
unet_trial_new (const UnetModel *model, const UnetContract *contract)
{
  const gint index = unet_model_find_input_index (model, contract->input);
  UnetTrial *self = g_new0 (UnetTrial, 1);
  UnetValue *picture;

  self->layout = contract->layout;
  self->batch = model->opens_batch ? 1 : model->batch;
  self->graph = unet_graph_copy (model->graph);
  picture = g_ptr_array_index (self->graph->inputs, (guint) index);
  bind_picture (self, picture, contract);
  unet_constants_bind (self->graph, contract);
  unet_spare_inputs_bind (self->graph, contract);
  if (!unet_graph_infer (self->graph, NULL)) {
    unet_trial_free (self);
    return NULL;
  }
  self->geometry = g_new0 (UnetGeometry, self->graph->values->len + 1);
  unet_graph_geometry (self->graph, picture,
      self->layout == UNET_LAYOUT_NHWC ? 3 : 1, self->geometry);
  return self;
}

void
unet_trial_free (UnetTrial *self)
{
  if (!self)
    return;
  unet_graph_free (self->graph);
  g_free (self->geometry);
  g_free (self);
}

UnetTensorInfo
unet_trial_get_output (const UnetTrial *self, guint index)
{
  const UnetValue *value = g_ptr_array_index (self->graph->outputs, index);
  UnetTensorInfo info = { value->name, value->dtype, value->n_dims, { 0 } };

  memcpy (info.dims, value->dims, sizeof info.dims);
  unet_output_take_first (&info, self->batch);
  return info;
}

gboolean
unet_trial_find_shape (const UnetTrial *self, guint index,
    UnetOutputShape *shape, const gchar **why)
{
  const UnetValue *value = g_ptr_array_index (self->graph->outputs, index);
  const UnetGeometry *g = &self->geometry[value->id];
  const UnetTensorInfo info = unet_trial_get_output (self, index);
  UnetOutputWindow window = { self->width, self->height, self->width,
    self->height, self->layout };

  if (g->known) {
    window.width = g->scale[1] * (gdouble) g->extent[1];
    window.height = g->scale[0] * (gdouble) g->extent[0];
  }
  return unet_output_shape_find (shape, &info, &window, why);
}
