/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Constant tensors, and views of tensors in any memory. All tensors are
 * row-major and tight. Functions that only read may run on any thread. */

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/* A constant: immutable once made, reference-counted. */
typedef struct {
  gatomicrefcount ref_count;
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
  gsize n_elements;
  gpointer data; /* 64-byte aligned; may be read up to a multiple of 64 bytes */
} UnetTensor;

/* Returns a tensor of zeros with one reference, or %NULL when the size
 * overflows or memory runs out. A tensor of 4096 bytes or less never fails:
 * like GLib, it ends the process without memory. */
UnetTensor *unet_tensor_new (UnetDType dtype, guint n_dims, const gint64 *dims);
UnetTensor *unet_tensor_ref (UnetTensor *tensor);
/* @tensor: (nullable) */
void unet_tensor_unref (UnetTensor *tensor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetTensor, unet_tensor_unref)
/* Returns a copy with other dimensions of the same product, or %NULL when
 * memory runs out. */
UnetTensor *unet_tensor_reshape (
    const UnetTensor *tensor, guint n_dims, const gint64 *dims);
/* Returns a vector of 64-bit integers, or %NULL when memory runs out. */
UnetTensor *unet_tensor_new_ints (const gint64 *ints, guint n);

/* Memory of another owner, seen as a tensor. */
typedef struct {
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
  gpointer data; /* (nullable): not known yet */
} UnetTensorView;

/* Makes @view show @tensor, which must outlive it. */
void unet_tensor_view (UnetTensor *tensor, UnetTensorView *view);
/* Returns the number of elements, as unet_dims_count(). */
gsize unet_view_count (const UnetTensorView *view);
/* These read and write the element at @index, converted from and to the
 * view's type. Integers saturate as unet_int_from_double() does. */
gint64 unet_view_int (const UnetTensorView *view, gsize index);
gdouble unet_view_float (const UnetTensorView *view, gsize index);
void unet_view_set_int (UnetTensorView *view, gsize index, gint64 value);
void unet_view_set_float (UnetTensorView *view, gsize index, gdouble value);

/* Returns the number of elements: 0 when a dimension is open (below 0),
 * G_MAXSIZE when the product overflows. */
gsize unet_dims_count (guint n_dims, const gint64 *dims);
/* Returns whether each extent and their product stay within 2^31. Open and
 * empty dimensions count as 1. Shape inference then multiplies a few of them
 * without overflow. */
gboolean unet_dims_are_sane (guint n_dims, const gint64 *dims);
gboolean unet_dtype_is_float (UnetDType dtype);
/* Rounds towards zero. ONNX and C leave values that do not fit undefined; this
 * function saturates them and gives 0 for NaN. */
gint64 unet_int_from_double (gdouble value);

G_END_DECLS
