/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks as GStreamer's own analytics metadata, for programs that know only
 * that: GStreamer 1.26 and later, where its analytics library is there to be
 * built against. Otherwise these functions do nothing. */

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* Attaches @meta's class map once more, as a GstAnalyticsSegmentationMtd of
 * semantic type whose regions are the classes, related N to N to a
 * GstAnalyticsClsMtd of their names. @buffer must be writable. */
void gst_unet_analytics_attach (GstBuffer *buffer, const UnetSegMeta *meta);

/* Attaches an object detection (GstAnalyticsODMtd) and, related to it, the
 * number under which it is tracked (GstAnalyticsTrackingMtd) since @first_seen.
 */
void gst_unet_analytics_attach_object (GstBuffer *buffer, const gchar *label,
    gint x, gint y, gint width, gint height, guint64 id,
    GstClockTime first_seen);

/* The box of the next object detection (GstAnalyticsODMtd) of @buffer, in
 * pixels. @state: (inout): %NULL before the first one. Returns FALSE where
 * there is none. */
gboolean gst_unet_analytics_next_object (GstBuffer *buffer, gpointer *state,
    gint *x, gint *y, gint *width, gint *height);

/* Reads masks that others have attached. Belongs to one thread at a time. */
typedef struct _GstUnetAnalyticsReader GstUnetAnalyticsReader;

GstUnetAnalyticsReader *gst_unet_analytics_reader_new (void);
void gst_unet_analytics_reader_free (GstUnetAnalyticsReader *self);
/* The first segmentation of @buffer, (nullable), as long as the next one is not
 * read: regions other than 0 are classes from 1 on, in the order in which they
 * are listed, and wholly sure. */
const UnetSegMeta *gst_unet_analytics_reader_read (
    GstUnetAnalyticsReader *self, GstBuffer *buffer);

G_END_DECLS
