/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/layout.h"
#include "engine/run/plan.h"
#include <string.h>

dnnl_data_type_t
unet_dnnl_dtype (UnetDType dtype)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
      return dnnl_f32;
    case UNET_DTYPE_I32:
      return dnnl_s32;
    case UNET_DTYPE_U8:
    case UNET_DTYPE_BOOL:
      return dnnl_u8;
    case UNET_DTYPE_I8:
      return dnnl_s8;
    default:
      return dnnl_data_type_undef;
  }
}

gboolean
unet_value_fits (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  return layout == UNET_MEM_PLAIN
      || (value->n_dims == 4 && value->dtype == UNET_DTYPE_F32
          && unet_dims_count (4, value->dims) > 0);
}

static void
row_major (guint n_dims, const gint64 *dims, gint64 *strides)
{
  gint64 stride = 1;

  for (guint i = n_dims; i-- > 0; stride *= MAX (dims[i], 1))
    strides[i] = stride;
}

UnetMd
unet_plan_md (const UnetPlan *plan, UnetDType dtype, guint n_dims,
    const gint64 *dims, UnetMemLayout layout)
{
  gint64 strides[UNET_MAX_DIMS], one = 1;
  dnnl_data_type_t type = unet_dnnl_dtype (dtype);

  if (layout == UNET_MEM_BLOCKED)
    return unet_md_new (
        n_dims, dims, type, plan->block == 16 ? dnnl_nChw16c : dnnl_nChw8c);
  if (layout == UNET_MEM_NHWC)
    return unet_md_new (n_dims, dims, type, dnnl_nhwc);
  if (n_dims == 0)
    return unet_md_new_strides (1, &one, type, &one);
  row_major (n_dims, dims, strides);
  return unet_md_new_strides (n_dims, dims, type, strides);
}

UnetVec
unet_plan_vec (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  UnetVec v = { value->dims[0], value->dims[1], value->dims[2], value->dims[3],
    value->dims[1], 1 };

  if (layout == UNET_MEM_NHWC || layout == UNET_MEM_LOW) {
    v.vec = v.c;
    v.blocks = 1;
  } else if (layout == UNET_MEM_BLOCKED) {
    v.vec = plan->block;
    v.blocks = (v.c + v.vec - 1) / v.vec;
  }
  return v;
}

gsize
unet_plan_value_bytes (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  gsize n = unet_dims_count (value->n_dims, value->dims);

  if (layout == UNET_MEM_BLOCKED) {
    UnetVec v = unet_plan_vec (plan, value, layout);
    n = v.n * v.blocks * v.vec * v.h * v.w;
  } else if (layout == UNET_MEM_LOW) {
    return n * unet_element_size (plan->low[value->id].type);
  }
  return n * unet_dtype_size (value->dtype);
}

gboolean
unet_window_is_depth_to_space (const UnetWindow *w)
{
  if (w->n != 2 || w->group != 1 || w->kernel[0] != w->kernel[1])
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (w->kernel[i] != w->stride[i] || w->dilation[i] != 1 || w->pad_begin[i]
        || w->pad_end[i] || w->output_padding[i])
      return FALSE;
  return TRUE;
}

void
unet_window_to_dnnl (const UnetWindow *from, UnetDnnlWindow *to)
{
  to->n = from->n;
  for (guint i = 0; i < from->n; i++) {
    to->kernel[i] = from->kernel[i];
    to->stride[i] = from->stride[i];
    to->dilation[i] = from->dilation[i];
    to->pad_begin[i] = from->pad_begin[i];
    to->pad_end[i] = from->pad_end[i];
  }
}

UnetDnnlWindow
unet_dnnl_window_1x1 (void)
{
  return (UnetDnnlWindow){ 2, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, { 0 } };
}

gboolean
unet_value_same_dims (const UnetValue *a, const UnetValue *b)
{
  return a->n_dims == b->n_dims
      && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}
