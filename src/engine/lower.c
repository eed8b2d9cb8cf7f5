/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "engine/choose/int8.h"
#include "engine/onednn/known-bugs.h"
#include <string.h>

/* ---- which operator goes where ------------------------------------------ */

#define ANY_LAYOUT                                                             \
  (1u << UNET_MEM_PLAIN | 1u << UNET_MEM_BLOCKED | 1u << UNET_MEM_NHWC)
#define PLAIN_ONLY (1u << UNET_MEM_PLAIN)

typedef struct {
  UnetLower lower;
  guint layouts;
} Row;

static const Row rows[UNET_N_OPS] = {
  [UNET_OP_Conv] = { unet_lower_conv, ANY_LAYOUT },
  [UNET_OP_ConvTranspose] = { unet_lower_deconv, ANY_LAYOUT },
  [UNET_OP_MatMul] = { unet_lower_matmul, PLAIN_ONLY },
  [UNET_OP_Gemm] = { unet_lower_matmul, PLAIN_ONLY },
  [UNET_OP_MaxPool] = { unet_lower_pool, ANY_LAYOUT },
  [UNET_OP_AveragePool] = { unet_lower_pool, ANY_LAYOUT },
  [UNET_OP_GlobalAveragePool] = { unet_lower_global_pool, ANY_LAYOUT },
  [UNET_OP_GlobalMaxPool] = { unet_lower_global_pool, ANY_LAYOUT },
  [UNET_OP_ReduceMean] = { unet_lower_global_pool, ANY_LAYOUT },
  [UNET_OP_ReduceMax] = { unet_lower_global_pool, ANY_LAYOUT },
  [UNET_OP_Add] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Sub] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Mul] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Div] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Min] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Max] = { unet_lower_binary, ANY_LAYOUT },
  [UNET_OP_Relu] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Clip] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_LeakyRelu] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_PRelu] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Sigmoid] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_HardSigmoid] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_HardSwish] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Tanh] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Elu] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Softplus] = { unet_lower_unary, ANY_LAYOUT },
  [UNET_OP_Softmax] = { unet_lower_softmax, PLAIN_ONLY },
  [UNET_OP_LogSoftmax] = { unet_lower_softmax, PLAIN_ONLY },
  [UNET_OP_Concat] = { unet_lower_concat, ANY_LAYOUT },
  [UNET_OP_Slice] = { unet_lower_slice, ANY_LAYOUT },
  [UNET_OP_Split] = { unet_lower_slice, ANY_LAYOUT },
  [UNET_OP_Pad] = { unet_lower_pad, ANY_LAYOUT },
  [UNET_OP_Reshape] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Flatten] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Squeeze] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Unsqueeze] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Identity] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Dropout] = { unet_lower_reshape, PLAIN_ONLY },
  [UNET_OP_Transpose] = { unet_lower_transpose, ANY_LAYOUT },
  [UNET_OP_Resize] = { unet_lower_resize, ANY_LAYOUT },
  [UNET_OP_Upsample] = { unet_lower_resize, ANY_LAYOUT },
};

guint
unet_node_layouts (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  if (!in || !out || !unet_value_fits (plan, out, UNET_MEM_BLOCKED)
      || !unet_value_fits (plan, in, UNET_MEM_BLOCKED))
    return PLAIN_ONLY;
  return rows[node->op].lower ? rows[node->op].layouts : PLAIN_ONLY;
}

gboolean
unet_plan_lower (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  gboolean has_data = TRUE, ok = TRUE;

  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *v = unet_node_output (node, i);
    if (v
        && (v->dtype != UNET_DTYPE_F32
            || unet_dims_count (v->n_dims, v->dims) == 0))
      has_data = FALSE;
  }
  if (plan->done[node->index] && node->op == UNET_OP_Conv)
    return TRUE; /* with all that follows it */
  if (plan->done[node->index])
    return unet_plan_post_ops (
        plan, node, 0, unet_node_output (node, 0), layout, error);
  if (!rows[node->op].lower || !has_data
      || plan->options.tuning == UNET_TUNING_REFERENCE)
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  if (layout == UNET_MEM_NARROW)
    return unet_lower_narrow (plan, node, error);
  if (layout == UNET_MEM_BLOCKED && unet_lower_fused (plan, node, &ok, error))
    return ok;
  return rows[node->op].lower (plan, node, layout, error);
}

