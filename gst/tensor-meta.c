/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tensor-meta.h"

#ifdef HAVE_GST_ANALYTICS

#include "segment/output-copy.h"

#include <gst/analytics/analytics.h>

gboolean
gst_unet_tensors_are_available (void)
{
  return TRUE;
}

/* A session has no other types. */
static GstTensorDataType
find_type (UnetDType dtype)
{
  switch (dtype) {
    case UNET_DTYPE_F64:
      return GST_TENSOR_DATA_TYPE_FLOAT64;
    case UNET_DTYPE_F16:
      return GST_TENSOR_DATA_TYPE_FLOAT16;
    case UNET_DTYPE_I64:
      return GST_TENSOR_DATA_TYPE_INT64;
    case UNET_DTYPE_I32:
      return GST_TENSOR_DATA_TYPE_INT32;
    case UNET_DTYPE_I16:
      return GST_TENSOR_DATA_TYPE_INT16;
    case UNET_DTYPE_U16:
      return GST_TENSOR_DATA_TYPE_UINT16;
    case UNET_DTYPE_U32:
      return GST_TENSOR_DATA_TYPE_UINT32;
    case UNET_DTYPE_U64:
      return GST_TENSOR_DATA_TYPE_UINT64;
    case UNET_DTYPE_I8:
    case UNET_DTYPE_I4:
      return GST_TENSOR_DATA_TYPE_INT8;
    case UNET_DTYPE_U8:
    case UNET_DTYPE_BOOL:
    case UNET_DTYPE_U4:
    /* GStreamer has no 8-bit floats: these are their codes. */
    case UNET_DTYPE_F8E4M3FN:
    case UNET_DTYPE_F8E4M3FNUZ:
    case UNET_DTYPE_F8E5M2:
    case UNET_DTYPE_F8E5M2FNUZ:
      return GST_TENSOR_DATA_TYPE_UINT8;
    default:
      return GST_TENSOR_DATA_TYPE_FLOAT32;
  }
}

/* A GstTensor has one dimension or more; a scalar gets one of size 1. */
static GstTensor *
make_tensor (const UnetOutputCopy *output)
{
  gsize dims[UNET_MAX_DIMS] = { 1 };
  guint n_dims = MAX (output->n_dims, 1);

  for (guint i = 0; i < output->n_dims; i++)
    dims[i] = output->dims[i];
  return gst_tensor_new_simple (output->name, find_type (output->dtype),
      gst_buffer_ref (output->data), GST_TENSOR_DIM_ORDER_ROW_MAJOR, n_dims,
      dims);
}

void
gst_unet_tensors_attach (GstBuffer *buffer, const GArray *outputs)
{
  GstTensor **tensors = g_new (GstTensor *, outputs->len);
  GstTensorMeta *meta = gst_buffer_add_tensor_meta (buffer);

  for (guint i = 0; i < outputs->len; i++)
    tensors[i] = make_tensor (&g_array_index (outputs, UnetOutputCopy, i));
  gst_tensor_meta_set (meta, outputs->len, tensors);
}

#else

gboolean
gst_unet_tensors_are_available (void)
{
  return FALSE;
}

void
gst_unet_tensors_attach (GstBuffer *buffer, const GArray *outputs)
{
}

#endif
