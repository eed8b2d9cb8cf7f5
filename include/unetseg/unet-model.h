/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

/**
 * UnetModel:
 *
 * A network as read from an ONNX or LiteRT file: immutable, reference-counted,
 * without a fixed input size. Every function may be called from any thread,
 * also for the same model at the same time.
 *
 * Since: 1.0
 */
typedef struct _UnetModel UnetModel;

#define UNET_TYPE_MODEL (unet_model_get_type ())
UNET_API GType unet_model_get_type (void);

/**
 * unet_model_load:
 * @location: (type filename) (nullable): the path or file:// URI of an ONNX
 *   file, or %NULL for the built-in person model
 * @error: return location
 *
 * Reads a model and, where there is one, the modelinfo file: `PATH` with its
 * extension replaced by, or followed by, `.modelinfo`. As long as a reference
 * to a model exists, loading the same unchanged file (path, device, inode,
 * size and modification time) returns the same object. Takes milliseconds to
 * seconds, mostly for reading.
 *
 * Errors name the file and, where one is to blame, the node and its operator:
 * %UNET_ERROR_NOT_FOUND for a file that cannot be read, %UNET_ERROR_PARSE for
 * one that is of neither format or is damaged, %UNET_ERROR_UNSUPPORTED for
 * operators, types and operator sets that are missing, %UNET_ERROR_SHAPE for
 * shapes that do not fit, %UNET_ERROR_LIMIT for sizes beyond the library's
 * bounds, %UNET_ERROR_CONTRACT for a modelinfo file that cannot be read.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_model_load (const gchar *location, GError **error);

/**
 * unet_model_dup_built_in:
 *
 * Returns the built-in model's file, to write it to disk or to read it with
 * another library.
 *
 * Returns: (transfer full): the built-in person model as an ONNX file
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_model_dup_built_in (void);

/**
 * unet_model_new_from_bytes:
 * @bytes: content of an ONNX or LiteRT file
 * @name: what errors call it
 * @error: return location
 *
 * Reads a model from memory, without modelinfo file, external data or cache.
 * Errors are those of unet_model_load() but %UNET_ERROR_CONTRACT.
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
 * Takes a reference.
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
 * Drops a reference; the last one frees the model.
 *
 * Since: 1.0
 */
UNET_API void unet_model_unref (UnetModel *model);

/**
 * unet_model_get_name:
 * @model: a model
 *
 * Returns the name that errors of the model begin with.
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
 * Counts the inputs.
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
 * Counts the outputs.
 *
 * Returns: number of graph outputs, 1 or more
 *
 * Since: 1.0
 */
UNET_API guint unet_model_get_n_outputs (const UnetModel *model);

/**
 * unet_model_get_input:
 * @model: a model
 * @index: below unet_model_get_n_inputs()
 *
 * Describes an input.
 *
 * Returns: (transfer none): name, type and shape as the file has them, -1 for
 *   open dimensions; valid as long as the model
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
 * Describes an output.
 *
 * Returns: (transfer none): name, type and shape, -1 for dimensions that
 *   depend on the input's size; valid as long as the model
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
 * Looks up metadata of the file.
 *
 * Returns: (transfer none) (nullable): the value in valid UTF-8, or %NULL
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_model_get_metadata (
    const UnetModel *model, const gchar *key);

/**
 * unet_model_is_quantized:
 * @model: a model
 *
 * Tells whether the file says, with QuantizeLinear and DequantizeLinear or
 * operators of integers, how at least half of its convolutions are computed in
 * 8 bits. Such a model needs no calibration.
 *
 * Returns: whether the model is quantised
 *
 * Since: 1.0
 */
UNET_API gboolean unet_model_is_quantized (const UnetModel *model);

/**
 * unet_model_get_n_parameters:
 * @model: a model
 *
 * Counts the weights.
 *
 * Returns: number of floating-point weights in the file, without scalars
 *
 * Since: 1.0
 */
UNET_API guint64 unet_model_get_n_parameters (const UnetModel *model);

/**
 * unet_model_get_contract:
 * @model: a model
 * @overrides: (nullable) (element-type utf8 utf8): `key=value` fields that go
 * before everything else (keys as in unet_contract_set(); string values)
 * @error: return location
 *
 * Works out what the model expects. Each field comes from the first source
 * that has it: @overrides, the modelinfo file, the ONNX metadata (keys
 * `unetseg.KEY`), the graph. Names of input and output are resolved, and no
 * field is `AUTO`.
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
 * Chooses the size of the network's input for frames of this shape. It is the
 * model's own or the contract's. For a model of open size it is the frame's
 * own size, rounded up to `multiple`, with `input-size=video`; tiles of about
 * 512×512 with `fit=tile`; else the multiple nearest to the frame's aspect with
 * about the area of 256×256. A network of valid convolutions gets an input
 * whose output covers that much and whose poolings lose no row; finding it
 * takes milliseconds.
 *
 * Since: 1.0
 */
UNET_API void unet_model_choose_size (const UnetModel *model,
    const UnetContract *contract, guint frame_width, guint frame_height,
    guint *width, guint *height);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetModel, unet_model_unref)

G_END_DECLS
