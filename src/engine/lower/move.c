/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/move.h"
#include "engine/choose/concat-slots.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reference.h"
#include "engine/kernels/f32-move.h"
#include "graph/analysis/query.h"
#include <math.h>
#include <string.h>

/* Adds a step of @node that copies from one view of memory to another. */
static gboolean
emit_reorder (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    UnetConstMd src_md, const UnetLoc *dst, UnetConstMd dst_md,
    const UnetValue *out, GError **error)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetStep *step = NULL;

  if (src_md && dst_md && unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_reorder (&pd, plan->engine, src_md, dst_md, attr))
    step = unet_plan_add_primitive (
        plan, node, unet_op_name (node->op), pd, out, dst->layout, error);
  else
    unet_plan_set_error (error, plan, node, "oneDNN cannot move it so");
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (!step)
    return FALSE;
  step->kind = UNET_STEP_COPY;
  unet_step_operand_md (
      step, DNNL_ARG_FROM, src->storage, src->offset, src_md, FALSE);
  unet_step_operand_md (
      step, DNNL_ARG_TO, dst->storage, dst->offset, dst_md, TRUE);
  return TRUE;
}

/* ---- concatenation ------------------------------------------------------- */

static gboolean
copy_channels (UnetPlan *plan, UnetNode *node, UnetValue *in, gint64 channel,
    const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, dst->layout, error);
  UnetCopyChannels *p;
  UnetStep *step;

  if (!src)
    return FALSE;
  if (unet_value_is_in_slot (plan, in, out, channel))
    return TRUE;
  p = g_new0 (UnetCopyChannels, 1);
  p->src = unet_plan_vec (plan, in, dst->layout);
  p->dst = unet_plan_vec (plan, out, dst->layout);
  p->channel = channel;
  step = unet_plan_add_kernel (plan, node, "Concat", "unet:copy_channels",
      unet_kernel_copy_channels, p, out, dst->layout);
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

/* Concatenates along any axis, with any rank, in row-major memory. */
static gboolean
concat_plain (UnetPlan *plan, UnetNode *node, guint axis, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetLoc *dst = unet_plan_place (plan, out, UNET_MEM_PLAIN, error);
  gint64 offsets[UNET_MAX_DIMS] = { 0 };
  gboolean ok = dst != NULL;

  for (guint i = 0; ok && i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);
    UnetLoc *src;
    UnetMd sub;

    if (in->dims[axis] == 0)
      continue;
    src = unet_plan_locate (plan, in, UNET_MEM_PLAIN, error);
    if (src && axis == 1 && unet_value_is_in_slot (plan, in, out, offsets[1])) {
      offsets[1] += in->dims[1];
      continue;
    }
    sub = src ? unet_md_new_sub (dst->md, in->dims, offsets) : NULL;
    ok = src && emit_reorder (plan, node, src, src->md, dst, sub, out, error);
    unet_md_free (sub);
    offsets[axis] += in->dims[axis];
  }
  return ok;
}

gboolean
unet_lower_concat (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", 1), channel = 0;
  UnetLoc *dst;

  if (plan->fused_inputs[out->id].not_materialised)
    return TRUE;
  axis += axis < 0 ? out->n_dims : 0;
  if (layout == UNET_MEM_PLAIN || axis != 1)
    return concat_plain (plan, node, axis, error)
        && unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
  dst = unet_plan_place (plan, out, layout, error);
  for (guint i = 0; dst && i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);

    if (!copy_channels (plan, node, in, channel, dst, error))
      return FALSE;
    channel += in->dims[1];
  }
  return dst && unet_emit_post_ops (plan, node, 0, out, layout, error);
}

/* ---- slices and splits --------------------------------------------------- */

/* Finds where output @index starts in the input. Returns %FALSE for steps other
 * than 1. */