/* ---- the oracle as a step ------------------------------------------------ */

static void
view_value (UnetTensorView *view, const UnetValue *value, guint operand)
{
  view->dtype = value->dtype;
  view->n_dims = value->n_dims;
  memcpy (view->dims, value->dims, sizeof view->dims);
  view->data = GUINT_TO_POINTER (operand); /* bound with the arena */
}

static gboolean
read_inputs (UnetPlan *plan, UnetNode *node, UnetLoc **locs, GError **error)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    UnetValue *v = unet_node_input (node, i);

    locs[i] = v ? unet_plan_read (plan, v, UNET_MEM_PLAIN, error) : NULL;
    if (v && !locs[i])
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_outputs (UnetPlan *plan, UnetNode *node, UnetStep *step, GError **error)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *v = unet_node_output (node, i);
    UnetLoc *loc = v ? unet_plan_write (plan, v, UNET_MEM_PLAIN, error) : NULL;

    if (!v)
      continue;
    if (!loc)
      return FALSE;
    view_value (&step->views[step->n_in + i], v, step->n_operands);
    unet_step_operand (step, 0, loc, TRUE);
  }
  return TRUE;
}

gboolean
unet_lower_eval (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetLoc *locs[UNET_MAX_OPERANDS];
  UnetStep *step;

  if (node->inputs->len + node->outputs->len > UNET_MAX_OPERANDS) {
    unet_plan_set_error (error, plan, node, "too many inputs");
    return FALSE;
  }
  if (!read_inputs (plan, node, locs, error))
    return FALSE;
  step = unet_plan_add_step (plan, node, unet_op_def (node->op)->name,
      "unet:reference", unet_node_output (node, 0), UNET_MEM_PLAIN);
  step->node = node;
  step->n_in = node->inputs->len;
  step->n_out = node->outputs->len;
  step->views = g_new0 (UnetTensorView, step->n_in + step->n_out);
  for (guint i = 0; i < step->n_in; i++)
    if (locs[i]) {
      view_value (&step->views[i], unet_node_input (node, i), step->n_operands);
      unet_step_operand (step, 0, locs[i], FALSE);
    }
  return write_outputs (plan, node, step, error)
      && (node->post_ops->len == 0
          || unet_plan_post_ops (plan, node, 0, unet_node_output (node, 0),
              UNET_MEM_PLAIN, error));
}

/* ---- activations --------------------------------------------------------- */

gboolean
unet_lower_unary (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gboolean dies;
  UnetPostOp op;
  UnetLoc *src, *dst;

  if (!unet_node_unary (node, &op) || !unet_value_fits (plan, in, layout)
      || (op.kind == UNET_POST_PRELU && !unet_prelu_fits (&op, out)))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_read (plan, in, layout, error);
  if (!src)
    return FALSE;
  dies = unet_plan_dies (plan, in, layout) && !plan->homes[out->id].parent;
  dst = dies
      ? unet_plan_alias (plan, out, layout, src, 0, unet_md_copy (src->md))
      : unet_plan_write (plan, out, layout, error);
  return dst && unet_plan_post_op (plan, node, &op, src, dst, out, error)
      && unet_plan_post_ops (plan, node, 0, out, layout, error);
}

/* ---- arithmetic of two --------------------------------------------------- */

static gboolean
is_full (const UnetValue *value, const UnetValue *out)
{
  return value->n_dims == out->n_dims
      && memcmp (value->dims, out->dims, out->n_dims * sizeof *out->dims) == 0;
}

