/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/tensor.h"
#include "base/float8.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

#define SMALL_TENSOR 4096

/* Saturates, so that callers need one comparison only. */
gsize
unet_dims_count (guint n_dims, const gint64 *dims)
{
  guint64 count = 1;

  for (guint i = 0; i < n_dims; i++) {
    if (dims[i] < 0)
      return 0;
    if (!g_uint64_checked_mul (&count, count, (guint64) dims[i]))
      return G_MAXSIZE;
  }
  return count > G_MAXSIZE ? G_MAXSIZE : (gsize) count;
}

gboolean
unet_dims_are_sane (guint n_dims, const gint64 *dims)
{
  const gint64 most = G_GINT64_CONSTANT (1) << 31;
  gint64 product = 1;

  for (guint i = 0; i < n_dims; i++) {
    if (dims[i] > most)
      return FALSE;
    product *= MAX (dims[i], 1);
    if (product > most)
      return FALSE;
  }
  return TRUE;
}

UnetTensor *
unet_tensor_new (UnetDType dtype, guint n_dims, const gint64 *dims)
{
  UnetTensor *tensor;
  gsize count = unet_dims_count (n_dims, dims), size;

  if (n_dims > UNET_MAX_DIMS || count == G_MAXSIZE
      || !g_size_checked_mul (&size, count, unet_dtype_size (dtype))
      || size > G_MAXSSIZE - 64)
    return NULL;
  tensor = g_new0 (UnetTensor, 1);
  g_atomic_ref_count_init (&tensor->ref_count);
  tensor->dtype = dtype;
  tensor->n_dims = n_dims;
  if (n_dims)
    memcpy (tensor->dims, dims, n_dims * sizeof *dims);
  tensor->n_elements = count;
  /* Whole cache lines, so that vector code may read past the end. */
  size = (size + 63) / 64 * 64;
  tensor->data = aligned_alloc (64, MAX (size, 64));
  if (!tensor->data) {
    /* Numbers and shapes: GLib would end the process as well. */
    if (size <= SMALL_TENSOR)
      g_error ("failed to allocate %" G_GSIZE_FORMAT " bytes", size);
    g_free (tensor);
    return NULL;
  }
  memset (tensor->data, 0, MAX (size, 64));
  return tensor;
}

UnetTensor *
unet_tensor_ref (UnetTensor *tensor)
{
  g_atomic_ref_count_inc (&tensor->ref_count);
  return tensor;
}

void
unet_tensor_unref (UnetTensor *tensor)
{
  if (!tensor || !g_atomic_ref_count_dec (&tensor->ref_count))
    return;
  unet_memory_release (
      tensor->data, tensor->n_elements * unet_dtype_size (tensor->dtype));
  g_free (tensor);
}

UnetTensor *
unet_tensor_reshape (const UnetTensor *tensor, guint n_dims, const gint64 *dims)
{
  UnetTensor *copy = unet_tensor_new (tensor->dtype, n_dims, dims);

  if (!copy)
    return NULL;
  g_assert (copy->n_elements == tensor->n_elements);
  memcpy (copy->data, tensor->data,
      copy->n_elements * unet_dtype_size (copy->dtype));
  return copy;
}

UnetTensor *
unet_tensor_new_ints (const gint64 *ints, guint n)
{
  gint64 dims[1] = { n };
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_I64, 1, dims);

  if (tensor && n)
    memcpy (tensor->data, ints, n * sizeof *ints);
  return tensor;
}

void
unet_tensor_view (UnetTensor *tensor, UnetTensorView *view)
{
  view->dtype = tensor->dtype;
  view->n_dims = tensor->n_dims;
  memcpy (view->dims, tensor->dims, sizeof view->dims);
  view->data = tensor->data;
}

gint64
unet_int_from_double (gdouble value)
{
  if (!(value > (gdouble) G_MININT64))
    return value != value ? 0 : G_MININT64;
  return value < (gdouble) G_MAXINT64 ? (gint64) value : G_MAXINT64;
}

