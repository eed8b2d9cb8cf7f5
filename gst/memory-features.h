/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Frames that lie in the memory of a device cannot be read. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns: (transfer none) (nullable): the memory feature of the first
 * structure of @caps, such as "memory:GLMemory", where no structure allows
 * system memory; else %NULL. */
const gchar *gst_unet_memory_find_foreign (const GstCaps *caps);

/* Makes @element post an error that says which elements bring frames into
 * system memory, where upstream of @sinkpad sends caps of another memory or can
 * send no others. Without it the stream would end as "not negotiated", or the
 * pads could not even be linked. */
void gst_unet_memory_watch (
    GstElement *element, GstPad *sinkpad, GstPad *srcpad);

G_END_DECLS
