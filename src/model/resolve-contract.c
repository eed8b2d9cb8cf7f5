/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/resolve-contract.h"
#include "graph/ops/norm.h"
#include "graph/ops/table.h"
#include "model/model.h"
#include "model/modelinfo-file.h"
#include "model/recurrent-state.h"
#include "model/tensors.h"
#include <math.h>
#include <string.h>

/* Makes the contract of a model from overrides, modelinfo file, metadata and,
 * for fields that none of them sets, from the graph. */

#define METADATA_PREFIX "unetseg."

static gboolean fail (const UnetModel *model, GError **error,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
fail (const UnetModel *model, GError **error, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (
      error, UNET_ERROR, UNET_ERROR_CONTRACT, "%s: %s", model->name, message);
  return FALSE;
}

/* ---- sources ---------------------------------------------------------- */

static gboolean
apply_metadata (const UnetModel *model, UnetContract *contract, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, model->graph->metadata);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    if (!g_str_has_prefix (key, METADATA_PREFIX))
      continue;
    if (!unet_contract_set (
            contract, (gchar *) key + strlen (METADATA_PREFIX), value, error)) {
      g_prefix_error (error, "%s: metadata: ", model->name);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
apply_overrides (const UnetModel *model, GHashTable *overrides,
    UnetContract *contract, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;

  if (!overrides)
    return TRUE;
  g_hash_table_iter_init (&iter, overrides);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (!unet_contract_set (contract, key, value, error)) {
      g_prefix_error (error, "%s: ", model->name);
      return FALSE;
    }
  return TRUE;
}

/* Finds the text for the picture input first: the modelinfo file names its
 * tensor, and any source may set it. */
static gchar *
wanted_input (const UnetModel *model, GHashTable *overrides)
{
  const gchar *name = overrides ? g_hash_table_lookup (overrides, "input")
                                : NULL;
  gchar *own;

  if (name)
    return g_strdup (name);
  if (model->sidecar) {
    own = g_key_file_get_string (model->sidecar, "unetseg", "input", NULL);
    if (own)
      return own;
  }
  return g_strdup (
      g_hash_table_lookup (model->graph->metadata, METADATA_PREFIX "input"));
}

/* ---- shapes ------------------------------------------------------------ */

static gboolean
may_be_channels (gint64 dim)
{
  return dim == 1 || dim == 3 || dim == 4;
}

static UnetLayout
guess_layout (const UnetTensorInfo *input)
{
  if (may_be_channels (input->dims[1]))
    return UNET_LAYOUT_NCHW;
  return may_be_channels (input->dims[3]) ? UNET_LAYOUT_NHWC : UNET_LAYOUT_NCHW;
}

/* Returns the channels of the output, or -1 when they are not known. */
static gint64
count_channels (const UnetTensorInfo *output, UnetLayout layout)
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
guess_activation (
    const UnetModel *model, const UnetTensorInfo *output, UnetLayout layout)
{
  const UnetValue *value = g_ptr_array_index (
      model->graph->outputs, (guint) (output - model->outputs));

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
  if (!unet_dtype_is_float (output->dtype))
    return UNET_ACTIVATION_ARGMAX;
  return count_channels (output, layout) == 1 ? UNET_ACTIVATION_SIGMOID
                                              : UNET_ACTIVATION_SOFTMAX;
}

/* ---- resolution ------------------------------------------------------- */

static gboolean
resolve_colors (const UnetModel *model, UnetContract *contract,
    const UnetTensorInfo *input, GError **error)
{
  gint64 n = input->dims[contract->layout == UNET_LAYOUT_NHWC ? 3 : 1];
  gboolean gray;

  if (contract->color_order == UNET_COLOR_ORDER_AUTO)
    contract->color_order = n == 1 ? UNET_COLOR_ORDER_GRAY
                                   : UNET_COLOR_ORDER_RGB;
  gray = contract->color_order == UNET_COLOR_ORDER_GRAY;
  if (n < 0 || n == (gray ? 1 : 3))
    return TRUE;
  return fail (model, error,
      "input '%s' takes %" G_GINT64_FORMAT " channels, which is no %s picture",
      input->name, n, gray ? "grey" : "colour");
}

static gboolean
resolve_extent (const UnetModel *model, const UnetTensorInfo *input, gint64 own,
    guint *extent, GError **error)
{
  if (own < 0 || *extent == own) /* open, or as it must be */
    return TRUE;
  if (*extent)
    return fail (model, error,
        "input '%s' is %" G_GINT64_FORMAT " pixels one way and cannot be %u",
        input->name, own, *extent);
  *extent = (guint) own;
  return TRUE;
}

static gboolean
resolve_size (const UnetModel *model, UnetContract *contract,
    const UnetTensorInfo *input, GError **error)
{
  guint row = contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;

  if (contract->input_video
      && (input->dims[row] > 0 || input->dims[row + 1] > 0))
    return fail (model, error,
        "input '%s' has a size of its own, not the video's", input->name);
  if (contract->input_side && input->dims[row] > 0 && input->dims[row + 1] > 0)
    return fail (model, error,
        "input '%s' has a size of its own: no area can be chosen", input->name);
  return resolve_extent (
             model, input, input->dims[row], &contract->input_height, error)
      && resolve_extent (
          model, input, input->dims[row + 1], &contract->input_width, error);
}

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

static void
resolve_output (const UnetModel *model, UnetContract *contract,
    const UnetTensorInfo *output)
{
  gint64 n = count_channels (output, contract->layout);

  if (contract->activation == UNET_ACTIVATION_AUTO)
    contract->activation = guess_activation (model, output, contract->layout);
  /* An output of class numbers does not say how many classes there are. */
  if (!contract->labels && contract->activation != UNET_ACTIVATION_ARGMAX
      && n > 0 && n <= G_MAXUINT8)
    contract->labels = make_labels (n);
}

static gboolean
resolve (const UnetModel *model, UnetContract *contract, GError **error)
{
  const UnetTensorInfo *input = unet_model_find_input (model, contract->input);
  const UnetTensorInfo *output =
      unet_model_find_output (model, contract->output);

  if (!input)
    return fail (model, error, "there is no input '%s'",
        contract->input ? contract->input : "of rank 4");
  if (!output)
    return fail (model, error, "there is no output '%s'", contract->output);
  if (input->n_dims != 4 || input->dtype != UNET_DTYPE_F32)
    return fail (model, error, "input '%s' takes no picture: rank %u, type %s",
        input->name, input->n_dims, unet_dtype_name (input->dtype));
  g_free (contract->input);
  contract->input = g_strdup (input->name);
  g_free (contract->output);
  contract->output = g_strdup (output->name);
  if (contract->layout == UNET_LAYOUT_AUTO)
    contract->layout = guess_layout (input);
  if (!resolve_colors (model, contract, input, error)
      || !resolve_size (model, contract, input, error))
    return FALSE;
  resolve_output (model, contract, output);
  return unet_state_resolve (model, contract, error);
}

/* Networks that were exported for training run as ONNX says, but seldom as the
 * user expects. */
static void
note_training (const UnetModel *model, GPtrArray *notes)
{
  const UnetNode *first = NULL;
  guint n = 0;

  for (guint i = 0; i < model->graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (model->graph->nodes, i);
    if (!unet_batch_norm_is_training (node))
      continue;
    first = first ? first : node;
    n++;
  }
  if (first)
    unet_notes_add (notes, TRUE,
        "%s: exported in training mode: %u BatchNormalization node%s (first "
        "'%s') use%s each picture's own statistics, slowly. Call model.eval() "
        "before the export for those of the training",
        model->name, n, n == 1 ? "" : "s", first->name, n == 1 ? "s" : "");
}

UnetContract *
unet_model_resolve_contract (const UnetModel *model, GHashTable *overrides,
    GPtrArray *notes, GError **error)
{
  g_autoptr (UnetContract) contract = unet_contract_new ();
  g_autofree gchar *wanted = wanted_input (model, overrides);
  const UnetTensorInfo *input = unet_model_find_input (model, wanted);

  /* A later source overrides an earlier one. */
  if (!apply_metadata (model, contract, error)
      || (model->sidecar
          && !unet_sidecar_apply (model->sidecar, model->sidecar_name,
              input ? input->name : NULL, contract, error))
      || !apply_overrides (model, overrides, contract, error)
      || !resolve (model, contract, error))
    return NULL;
  note_training (model, notes);
  return g_steal_pointer (&contract);
}

UnetContract *
unet_model_get_contract (
    const UnetModel *model, GHashTable *overrides, GError **error)
{
  return unet_model_resolve_contract (model, overrides, NULL, error);
}
