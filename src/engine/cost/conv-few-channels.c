/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/conv-few-channels.h"
#include "engine/cost/conv-winograd.h"
#include "engine/cost/timing.h"
#include "engine/kernels/parallel.h"

gboolean
unet_few_channels_fits (
    const UnetNode *node, const UnetWindow *w, UnetMemLayout layout)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  return layout == UNET_MEM_PLAIN && w->n == 2 && w->group == 1
      && w->stride[0] == 1 && w->stride[1] == 1
      && w->pad_begin[1] <= (w->kernel[1] - 1) * w->dilation[1]
      && d[1] * w->kernel[0] * w->kernel[1] * d[0] <= 64 * 64 * 9;
}

gboolean
unet_few_channels_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetWindow window;

  return node->op == UNET_OP_Conv && layout != UNET_MEM_NHWC
      && unet_node_input (node, 1)->constant
      && unet_node_window (plan->graph, node, &window, NULL)
      && unet_few_channels_fits (node, &window, UNET_MEM_PLAIN);
}

UnetFewChannels *
unet_few_channels_new (const UnetNode *node, const UnetWindow *w)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetFewChannels *r = g_new0 (UnetFewChannels, 1);
  UnetConvFewChannelsShape *s = &r->shape;
  UnetValue *residual;

  s->n = in->dims[0];
  s->isa = unet_conv_few_channels_isa ();
  s->vec = 1;
  s->ic = in->dims[1];
  s->ih = in->dims[2];
  s->iw = in->dims[3];
  s->oc = out->dims[1];
  s->oh = out->dims[2];
  s->ow = out->dims[3];
  s->kh = w->kernel[0];
  s->kw = w->kernel[1];
  s->dil_y = w->dilation[0];
  s->dil_x = w->dilation[1];
  s->pad_y = w->pad_begin[0];
  s->pad_x = w->pad_begin[1];
  unet_conv_own_post_ops (node, &residual, &s->slope, &s->low, &s->high);
  s->add = residual != NULL;
  r->scratch = (unet_conv_few_channels_scratch (s) + 15) / 16 * 16;
  return r;
}

/* ---- running ------------------------------------------------------------- */

static gint64
n_strips (const UnetConvFewChannelsShape *s)
{
  return (s->oh + UNET_CONV_FEW_CHANNELS_STRIP - 1)
      / UNET_CONV_FEW_CHANNELS_STRIP;
}

static void
run_strip (gconstpointer params, gpointer const *ptr, gint64 job, guint thread)
{
  const UnetFewChannels *r = params;
  gint64 strips = n_strips (&r->shape);

  unet_conv_few_channels_strip (&r->shape, ptr[UNET_FEW_CHANNELS_SRC],
      ptr[UNET_FEW_CHANNELS_WEIGHTS], ptr[UNET_FEW_CHANNELS_BIAS], job / strips,
      job % strips * UNET_CONV_FEW_CHANNELS_STRIP,
      (gfloat *) ptr[UNET_FEW_CHANNELS_SCRATCH] + thread * r->scratch,
      ptr[UNET_FEW_CHANNELS_DST]);
}

void
unet_few_channels_run (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetFewChannels *r = params;

  unet_parallel (run_strip, r, ptr, r->shape.n * n_strips (&r->shape), threads);
}

/* ---- measuring ----------------------------------------------------------- */

gsize
unet_few_channels_padded (const UnetFewChannels *r)
{
  const UnetConvFewChannelsShape *s = &r->shape;

  return unet_conv_few_channels_weights_size (s) / (s->ic * s->kh * s->kw);
}

static gchar *
time_key (const UnetConvFewChannelsShape *s, guint threads)
{
  return g_strdup_printf ("rows %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                          ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
                          " %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
                          ",%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                          ",%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d t%u",
      s->n, s->ic, s->ih, s->iw, s->oc, s->oh, s->ow, s->kh, s->kw, s->dil_y,
      s->add, threads);
}

guint64
unet_few_channels_measure (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window)
{
  UnetFewChannels *r = unet_few_channels_new (node, window);
  const UnetConvFewChannelsShape *s = &r->shape;
  const gsize f = sizeof (gfloat);
  const gsize sizes[UNET_FEW_CHANNELS_N_OPERANDS] = {
    [UNET_FEW_CHANNELS_SRC] = s->n * s->ic * s->ih * s->iw * f,
    [UNET_FEW_CHANNELS_WEIGHTS] = unet_conv_few_channels_weights_size (s) * f,
    [UNET_FEW_CHANNELS_BIAS] = unet_few_channels_padded (r) * f,
    [UNET_FEW_CHANNELS_DST] = s->n * s->oc * s->oh * s->ow * f,
    [UNET_FEW_CHANNELS_SCRATCH] = r->scratch * plan->options.threads * f,
  };
  gchar *key = time_key (s, plan->options.threads);
  guint64 ns = unet_timing_measure_kernel (
      plan, key, unet_few_channels_run, r, sizes, UNET_FEW_CHANNELS_N_OPERANDS);

  g_free (key);
  g_free (r);
  return ns;
}
