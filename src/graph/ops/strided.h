/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Walking and copying tensors by strides. All strides count elements. */

#include "graph/tensor.h"

G_BEGIN_DECLS

/* Sets the strides of a row-major tensor. */
void unet_strides (guint n_dims, const gint64 *dims, gint64 *strides);
/* Sets the @n_out strides with which a tensor of @dims is read as a wider one
 * of rank @n_out: 0 on axes along which it repeats. */
void unet_broadcast_strides (
    guint n_dims, const gint64 *dims, guint n_out, gint64 *strides);
/* Steps @index through @dims, last axis fastest. Returns %FALSE after the
 * last, with @index back at zeros. */
gboolean unet_next_index (guint n_dims, const gint64 *dims, gint64 *index);
/* Copies a block of @dims elements of @size bytes each. */
void unet_copy_strided (gsize size, guint n_dims, const gint64 *dims,
    gpointer dst, const gint64 *dst_strides, gconstpointer src,
    const gint64 *src_strides);
/* Copies all elements of @out from @in, which has as many of the same type. */
void unet_copy_all (const UnetTensorView *in, UnetTensorView *out);

G_END_DECLS
