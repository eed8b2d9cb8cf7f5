/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/resolve-output.h"
#include "graph/ops/table.h"
#include "model/model.h"
#include "model/tensors.h"
#include "model/trial.h"
#include <math.h>

typedef struct {
  const UnetModel *model;
  UnetContract *contract;
  GPtrArray *notes; /* (nullable) */
  UnetTrial *trial; /* (nullable): no size is known to suit the network */
  const UnetTensorInfo *info;
  guint index;
} Output;

/* ---- channels --------------------------------------------------------- */

/* Returns the channels of an output by its dimensions alone, or -1 when they
 * are not known. */
static gint64
guess_channels (const UnetTensorInfo *output, UnetLayout layout)
{
  gint64 first, last;

  if (output->n_dims != 4)
    return output->n_dims == 3 || output->n_dims == 2 ? 1 : -1;
  first = output->dims[1];
  last = output->dims[3];
  if (layout == UNET_LAYOUT_NHWC)
    return last > 0 && (first < 0 || last <= first) ? last : first;
  return first > 0 && (last < 0 || first <= last) ? first : last;
}

static void
note_flattened (const Output *self, const UnetOutputShape *shape)
{
  g_autoptr (GString) dims = g_string_new (NULL);
  const UnetTensorInfo info = unet_trial_get_output (self->trial, self->index);

  for (guint i = 0; i < info.n_dims; i++)
    g_string_append_printf (
        dims, "%s%" G_GINT64_FORMAT, i ? "x" : "", info.dims[i]);
  unet_notes_add (self->notes, FALSE,
      "%s: output '%s' (%s) is flattened: unfolded by the input's size to %u "
      "rows of %u pixels with %u channel%s, %s",
      self->model->name, self->info->name, dims->str, shape->height,
      shape->width, shape->channels, shape->channels == 1 ? "" : "s",
      shape->interleaved ? "interleaved" : "one after the other");
}

static gint64
count_channels (const Output *self)
{
  UnetOutputShape shape;
  const gchar *why;

  if (!self->trial)
    return guess_channels (self->info, self->contract->layout);
  if (!unet_trial_find_shape (self->trial, self->index, &shape, &why))
    return -1;
  if (shape.flattened)
    note_flattened (self, &shape);
  return shape.channels;
}

/* ---- activation ------------------------------------------------------- */

/* Returns the value from which @node only selects, moves or rescales, or
 * %NULL. */
static const UnetValue *
look_through (const UnetNode *node)
{
  return unet_op_has (node->op, UNET_OP_PASSES_ON) ? unet_node_input (node, 0)
                                                   : NULL;
}

static const UnetTensor *
constant_of (const UnetValue *value)
{
  const UnetAttr *attr;

  if (!value || value->constant || !value->producer
      || value->producer->op != UNET_OP_Constant)
    return value ? value->constant : NULL;
  attr = unet_node_attr (value->producer, "value");
  return attr ? attr->tensor : NULL;
}

static gboolean
scalar_of (const UnetValue *value, gdouble *number)
{
  const UnetTensor *tensor = constant_of (value);
  UnetTensorView view;

  if (!tensor || tensor->n_elements != 1)
    return FALSE;
  unet_tensor_view ((UnetTensor *) tensor, &view);
  *number = unet_view_float (&view, 0);
  return TRUE;
}

static gboolean
clip_bounds (const UnetNode *node, gdouble *low, gdouble *high)
{
  *low = unet_node_attr_float (node, "min", NAN);
  *high = unet_node_attr_float (node, "max", NAN);
  if (unet_node_input (node, 1))
    scalar_of (unet_node_input (node, 1), low);
  if (unet_node_input (node, 2))
    scalar_of (unet_node_input (node, 2), high);
  return !isnan (*low) && !isnan (*high);
}

/* A clip to 0..1, or one to 0..6 that is divided by 6: the hard sigmoid as
 * most exporters spell it. */
static gboolean
is_unit_clip (const UnetNode *node)
{
  gdouble low, high, factor = 1;
  const UnetValue *x;

  if (node->op == UNET_OP_Mul || node->op == UNET_OP_Div) {
    guint constant =
        node->op == UNET_OP_Mul && constant_of (unet_node_input (node, 0)) ? 0
                                                                           : 1;
    if (!scalar_of (unet_node_input (node, constant), &factor))
      return FALSE;
    factor = node->op == UNET_OP_Div ? 1 / factor : factor;
    x = unet_node_input (node, 1 - constant);
    node = x->producer;
  }
  return node && node->op == UNET_OP_Clip && clip_bounds (node, &low, &high)
      && low == 0 && fabs (high * factor - 1) < 1e-3;
}

static UnetActivation
guess_activation (const Output *self, gint64 channels)
{
  const UnetValue *value =
      g_ptr_array_index (self->model->graph->outputs, self->index);

  while (value && value->producer) {
    const UnetNode *node = value->producer;
    switch (node->op) {
      case UNET_OP_Sigmoid:
      case UNET_OP_HardSigmoid:
      case UNET_OP_Softmax:
        return UNET_ACTIVATION_NONE;
      case UNET_OP_ArgMax:
        return UNET_ACTIVATION_ARGMAX;
      default:
        if (is_unit_clip (node))
          return UNET_ACTIVATION_NONE;
        value = look_through (node);
    }
  }
  if (!unet_dtype_is_float (self->info->dtype))
    return UNET_ACTIVATION_ARGMAX;
  return channels == 1 ? UNET_ACTIVATION_SIGMOID : UNET_ACTIVATION_SOFTMAX;
}

/* ---- classes ---------------------------------------------------------- */

/* Makes names of classes for a model without labels. */
static gchar **
make_labels (gint64 n_channels)
{
  GPtrArray *labels = g_ptr_array_new ();

  g_ptr_array_add (labels, g_strdup ("background"));
  if (n_channels <= 2)
    g_ptr_array_add (labels, g_strdup ("foreground"));
  for (gint64 i = 1; n_channels > 2 && i < n_channels; i++)
    g_ptr_array_add (labels, g_strdup_printf ("class %" G_GINT64_FORMAT, i));
  g_ptr_array_add (labels, NULL);
  return (gchar **) g_ptr_array_free (labels, FALSE);
}

/* ---- resolution ------------------------------------------------------- */

static void
resolve (Output *self)
{
  UnetContract *contract = self->contract;
  const gint64 n = count_channels (self);

  if (contract->activation == UNET_ACTIVATION_AUTO)
    contract->activation = guess_activation (self, n);
  /* An output of class numbers does not say how many classes there are. */
  if (!contract->labels && contract->activation != UNET_ACTIVATION_ARGMAX
      && n > 0 && n <= G_MAXUINT8)
    contract->labels = make_labels (n);
}

gboolean
unet_output_resolve (const UnetModel *model, UnetContract *contract,
    GPtrArray *notes, GError **error)
{
  Output self = { model, contract, notes, NULL, NULL, 0 };

  self.info = unet_model_find_output (model, contract->output);
  if (!self.info) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: there is no output '%s'", model->name, contract->output);
    return FALSE;
  }
  self.index = (guint) (self.info - model->outputs);
  g_free (contract->output);
  contract->output = g_strdup (self.info->name);
  self.trial = unet_trial_new (model, contract);
  resolve (&self);
  unet_trial_free (self.trial);
  return TRUE;
}
