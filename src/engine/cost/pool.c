/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/pool.h"

/* ---- windows ------------------------------------------------------------- */

gboolean
unet_pool_window (const UnetPlan *plan, const UnetNode *node, UnetDnnlWindow *w,
    dnnl_alg_kind_t *alg, GError **error)
{
  UnetValue *in = unet_node_input (node, 0);
  gboolean average = node->op == UNET_OP_AveragePool, include;
  UnetWindow window;

  if (!unet_node_window (plan->graph, node, &window, error))
    return FALSE;
  include = average && window.count_include_pad;
  w->n = window.n;
  for (guint i = 0; i < window.n; i++) {
    gint64 span = (window.kernel[i] - 1) * window.dilation[i] + 1;
    gint64 end = (window.out[i] - 1) * window.stride[i] + span - in->dims[i + 2]
        - window.pad_begin[i];

    /* With ceil_mode the window reaches beyond the padding. An average that
     * counts the padding must not count that. */
    if (include && end > window.pad_end[i])
      return FALSE;
    w->kernel[i] = window.kernel[i];
    w->stride[i] = window.stride[i];
    w->dilation[i] = window.dilation[i];
    w->pad_begin[i] = window.pad_begin[i];
    w->pad_end[i] = MAX (end, window.pad_end[i]);
  }
  *alg = !average ? dnnl_pooling_max
      : include   ? dnnl_pooling_avg_include_padding
                  : dnnl_pooling_avg_exclude_padding;
  return TRUE;
}

gboolean
unet_pool_window_is_2x2 (const UnetDnnlWindow *w)
{
  gboolean two = w->n == 2;

  for (guint i = 0; two && i < 2; i++)
    two = w->kernel[i] == 2 && w->stride[i] == 2 && w->dilation[i] == 1
        && w->pad_begin[i] == 0 && w->pad_end[i] <= 0;
  return two;
}

gboolean
unet_pool_is_max2 (
    const UnetNode *node, const UnetDnnlWindow *w, dnnl_alg_kind_t alg)
{
  return alg == dnnl_pooling_max && unet_pool_window_is_2x2 (w)
      && unet_node_input (node, 0)->dtype == UNET_DTYPE_F32;
}

/* ---- choice -------------------------------------------------------------- */

dnnl_primitive_desc_t
unet_pool_make_pd (UnetPlan *plan, const UnetLoc *src, const UnetLoc *dst,
    const UnetDnnlWindow *w, dnnl_alg_kind_t alg)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;

  if (unet_pd_scratch_attr (&attr, NULL)
      && !unet_pd_pool (&pd, plan->engine, alg, src->md, dst->md, w, attr))
    pd = NULL;
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  return pd;
}

/* oneDNN's pooling of PLAIN tensors is slow; U-Nets pool 2x2 pixels. */
void
unet_pool_choose (UnetPlan *plan, const UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *w, dnnl_alg_kind_t alg,
    UnetPoolChoice *choice)
{
  *choice = (UnetPoolChoice){ UNET_POOL_BY_ONEDNN, NULL };
  if (src->layout == UNET_MEM_PLAIN && unet_pool_is_max2 (node, w, alg)) {
    choice->implementation = UNET_POOL_BY_2X2;
    return;
  }
  choice->pd = unet_pool_make_pd (plan, src, dst, w, alg);
  if (w->n != 2 || (choice->pd && !unet_pd_is_reference (choice->pd)))
    return;
  choice->implementation = UNET_POOL_BY_WINDOW;
  if (choice->pd)
    dnnl_primitive_desc_destroy (choice->pd);
  choice->pd = NULL;
}
