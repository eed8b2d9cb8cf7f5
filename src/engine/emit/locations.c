/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/emit/locations.h"
#include "engine/emit/int8-convert.h"
#include "engine/run/int8-layout.h"
#include "engine/run/weight-cache.h"

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
unet_plan_place (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error)
{
  const UnetConcatSlot *slot = &plan->slots[value->id];
  UnetMd md = NULL;

  if (plan->locs[value->id][layout])
    return plan->locs[value->id][layout];
  if (unet_dnnl_dtype (value->dtype) != dnnl_data_type_undef) {
    md = layout == UNET_MEM_LOW
        ? unet_int8_md (plan, value)
        : unet_plan_md (plan, value->dtype, value->n_dims, value->dims, layout);
    if (!md) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
          "%s: no memory descriptor for '%s'", plan->graph->name, value->name);
      return NULL;
    }
  }
  if (slot->parent && layout == slot->layout) {
    UnetLoc *parent = unet_plan_place (plan, slot->parent, layout, error);
    gsize offset = layout == UNET_MEM_LOW
        ? slot->channel * unet_element_size (plan->low[value->id].type)
        : slot->channel * value->dims[2] * value->dims[3] * sizeof (gfloat);

    if (!parent) {
      unet_md_free (md);
      return NULL;
    }
    return add_loc (
        plan, value, layout, parent->storage, parent->offset + offset, md);
  }
  return add_loc (plan, value, layout,
      unet_plan_add_storage (plan, unet_plan_value_bytes (plan, value, layout)),
      0, md);
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
    storage = unet_plan_cache_reordered (plan, t->data, from, to, error);
  }
  unet_md_free (from);
  if (!storage) {
    unet_md_free (to);
    return NULL;
  }
  return add_loc (plan, value, layout, storage, 0, to);
}

gboolean
unet_emit_reorder (UnetPlan *plan, UnetValue *value, const UnetLoc *from,
    const UnetLoc *to, GError **error)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetStep *step = NULL;

  if (from->layout == UNET_MEM_LOW || to->layout == UNET_MEM_LOW) {
    unet_emit_int8_conversion (plan, value, from, to);
    return TRUE;
  }
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
  step->kind = UNET_STEP_REORDER;
  unet_step_operand (step, DNNL_ARG_FROM, from, FALSE);
  unet_step_operand (step, DNNL_ARG_TO, to, TRUE);
  return TRUE;
}

UnetLoc *
unet_plan_locate (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error)
{
  UnetLoc **locs = plan->locs[value->id];

  if (locs[layout])
    return locs[layout];
  if (value->constant)
    return read_constant (plan, value, layout, error);
  /* It lies in another layout: one reorder serves all its readers. */
  for (guint i = 0; i < UNET_N_MEM; i++)
    if (locs[i] && locs[i]->md) {
      UnetLoc *from = locs[i];
      UnetLoc *to = unet_plan_place (plan, value, layout, error);

      return to && unet_emit_reorder (plan, value, from, to, error) ? to : NULL;
    }
  g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "%s: '%s' is read before it is computed", plan->graph->name, value->name);
  return NULL;
}

gboolean
unet_plan_locate_broadcast (UnetPlan *plan, UnetValue *value, guint n_dims,
    UnetMemLayout layout, UnetLoc *out, GError **error)
{
  gint64 dims[UNET_MAX_DIMS];
  guint lead = n_dims - MIN (value->n_dims, n_dims);
  UnetLoc *loc;

  if (value->n_dims == n_dims) {
    if (!unet_value_fits (plan, value, layout))
      layout = UNET_MEM_PLAIN;
    loc = unet_plan_locate (plan, value, layout, error);
    if (loc) {
      *out = *loc;
      out->md = loc->md ? unet_md_copy (loc->md) : NULL;
    }
    return loc != NULL;
  }
  loc = unet_plan_locate (plan, value, UNET_MEM_PLAIN, error);
  if (!loc)
    return FALSE;
  for (guint i = 0; i < n_dims; i++)
    dims[i] = i < lead ? 1 : value->dims[i - lead];
  *out = *loc;
  out->md = unet_plan_md (plan, value->dtype, n_dims, dims, UNET_MEM_PLAIN);
  if (value->constant && layout != UNET_MEM_PLAIN && n_dims == 4
      && value->dtype == UNET_DTYPE_F32) {
    UnetMd md = unet_plan_md (plan, value->dtype, n_dims, dims, layout);
    UnetStorage *storage = unet_plan_cache_reordered (
        plan, value->constant->data, out->md, md, error);

    unet_md_free (out->md);
    out->md = md;
    out->storage = storage;
    out->offset = 0;
    return storage != NULL;
  }
  return out->md != NULL;
}

/* ---- lifetimes ----------------------------------------------------------- */

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

/* Returns whether @node reads @value through a concatenation that is not
 * materialised. */
static gboolean
reads_fused (const UnetPlan *plan, const UnetNode *node, const UnetValue *value)
{
  UnetValue *in = node->inputs->len > 0 ? unet_node_input (node, 0) : NULL;

  if (!in || !plan->fused_inputs[in->id].not_materialised)
    return FALSE;
  for (guint i = 0; i < in->producer->inputs->len; i++)
    if (unet_node_input (in->producer, i) == value)
      return TRUE;
  return FALSE;
}

/* Returns how often the node being lowered reads @value. One that reads it
 * twice, as x * sigmoid (x) and y + conv (y) do, needs it after the first of
 * its steps. */
static guint
count_uses (const UnetPlan *plan, const UnetValue *value)
{
  const UnetNode *node = g_ptr_array_index (plan->graph->nodes, plan->current);
  guint uses = 0;

  for (guint i = 0; i < value->consumers->len; i++)
    uses += g_ptr_array_index (value->consumers, i) == node;
  return uses + reads_fused (plan, node, value);
}

gboolean
unet_plan_dies (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  const UnetLoc *loc = plan->locs[value->id][layout];

  return loc && !value->constant && value->producer
      && !unet_graph_is_output (plan->graph, value)
      && plan->last_reader[value->id] <= (gint) plan->current
      && count_uses (plan, value) <= 1 && !plan->slots[value->id].parent
      && !is_shared (plan, loc);
}
