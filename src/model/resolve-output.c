/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/resolve-output.h"
#include "base/tensor-info.h"
#include "graph/ops/table.h"
#include "model/choose-output.h"
#include "model/model.h"
#include "model/tensors.h"
#include "model/trial.h"
#include <math.h>
#include <string.h>

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
  const UnetTensorInfo info = unet_trial_get_output (self->trial, self->index);
  g_autofree gchar *dims = unet_tensor_info_write_dims (&info);

  unet_notes_add (self->notes, FALSE,
      "%s: output '%s' (%s) is flattened: unfolded by the input's size to %u "
      "rows of %u pixels with %u channel%s, %s",
      self->model->name, self->info->name, dims, shape->height, shape->width,
      shape->channels, shape->channels == 1 ? "" : "s",
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

/* Which numbers an output holds, by the operators that it ends in. */
typedef enum {
  END_OTHER,
  END_SIGMOID, /* probabilities of each channel by itself */
  END_SOFTMAX, /* probabilities of the channels together */
  END_CLASSES, /* class numbers */
} End;

/* Returns how many channels an ArgMax or ArgMin compares, or -1. */
static gint64
count_compared (const UnetNode *node)
{
  const UnetValue *x = unet_node_input (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", 0);

  if (!x->has_shape)
    return -1;
  axis += axis < 0 ? x->n_dims : 0;
  return axis >= 0 && axis < x->n_dims ? x->dims[axis] : -1;
}

/* Follows an output back to what decides on its numbers. @n_classes: (inout):
 * how many class numbers there are, if the graph tells. */
static End
find_end (const UnetValue *value, gint64 *n_classes)
{
  while (value && value->producer) {
    const UnetNode *node = value->producer;

    if (value->dtype == UNET_DTYPE_BOOL) {
      *n_classes = 2;
      return END_CLASSES;
    }
    switch (node->op) {
      case UNET_OP_Sigmoid:
      case UNET_OP_HardSigmoid:
        return END_SIGMOID;
      case UNET_OP_Softmax:
        return END_SOFTMAX;
      case UNET_OP_ArgMax:
      case UNET_OP_ArgMin:
        *n_classes = count_compared (node);
        return END_CLASSES;
      case UNET_OP_Round: /* of probabilities, or a no-op */
        value = unet_node_input (node, 0);
        break;
      default:
        if (is_unit_clip (node))
          return END_SIGMOID;
        value = look_through (node);
    }
  }
  return END_OTHER;
}

static UnetActivation
choose_activation (const Output *self, End end, gint64 channels)
{
  if (end == END_CLASSES)
    return UNET_ACTIVATION_ARGMAX;
  if (end != END_OTHER)
    return UNET_ACTIVATION_NONE;
  if (!unet_dtype_is_float (self->info->dtype))
    return UNET_ACTIVATION_ARGMAX;
  return channels == 1 ? UNET_ACTIVATION_SIGMOID : UNET_ACTIVATION_SOFTMAX;
}

/* ---- background and labels -------------------------------------------- */

static gboolean
names_background (const gchar *label)
{
  static const gchar *const names[] = { "background", "_background_", "bg",
    "__background__" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!g_ascii_strcasecmp (label, names[i]))
      return TRUE;
  return FALSE;
}

/* Chooses the background where no source says which channel it is. Labels are
 * for as many channels as they are. @n: channels or class numbers */
static void
choose_background (Output *self, gboolean independent, gint64 n)
{
  UnetContract *c = self->contract;
  const guint n_labels = c->labels ? g_strv_length (c->labels) : 0;
  const gboolean named = n > 1 && n_labels == n;

  if (c->background == UNET_BACKGROUND_LAST && n > 0)
    c->background = (gint) n - 1;
  if (c->background != UNET_BACKGROUND_AUTO)
    return;
  c->background = 0;
  if (c->foreground_class >= 0 || c->invert
      || (named && names_background (c->labels[0])))
    return;
  if (named && names_background (c->labels[n - 1])) {
    c->background = (gint) n - 1;
  } else if (independent && n > 1) {
    c->background = UNET_BACKGROUND_NONE;
    unet_notes_add (self->notes, FALSE,
        "%s: output '%s' has a sigmoid for each of %" G_GINT64_FORMAT
        " channels: each is a class, and the background is where none reaches "
        "the threshold; background-channel=first, last or a number says "
        "otherwise",
        self->model->name, self->info->name, n);
  }
}

/* Inserts @label before the others. */
static void
prepend_label (UnetContract *contract, const gchar *label)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, label);
  g_strv_builder_addv (builder, (const gchar **) contract->labels);
  g_strfreev (contract->labels);
  contract->labels = g_strv_builder_end (builder);
}

