/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/segmenter.h"

G_BEGIN_DECLS

/* A model that is loaded and compiled in the background, while another one is
 * in use. */
typedef struct _GstUnetModelSwap GstUnetModelSwap;

/* Everything that a model is opened with. */
typedef struct {
  gchar *path; /* (nullable): the built-in model */
  GHashTable *overrides;
  UnetRunOptions options;
  guint serial; /* of the property `model` */
  gboolean live;
} GstUnetModelRequest;

void gst_unet_model_request_clear (GstUnetModelRequest *self);

/* Takes what @request holds. @info, @orientation: of the frames for which the
 * model is prepared. Returns %NULL with @error set where no thread can be
 * had. */
GstUnetModelSwap *gst_unet_model_swap_new (UnetJobGroup *jobs,
    GstUnetModelRequest *request, const GstVideoInfo *info,
    GstVideoOrientationMethod orientation, GError **error);
gboolean gst_unet_model_swap_is_done (GstUnetModelSwap *self);
const GstUnetModelRequest *gst_unet_model_swap_get_request (
    GstUnetModelSwap *self);
/* Waits for the model. Returns: (transfer full): a segmenter that is ready, or
 * %NULL with @error set. */
UnetSegmenter *gst_unet_model_swap_finish (
    GstUnetModelSwap *self, GError **error);
/* Cancels it without waiting. The model is freed when it is loaded. */
void gst_unet_model_swap_drop (GstUnetModelSwap *self);

/* Frees @segmenter in the background, since a run of it may be under way. */
void gst_unet_model_retire (UnetJobGroup *jobs, UnetSegmenter *segmenter);

G_END_DECLS
