/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

/**
 * UnetModel:
 *
 * A network as read from an ONNX file: immutable, reference-counted, without
 * a fixed input size. Every function may be called from any thread.
 *
 * Since: 1.0
 */
typedef struct _UnetModel UnetModel;

#define UNET_TYPE_MODEL (unet_model_get_type ())
UNET_API GType unet_model_get_type (void);

/**
 * unet_model_load:
 * @path: (type filename) (nullable): an ONNX file, or %NULL for the built-in
 *   person model
 * @error: return location
 *
 * Reads a model and, where there is one, the sidecar file `PATH` with its
 * extension replaced by (or followed by) `.modelinfo`. While somebody holds a
 * model, loading the same unchanged file (path, device, inode, size and
 * modification time) returns the same object.
 *
 * Errors are of %UNET_ERROR and name the file and, where one is to blame, the
 * node and its operator.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_model_load (const gchar *path, GError **error);

/**
 * unet_model_dup_built_in:
 *
 * Returns: (transfer full): the built-in person model as an ONNX file
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_model_dup_built_in (void);

/**
 * unet_model_new_from_bytes:
 * @bytes: content of an ONNX file
 * @name: what errors call it
 * @error: return location
 *
 * As unet_model_load(), without sidecar, external data or cache.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_model_new_from_bytes (
    GBytes *bytes, const gchar *name, GError **error);

/**
 * unet_model_ref:
 * @model: a model
 *
 * Returns: (transfer full): @model
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_model_ref (UnetModel *model);

/**
 * unet_model_unref:
 * @model: (transfer full): a model
 *
 * Since: 1.0
 */
UNET_API void unet_model_unref (UnetModel *model);

/**
 * unet_model_get_name:
 * @model: a model
 *
 * Returns: (transfer none): the file's path, or the name given
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_model_get_name (const UnetModel *model);

/**
 * unet_model_get_n_inputs:
 * @model: a model
 *
 * Returns: number of graph inputs that are not initialisers
 *
 * Since: 1.0
 */
UNET_API guint unet_model_get_n_inputs (const UnetModel *model);

/**
 * unet_model_get_n_outputs:
 * @model: a model
 *
 * Returns: number of graph outputs
 *
 * Since: 1.0
 */
UNET_API guint unet_model_get_n_outputs (const UnetModel *model);

/**
 * unet_model_get_input:
 * @model: a model
 * @index: below unet_model_get_n_inputs()
 *
 * Returns: (transfer none): what the file says of the input
 *
 * Since: 1.0
 */
UNET_API const UnetTensorInfo *unet_model_get_input (
    const UnetModel *model, guint index);

/**
 * unet_model_get_output:
 * @model: a model
 * @index: below unet_model_get_n_outputs()
 *
 * Returns: (transfer none): what the file says of the output; dimensions that
 *   depend on the input's size are -1
 *
 * Since: 1.0
 */
UNET_API const UnetTensorInfo *unet_model_get_output (
    const UnetModel *model, guint index);

/**
 * unet_model_get_metadata:
 * @model: a model
 * @key: a key of the file's metadata_props
 *
 * Returns: (transfer none) (nullable): its value
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_model_get_metadata (
    const UnetModel *model, const gchar *key);

/**
 * unet_model_is_quantized:
 * @model: a model
 *
 * Returns: whether the file says with QuantizeLinear and DequantizeLinear how
 *   most of its convolutions are computed in bytes; it needs no calibration
 *   then
 *
 * Since: 1.0
 */
UNET_API gboolean unet_model_is_quantized (const UnetModel *model);

/**
 * unet_model_get_n_parameters:
 * @model: a model
 *
 * Returns: number of floating-point weights in the file
 *
 * Since: 1.0
 */
UNET_API guint64 unet_model_get_n_parameters (const UnetModel *model);

/**
 * unet_model_get_contract:
 * @model: a model
 * @overrides: (nullable): `key=value` fields that go before everything else
 *   (keys as in unet_contract_set(); string values)
 * @error: return location
 *
 * What the model expects, from, in this order: @overrides, the sidecar, the
 * ONNX metadata (keys `unetseg.KEY`), the graph. Names of input and output
 * are resolved, and no field is `AUTO`.
 *
 * Returns: (transfer full): the contract, or %NULL with %UNET_ERROR_CONTRACT
 *
 * Since: 1.0
 */
UNET_API UnetContract *unet_model_get_contract (
    const UnetModel *model, GHashTable *overrides, GError **error);

/**
 * unet_model_choose_size:
 * @model: a model
 * @contract: the contract in use
 * @frame_width: width of the frames in pixels (after pixel aspect), above 0
 * @frame_height: height of the frames in pixels, above 0
 * @width: (out): width of the network's input
 * @height: (out): height of the network's input
 *
 * The input size for frames of this shape: the model's own or the contract's.
 * For a model of open size the frame's own size, rounded up to `multiple`, with
 * `input-size=video`; tiles of about 512×512 with `fit=tile`; else the multiple
 * nearest to the frame's aspect with about the area of 256×256. Where a network
 * of valid convolutions is given a choice, its output covers so much, and no
 * pooling loses a row.
 *
 * Since: 1.0
 */
UNET_API void unet_model_choose_size (const UnetModel *model,
    const UnetContract *contract, guint frame_width, guint frame_height,
    guint *width, guint *height);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetModel, unet_model_unref)

G_END_DECLS
