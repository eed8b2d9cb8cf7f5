/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/int8-suits.h"
#include "engine/cost/int8-conv-depthwise.h"
#include "engine/cost/int8-conv-head.h"
#include "engine/cost/pool.h"
#include "engine/cost/resize.h"
#include "graph/analysis/query.h"
#include <math.h>

/* ---- convolutions -------------------------------------------------------- */

gboolean
unet_int8_conv_suits (UnetPlan *plan, UnetNode *node)
{
  gboolean suits;
  UnetInt8Conv c;

  suits = unet_int8_conv_init (&c, plan, node)
      && (unet_int8_conv_draft (&c) || unet_int8_depthwise_fits (&c)
          || unet_int8_head_fits (&c));
  unet_int8_conv_clear (&c);
  return suits;
}

static UnetConvKernel
choose_kernel (const UnetInt8Conv *c, gboolean drafted)
{
  UnetConvKernel head = unet_int8_head_choose (c, drafted);

  if (head)
    return head;
  if (unet_int8_depthwise_fits (c)
      && (!drafted || unet_int8_depthwise_is_faster (c)))
    return UNET_CONV_INT8_DEPTHWISE;
  return drafted ? UNET_CONV_ONEDNN : UNET_CONV_UNDECIDED;
}

const UnetConvChoice *
unet_int8_conv_choose (UnetInt8Conv *c)
{
  UnetConvChoice *choice = &c->plan->conv_choices[c->node->index][UNET_MEM_LOW];
  gboolean drafted = unet_int8_conv_draft (c);

  if (!choice->kernel) {
    choice->kernel = choose_kernel (c, drafted);
    choice->candidate = dnnl_convolution_direct;
  }
  return choice;
}

/* ---- other nodes --------------------------------------------------------- */

gboolean
unet_int8_only_clips (const UnetPlan *plan, const UnetNode *node, gfloat *low)
{
  UnetLowValue to = unet_value_get_low (plan, unet_node_output (node, 0));

  *low = -INFINITY;
  for (guint i = 0; i < node->post_ops->len; i++) {
    const UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, i);

    if (op->kind != UNET_POST_RELU && !unet_int8_clips (to, op))
      return FALSE;
    *low = 0.0f;
  }
  return TRUE;
}

static gboolean
pool_suits (UnetPlan *plan, UnetNode *node)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetMd src, dst;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;
  gboolean ok = FALSE;

  if (node->post_ops->len > 0 || !unet_pool_window (plan, node, &w, &alg, NULL)
      || w.n != 2)
    return FALSE;
  if (unet_pool_is_max2 (node, &w, alg))
    return TRUE;
  src = unet_int8_md (plan, unet_node_input (node, 0));
  dst = unet_int8_md (plan, unet_node_output (node, 0));
  if (src && dst && unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_pool (&pd, plan->engine, alg, src, dst, &w, attr)) {
    ok = !g_str_has_prefix (unet_pd_impl (pd), "ref");
    dnnl_primitive_desc_destroy (pd);
  }
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  unet_md_free (src);
  unet_md_free (dst);
  return ok;
}

static gboolean
concat_suits (const UnetPlan *plan, const UnetNode *node)
{
  gint64 axis = unet_node_attr_int (node, "axis", 1);

  for (guint i = 0; i < node->inputs->len; i++)
    if (!unet_value_get_low (plan, unet_node_input (node, i)).type)
      return FALSE;
  return (axis == 1 || axis == -3) && node->post_ops->len == 0;
}

static gboolean
add_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  gfloat low;

  return b && node->inputs->len == 2 && unet_value_get_low (plan, b).type
      && unet_value_same_dims (a, out) && unet_value_same_dims (b, out)
      && unet_int8_only_clips (plan, node, &low)
      && !unet_node_attr (node, "axis");
}

/* A product of a picture and one factor for each channel. */
static gboolean
scale_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  gfloat low;

  return b && b->n_dims == 4 && b->dtype == UNET_DTYPE_F32
      && unet_value_same_dims (a, out) && b->dims[0] == a->dims[0]
      && b->dims[1] == a->dims[1] && b->dims[2] == 1 && b->dims[3] == 1
      && a->dims[2] * a->dims[3] > 1 && unet_int8_only_clips (plan, node, &low)
      && !unet_node_attr (node, "axis");
}

static gboolean
global_suits (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  return out->n_dims == 4 && out->dims[0] == in->dims[0]
      && out->dims[1] == in->dims[1] && out->dims[2] == 1 && out->dims[3] == 1
      && in->dims[2] * in->dims[3] > 1;
}

static gboolean
slice_suits (const UnetNode *node)
{
  gint64 starts[UNET_MAX_DIMS];

  return node->post_ops->len == 0 && unet_node_slice_starts (node, starts)
      && starts[0] == 0;
}

static gboolean
pad_suits (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gint64 begin[UNET_MAX_DIMS];

  return node->post_ops->len == 0 && unet_node_pad_zero (node, begin)
      && begin[0] == 0 && begin[1] == 0 && in->dims[0] == out->dims[0]
      && in->dims[1] == out->dims[1];
}

/* An activation of int8 is a table of 256 entries. */
static gboolean
map_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetPostOp op;

  if (plan->low_precision->bf16 || !unet_node_unary (node, &op) || op.value)
    return FALSE;
  for (guint i = 0; i < node->post_ops->len; i++)
    if (g_array_index (node->post_ops, UnetPostOp, i).value)
      return FALSE;
  return TRUE;
}

gboolean
unet_int8_move_suits (UnetPlan *plan, UnetNode *node)
{
  UnetResize resize;

  switch (node->op) {
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
      return pool_suits (plan, node);
    case UNET_OP_Concat:
      return concat_suits (plan, node);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return node->post_ops->len == 0
          && unet_resize_is_simple (plan, node, &resize);
    case UNET_OP_Add:
      return add_suits (plan, node);
    case UNET_OP_Mul:
      return scale_suits (plan, node);
    case UNET_OP_GlobalAveragePool:
    case UNET_OP_GlobalMaxPool:
    case UNET_OP_ReduceMean:
    case UNET_OP_ReduceMax:
      return global_suits (node);
    case UNET_OP_Slice:
      return slice_suits (node);
    case UNET_OP_Pad:
      return pad_suits (node);
    default:
      return map_suits (plan, node);
  }
}
