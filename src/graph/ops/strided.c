/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/strided.h"
#include <string.h>

void
unet_strides (guint n_dims, const gint64 *dims, gint64 *strides)
{
  gint64 stride = 1;

  for (guint i = n_dims; i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
}

void
unet_broadcast_strides (
    guint n_dims, const gint64 *dims, guint n_out, gint64 *strides)
{
  gint64 own[UNET_MAX_DIMS];

  unet_strides (n_dims, dims, own);
  for (guint i = 0; i < n_out; i++) {
    gint64 k = (gint64) i + n_dims - n_out;
    strides[i] = k < 0 || dims[k] == 1 ? 0 : own[k];
  }
}

gboolean
unet_next_index (guint n_dims, const gint64 *dims, gint64 *index)
{
  for (guint i = n_dims; i-- > 0;) {
    if (++index[i] < dims[i])
      return TRUE;
    index[i] = 0;
  }
  return FALSE;
}

static void
copy_row (gsize size, gint64 n, gchar *dst, gint64 dst_stride, const gchar *src,
    gint64 src_stride)
{
#define COPY(type)                                                             \
  for (gint64 i = 0; i < n; i++)                                               \
  ((type *) (gpointer) dst)[i * dst_stride] =                                  \
      ((const type *) (gconstpointer) src)[i * src_stride]

  if (dst_stride == 1 && src_stride == 1)
    memcpy (dst, src, (gsize) n * size);
  else if (size == 4)
    COPY (guint32);
  else if (size == 8)
    COPY (guint64);
  else
    COPY (guint8);
#undef COPY
}

void
unet_copy_strided (gsize size, guint n_dims, const gint64 *dims, gpointer dst,
    const gint64 *dst_strides, gconstpointer src, const gint64 *src_strides)
{
  if (n_dims == 0) {
    memcpy (dst, src, size);
    return;
  }
  if (n_dims == 1) {
    copy_row (size, dims[0], dst, dst_strides[0], src, src_strides[0]);
    return;
  }
  for (gint64 i = 0; i < dims[0]; i++)
    unet_copy_strided (size, n_dims - 1, dims + 1,
        (gchar *) dst + i * dst_strides[0] * (gint64) size, dst_strides + 1,
        (const gchar *) src + i * src_strides[0] * (gint64) size,
        src_strides + 1);
}

void
unet_copy_all (const UnetTensorView *in, UnetTensorView *out)
{
  gsize size = unet_view_count (out) * unet_dtype_size (out->dtype);

  if (size && out->data != in->data)
    memcpy (out->data, in->data, size);
}