gint64
unet_view_int (const UnetTensorView *view, gsize index)
{
  switch (view->dtype) {
    case UNET_DTYPE_I64:
      return ((const gint64 *) view->data)[index];
    case UNET_DTYPE_I32:
      return ((const gint32 *) view->data)[index];
    case UNET_DTYPE_I8:
    case UNET_DTYPE_I4:
      return ((const gint8 *) view->data)[index];
    case UNET_DTYPE_U8:
    case UNET_DTYPE_U4:
    case UNET_DTYPE_BOOL:
      return ((const guint8 *) view->data)[index];
    case UNET_DTYPE_I16:
      return ((const gint16 *) view->data)[index];
    case UNET_DTYPE_U16:
      return ((const guint16 *) view->data)[index];
    case UNET_DTYPE_U32:
      return ((const guint32 *) view->data)[index];
    case UNET_DTYPE_U64:
      return (gint64) ((const guint64 *) view->data)[index];
    default:
      return unet_int_from_double (unet_view_float (view, index));
  }
}

gdouble
unet_view_float (const UnetTensorView *view, gsize index)
{
  switch (view->dtype) {
    case UNET_DTYPE_F32:
      return ((const gfloat *) view->data)[index];
    case UNET_DTYPE_F64:
      return ((const gdouble *) view->data)[index];
    case UNET_DTYPE_NONE:
    case UNET_DTYPE_F16:
      return 0;
    case UNET_DTYPE_U64:
      return (gdouble) ((const guint64 *) view->data)[index];
    default:
      if (unet_dtype_is_float8 (view->dtype))
        return unet_float8_decode (
            view->dtype, ((const guint8 *) view->data)[index]);
      return (gdouble) unet_view_int (view, index);
  }
}

void
unet_view_set_int (UnetTensorView *view, gsize index, gint64 value)
{
  switch (view->dtype) {
    case UNET_DTYPE_I64:
    case UNET_DTYPE_U64:
      ((gint64 *) view->data)[index] = value;
      break;
    case UNET_DTYPE_I32:
    case UNET_DTYPE_U32:
      ((gint32 *) view->data)[index] = (gint32) value;
      break;
    case UNET_DTYPE_I16:
    case UNET_DTYPE_U16:
      ((gint16 *) view->data)[index] = (gint16) value;
      break;
    case UNET_DTYPE_I4:
      ((gint8 *) view->data)[index] = (gint8) (((value & 15) ^ 8) - 8);
      break;
    case UNET_DTYPE_U4:
      ((guint8 *) view->data)[index] = (guint8) (value & 15);
      break;
    case UNET_DTYPE_I8:
    case UNET_DTYPE_U8:
      ((guint8 *) view->data)[index] = (guint8) value;
      break;
    case UNET_DTYPE_BOOL:
      ((guint8 *) view->data)[index] = value != 0;
      break;
    case UNET_DTYPE_F32:
      ((gfloat *) view->data)[index] = (gfloat) value;
      break;
    case UNET_DTYPE_F64:
      ((gdouble *) view->data)[index] = (gdouble) value;
      break;
    default:
      if (unet_dtype_is_float8 (view->dtype))
        unet_view_set_float (view, index, (gdouble) value);
      break;
  }
}

void
unet_view_set_float (UnetTensorView *view, gsize index, gdouble value)
{
  if (view->dtype == UNET_DTYPE_F32)
    ((gfloat *) view->data)[index] = (gfloat) value;
  else if (view->dtype == UNET_DTYPE_F64)
    ((gdouble *) view->data)[index] = value;
  else if (view->dtype == UNET_DTYPE_BOOL)
    ((guint8 *) view->data)[index] = value != 0;
  else if (unet_dtype_is_float8 (view->dtype))
    ((guint8 *) view->data)[index] =
        unet_float8_encode (view->dtype, value, TRUE);
  else if (view->dtype == UNET_DTYPE_I4 || view->dtype == UNET_DTYPE_U4)
    ((gint8 *) view->data)[index] = view->dtype == UNET_DTYPE_I4
        ? (gint8) CLAMP (unet_int_from_double (value), -8, 7)
        : (gint8) CLAMP (unet_int_from_double (value), 0, 15);
  else if (view->dtype == UNET_DTYPE_U64 && value >= 0x1p63)
    ((guint64 *) view->data)[index] = value < 0x1p64 ? (guint64) value
                                                     : G_MAXUINT64;
  else
    unet_view_set_int (view, index, unet_int_from_double (value));
}

gsize
unet_view_count (const UnetTensorView *view)
{
  return unet_dims_count (view->n_dims, view->dims);
}

gboolean
unet_dtype_is_float (UnetDType dtype)
{
  return dtype == UNET_DTYPE_F32 || dtype == UNET_DTYPE_F64
      || dtype == UNET_DTYPE_F16 || unet_dtype_is_float8 (dtype);
}
