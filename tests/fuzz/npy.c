/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as a .npy file and converts it to every element type. */

#include "lib/npy.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  ToolNpy *npy;

  for (gint dtype = UNET_DTYPE_NONE;
       (npy = tool_npy_parse (data, size, "fuzz", NULL)); dtype++) {
    gboolean last = !unet_dtype_size (dtype) && dtype > UNET_DTYPE_NONE;

    tool_npy_convert (npy, last ? UNET_DTYPE_NONE : dtype, NULL);
    tool_npy_free (npy);
    if (last)
      break;
  }
  return 0;
}
