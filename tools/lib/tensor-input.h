/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tensors from .npy files for the inputs of a network: --input NAME=FILE. */

#include "lib/npy.h"

G_BEGIN_DECLS

typedef struct {
  gchar *name; /* of the network's input */
  gchar *path;
  ToolNpy *npy;
} ToolTensorInput;

/* Reads the file of every option in @given (nullable). Returns (transfer
 * full): an array of ToolTensorInput, or %NULL with an error that names the
 * option or the file. */
GArray *tool_tensor_inputs_read (
    const UnetModel *model, gchar **given, GError **error);

/* Copies a tensor to its input of @session and converts its type, which
 * changes input->npy. The shapes must be equal. */
gboolean tool_tensor_input_copy (
    ToolTensorInput *input, UnetSession *session, GError **error);

G_END_DECLS
