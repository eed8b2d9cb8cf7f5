/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* Puts the pool for frames of an output that is not in place first into the
 * ALLOCATION @query, as GstVideoFilter does it: downstream's pool or a new one,
 * with other strides only where downstream can read them. @least: bytes that
 * frames need at least. */
void gst_unet_choose_buffer_pool (GstQuery *query, gsize least);

/* Removes from the ALLOCATION @query metadata that says which pixels are the
 * picture, or where they are. Returns TRUE. */
gboolean gst_unet_keep_back_metas (GstQuery *query);

/* GstBaseTransform's get_unit_size: the bytes of a frame of @caps. */
gboolean gst_unet_get_unit_size (
    GstBaseTransform *trans, GstCaps *caps, gsize *size);

/* GstBaseTransform's transform_meta: returns whether @meta goes on with a frame
 * whose picture stays where it is and whose colours may change. */
gboolean gst_unet_transform_meta (
    GstBaseTransform *trans, GstBuffer *out, GstMeta *meta, GstBuffer *in);

G_END_DECLS
