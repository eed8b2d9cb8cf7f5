/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/tensor.h"
#include "onnx/onnx.h"
#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Unpacks untrusted bytes: nesting and memory are bounded. Free with
 * onnx__model_proto__free_unpacked (model, NULL). */
Onnx__ModelProto *unet_onnx_unpack (
    GBytes *bytes, const gchar *name, GError **error);

/* The element type that the graph holds for an ONNX type: half and bfloat16
 * become f32, and NONE is what is not supported. */
UnetDType unet_onnx_dtype (gint32 data_type);
const gchar *unet_onnx_type_name (gint32 data_type);

/* @where: what errors call the tensor's owner. */
UnetTensor *unet_onnx_tensor (const Onnx__TensorProto *proto,
    const gchar *folder, const gchar *where, GError **error);

/* Content of @tensor's external data; @size bytes are wanted. */
GBytes *unet_onnx_read_external (const Onnx__TensorProto *proto,
    const gchar *folder, gsize size, const gchar *where, GError **error);

G_END_DECLS
