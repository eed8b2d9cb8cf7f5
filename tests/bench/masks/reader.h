/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the frames of a file, decoded and mapped. */

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

typedef struct {
  GstElement *pipeline;
  GstAppSink *sink;
  GstSample *sample;
  GstVideoInfo info;
  GstVideoFrame frame; /* the current one, mapped for reading */
} Reader;

/* @caps: elements and caps after videoconvert, as gst-launch-1.0 takes them. */
gboolean reader_init (Reader *self, const gchar *path, const gchar *caps);
/* Maps the next frame. Returns FALSE at the end. */
gboolean reader_next (Reader *self);
void reader_clear (Reader *self);
/* Returns the picture in @path with 1 for pixels above 127, else 0; NULL if it
 * cannot be read. */
guint8 *load_mask (const gchar *path, guint *width, guint *height);
/* Copies @from to a new buffer, which @to maps. Returns the buffer. */
GstBuffer *copy_frame (
    const GstVideoInfo *info, const GstVideoFrame *from, GstVideoFrame *to);
/* Adds normal noise to 8-bit samples: @sigma in luma, half in chroma. Every run
 * adds the same noise. */
void add_noise (GstVideoFrame *frame, gdouble sigma);
