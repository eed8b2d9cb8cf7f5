/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/resolve-contract.h"
#include "base/sample-type.h"
#include "base/tensor-info.h"
#include "graph/ops/norm.h"
#include "model/contract-memo.h"
#include "model/model.h"
#include "model/modelinfo-file.h"
#include "model/recurrent-state.h"
#include "model/resolve-output.h"
#include "model/tensors.h"
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
  if (n == 1 || n == 3)
    return fail (model, error,
        "input '%s' takes %" G_GINT64_FORMAT
        " channels, which is no %s picture",
        input->name, n, gray ? "grey" : "colour");
  return fail (model, error,
      "input '%s' takes %" G_GINT64_FORMAT " channels, and frames have 3 of "
      "colour or 1 of grey; other bands, such as infrared or depth, have no "
      "source. Export the network for 3 channels or 1",
      input->name, n);
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

/* Networks of integers take samples as they are, unless a source scales them.
 * int8 has its zero in the middle, as quantisers write it. */
static void
resolve_scale (const UnetModel *model, UnetContract *contract,
    const UnetTensorInfo *input, GPtrArray *notes)
{
  const gboolean is_float = unet_dtype_is_float (input->dtype);
  const gboolean is_set = contract->scale > 0;
  const gdouble *mean = contract->mean;

  if (!is_set)
    contract->scale = is_float ? 1.0 / 255 : 1;
  if (is_float)
    return;
  if (!is_set && input->dtype == UNET_DTYPE_I8 && mean[0] == 0 && mean[1] == 0
      && mean[2] == 0)
    for (guint i = 0; i < 3; i++)
      contract->mean[i] = 128;
  unet_notes_add (notes, FALSE,
      "%s: input '%s' takes %s: samples of 0 to 255 become %g to %g, rounded; "
      "scale, mean and std say otherwise",
      model->name, input->name, unet_dtype_name (input->dtype),
      0 - contract->mean[0] / contract->std[0],
      (255 * contract->scale - contract->mean[0]) / contract->std[0]);
}

/* Says why @input takes no frames. @input: (nullable): no input was named, and
 * none has rank 4 */
static gboolean
fail_input (const UnetModel *model, const UnetTensorInfo *input, GError **error)
{
  g_autofree gchar *dims = NULL;

  if (!input && model->graph->inputs->len == 0)
    return fail (model, error, "the network has no input");
  input = input ? input : &model->inputs[0];
  dims = unet_tensor_info_write_dims (input);
  if (input->n_dims == 4)
    return fail (model, error,
        "input '%s' takes no picture: its type is %s. Export the network with "
        "an input of float32 or uint8",
        input->name, unet_dtype_name (input->dtype));
  return fail (model, error,
      "input '%s' takes no picture: it has %u dimensions (%s)%s, and pictures "
      "have 4: batch, channels, rows and columns. Export the network for "
      "pictures, or name another input with input-name",
      input->name, input->n_dims, dims,
      input->n_dims == 5 ? ", as volumes and clips do" : "");
}

/* The file wants several pictures at once. */
static void
note_batch (const UnetModel *model, GPtrArray *notes)
{
  if (model->batch <= 1)
    return;
  if (model->opens_batch)
    unet_notes_add (notes, FALSE,
        "%s: exported for batches of %" G_GINT64_FORMAT
        " pictures; it runs with one",
        model->name, model->batch);
  else
    unet_notes_add (notes, TRUE,
        "%s: exported for batches of %" G_GINT64_FORMAT
        " pictures, and other batches do not suit it: each frame runs as the "
        "first of %" G_GINT64_FORMAT
        ", which takes as long as all. Export the network with batch 1",
        model->name, model->batch, model->batch);
}

static gboolean
resolve (const UnetModel *model, UnetContract *contract, GPtrArray *notes,
    GError **error)
{
  const UnetTensorInfo *input = unet_model_find_input (model, contract->input);

  if (!input && contract->input)
    return fail (model, error, "there is no input '%s'", contract->input);
  if (!input || input->n_dims != 4 || !unet_samples_have_type (input->dtype))
    return fail_input (model, input, error);
  g_free (contract->input);
  contract->input = g_strdup (input->name);
  if (contract->layout == UNET_LAYOUT_AUTO)
    contract->layout = guess_layout (input);
  resolve_scale (model, contract, input, notes);
  if (!resolve_colors (model, contract, input, error)
      || !resolve_size (model, contract, input, error)
      || !unet_output_resolve (model, contract, notes, error))
    return FALSE;
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

static UnetContract *
resolve_anew (const UnetModel *model, GHashTable *overrides, GPtrArray *notes,
    GError **error)
{
  g_autoptr (UnetContract) contract = unet_contract_new ();
  g_autofree gchar *wanted = wanted_input (model, overrides);
  const UnetTensorInfo *input = unet_model_find_input (model, wanted);

  contract->scale = 0; /* no source has set it */
  /* A later source overrides an earlier one. */
  if (!apply_metadata (model, contract, error)
      || (model->sidecar
          && !unet_sidecar_apply (model->sidecar, model->sidecar_name,
              input ? input->name : NULL, contract, error))
      || !apply_overrides (model, overrides, contract, error)
      || !resolve (model, contract, notes, error))
    return NULL;
  note_batch (model, notes);
  note_training (model, notes);
  return g_steal_pointer (&contract);
}

UnetContract *
unet_model_resolve_contract (const UnetModel *model, GHashTable *overrides,
    GPtrArray *notes, GError **error)
{
  UnetContractMemo **memo = &((UnetModel *) model)->memo;
  UnetContract *contract = unet_contract_memo_get (memo, overrides, notes);
  g_autoptr (GPtrArray) own = NULL;

  if (contract)
    return contract;
  own = unet_notes_new ();
  contract = resolve_anew (model, overrides, own, error);
  if (!contract)
    return NULL;
  unet_contract_memo_set (memo, overrides, contract, own);
  unet_notes_add_all (notes, own);
  return contract;
}

UnetContract *
unet_model_get_contract (
    const UnetModel *model, GHashTable *overrides, GError **error)
{
  return unet_model_resolve_contract (model, overrides, NULL, error);
}
