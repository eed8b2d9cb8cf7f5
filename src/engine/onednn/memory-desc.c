/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/memory-desc.h"

#if UNET_DNNL_V3

UnetMd
unet_md_new (guint n_dims, const gint64 *dims, dnnl_data_type_t dtype,
    dnnl_format_tag_t tag)
{
  UnetMd md = NULL;
  dnnl_memory_desc_create_with_tag (&md, n_dims, dims, dtype, tag);
  return md;
}

UnetMd
unet_md_new_strides (guint n_dims, const gint64 *dims, dnnl_data_type_t dtype,
    const gint64 *strides)
{
  UnetMd md = NULL;
  dnnl_memory_desc_create_with_strides (&md, n_dims, dims, dtype, strides);
  return md;
}

UnetMd
unet_md_new_sub (UnetConstMd parent, const gint64 *dims, const gint64 *offsets)
{
  UnetMd md = NULL;
  dnnl_memory_desc_create_submemory (&md, parent, dims, offsets);
  return md;
}

UnetMd
unet_md_copy (UnetConstMd src)
{
  UnetMd md = NULL;
  dnnl_memory_desc_clone (&md, src);
  return md;
}

void
unet_md_free (UnetMd md)
{
  if (md)
    dnnl_memory_desc_destroy (md);
}

/* Appends one field. The blob that oneDNN 3 offers for this is the struct
 * itself, with undefined bytes between its members. */
static void
key_dims (GString *key, UnetConstMd md, dnnl_query_t what, gint n)
{
  const dnnl_dims_t *dims = NULL;

  if (dnnl_memory_desc_query (md, what, &dims) != dnnl_success || !dims)
    return;
  g_string_append_c (key, ':');
  for (gint i = 0; i < n; i++)
    g_string_append_printf (key, "%" G_GINT64_FORMAT ",", (*dims)[i]);
}

gchar *
unet_md_key (UnetConstMd md)
{
  GString *key = g_string_new (NULL);
  dnnl_data_type_t dtype = dnnl_data_type_undef;
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  dnnl_dim_t offset = 0;
  int n = 0, blocks = 0;

  dnnl_memory_desc_query (md, dnnl_query_ndims_s32, &n);
  dnnl_memory_desc_query (md, dnnl_query_data_type, &dtype);
  dnnl_memory_desc_query (md, dnnl_query_format_kind, &kind);
  dnnl_memory_desc_query (md, dnnl_query_submemory_offset_s64, &offset);
  g_string_printf (key, "%d.%d+%" G_GINT64_FORMAT, (gint) dtype, (gint) kind,
      (gint64) offset);
  key_dims (key, md, dnnl_query_dims, n);
  key_dims (key, md, dnnl_query_padded_dims, n);
  if (kind == dnnl_blocked) {
    dnnl_memory_desc_query (md, dnnl_query_inner_nblks_s32, &blocks);
    key_dims (key, md, dnnl_query_strides, n);
    key_dims (key, md, dnnl_query_inner_blks, blocks);
    key_dims (key, md, dnnl_query_inner_idxs, blocks);
  }
  g_string_append_printf (key, "=%" G_GSIZE_FORMAT, unet_md_size (md));
  return g_string_free (key, FALSE);
}

#else

UnetMd
unet_md_new (guint n_dims, const gint64 *dims, dnnl_data_type_t dtype,
    dnnl_format_tag_t tag)
{
  UnetMd md = g_new0 (dnnl_memory_desc_t, 1);
  if (dnnl_memory_desc_init_by_tag (md, n_dims, dims, dtype, tag))
    g_clear_pointer (&md, g_free);
  return md;
}

UnetMd
unet_md_new_strides (guint n_dims, const gint64 *dims, dnnl_data_type_t dtype,
    const gint64 *strides)
{
  UnetMd md = g_new0 (dnnl_memory_desc_t, 1);
  if (dnnl_memory_desc_init_by_strides (md, n_dims, dims, dtype, strides))
    g_clear_pointer (&md, g_free);
  return md;
}

UnetMd
unet_md_new_sub (UnetConstMd parent, const gint64 *dims, const gint64 *offsets)
{
  UnetMd md = g_new0 (dnnl_memory_desc_t, 1);
  if (dnnl_memory_desc_init_submemory (md, parent, dims, offsets))
    g_clear_pointer (&md, g_free);
  return md;
}

UnetMd
unet_md_copy (UnetConstMd src)
{
  UnetMd md = g_new (dnnl_memory_desc_t, 1);
  *md = *src;
  return md;
}

void
unet_md_free (UnetMd md)
{
  g_free (md);
}

gchar *
unet_md_key (UnetConstMd md)
{
  return g_base64_encode ((const guchar *) md, sizeof *md);
}

#endif

guint
unet_md_query (UnetConstMd md, const gint64 **dims, dnnl_data_type_t *dtype)
{
#if UNET_DNNL_V3
  const dnnl_dims_t *d = NULL;
  int n = 0;

  dnnl_memory_desc_query (md, dnnl_query_ndims_s32, &n);
  dnnl_memory_desc_query (md, dnnl_query_data_type, dtype);
  dnnl_memory_desc_query (md, dnnl_query_dims, &d);
  *dims = d ? *d : NULL;
  return d ? n : 0;
#else
  *dims = md->dims;
  *dtype = md->data_type;
  return md->ndims;
#endif
}

gsize
unet_md_size (UnetConstMd md)
{
  return dnnl_memory_desc_get_size (md);
}

gboolean
unet_md_equal (UnetConstMd a, UnetConstMd b)
{
  return dnnl_memory_desc_equal (a, b) != 0;
}
