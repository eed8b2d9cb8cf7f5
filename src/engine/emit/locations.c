/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "engine/choose/int8.h"
#include <string.h>

/* ---- layouts ----------------------------------------------------------- */

dnnl_data_type_t
unet_dnnl_dtype (UnetDType dtype)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
      return dnnl_f32;
    case UNET_DTYPE_I32:
      return dnnl_s32;
    case UNET_DTYPE_U8:
    case UNET_DTYPE_BOOL:
      return dnnl_u8;
    case UNET_DTYPE_I8:
      return dnnl_s8;
    default:
      return dnnl_data_type_undef;
  }
}

gboolean
unet_value_fits (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  return layout == UNET_MEM_PLAIN
      || (value->n_dims == 4 && value->dtype == UNET_DTYPE_F32
          && unet_dims_count (4, value->dims) > 0);
}

static void
row_major (guint n_dims, const gint64 *dims, gint64 *strides)
{
  gint64 stride = 1;

  for (guint i = n_dims; i-- > 0; stride *= MAX (dims[i], 1))
    strides[i] = stride;
}

UnetMd
unet_plan_md (const UnetPlan *plan, UnetDType dtype, guint n_dims,
    const gint64 *dims, UnetMemLayout layout)
{
  gint64 strides[UNET_MAX_DIMS], one = 1;
  dnnl_data_type_t type = unet_dnnl_dtype (dtype);

  if (layout == UNET_MEM_BLOCKED)
    return unet_md_new (
        n_dims, dims, type, plan->block == 16 ? dnnl_nChw16c : dnnl_nChw8c);
  if (layout == UNET_MEM_NHWC)
    return unet_md_new (n_dims, dims, type, dnnl_nhwc);
  if (n_dims == 0)
    return unet_md_new_strides (1, &one, type, &one);
  row_major (n_dims, dims, strides);
  return unet_md_new_strides (n_dims, dims, type, strides);
}

UnetVec
unet_plan_vec (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  UnetVec v = { value->dims[0], value->dims[1], value->dims[2], value->dims[3],
    value->dims[1], 1 };

  if (layout == UNET_MEM_NHWC || layout == UNET_MEM_NARROW) {
    v.vec = v.c;
    v.blocks = 1;
  } else if (layout == UNET_MEM_BLOCKED) {
    v.vec = plan->block;
    v.blocks = (v.c + v.vec - 1) / v.vec;
  }
  return v;
}

static gsize
value_bytes (const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  gsize n = unet_dims_count (value->n_dims, value->dims);

  if (layout == UNET_MEM_BLOCKED) {
    UnetVec v = unet_plan_vec (plan, value, layout);
    n = v.n * v.blocks * v.vec * v.h * v.w;
  } else if (layout == UNET_MEM_NARROW) {
    return n * unet_narrow_size (plan->narrow[value->id].type);
  }
  return n * unet_dtype_size (value->dtype);
}

/* ---- locations --------------------------------------------------------- */

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

static UnetLoc *
add_loc (UnetPlan *plan, const UnetValue *value, UnetMemLayout layout,
    UnetStorage *storage, gsize offset, UnetMd md)
{
  UnetLoc *loc = g_new0 (UnetLoc, 1);

  loc->storage = storage;
  loc->offset = offset;
  loc->md = md;
  loc->layout = layout;
  plan->locs[value->id][layout] = loc;
  return loc;
}

UnetLoc *
unet_plan_alias (UnetPlan *plan, UnetValue *value, UnetMemLayout layout,
    const UnetLoc *from, gsize offset, UnetMd md)
{
  return add_loc (
      plan, value, layout, from->storage, from->offset + offset, md);
}

UnetLoc *
unet_plan_write (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error)
{
  const UnetHome *home = &plan->homes[value->id];
  UnetMd md = NULL;

  if (plan->locs[value->id][layout])
    return plan->locs[value->id][layout];
  if (unet_dnnl_dtype (value->dtype) != dnnl_data_type_undef) {
    md = layout == UNET_MEM_NARROW
        ? unet_narrow_md (plan, value)
        : unet_plan_md (plan, value->dtype, value->n_dims, value->dims, layout);
    if (!md) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
          "%s: no memory descriptor for '%s'", plan->graph->name, value->name);
      return NULL;
    }
  }
  if (home->parent && layout == home->layout) {
    UnetLoc *parent = unet_plan_write (plan, home->parent, layout, error);
    gsize offset = layout == UNET_MEM_NARROW
        ? home->channel * unet_narrow_size (plan->narrow[value->id].type)
        : home->channel * value->dims[2] * value->dims[3] * sizeof (gfloat);

    if (!parent) {
      unet_md_free (md);
      return NULL;
    }
    return add_loc (
        plan, value, layout, parent->storage, parent->offset + offset, md);
  }
  return add_loc (plan, value, layout,
      unet_plan_add_storage (plan, value_bytes (plan, value, layout)), 0, md);
}

