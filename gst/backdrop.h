/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The picture behind the foreground of one stream: a still one, or the frame of
 * a video for the running time. */

#include "background.h"

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _GstUnetBackdrop GstUnetBackdrop;

/* For frames of @info. */
GstUnetBackdrop *gst_unet_backdrop_new (const GstVideoInfo *info);
/* @self: (nullable) */
void gst_unet_backdrop_free (GstUnetBackdrop *self);

/* Reads the picture of @background, or takes the video's frame for
 * @running_time. The first frame of a video is waited for. Later ones are where
 * @live is not set; else the last frame stays, and in place of a first one the
 * picture before. An error leaves the last frame or no picture, and is told
 * once. */
void gst_unet_backdrop_update (GstUnetBackdrop *self,
    GstUnetBackground *background, GstClockTime running_time, gboolean live,
    GError **error);
/* (transfer none) (nullable): %NULL where there is only a colour. */
GstBuffer *gst_unet_backdrop_get (const GstUnetBackdrop *self);

G_END_DECLS
