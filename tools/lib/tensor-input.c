/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/tensor-input.h"

#include "lib/job.h"
#include "lib/print.h"
#include "lib/status.h"
#include "model/tensors.h"

#include <string.h>

static void
tensor_input_clear (gpointer data)
{
  ToolTensorInput *input = data;

  g_free (input->name);
  g_free (input->path);
  g_clear_pointer (&input->npy, tool_npy_free);
}

/* NAME=FILE, or FILE alone when the model has one input. A name may contain
 * '='. */
static gboolean
split (const UnetModel *model, const gchar *given, ToolTensorInput *input,
    GError **error)
{
  for (guint i = 0; i < unet_model_get_n_inputs (model); i++) {
    const gchar *name = unet_model_get_input (model, i)->name;
    gsize n = strlen (name);

    if (strncmp (given, name, n) == 0 && given[n] == '=') {
      input->name = g_strdup (name);
      input->path = g_strdup (given + n + 1);
      return TRUE;
    }
  }
  if (unet_model_get_n_inputs (model) == 1 && strchr (given, '=') == NULL) {
    input->name = g_strdup (unet_model_get_input (model, 0)->name);
    input->path = g_strdup (given);
    return TRUE;
  }
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
      "--input=%s: not NAME=FILE.npy with the name of one of the model's %u "
      "inputs ('%s'…)",
      given, unet_model_get_n_inputs (model),
      unet_model_get_input (model, 0)->name);
  return FALSE;
}

GArray *
tool_tensor_inputs_read (const UnetModel *model, gchar **given, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (ToolTensorInput));

  g_array_set_clear_func (all, tensor_input_clear);
  for (; given != NULL && *given != NULL; given++) {
    ToolTensorInput input = { NULL };

    if (split (model, *given, &input, error))
      input.npy = tool_npy_read (input.path, error);
    g_array_append_val (all, input);
    if (input.npy == NULL)
      return NULL;
  }
  return g_steal_pointer (&all);
}

gboolean
tool_tensor_input_copy (
    ToolTensorInput *input, UnetSession *session, GError **error)
{
  gint index = unet_model_find_input_index (
      unet_session_get_model (session), input->name);
  const UnetTensorInfo *info = unet_session_get_input_info (session, index);
  const ToolNpy *npy = input->npy;

  if (npy->n_dims != info->n_dims
      || memcmp (npy->dims, info->dims, npy->n_dims * sizeof *npy->dims) != 0) {
    UnetTensorInfo given = { .n_dims = npy->n_dims };
    g_autofree gchar *want = tool_shape (info), *have = NULL;

    memcpy (given.dims, npy->dims, sizeof given.dims);
    have = tool_shape (&given);
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "%s: input '%s' takes %s, the file has %s", input->path, input->name,
        want, have);
    return FALSE;
  }
  if (!tool_npy_convert (input->npy, info->dtype, error)) {
    g_prefix_error (error, "%s: ", input->path);
    return FALSE;
  }
  memcpy (unet_session_get_input_data (session, index), npy->data,
      npy->n_elements * unet_dtype_size (npy->dtype));
  return TRUE;
}
