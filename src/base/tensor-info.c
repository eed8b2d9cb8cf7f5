/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/tensor-info.h"

#include <string.h>

void
unet_tensor_info_set_shape (
    UnetTensorInfo *info, const gint64 *dims, guint n_dims)
{
  g_return_if_fail (n_dims <= UNET_MAX_DIMS);
  memset (info->dims, 0, sizeof info->dims);
  if (n_dims > 0)
    memcpy (info->dims, dims, n_dims * sizeof *dims);
  info->n_dims = n_dims;
}

static gsize
multiply (gsize size, const UnetTensorInfo *info)
{
  for (guint i = 0; i < info->n_dims; i++) {
    if (info->dims[i] < 0)
      return 0;
    if (!g_size_checked_mul (&size, size, (gsize) info->dims[i]))
      return G_MAXSIZE;
  }
  return size;
}

gsize
unet_tensor_info_count (const UnetTensorInfo *info)
{
  return multiply (1, info);
}

gsize
unet_tensor_info_size (const UnetTensorInfo *info)
{
  return multiply (unet_dtype_size (info->dtype), info);
}

gint
unet_tensor_info_find (const UnetTensorInfo *infos, guint n, const gchar *name)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (infos[i].name, name) == 0)
      return (gint) i;
  return -1;
}

gchar *
unet_tensor_info_write_dims (const UnetTensorInfo *info)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < info->n_dims; i++) {
    g_string_append (text, i ? "x" : "");
    if (info->dims[i] < 0)
      g_string_append_c (text, '?');
    else
      g_string_append_printf (text, "%" G_GINT64_FORMAT, info->dims[i]);
  }
  return g_string_free (text, FALSE);
}
