/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

#include <string.h>

void
chain_init (Chain *self, const gchar *model)
{
  GError *error = NULL;

  memset (self, 0, sizeof *self);
  self->model = unet_model_load (model, &error);
  if (!self->model)
    g_error ("%s", error->message);
  self->contract = unet_model_get_contract (self->model, NULL, &error);
}

/* Opens a session at the size that the element chooses for such frames. */
static void
chain_set_size (Chain *self, guint frame_width, guint frame_height)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  guint width, height;
  GError *error = NULL;

  unet_model_choose_size (
      self->model, self->contract, frame_width, frame_height, &width, &height);
  if (self->session && width == self->width && height == self->height)
    return;
  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  g_clear_pointer (&self->session, unet_session_unref);
  self->width = width;
  self->height = height;
  self->session = unet_session_new_for_size (
      self->model, self->contract, width, height, &options, &error);
  if (!self->session)
    g_error ("%s", error->message);
}

void
alloc_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
  mask->class_map = g_malloc ((gsize) mask->width * mask->height);
  mask->probability = g_malloc ((gsize) mask->width * mask->height);
}

void
chain_set_info (Chain *self, const GstVideoInfo *info)
{
  UnetPlacement p;

  self->info = *info;
  chain_set_size (self, info->width, info->height);
  unet_placement_init (&p, self->contract->fit, info->width, info->height, 1, 1,
      self->width, self->height, 0, 0, self->width, self->height);
  unet_preprocess_free (self->preprocess);
  unet_postprocess_free (self->postprocess);
  unet_temporal_free (self->temporal);
  unet_refine_free (self->refine);
  self->preprocess = unet_preprocess_new (
      info, self->contract, self->width, self->height, &p, NULL);
  self->postprocess = unet_postprocess_new (self->contract,
      unet_session_get_output_info (self->session, 0), self->width,
      self->height, &p, 0, 0, self->width, self->height, NULL);
  unet_postprocess_get_info (self->postprocess, &self->raw);
  unet_postprocess_get_info (self->postprocess, &self->smoothed);
  self->raw.class_map = self->raw.probability = NULL;
  self->smoothed.class_map = self->smoothed.probability = NULL;
  alloc_mask (&self->raw);
  alloc_mask (&self->smoothed);
  self->temporal = unet_temporal_new (
      info, &self->raw, GST_VIDEO_ORIENTATION_IDENTITY, NULL);
  self->refine = unet_refine_new (info);
}

void
chain_run (Chain *self, GstVideoFrame *frame, gdouble elapsed)
{
  const gfloat *output;

  unet_preprocess_run (
      self->preprocess, frame, unet_session_get_input_data (self->session, 0));
  unet_session_run (self->session, NULL);
  output = unet_session_get_output_data (self->session, 0);
  unet_postprocess_set_temporal (self->postprocess, NULL);
  unet_postprocess_run (self->postprocess, output, 0.5, &self->raw);
  unet_temporal_read_frame (self->temporal, frame, elapsed, TIME_CONSTANT);
  unet_postprocess_set_temporal (self->postprocess, self->temporal);
  unet_postprocess_run (self->postprocess, output, 0.5, &self->smoothed);
}

const UnetMask *
chain_refine (Chain *self, GstVideoFrame *frame, gdouble elapsed)
{
  const UnetRefineOptions options = { TRUE, LOW, HIGH, 0, 0, TIME_CONSTANT,
    elapsed };

  return unet_refine_run (self->refine, frame, &self->smoothed, &options);
}

void
enlarge (const UnetMask *mask, guint width, guint height, gfloat *dst)
{
  for (guint y = 0; y < height; y++) {
    const gdouble v = CLAMP ((y + 0.5 - mask->y) * mask->height / mask->h - 0.5,
        0, mask->height - 1.0);
    const guint y0 = (guint) v, y1 = MIN (y0 + 1, mask->height - 1);

    for (guint x = 0; x < width; x++) {
      const gdouble u =
          CLAMP ((x + 0.5 - mask->x) * mask->width / mask->w - 0.5, 0,
              mask->width - 1.0);
      const guint x0 = (guint) u, x1 = MIN (x0 + 1, mask->width - 1);
      const guint8 *a = mask->probability + y0 * mask->width;
      const guint8 *b = mask->probability + y1 * mask->width;
      const gdouble f = u - x0, g = v - y0;

      dst[(gsize) y * width + x] =
          (gfloat) (((a[x0] * (1 - f) + a[x1] * f) * (1 - g)
                        + (b[x0] * (1 - f) + b[x1] * f) * g)
              / 255);
    }
  }
}
