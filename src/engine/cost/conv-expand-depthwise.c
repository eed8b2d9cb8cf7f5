/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/conv-expand-depthwise.h"
#include "engine/cost/conv.h"
#include "engine/cost/timing.h"
#include <string.h>

/* ---- conditions ---------------------------------------------------------- */

static gboolean
has_constants (const UnetNode *node)
{
  const UnetValue *w = unet_node_input (node, 1);
  const UnetValue *b = unet_node_input (node, 2);

  return w && b && w->constant && b->constant && w->n_dims == 4
      && w->dtype == UNET_DTYPE_F32 && b->dtype == UNET_DTYPE_F32;
}

/* Returns the only reader of the result of @wide, if it is a convolution. */
static UnetNode *
reader_of (const UnetPlan *plan, const UnetNode *wide)
{
  UnetValue *mid = unet_node_output (wide, 0);
  UnetNode *deep;

  if (mid->consumers->len != 1 || unet_graph_is_output (plan->graph, mid)
      || plan->slots[mid->id].parent)
    return NULL;
  deep = g_ptr_array_index (mid->consumers, 0);
  return deep->op == UNET_OP_Conv && unet_node_input (deep, 0) == mid
          && plan->layouts[deep->index] == UNET_MEM_BLOCKED
      ? deep
      : NULL;
}

static gboolean
is_expansion (const UnetPlan *plan, const UnetNode *node)
{
  UnetWindow w;

  if (node->op != UNET_OP_Conv || !has_constants (node)
      || plan->layouts[node->index] != UNET_MEM_BLOCKED
      || unet_node_input (node, 0)->dims[1] <= 3
      || !unet_node_window (plan->graph, node, &w, NULL) || w.n != 2
      || w.group != 1)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (w.kernel[i] != 1 || w.stride[i] != 1 || w.pad_begin[i] || w.pad_end[i])
      return FALSE;
  return unet_node_output (node, 0)->dims[1] % plan->block == 0;
}

static gboolean
is_depthwise (const UnetPlan *plan, const UnetNode *node, gint64 *stride)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);
  UnetWindow w;

  if (!has_constants (node) || plan->slots[out->id].parent
      || !unet_node_window (plan->graph, node, &w, NULL) || w.n != 2
      || w.group != in->dims[1] || out->dims[1] != in->dims[1])
    return FALSE;
  *stride = w.stride[0];
  for (guint i = 0; i < 2; i++)
    if (w.kernel[i] != 3 || w.stride[i] != *stride || w.dilation[i] != 1
        || w.pad_begin[i] != 1
        || out->dims[i + 2] != (in->dims[i + 2] + *stride - 1) / *stride)
      return FALSE;
  return *stride == 1 || *stride == 2;
}

/* ---- descriptors --------------------------------------------------------- */

static gboolean
append_activations (dnnl_post_ops_t ops, const UnetNode *node)
{
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetEltwise e;

    if (!unet_eltwise_for (&g_array_index (node->post_ops, UnetPostOp, i), &e)
        || !unet_post_ops_append_eltwise (ops, e.alg, e.alpha, e.beta))
      return FALSE;
  }
  return TRUE;
}

static gboolean
make_descriptors (UnetExpandDepthwise *f)
{
  const UnetValue *in = unet_node_input (f->wide, 0);
  const UnetValue *mid = unet_node_output (f->wide, 0);
  const gint64 *d = unet_node_input (f->wide, 1)->dims;

  f->src =
      unet_plan_md (f->plan, UNET_DTYPE_F32, 4, in->dims, UNET_MEM_BLOCKED);
  f->mid =
      unet_plan_md (f->plan, UNET_DTYPE_F32, 4, mid->dims, UNET_MEM_BLOCKED);
  f->weights = unet_md_new (4, d, dnnl_f32, dnnl_format_tag_any);
  f->bias = unet_md_new (1, d, dnnl_f32, dnnl_a);
  f->deep_weights =
      unet_md_new (5, (gint64[]){ d[0], 1, 1, 3, 3 }, dnnl_f32, dnnl_goihw);
  return f->src && f->mid && f->weights && f->bias && f->deep_weights
      && dnnl_post_ops_create (&f->ops) == dnnl_success;
}

/* A reference implementation runs one primitive after the other, which gains
 * nothing. */
static gboolean
make_primitive (UnetExpandDepthwise *f)
{
  UnetDnnlWindow window = unet_dnnl_window_1x1 ();
  const UnetValue *out = unet_node_output (f->deep, 0);
  UnetMd dst;
  gboolean ok;

  if (!append_activations (f->ops, f->wide)
      || !unet_post_ops_append_depthwise (f->ops, f->stride)
      || !append_activations (f->ops, f->deep)
      || !unet_pd_scratch_attr (&f->attr, f->ops)
      || !unet_pd_conv (&f->pd, f->plan->engine, dnnl_convolution_direct,
          f->src, f->weights, f->bias, f->mid, &window, f->attr)
      || g_str_has_prefix (unet_pd_impl (f->pd), "ref"))
    return FALSE;
  dst = unet_plan_md (f->plan, UNET_DTYPE_F32, 4, out->dims, UNET_MEM_BLOCKED);
  ok = dst && unet_md_equal (dst, unet_pd_md (f->pd, dnnl_query_dst_md, 0));
  unet_md_free (dst);
  return ok;
}

gboolean
unet_expand_depthwise_init (
    UnetExpandDepthwise *f, UnetPlan *plan, UnetNode *wide)
{
  memset (f, 0, sizeof *f);
  f->plan = plan;
  f->wide = wide;
  f->deep = is_expansion (plan, wide) ? reader_of (plan, wide) : NULL;
  return f->deep && is_depthwise (plan, f->deep, &f->stride)
      && make_descriptors (f) && make_primitive (f);
}

void
unet_expand_depthwise_clear (UnetExpandDepthwise *f)
{
  unet_md_free (f->src);
  unet_md_free (f->mid);
  unet_md_free (f->weights);
  unet_md_free (f->bias);
  unet_md_free (f->deep_weights);
  if (f->ops)
    dnnl_post_ops_destroy (f->ops);
  if (f->attr)
    dnnl_primitive_attr_destroy (f->attr);
  if (f->pd)
    dnnl_primitive_desc_destroy (f->pd);
}

/* ---- time ---------------------------------------------------------------- */

static guint64
fused_time (const UnetExpandDepthwise *f)
{
  gchar *src = unet_md_key (f->src), *mid = unet_md_key (f->mid);
  gchar *key = g_strdup_printf ("fused %s %s s%" G_GINT64_FORMAT " n%u,%u t%u",
      src, mid, f->stride, f->wide->post_ops->len, f->deep->post_ops->len,
      f->plan->options.threads);
  guint64 ns = unet_timing_measure_primitive (f->plan, key, f->pd, f->ops);

  g_free (src);
  g_free (mid);
  g_free (key);
  return ns;
}

gboolean
unet_expand_depthwise_is_faster (const UnetExpandDepthwise *f)
{
  return fused_time (f)
      < unet_conv_choose (f->plan, f->wide, UNET_MEM_BLOCKED)->time
      + unet_conv_choose (f->plan, f->deep, UNET_MEM_BLOCKED)->time;
}
