/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-swap.h"

struct _GstUnetModelSwap {
  UnetJob *job; /* owns this struct once it is dropped or finished */
  GstUnetModelRequest request;
  GstVideoInfo info;
  GstVideoOrientationMethod orientation;
};

void
gst_unet_model_request_clear (GstUnetModelRequest *self)
{
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->overrides, g_hash_table_unref);
  unet_run_options_clear (&self->options);
}

static void
swap_free (gpointer data)
{
  GstUnetModelSwap *self = data;

  gst_unet_model_request_clear (&self->request);
  g_free (self);
}

static void
free_segmenter (gpointer data)
{
  unet_segmenter_free (data);
}

/* ---- loading ------------------------------------------------------------- */

static void
interrupt (GCancellable *cancellable, UnetSegmenter *segmenter)
{
  unet_segmenter_interrupt (segmenter, TRUE);
}

static gboolean
prepare (GstUnetModelSwap *self, UnetSegmenter *segmenter,
    GCancellable *cancellable, GError **error)
{
  gulong handler = g_cancellable_connect (
      cancellable, G_CALLBACK (interrupt), segmenter, NULL);
  UnetReadiness readiness;

  unet_segmenter_set_orientation (segmenter, self->orientation);
  unet_segmenter_set_info (segmenter, &self->info);
  readiness = unet_segmenter_update (segmenter, TRUE, NULL, error);
  g_cancellable_disconnect (cancellable, handler);
  if (readiness == UNET_PENDING)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  return readiness == UNET_READY;
}

static gpointer
load (gpointer data, GCancellable *cancellable, GError **error)
{
  GstUnetModelSwap *self = data;
  const GstUnetModelRequest *request = &self->request;
  UnetSegmenter *segmenter = unet_segmenter_new (request->path,
      request->overrides, &request->options, request->live, error);

  if (segmenter && !prepare (self, segmenter, cancellable, error))
    g_clear_pointer (&segmenter, unet_segmenter_free);
  return segmenter;
}

GstUnetModelSwap *
gst_unet_model_swap_new (UnetJobGroup *jobs, GstUnetModelRequest *request,
    const GstVideoInfo *info, GstVideoOrientationMethod orientation,
    GError **error)
{
  GstUnetModelSwap *self = g_new0 (GstUnetModelSwap, 1);

  self->request = *request;
  *request = (GstUnetModelRequest){ 0 };
  self->info = *info;
  self->orientation = orientation;
  self->job = unet_job_start (
      jobs, "unetseg-load", load, self, swap_free, free_segmenter, error);
  if (self->job == NULL)
    g_clear_pointer (&self, swap_free);
  return self;
}

gboolean
gst_unet_model_swap_is_done (GstUnetModelSwap *self)
{
  return unet_job_is_done (self->job);
}

const GstUnetModelRequest *
gst_unet_model_swap_get_request (GstUnetModelSwap *self)
{
  return &self->request;
}

UnetSegmenter *
gst_unet_model_swap_finish (GstUnetModelSwap *self, GError **error)
{
  return unet_job_finish (self->job, error);
}

void
gst_unet_model_swap_drop (GstUnetModelSwap *self)
{
  unet_job_drop (self->job);
}

/* ---- retiring ------------------------------------------------------------ */

static gpointer
retire (gpointer data, GCancellable *cancellable, GError **error)
{
  unet_segmenter_free (data);
  return NULL;
}

void
gst_unet_model_retire (UnetJobGroup *jobs, UnetSegmenter *segmenter)
{
  UnetJob *job = unet_job_start (
      jobs, "unetseg-retire", retire, segmenter, NULL, NULL, NULL);

  if (job)
    unet_job_drop (job);
  else
    unet_segmenter_free (segmenter);
}
