/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unetseg/unet-types.h>

G_DEFINE_QUARK (unet - error - quark, unet_error)

static const struct {
  const gchar *name;
  gsize size;
} dtypes[] = {
  [UNET_DTYPE_NONE] = { "none", 0 },
  [UNET_DTYPE_F32] = { "f32", 4 },
  [UNET_DTYPE_F64] = { "f64", 8 },
  [UNET_DTYPE_F16] = { "f16", 2 },
  [UNET_DTYPE_I64] = { "i64", 8 },
  [UNET_DTYPE_I32] = { "i32", 4 },
  [UNET_DTYPE_U8] = { "u8", 1 },
  [UNET_DTYPE_I8] = { "i8", 1 },
  [UNET_DTYPE_BOOL] = { "bool", 1 },
  [UNET_DTYPE_I16] = { "i16", 2 },
  [UNET_DTYPE_U16] = { "u16", 2 },
  [UNET_DTYPE_U32] = { "u32", 4 },
  [UNET_DTYPE_U64] = { "u64", 8 },
  [UNET_DTYPE_I4] = { "i4", 1 },
  [UNET_DTYPE_U4] = { "u4", 1 },
  [UNET_DTYPE_F8E4M3FN] = { "f8e4m3fn", 1 },
  [UNET_DTYPE_F8E4M3FNUZ] = { "f8e4m3fnuz", 1 },
  [UNET_DTYPE_F8E5M2] = { "f8e5m2", 1 },
  [UNET_DTYPE_F8E5M2FNUZ] = { "f8e5m2fnuz", 1 },
};

gsize
unet_dtype_size (UnetDType dtype)
{
  return dtype < G_N_ELEMENTS (dtypes) ? dtypes[dtype].size : 0;
}

const gchar *
unet_dtype_name (UnetDType dtype)
{
  return dtype < G_N_ELEMENTS (dtypes) ? dtypes[dtype].name : "none";
}