static gboolean
binary_alg (UnetOp op, dnnl_alg_kind_t *alg, gboolean *commutes)
{
  *commutes = TRUE;
  switch (op) {
    case UNET_OP_Add:
      *alg = dnnl_binary_add;
      return TRUE;
    case UNET_OP_Mul:
      *alg = dnnl_binary_mul;
      return TRUE;
    case UNET_OP_Min:
      *alg = dnnl_binary_min;
      return TRUE;
    case UNET_OP_Max:
      *alg = dnnl_binary_max;
      return TRUE;
    case UNET_OP_Sub:
      *alg = dnnl_binary_sub;
      *commutes = FALSE;
      return TRUE;
    case UNET_OP_Div:
      *alg = dnnl_binary_div;
      *commutes = FALSE;
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
emit_binary (UnetPlan *plan, UnetNode *node, dnnl_alg_kind_t alg,
    const UnetLoc *a, const UnetLoc *b, const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetMemLayout layout = dst->layout;
  dnnl_primitive_desc_t pd = NULL;
  UnetAttrs attrs = { 0 };
  UnetStep *step = NULL;
  gchar *name;

  /* eltwise post-ops only: an operand would have to be read beforehand */
  for (gint n = node->post_ops->len; n >= 0 && !pd; n--) {
    if (!unet_attrs_init (&attrs, plan, node, n, layout, UNET_SUM_NEVER))
      continue;
    if (attrs.n_args > 0
        || !unet_pd_binary (
            &pd, plan->engine, alg, a->md, b->md, dst->md, attrs.attr)) {
      pd = NULL;
      unet_attrs_clear (&attrs);
    }
  }
  if (!pd) {
    unet_plan_set_error (error, plan, node, "oneDNN cannot broadcast so");
    return FALSE;
  }
  name = unet_node_describe (node, attrs.n);
  step = unet_plan_add_primitive (plan, node, name, pd, out, layout, error);
  g_free (name);
  unet_attrs_clear (&attrs);
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC_0, a, FALSE);
  unet_step_operand (step, DNNL_ARG_SRC_1, b, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return unet_plan_post_ops (plan, node, attrs.n, out, layout, error);
}

static gboolean
binary_is_simple (
    UnetNode *node, UnetValue **a, UnetValue **b, dnnl_alg_kind_t *alg)
{
  UnetValue *out = unet_node_output (node, 0);
  gboolean commutes;

  *a = unet_node_input (node, 0);
  *b = unet_node_input (node, 1);
  if (!binary_alg (node->op, alg, &commutes) || node->inputs->len != 2
      || out->n_dims == 0 || out->n_dims > 5 || (*a)->dtype != UNET_DTYPE_F32
      || unet_node_attr (node, "axis"))
    return FALSE;
  if (!is_full (*a, out) && commutes) {
    UnetValue *swap = *a;
    *a = *b;
    *b = swap;
  }
  return is_full (*a, out) && !(*a)->constant;
}

/* Does oneDNN get arithmetic of two wrong on @value in @layout? */
static gboolean
binary_is_wrong (const UnetPlan *plan, const UnetValue *value,
    UnetMemLayout layout, gboolean in_place)
{
  UnetDnnlCase c = { .op = UNET_DNNL_BINARY, .src = dnnl_f32 };

  if (layout != UNET_MEM_BLOCKED)
    return FALSE;
  c.ic = value->dims[1];
  c.block = plan->block;
  c.in_place = in_place;
  return unet_known_bug_find ("", &c) != NULL;
}

gboolean
unet_lower_binary (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *a, *b, *out = unet_node_output (node, 0);
  UnetLoc *src, *dst, other = { 0 };
  dnnl_alg_kind_t alg;
  gboolean ok;

  if (binary_is_wrong (plan, out, layout, FALSE))
    layout = UNET_MEM_PLAIN;

  if (!binary_is_simple (node, &a, &b, &alg))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_read (plan, a, layout, error);
  if (!src
      || !unet_plan_read_broadcast (
          plan, b, out->n_dims, layout, &other, error))
    return FALSE;
  if (a != b && !binary_is_wrong (plan, out, layout, TRUE)
      && unet_plan_dies (plan, a, layout) && !plan->homes[out->id].parent)
    dst = unet_plan_alias (plan, out, layout, src, 0, unet_md_copy (src->md));
  else
    dst = unet_plan_write (plan, out, layout, error);
  ok = dst && emit_binary (plan, node, alg, src, &other, dst, error);
  unet_md_free (other.md);
  return ok;
}

/* ---- pooling ------------------------------------------------------------- */

gboolean
unet_pool_window (UnetPlan *plan, UnetNode *node, UnetDnnlWindow *w,
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

    /* ceil_mode reaches beyond the padding, which an average that counts
     * the padding must not count */
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

/* oneDNN's pooling of PLAIN tensors is slow; U-Nets only have one kind. */
gboolean
unet_pool_is_max2 (
    const UnetNode *node, const UnetDnnlWindow *w, dnnl_alg_kind_t alg)
{
  gboolean two = alg == dnnl_pooling_max && w->n == 2;

  for (guint i = 0; two && i < 2; i++)
    two = w->kernel[i] == 2 && w->stride[i] == 2 && w->dilation[i] == 1
        && w->pad_begin[i] == 0 && w->pad_end[i] <= 0;
  return two && unet_node_input (node, 0)->dtype == UNET_DTYPE_F32;
}

static gboolean
lower_max2 (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_PLAIN, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
  UnetMaxPool2 *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetMaxPool2, 1);
  p->src = unet_plan_vec (plan, in, UNET_MEM_PLAIN);
  p->dst = unet_plan_vec (plan, out, UNET_MEM_PLAIN);
  step = unet_plan_add_kernel (plan, node, unet_op_def (node->op)->name,
      "unet:max_pool2", unet_kernel_max_pool2_plain, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

gboolean
unet_lower_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetLoc *src, *dst;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;
  UnetStep *step;

  if (unet_node_output (node, 1) || in->n_dims > 5
      || !unet_pool_window (plan, node, &w, &alg, NULL))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  if (layout == UNET_MEM_PLAIN && unet_pool_is_max2 (node, &w, alg))
    return lower_max2 (plan, node, error);
  src = unet_plan_read (plan, in, layout, error);
  dst = src ? unet_plan_write (plan, out, layout, error) : NULL;
  if (!dst)
    return FALSE;
  if (unet_pd_scratch_attr (&attr, NULL))
    unet_pd_pool (&pd, plan->engine, alg, src->md, dst->md, &w, attr);
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (!pd) {
    unet_plan_set_error (error, plan, node, "oneDNN has no such pooling");
    return FALSE;
  }
  step = unet_plan_add_primitive (
      plan, node, unet_op_def (node->op)->name, pd, out, layout, error);
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return unet_plan_post_ops (plan, node, 0, out, layout, error);
}

/* Over exactly the rows and columns of a picture, which stay as 1? */
static gboolean
is_global (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  if (in->n_dims != 4 || in->dtype != UNET_DTYPE_F32 || out->n_dims != 4)
    return FALSE;
  return out->dims[0] == in->dims[0] && out->dims[1] == in->dims[1]
      && out->dims[2] == 1 && out->dims[3] == 1;
}

gboolean
unet_lower_global_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetGlobalPool *p;
  UnetLoc *src, *dst;
  UnetStep *step;

  if (!is_global (node))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_read (plan, in, layout, error);
  dst = src ? unet_plan_write (plan, out, layout, error) : NULL;
  if (!dst)
    return FALSE;
  p = g_new0 (UnetGlobalPool, 1);
  p->src = unet_plan_vec (plan, in, layout);
  p->maximum = node->op == UNET_OP_GlobalMaxPool
      || node->op == UNET_OP_ReduceMax;
  step = unet_plan_add_kernel (plan, node, unet_op_def (node->op)->name,
      "unet:global_pool", unet_kernel_global_pool, p, out, layout);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, node, 0, out, layout, error);
}

/* ---- softmax ------------------------------------------------------------- */

gboolean
unet_lower_softmax (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gboolean old = node->since < 13;
  gint64 axis = unet_node_attr_int (node, "axis", old ? 1 : -1);
  UnetSoftmaxPlain *p;
  UnetLoc *src, *dst;
  UnetStep *step;

  axis += axis < 0 ? in->n_dims : 0;
  /* until opset 13 everything from the axis on was one dimension */
  if (in->n_dims == 0 || (old && axis != in->n_dims - 1))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_read (plan, in, UNET_MEM_PLAIN, error);
  dst = src ? unet_plan_write (plan, out, UNET_MEM_PLAIN, error) : NULL;
  if (!dst)
    return FALSE;
  p = g_new0 (UnetSoftmaxPlain, 1);
  p->n = unet_dims_count (axis, in->dims);
  p->c = in->dims[axis];
  p->pixels = unet_dims_count (in->n_dims - axis - 1, in->dims + axis + 1);
  p->logarithm = node->op == UNET_OP_LogSoftmax;
  step = unet_plan_add_kernel (plan, node, unet_op_def (node->op)->name,
      "unet:softmax_plain", unet_kernel_softmax_plain, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}
