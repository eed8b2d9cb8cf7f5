/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/matmul.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reference.h"
#include <string.h>

/* Describes a row-major matrix, as it is or transposed. */
static UnetMd
matrix_md (const UnetLoc *loc, const UnetValue *value, guint n_dims,
    gboolean transpose)
{
  gint64 dims[UNET_MAX_DIMS], strides[UNET_MAX_DIMS], stride = 1;
  guint lead = n_dims - value->n_dims;

  for (guint i = n_dims; i-- > 0;) {
    dims[i] = i < lead ? 1 : value->dims[i - lead];
    strides[i] = stride;
    stride *= dims[i];
  }
  if (transpose) {
    gint64 d = dims[n_dims - 1], s = strides[n_dims - 1];

    dims[n_dims - 1] = dims[n_dims - 2];
    strides[n_dims - 1] = strides[n_dims - 2];
    dims[n_dims - 2] = d;
    strides[n_dims - 2] = s;
  }
  return unet_md_new_strides (n_dims, dims, dnnl_f32, strides);
}

static gboolean
is_matmul_simple (const UnetNode *node)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *c = unet_node_input (node, 2);

  if (a->dtype != UNET_DTYPE_F32 || a->n_dims < 2 || b->n_dims < 2
      || unet_dims_count (a->n_dims, a->dims) == 0
      || unet_dims_count (b->n_dims, b->dims) == 0)
    return FALSE;
  if (node->op == UNET_OP_MatMul)
    return TRUE;
  return unet_node_attr_float (node, "alpha", 1) == 1
      && (!c
          || (unet_node_attr_float (node, "beta", 1) == 1 && c->n_dims <= 2));
}

static gboolean
emit_matmul (UnetPlan *plan, UnetNode *node, UnetMd amd, UnetMd bmd, UnetLoc *a,
    UnetLoc *b, UnetLoc *c, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetLoc *dst = unet_plan_place (plan, out, UNET_MEM_PLAIN, error);
  dnnl_primitive_desc_t pd = NULL;
  UnetAttrs attrs = { 0 };
  UnetStep *step = NULL;

  if (!dst)
    return FALSE;
  if (unet_attrs_init (&attrs, plan, node, 0, UNET_MEM_PLAIN, UNET_SUM_NEVER)
      && unet_pd_matmul (
          &pd, plan->engine, amd, bmd, c ? c->md : NULL, dst->md, attrs.attr))
    step = unet_plan_add_primitive (
        plan, node, unet_op_name (node->op), pd, out, UNET_MEM_PLAIN, error);
  else
    unet_plan_set_error (error, plan, node, "oneDNN has no such product");
  unet_attrs_clear (&attrs);
  if (!step)
    return FALSE;
  unet_step_operand_md (step, DNNL_ARG_SRC, a->storage, a->offset, amd, FALSE);
  unet_step_operand_md (
      step, DNNL_ARG_WEIGHTS, b->storage, b->offset, bmd, FALSE);
  if (c)
    unet_step_operand (step, DNNL_ARG_BIAS, c, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

gboolean
unet_lower_matmul (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *va = unet_node_input (node, 0), *vb = unet_node_input (node, 1);
  UnetValue *vc = unet_node_input (node, 2);
  gboolean ta = unet_node_attr_int (node, "transA", 0) != 0;
  gboolean tb = unet_node_attr_int (node, "transB", 0) != 0;
  guint n = MAX (va->n_dims, vb->n_dims);
  UnetLoc *a, *b, bias = { 0 };
  UnetMd amd, bmd;
  gboolean ok;

  if (!is_matmul_simple (node))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  a = unet_plan_locate (plan, va, UNET_MEM_PLAIN, error);
  b = a ? unet_plan_locate (plan, vb, UNET_MEM_PLAIN, error) : NULL;
  if (!b)
    return FALSE;
  if (vc
      && !unet_plan_locate_broadcast (
          plan, vc, 2, UNET_MEM_PLAIN, &bias, error))
    return FALSE;
  amd = matrix_md (a, va, n, ta);
  bmd = matrix_md (b, vb, n, tb);
  ok = emit_matmul (plan, node, amd, bmd, a, b, vc ? &bias : NULL, error);
  unet_md_free (amd);
  unet_md_free (bmd);
  unet_md_free (bias.md);
  return ok;
}
