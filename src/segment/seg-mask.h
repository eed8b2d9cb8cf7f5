/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/mask-pool.h"

#include <unetseg/unet-seg-mask.h>

G_BEGIN_DECLS

/* Takes references to @buffers and @classes. @shape: of the mask, without data.
 * Returns %NULL where the buffers cannot be mapped. */
UnetSegMask *unet_seg_mask_new (const UnetMask *shape, UnetSegClasses *classes,
    const UnetMaskBuffers *buffers);

G_END_DECLS
