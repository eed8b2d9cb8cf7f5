/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * UNET_API:
 *
 * Marks a symbol that the shared library exports and that stays compatible.
 *
 * Since: 1.0
 */
#define UNET_API __attribute__ ((visibility ("default")))

/**
 * UNET_MAX_DIMS:
 *
 * The highest rank of a tensor.
 *
 * Since: 1.0
 */
#define UNET_MAX_DIMS 8

/**
 * UNET_ERROR:
 *
 * Error domain of the library. Codes are of type #UnetError.
 *
 * Since: 1.0
 */
#define UNET_ERROR (unet_error_quark ())

/**
 * UnetError:
 * @UNET_ERROR_NOT_FOUND: a file is missing or cannot be read
 * @UNET_ERROR_PARSE: a file is not of the format that it claims, or is cut
 *   short
 * @UNET_ERROR_UNSUPPORTED: an operator, attribute or type is not implemented
 * @UNET_ERROR_SHAPE: shapes of tensors do not fit each other
 * @UNET_ERROR_CONTRACT: the model cannot be used as the contract says
 * @UNET_ERROR_LIMIT: a stated bound (size, depth, memory) would be exceeded
 * @UNET_ERROR_ENGINE: oneDNN refused to create or run a primitive
 *
 * Codes of %UNET_ERROR. Messages are English sentences for users; programs
 * look at the code.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_ERROR_NOT_FOUND,
  UNET_ERROR_PARSE,
  UNET_ERROR_UNSUPPORTED,
  UNET_ERROR_SHAPE,
  UNET_ERROR_CONTRACT,
  UNET_ERROR_LIMIT,
  UNET_ERROR_ENGINE,
} UnetError;

/**
 * unet_error_quark:
 *
 * Use %UNET_ERROR instead.
 *
 * Returns: the quark of the error domain
 *
 * Since: 1.0
 */
UNET_API GQuark unet_error_quark (void);

/**
 * UnetDType:
 * @UNET_DTYPE_NONE: no or unknown type
 * @UNET_DTYPE_F32: IEEE 754 binary32
 * @UNET_DTYPE_F64: IEEE 754 binary64
 * @UNET_DTYPE_F16: IEEE 754 binary16 (in files; widened to f32 on load)
 * @UNET_DTYPE_I64: 64-bit signed integer
 * @UNET_DTYPE_I32: 32-bit signed integer
 * @UNET_DTYPE_U8: 8-bit unsigned integer
 * @UNET_DTYPE_I8: 8-bit signed integer
 * @UNET_DTYPE_BOOL: one byte, 0 or 1
 * @UNET_DTYPE_I16: 16-bit signed integer
 * @UNET_DTYPE_U16: 16-bit unsigned integer
 * @UNET_DTYPE_U32: 32-bit unsigned integer
 * @UNET_DTYPE_U64: 64-bit unsigned integer
 * @UNET_DTYPE_I4: 4-bit signed integer, -8 to 7, one in each byte
 * @UNET_DTYPE_U4: 4-bit unsigned integer, 0 to 15, one in each byte
 * @UNET_DTYPE_F8E4M3FN: 8-bit float with 3 bits of mantissa, without infinity
 * @UNET_DTYPE_F8E4M3FNUZ: the same, also without a negative zero
 * @UNET_DTYPE_F8E5M2: 8-bit float with 2 bits of mantissa
 * @UNET_DTYPE_F8E5M2FNUZ: the same without infinity and negative zero
 *
 * Type of a tensor's elements.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_DTYPE_NONE,
  UNET_DTYPE_F32,
  UNET_DTYPE_F64,
  UNET_DTYPE_F16,
  UNET_DTYPE_I64,
  UNET_DTYPE_I32,
  UNET_DTYPE_U8,
  UNET_DTYPE_I8,
  UNET_DTYPE_BOOL,
  UNET_DTYPE_I16,
  UNET_DTYPE_U16,
  UNET_DTYPE_U32,
  UNET_DTYPE_U64,
  UNET_DTYPE_I4,
  UNET_DTYPE_U4,
  UNET_DTYPE_F8E4M3FN,
  UNET_DTYPE_F8E4M3FNUZ,
  UNET_DTYPE_F8E5M2,
  UNET_DTYPE_F8E5M2FNUZ,
} UnetDType;

/**
 * unet_dtype_size:
 * @dtype: a type
 *
 * Returns the size of an element in memory. Any thread.
 *
 * Returns: bytes of one element; 0 for %UNET_DTYPE_NONE and for values that
 *   are no #UnetDType
 *
 * Since: 1.0
 */
UNET_API gsize unet_dtype_size (UnetDType dtype);

/**
 * unet_dtype_name:
 * @dtype: a type
 *
 * Names a type. Any thread.
 *
 * Returns: (transfer none): the type's short name, such as "f32"; "none" for
 *   values that are no #UnetDType
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_dtype_name (UnetDType dtype);

/**
 * UnetTensorInfo:
 * @name: (transfer none): name in the ONNX graph
 * @dtype: element type
 * @n_dims: rank, 0 to %UNET_MAX_DIMS
 * @dims: extents in row-major order, -1 where the model leaves one open
 *
 * Describes an input or output of a graph. It is immutable and owned by its
 * model or session, and so is the name.
 *
 * Since: 1.0
 */
typedef struct {
  const gchar *name;
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
} UnetTensorInfo;

/**
 * unet_tensor_info_set_shape:
 * @info: a description that the caller owns
 * @dims: (array length=n_dims): extents
 * @n_dims: rank, 0 to %UNET_MAX_DIMS
 *
 * Sets the fields `n_dims` and `dims`, for languages that cannot write into an
 * array of a structure.
 *
 * Since: 1.0
 */
UNET_API void unet_tensor_info_set_shape (
    UnetTensorInfo *info, const gint64 *dims, guint n_dims);

G_END_DECLS
