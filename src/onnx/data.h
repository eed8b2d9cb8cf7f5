/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Element types and tensors of ONNX files. */

#include "graph/tensor.h"
#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Returns the element type that the graph holds for an ONNX type: float16 and
 * bfloat16 become f32; NONE stands for types that are not supported. */
UnetDType unet_onnx_dtype (gint32 data_type);
/* Returns the name that ONNX gives a type, such as "float16". */
const gchar *unet_onnx_type_name (gint32 data_type);

/* Reads a tensor of the file, or of a file beside it in @folder (nullable).
 * @where: begins errors. Returns %NULL with %UNET_ERROR_PARSE, _UNSUPPORTED,
 * _LIMIT or _NOT_FOUND. */
UnetTensor *unet_onnx_tensor (const Onnx__TensorProto *proto,
    const gchar *folder, const gchar *where, GError **error);

G_END_DECLS
