/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/export.h"
#include "frame/format/mask.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

/* A mask in two buffers with a GstVideoMeta in GRAY8 and tight rows. Without
 * buffers there is no mask. */
typedef struct {
  GstBuffer *class_map;   /* (nullable) */
  GstBuffer *probability; /* (nullable) */
} UnetMaskBuffers;

UNET_INTERNAL_API void unet_mask_buffers_clear (UnetMaskBuffers *mask);

/* Buffers for masks of one shape. Several threads may acquire some at once. */
typedef struct {
  GstBufferPool *pool; /* (nullable): not open */
  UnetMask shape;      /* without data */
} UnetMaskPool;

/* @shape: without data. Returns FALSE with %UNET_ERROR_ENGINE set where there
 * is no memory. */
gboolean unet_mask_pool_open (
    UnetMaskPool *self, const UnetMask *shape, GError **error);
/* Masks that are still in use keep their buffers. */
void unet_mask_pool_close (UnetMaskPool *self);

typedef struct {
  UnetMask mask;
  GstMapInfo maps[2];
} UnetMaskMap;

/* Maps both buffers of @mask. @shape: of the mask, without data. Returns FALSE
 * where they cannot be mapped. */
UNET_INTERNAL_API gboolean unet_mask_buffers_map (const UnetMaskBuffers *mask,
    const UnetMask *shape, GstMapFlags flags, UnetMaskMap *map);
UNET_INTERNAL_API void unet_mask_buffers_unmap (
    const UnetMaskBuffers *mask, UnetMaskMap *map);
/* Takes a new mask from the pool, mapped for writing. Returns FALSE with
 * %UNET_ERROR_ENGINE set where there is no memory. */
gboolean unet_mask_pool_acquire (UnetMaskPool *self, UnetMaskBuffers *mask,
    UnetMaskMap *map, GError **error);

G_END_DECLS
