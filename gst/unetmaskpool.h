/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/format/mask.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* A mask in buffers of a pool; a mask without buffers is none. */
typedef struct {
  GstBuffer *class_map;
  GstBuffer *probability;
} UnetMaskBuffers;

void unet_mask_buffers_clear (UnetMaskBuffers *mask);

/* Masks of one shape. Several threads may take some at once. */
typedef struct {
  GstBufferPool *pool; /* (nullable): not open */
  UnetMask shape;      /* without data */
} UnetMaskPool;

gboolean unet_mask_pool_open (
    UnetMaskPool *self, const UnetMask *shape, GError **error);
void unet_mask_pool_close (UnetMaskPool *self);

typedef struct {
  UnetMask mask;
  GstMapInfo maps[2];
} UnetMaskMap;

gboolean unet_mask_pool_map (const UnetMaskPool *self,
    const UnetMaskBuffers *mask, GstMapFlags flags, UnetMaskMap *map);
void unet_mask_buffers_unmap (const UnetMaskBuffers *mask, UnetMaskMap *map);
/* A new mask, mapped for writing. */
gboolean unet_mask_pool_acquire (UnetMaskPool *self, UnetMaskBuffers *mask,
    UnetMaskMap *map, GError **error);

G_END_DECLS