/* Makes labels that name the channels in their order name the classes of the
 * mask. */
static void
order_labels (UnetContract *c, gint64 n)
{
  const guint n_labels = g_strv_length (c->labels);
  gchar *name;

  if (c->background == UNET_BACKGROUND_NONE && n_labels <= n
      && !names_background (c->labels[0])) {
    prepend_label (c, "background");
  } else if (n == 1 && n_labels == 1) {
    prepend_label (c, "background");
  } else if (c->background > 0 && n_labels == n
      && !names_background (c->labels[0])) {
    name = c->labels[c->background];
    memmove (
        c->labels + 1, c->labels, (gsize) c->background * sizeof *c->labels);
    c->labels[0] = name;
  }
}

/* Names class @i of a mask of @n classes. */
static gchar *
make_label (guint i, guint n)
{
  if (i == 0)
    return g_strdup ("background");
  return n == 2 ? g_strdup ("foreground") : g_strdup_printf ("class %u", i);
}

/* Gives every class a name and drops names without a class. */
static void
fit_labels (UnetContract *c, guint n)
{
  gchar **labels = g_new0 (gchar *, n + 1);
  const guint old = c->labels ? g_strv_length (c->labels) : 0;

  for (guint i = 0; i < n; i++)
    labels[i] = i < old ? g_strdup (c->labels[i]) : make_label (i, n);
  g_strfreev (c->labels);
  c->labels = labels;
}

/* The mask has @n classes, and the labels do not. */
static void
warn_of_labels (const Output *self, guint n_labels, guint n)
{
  g_autofree gchar *list = g_strjoinv (",", self->contract->labels);

  unet_notes_add (self->notes, TRUE,
      "%s: labels=%s are %u names, but with output '%s' there are %u classes "
      "with the background: %s. Set labels to %u names, the background first",
      self->model->name, list, n_labels, self->info->name, n,
      n_labels < n ? "the last have no name" : "the last names are not used",
      n);
}

/* @n: channels or class numbers of the output */
static void
resolve_labels (Output *self, gint64 n)
{
  UnetContract *c = self->contract;
  const guint n_classes =
      n == 1 ? 2 : (guint) n + (c->background == UNET_BACKGROUND_NONE);
  guint n_labels;

  if (n < 1 || n_classes > G_MAXUINT8 + 1)
    return;
  if (!c->labels) {
    fit_labels (c, n_classes);
    return;
  }
  if (c->foreground_class < 0)
    order_labels (c, n);
  n_labels = g_strv_length (c->labels);
  if (n_labels == n_classes || (n_labels == 2 && c->foreground_class >= 0))
    return;
  warn_of_labels (self, n_labels, n_classes);
  /* Labels count class numbers. Other classes may go without a name. */
  if (n_labels > n_classes || c->activation == UNET_ACTIVATION_ARGMAX)
    fit_labels (c, n_classes);
}

/* ---- resolution ------------------------------------------------------- */

static void
resolve (Output *self)
{
  const UnetGraph *graph = self->trial ? self->trial->graph
                                       : self->model->graph;
  UnetContract *c = self->contract;
  gint64 n = count_channels (self), n_classes = -1;
  const End end =
      find_end (g_ptr_array_index (graph->outputs, self->index), &n_classes);

  if (c->activation == UNET_ACTIVATION_AUTO)
    c->activation = choose_activation (self, end, n);
  if (c->activation == UNET_ACTIVATION_ARGMAX)
    n = n_classes;
  choose_background (self,
      c->activation == UNET_ACTIVATION_SIGMOID
          || (c->activation == UNET_ACTIVATION_NONE && end == END_SIGMOID),
      n);
  resolve_labels (self, n);
}

gboolean
unet_output_resolve (const UnetModel *model, UnetContract *contract,
    GPtrArray *notes, GError **error)
{
  Output self = { model, contract, notes, NULL, NULL, 0 };

  if (contract->output && !unet_model_find_output (model, contract->output)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: there is no output '%s'", model->name, contract->output);
    return FALSE;
  }
  self.trial = unet_trial_new (model, contract);
  self.info = contract->output
      ? unet_model_find_output (model, contract->output)
      : &model
             ->outputs[unet_output_choose (model, contract, self.trial, notes)];
  self.index = (guint) (self.info - model->outputs);
  g_free (contract->output);
  contract->output = g_strdup (self.info->name);
  resolve (&self);
  unet_trial_free (self.trial);
  return TRUE;
}
