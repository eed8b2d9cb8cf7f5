/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/* An output of one run of the network, as the network gave it. */
typedef struct {
  GQuark name; /* in the ONNX graph */
  UnetDType dtype;
  guint n_dims;
  gsize dims[UNET_MAX_DIMS];
  GstBuffer *data; /* row-major and tight; read only */
} UnetOutputCopy;

/* Returns: (transfer full) (element-type UnetOutputCopy): an empty list, whose
 * copies end with it. Any thread may hold and drop references. */
GArray *unet_output_copies_new (void);

/* Returns: (transfer full) (element-type GstBufferPool): pools for
 * unet_output_copies_add(), one for each output. */
GPtrArray *unet_output_pools_new (void);

/* Appends a copy of @data, an output of @info, in a buffer of the pool @index.
 * Opens the pool where there is none yet. An output without elements is left
 * out. Returns FALSE with %UNET_ERROR_ENGINE set where there is no memory. */
gboolean unet_output_copies_add (GArray *copies, GPtrArray *pools, guint index,
    const UnetTensorInfo *info, gconstpointer data, GError **error);

G_END_DECLS
