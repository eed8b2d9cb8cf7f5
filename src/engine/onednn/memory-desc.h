/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory descriptors of oneDNN 2.6 and 3.7. */

#include <glib.h>
#include <oneapi/dnnl/dnnl.h>

G_BEGIN_DECLS

#define UNET_DNNL_V3 (DNNL_VERSION_MAJOR >= 3)

/* A memory descriptor: a pointer to the struct of oneDNN 2, or the handle of
 * oneDNN 3. */
#if UNET_DNNL_V3
typedef dnnl_memory_desc_t UnetMd;
typedef const_dnnl_memory_desc_t UnetConstMd;
#else
typedef dnnl_memory_desc_t *UnetMd;
typedef const dnnl_memory_desc_t *UnetConstMd;
#endif

/* Return a descriptor (transfer full), or %NULL where oneDNN has none. */
UnetMd unet_md_new (guint n_dims, const gint64 *dims, dnnl_data_type_t dtype,
    dnnl_format_tag_t tag);
UnetMd unet_md_new_strides (guint n_dims, const gint64 *dims,
    dnnl_data_type_t dtype, const gint64 *strides);
UnetMd unet_md_new_sub (
    UnetConstMd parent, const gint64 *dims, const gint64 *offsets);
UnetMd unet_md_copy (UnetConstMd md);
void unet_md_free (UnetMd md);
gsize unet_md_size (UnetConstMd md);
/* Returns the number of dimensions. @dims: (out): lives as long as @md. */
guint unet_md_query (
    UnetConstMd md, const gint64 **dims, dnnl_data_type_t *dtype);
gboolean unet_md_equal (UnetConstMd a, UnetConstMd b);
/* Returns a text (transfer full) that is equal for equal descriptors. */
gchar *unet_md_key (UnetConstMd md);

G_END_DECLS
