/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions about descriptions of tensors. */

#include <unetseg/unet-types.h>
#include "base/export.h"

G_BEGIN_DECLS

/* Returns the number of elements: 0 when a dimension is open, G_MAXSIZE when
 * the product overflows. */
UNET_INTERNAL_API gsize unet_tensor_info_count (const UnetTensorInfo *info);
/* Returns the bytes of all elements, with the same exceptions. */
UNET_INTERNAL_API gsize unet_tensor_info_size (const UnetTensorInfo *info);
/* Returns the index of the tensor of this name among @n, or -1. @name:
 * (nullable) */
gint unet_tensor_info_find (
    const UnetTensorInfo *infos, guint n, const gchar *name);

/* Writes the dimensions as text, such as "1x3x?x?", where ? is an open one.
 * Free with g_free(). */
gchar *unet_tensor_info_write_dims (const UnetTensorInfo *info);

G_END_DECLS