static UnetLoc *
read_constant (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error)
{
  UnetTensor *t = value->constant;
  UnetMd from, to = NULL;
  UnetStorage *storage = NULL;

  if (unet_dnnl_dtype (value->dtype) == dnnl_data_type_undef) {
    storage = unet_plan_add_storage (plan, 1);
    storage->constant = t->data;
    return add_loc (plan, value, layout, storage, 0, NULL);
  }
  from = unet_plan_md (plan, t->dtype, t->n_dims, t->dims, UNET_MEM_PLAIN);
  to = unet_plan_md (plan, t->dtype, t->n_dims, t->dims, layout);
  if (layout == UNET_MEM_PLAIN) {
    storage = unet_plan_add_storage (plan, 1);
    storage->constant = t->data;
  } else if (from && to) {
    storage = unet_plan_pack_reorder (plan, t->data, from, to, error);
  }
  unet_md_free (from);
  if (!storage) {
    unet_md_free (to);
    return NULL;
  }
  return add_loc (plan, value, layout, storage, 0, to);
}

gboolean
unet_plan_add_reorder (UnetPlan *plan, UnetValue *value, const UnetLoc *from,
    const UnetLoc *to, GError **error)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetStep *step = NULL;

  if (from->layout == UNET_MEM_NARROW || to->layout == UNET_MEM_NARROW)
    return unet_narrow_add_conversion (plan, value, from, to);
  if (unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_reorder (&pd, plan->engine, from->md, to->md, attr))
    step = unet_plan_add_primitive (
        plan, NULL, "Reorder", pd, value, to->layout, error);
  else
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "%s: oneDNN cannot reorder '%s'", plan->graph->name, value->name);
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (!step)
    return FALSE;
  step->info.kind = "reorder";
  unet_step_operand (step, DNNL_ARG_FROM, from, FALSE);
  unet_step_operand (step, DNNL_ARG_TO, to, TRUE);
  return TRUE;
}

UnetLoc *
unet_plan_read (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error)
{
  UnetLoc **locs = plan->locs[value->id];

  if (locs[layout])
    return locs[layout];
  if (value->constant)
    return read_constant (plan, value, layout, error);
  /* one that lies in another layout is reordered once, for all its readers */
  for (guint i = 0; i < UNET_N_MEM; i++)
    if (locs[i] && locs[i]->md) {
      UnetLoc *from = locs[i];
      UnetLoc *to = unet_plan_write (plan, value, layout, error);

      return to && unet_plan_add_reorder (plan, value, from, to, error) ? to
                                                                        : NULL;
    }
  g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "%s: '%s' is read before it is computed", plan->graph->name, value->name);
  return NULL;
}

static gboolean
is_shared (const UnetPlan *plan, const UnetLoc *loc)
{
  for (guint i = 0; i < plan->graph->values->len; i++)
    for (guint k = 0; k < UNET_N_MEM; k++) {
      const UnetLoc *other = plan->locs[i][k];
      if (other && other != loc && other->storage == loc->storage)
        return TRUE;
    }
  return FALSE;
}

/* A node that reads @value twice, as x * sigmoid (x) and y + conv (y) do,
 * needs it after the first of its steps. */
static guint
uses_now (const UnetPlan *plan, const UnetValue *value)
{
  const UnetNode *node = g_ptr_array_index (plan->graph->nodes, plan->current);
  guint uses = 0;

  for (guint i = 0; i < value->consumers->len; i++)
    uses += g_ptr_array_index (value->consumers, i) == node;
  return uses + unet_node_reads_apart (plan, node, value);
}

gboolean
unet_plan_dies (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  const UnetLoc *loc = plan->locs[value->id][layout];

  return loc && !value->constant && value->producer
      && !unet_graph_is_output (plan->graph, value)
      && plan->node_index_of_value[value->id] <= (gint) plan->current
      && uses_now (plan, value) <= 1 && !plan->homes[value->id].parent
      && !is_shared (plan, loc);
}