static gboolean
slice_offsets (const UnetNode *node, guint index, gint64 *offsets)
{
  UnetValue *in = unet_node_input (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", 0);

  memset (offsets, 0, UNET_MAX_DIMS * sizeof *offsets);
  if (node->op == UNET_OP_Slice)
    return unet_node_slice_starts (node, offsets);
  axis += axis < 0 ? in->n_dims : 0;
  for (guint i = 0; i < index; i++)
    if (unet_node_output (node, i))
      offsets[axis] += unet_node_output (node, i)->dims[axis];
    else
      return FALSE;
  return TRUE;
}

/* Returns whether the slice is one piece of memory: whole blocks of channels of
 * one picture. */
static gboolean
slice_is_view (const UnetPlan *plan, const UnetValue *in, const UnetValue *out,
    UnetMemLayout layout, const gint64 *offsets)
{
  gint64 unit = layout == UNET_MEM_BLOCKED ? plan->block : 1;

  return in->n_dims == 4 && layout != UNET_MEM_NHWC && in->dims[0] == 1
      && out->dims[2] == in->dims[2] && out->dims[3] == in->dims[3]
      && offsets[1] % unit == 0;
}

static gboolean
slice_one (UnetPlan *plan, UnetNode *node, UnetValue *out, const UnetLoc *src,
    const gint64 *offsets, GError **error)
{
  UnetValue *in = unet_node_input (node, 0);
  UnetLoc *dst;
  UnetMd sub;
  gboolean ok;

  if (slice_is_view (plan, in, out, src->layout, offsets)
      && !plan->slots[out->id].parent && node->post_ops->len == 0) {
    UnetMd md =
        unet_plan_md (plan, out->dtype, out->n_dims, out->dims, src->layout);
    gsize at = offsets[1] * in->dims[2] * in->dims[3] * sizeof (gfloat);

    unet_plan_alias (plan, out, src->layout, src, at, md);
    return TRUE;
  }
  dst = unet_plan_place (plan, out, src->layout, error);
  sub = dst ? unet_md_new_sub (src->md, out->dims, offsets) : NULL;
  ok = dst && emit_reorder (plan, node, src, sub, dst, dst->md, out, error);
  unet_md_free (sub);
  return ok;
}

/* Returns whether oneDNN can view the slice: it starts and ends at a block. */
static gboolean
blocked_slice_works (
    const UnetPlan *plan, const UnetValue *out, const gint64 *offsets)
{
  return offsets[1] % plan->block == 0 && out->dims[1] % plan->block == 0;
}

gboolean
unet_lower_slice (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  gint64 offsets[UNET_MAX_DIMS];
  UnetLoc *src;

  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *out = unet_node_output (node, i);

    if (!slice_offsets (node, i, offsets) || !out || out->n_dims == 0)
      return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
    if (layout == UNET_MEM_BLOCKED && !blocked_slice_works (plan, out, offsets)
        && !(offsets[1] == 0
            && out->dims[1] == unet_node_input (node, 0)->dims[1]))
      layout = UNET_MEM_PLAIN;
  }
  src = unet_plan_locate (plan, unet_node_input (node, 0), layout, error);
  for (guint i = 0; src && i < node->outputs->len; i++) {
    slice_offsets (node, i, offsets);
    if (!slice_one (
            plan, node, unet_node_output (node, i), src, offsets, error))
      return FALSE;
  }
  return src
      && unet_emit_post_ops (
          plan, node, 0, unet_node_output (node, 0), layout, error);
}

/* ---- reshapes ------------------------------------------------------------ */

gboolean
unet_lower_reshape (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src;

  if (unet_node_output (node, 1) || !in->producer || node->post_ops->len > 0)
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, UNET_MEM_PLAIN, error);
  if (!src)
    return FALSE;
  unet_plan_alias (plan, out, UNET_MEM_PLAIN, src, 0,
      unet_plan_md (plan, out->dtype, out->n_dims, out->dims, UNET_MEM_PLAIN));
  return TRUE;
}

