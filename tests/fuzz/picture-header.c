/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as a picture file. */

#include "base/picture-header.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  UnetPictureHeader header;

  if (!unet_picture_header_parse (data, size, &header))
    return 0;
  g_assert (header.orientation >= 1 && header.orientation <= 8);
  g_assert (unet_picture_header_get_tag (&header) != NULL);
  g_assert (unet_picture_header_get_direction (&header) != NULL);
  return 0;
}
