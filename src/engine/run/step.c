/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/step.h"
#include "engine/run/headroom.h"
#include "engine/run/plan.h"

/* ---- texts --------------------------------------------------------------- */

static const gchar *const post_op_names[] = {
  "Relu",
  "Clip",
  "LeakyRelu",
  "Elu",
  "Sigmoid",
  "Tanh",
  "Softplus",
  "HardSigmoid",
  "HardSwish",
  "Swish",
  "Gelu",
  "Linear",
  "Add",
  "Mul",
  "PRelu",
};

const gchar *
unet_post_op_get_name (const UnetPostOp *op)
{
  return post_op_names[op->kind];
}

gchar *
unet_node_describe (const UnetNode *node, guint n_post_ops)
{
  GString *s = g_string_new (unet_op_name (node->op));

  for (guint i = 0; i < n_post_ops; i++)
    g_string_append_printf (s, "+%s",
        post_op_names[g_array_index (node->post_ops, UnetPostOp, i).kind]);
  return g_string_free (s, FALSE);
}

void
unet_plan_set_error (GError **error, const UnetPlan *plan, const UnetNode *node,
    const gchar *what)
{
  unet_node_set_error (error, plan->graph, node, UNET_ERROR_ENGINE, "%s", what);
}

static gchar *
shape_text (const UnetValue *value)
{
  GString *s = g_string_new (NULL);

  for (guint i = 0; i < value->n_dims; i++)
    g_string_append_printf (
        s, "%s%" G_GINT64_FORMAT, i ? "x" : "", value->dims[i]);
  return g_string_free (s, FALSE);
}

/* ---- storage ------------------------------------------------------------- */

UnetStorage *
unet_plan_add_storage (UnetPlan *plan, gsize size)
{
  UnetStorage *storage = g_new0 (UnetStorage, 1);

  storage->size = MAX (size, 1);
  storage->first = G_MAXINT;
  storage->last = -1;
  g_ptr_array_add (plan->storages, storage);
  return storage;
}

gpointer
unet_storage_get_pointer (const UnetStorage *storage, guint8 *arena)
{
  return storage->constant ? storage->constant : arena + storage->offset;
}

/* ---- steps --------------------------------------------------------------- */

UnetStep *
unet_plan_add_step (UnetPlan *plan, const UnetNode *node, const gchar *op,
    const gchar *impl, const UnetValue *out, UnetMemLayout layout)
{
  const gchar *const layouts[] = {
    "plain", plan->block == 16 ? "nChw16c" : "nChw8c", "nhwc",
    plan->low_precision && plan->low_precision->bf16 ? "nhwc-bf16" : "nhwc-int8"
  };
  UnetStep *step = g_new0 (UnetStep, 1);

  step->info.name = g_strdup (node ? node->name : out->name);
  step->info.op = g_strdup (op);
  step->info.impl = g_strdup (impl);
  step->info.layout = layouts[layout];
  step->info.shape = shape_text (out);
  g_ptr_array_add (plan->steps, step);
  return step;
}

void
unet_step_free (UnetStep *step)
{
  for (guint i = 0; i < step->n_operands; i++) {
    if (step->args[i].memory)
      dnnl_memory_destroy (step->args[i].memory);
    unet_md_free (step->operands[i].md);
  }
  if (step->primitive)
    dnnl_primitive_destroy (step->primitive);
  if (step->serial)
    dnnl_primitive_destroy (step->serial);
  g_free ((gchar *) step->info.name);
  g_free ((gchar *) step->info.op);
  g_free ((gchar *) step->info.impl);
  g_free ((gchar *) step->info.shape);
  if (step->params)
    (step->free_params ? step->free_params : g_free) (step->params);
  g_free (step->views);
  g_free (step->view_operands);
  g_free (step);
}

static void
add_operand (UnetStep *step, gint arg, UnetStorage *storage, gsize offset,
    UnetConstMd md, gboolean write)
{
  UnetOperand *o = &step->operands[step->n_operands];

  g_return_if_fail (step->n_operands < UNET_MAX_OPERANDS);
  step->n_operands++;
  o->arg = arg;
  o->storage = storage;
  o->offset = offset;
  o->md = md ? unet_md_copy (md) : NULL;
  o->write = write;
}

void
unet_step_operand (UnetStep *step, gint arg, const UnetLoc *loc, gboolean write)
{
  add_operand (step, arg, loc->storage, loc->offset, loc->md, write);
}

void
unet_step_operand_md (UnetStep *step, gint arg, UnetStorage *storage,
    gsize offset, UnetConstMd md, gboolean write)
{
  add_operand (step, arg, storage, offset, md, write);
}

void
unet_step_get_pointers (const UnetStep *step, gpointer *ptr)
{
  for (guint i = 0; i < step->n_operands; i++)
    ptr[i] = step->operands[i].ptr;
}

UnetStep *
unet_plan_add_primitive (UnetPlan *plan, const UnetNode *node, const gchar *op,
    dnnl_primitive_desc_t pd, const UnetValue *out, UnetMemLayout layout,
    GError **error)
{
  UnetConstMd scratch = unet_pd_md (pd, dnnl_query_scratchpad_md, 0);
  gsize scratch_size = scratch ? unet_md_size (scratch) : 0;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = unet_headroom_create_primitive (&primitive, pd);
  UnetStep *step = NULL;

  if (status == dnnl_success) {
    step = unet_plan_add_step (plan, node, op, unet_pd_impl (pd), out, layout);
    step->primitive = primitive;
    if (scratch_size > 0)
      unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
          unet_plan_add_storage (plan, scratch_size), 0, scratch, TRUE);
  } else {
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "%s: node '%s' (%s): oneDNN cannot create the primitive: %s",
        plan->graph->name, node ? node->name : out->name, op,
        unet_dnnl_status (status));
  }
  dnnl_primitive_desc_destroy (pd);
  return step;
}

UnetStep *
unet_plan_add_kernel (UnetPlan *plan, const UnetNode *node, const gchar *op,
    const gchar *impl, UnetKernel kernel, gpointer params, const UnetValue *out,
    UnetMemLayout layout)
{
  UnetStep *step = unet_plan_add_step (plan, node, op, impl, out, layout);

  step->kernel = kernel;
  step->params = params;
  return step;
}
