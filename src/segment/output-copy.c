/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/output-copy.h"

#include "base/tensor-info.h"

static void
clear_copy (gpointer data)
{
  UnetOutputCopy *copy = data;

  gst_clear_buffer (&copy->data);
}

GArray *
unet_output_copies_new (void)
{
  GArray *copies = g_array_new (FALSE, TRUE, sizeof (UnetOutputCopy));

  g_array_set_clear_func (copies, clear_copy);
  return copies;
}

/* ---- pools --------------------------------------------------------------- */

/* Copies that are still in use keep their buffers. */
static void
close_pool (gpointer data)
{
  GstBufferPool *pool = data;

  if (pool == NULL)
    return;
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
}

GPtrArray *
unet_output_pools_new (void)
{
  return g_ptr_array_new_with_free_func (close_pool);
}

static GstBufferPool *
open_pool (gsize size)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, size, 0, 0);
  if (gst_buffer_pool_set_config (pool, config)
      && gst_buffer_pool_set_active (pool, TRUE))
    return pool;
  close_pool (pool);
  return NULL;
}

static GstBuffer *
acquire (GPtrArray *pools, guint index, gsize size)
{
  GstBuffer *buffer = NULL;

  if (index >= pools->len)
    g_ptr_array_set_size (pools, index + 1);
  if (pools->pdata[index] == NULL)
    pools->pdata[index] = open_pool (size);
  if (pools->pdata[index])
    gst_buffer_pool_acquire_buffer (pools->pdata[index], &buffer, NULL);
  return buffer;
}

/* ---- copies -------------------------------------------------------------- */

gboolean
unet_output_copies_add (GArray *copies, GPtrArray *pools, guint index,
    const UnetTensorInfo *info, gconstpointer data, GError **error)
{
  gsize size = unet_tensor_info_size (info);
  UnetOutputCopy copy = { g_quark_from_string (info->name), info->dtype,
    info->n_dims };

  if (size == 0)
    return TRUE;
  for (guint i = 0; i < info->n_dims; i++)
    copy.dims[i] = info->dims[i];
  copy.data = size <= G_MAXUINT ? acquire (pools, index, size) : NULL;
  if (copy.data == NULL) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "no buffer for the output '%s'", info->name);
    return FALSE;
  }
  gst_buffer_fill (copy.data, 0, data, size);
  g_array_append_val (copies, copy);
  return TRUE;
}