/* ---- transposes ---------------------------------------------------------- */

static gboolean
is_perm (const gint64 *perm, gint64 a, gint64 b, gint64 c, gint64 d)
{
  return perm[0] == a && perm[1] == b && perm[2] == c && perm[3] == d;
}

/* Returns whether the transpose is a view: a picture in NHWC is its transpose
 * in PLAIN. */
static gboolean
transpose_is_view (UnetPlan *plan, UnetNode *node, const gint64 *perm,
    UnetMemLayout *from, UnetMemLayout *to)
{
  UnetValue *in = unet_node_input (node, 0);

  if (in->n_dims != 4 || node->post_ops->len > 0)
    return FALSE;
  if (is_perm (perm, 0, 2, 3, 1)) {
    *from = UNET_MEM_NHWC;
    *to = UNET_MEM_PLAIN;
    return plan->locs[in->id][UNET_MEM_NHWC] != NULL
        || !plan->locs[in->id][UNET_MEM_PLAIN];
  }
  *from = UNET_MEM_PLAIN;
  *to = UNET_MEM_NHWC;
  return is_perm (perm, 0, 3, 1, 2);
}

static guint
transpose_perm (const UnetNode *node, gint64 *perm)
{
  guint n = unet_node_input (node, 0)->n_dims;

  if (unet_node_attr_ints (node, "perm", perm, UNET_MAX_DIMS) == 0)
    for (guint i = 0; i < n; i++)
      perm[i] = n - 1 - i;
  return n;
}

static gboolean
transpose_copy (
    UnetPlan *plan, UnetNode *node, const gint64 *perm, guint n, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_PLAIN, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
  gint64 strides[UNET_MAX_DIMS], permuted[UNET_MAX_DIMS], stride = 1;
  gboolean ok;
  UnetMd md;

  if (!dst)
    return FALSE;
  for (guint i = n; i-- > 0; stride *= in->dims[i])
    strides[i] = stride;
  for (guint i = 0; i < n; i++)
    permuted[i] = strides[perm[i]];
  md =
      unet_md_new_strides (n, out->dims, unet_dnnl_dtype (in->dtype), permuted);
  ok = emit_reorder (plan, node, src, md, dst, dst->md, out, error);
  unet_md_free (md);
  return ok;
}

gboolean
unet_lower_transpose (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gint64 perm[UNET_MAX_DIMS];
  guint n = transpose_perm (node, perm);
  UnetMemLayout from, to;
  UnetLoc *src;

  if (n == 0)
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  if (transpose_is_view (plan, node, perm, &from, &to)) {
    src = unet_plan_locate (plan, in, from, error);
    if (src)
      unet_plan_alias (plan, out, to, src, 0,
          unet_plan_md (plan, out->dtype, 4, out->dims, to));
    return src != NULL;
  }
  return transpose_copy (plan, node, perm, n, error)
      && unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

/* ---- padding ------------------------------------------------------------- */

/* Zeros around pictures are a kernel; any other padding is the reference
 * implementation. */
gboolean
unet_lower_pad (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gint64 begin[UNET_MAX_DIMS];
  UnetPadZero *p;
  UnetLoc *src, *dst;
  UnetStep *step;

  if (!unet_node_pad_zero (node, begin) || in->n_dims != 4 || begin[0]
      || begin[1] || out->dims[0] != in->dims[0] || out->dims[1] != in->dims[1])
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, layout, error);
  dst = src ? unet_plan_place (plan, out, layout, error) : NULL;
  if (!dst)
    return FALSE;
  p = g_new0 (UnetPadZero, 1);
  p->src = unet_plan_vec (plan, in, layout);
  p->dst = unet_plan_vec (plan, out, layout);
  p->y = begin[2];
  p->x = begin[3];
  step = unet_plan_add_kernel (
      plan, node, "Pad", "unet:pad_zero", unet_kernel_pad_zero, p, out, layout);
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, layout, error);
}
