/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/conv-winograd.h"
#include "engine/cost/conv-winograd.h"
#include "engine/cost/winograd-sources.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/run/weight-cache.h"
#include <string.h>

static gint64
padded_channels (const UnetWinograd *w)
{
  return w->shape.dst.blocks * w->shape.dst.vec;
}

/* ---- constants ----------------------------------------------------------- */

typedef struct {
  UnetNode *node;
  const UnetWinograd *w;
} Fill;

static gboolean
fill_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetTensor *t = unet_node_input (f->node, 1)->constant;

  unet_winograd_weights (
      t->data, t->dims[0], t->dims[1], f->w->shape.dst.vec, data);
  return TRUE;
}

static UnetStorage *
cache_weights (
    UnetPlan *plan, UnetNode *node, const UnetWinograd *w, GError **error)
{
  const UnetTensor *t = unet_node_input (node, 1)->constant;
  Fill fill = { node, w };
  gchar *key = g_strdup_printf ("winograd %" G_GINT64_FORMAT
                                "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
      t->dims[0], t->dims[1], w->shape.dst.vec);
  UnetStorage *storage = unet_plan_cache_constant (plan, t->data,
      t->n_elements * sizeof (gfloat), key, unet_winograd_weights_bytes (w),
      fill_weights, &fill, error);

  g_free (key);
  return storage;
}

static UnetStorage *
cache_bias (
    UnetPlan *plan, UnetNode *node, const UnetWinograd *w, GError **error)
{
  const UnetValue *bias = unet_node_input (node, 2);

  return unet_plan_cache_bytes (plan, bias ? bias->constant->data : NULL,
      bias ? w->shape.dst.c * sizeof (gfloat) : 0, "winograd bias",
      padded_channels (w) * sizeof (gfloat), error);
}

/* Copies [heads][channels] to rows of whole blocks. */
static gboolean
fill_head_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetTensor *t = unet_node_input (f->node, 1)->constant;
  const gfloat *from = t->data;

  for (gint64 i = 0; i < t->n_elements; i++)
    ((gfloat *)
            data)[i / t->dims[1] * padded_channels (f->w) + i % t->dims[1]] =
        from[i];
  return TRUE;
}

static gboolean
cache_head (UnetPlan *plan, UnetNode *head, const UnetWinograd *w,
    UnetStorage **weights, UnetStorage **bias, GError **error)
{
  const UnetTensor *t = unet_node_input (head, 1)->constant;
  const UnetValue *b = unet_node_input (head, 2);
  gsize n = w->shape.heads * sizeof (gfloat);
  Fill fill = { head, w };
  gchar *key = g_strdup_printf ("winograd head %" G_GINT64_FORMAT
                                " %" G_GINT64_FORMAT,
      t->dims[0], w->shape.dst.vec);

  *weights = unet_plan_cache_constant (plan, t->data,
      t->n_elements * sizeof (gfloat), key, n * padded_channels (w),
      fill_head_weights, &fill, error);
  g_free (key);
  *bias = *weights ? unet_plan_cache_bytes (plan, b ? b->constant->data : NULL,
              b ? n : 0, "winograd head bias", n, error)
                   : NULL;
  return *bias != NULL;
}

/* ---- steps --------------------------------------------------------------- */

static void
add_operand (UnetStep *step, UnetWinograd *w, guint i, const UnetLoc *loc,
    gboolean write)
{
  w->at[i] = loc ? (gint) step->n_operands : -1;
  if (loc)
    unet_step_operand (step, 0, loc, write);
}

static void
add_constant (UnetStep *step, UnetWinograd *w, guint i, UnetStorage *storage)
{
  w->at[i] = step->n_operands;
  unet_step_operand_md (step, 0, storage, 0, NULL, FALSE);
}

static void
add_buffer (
    UnetPlan *plan, UnetStep *step, UnetWinograd *w, guint i, gsize size)
{
  UnetStorage *storage = unet_plan_add_storage (plan, size * sizeof (gfloat));

  w->at[i] = step->n_operands;
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD, storage, 0, NULL, TRUE);
}

static gboolean
add_pool (UnetPlan *plan, UnetStep *step, UnetWinograd *w, UnetNode *pool,
    GError **error)
{
  UnetLoc *loc = NULL;

  if (pool) {
    loc = unet_plan_place (
        plan, unet_node_output (pool, 0), UNET_MEM_BLOCKED, error);
    if (!loc)
      return FALSE;
    w->shape.pool = pool->op == UNET_OP_MaxPool ? UNET_WINOGRAD_POOL_MAX
                                                : UNET_WINOGRAD_POOL_MEAN;
    plan->done[pool->index] = step;
  }
  add_operand (step, w, UNET_WINOGRAD_POOL, loc, TRUE);
  return TRUE;
}

static gboolean
add_head (UnetPlan *plan, UnetStep *step, UnetWinograd *w, UnetNode *head,
    GError **error)
{
  UnetStorage *weights, *bias;
  UnetLoc *loc;

  w->at[UNET_WINOGRAD_HEAD_WEIGHTS] = w->at[UNET_WINOGRAD_HEAD_BIAS] =
      w->at[UNET_WINOGRAD_HEAD] = w->at[UNET_WINOGRAD_SUMS] = -1;
  if (!head)
    return TRUE;
  w->shape.heads = unet_node_output (head, 0)->dims[1];
  loc =
      unet_plan_place (plan, unet_node_output (head, 0), UNET_MEM_PLAIN, error);
  if (!loc || !cache_head (plan, head, w, &weights, &bias, error))
    return FALSE;
  add_constant (step, w, UNET_WINOGRAD_HEAD_WEIGHTS, weights);
  add_constant (step, w, UNET_WINOGRAD_HEAD_BIAS, bias);
  add_operand (step, w, UNET_WINOGRAD_HEAD, loc, TRUE);
  add_buffer (plan, step, w, UNET_WINOGRAD_SUMS,
      w->threads * w->block * w->shape.heads * 16);
  plan->done[head->index] = step;
  return unet_emit_post_ops (
      plan, head, 0, unet_node_output (head, 0), UNET_MEM_PLAIN, error);
}

/* Finds what @node reads, and adds reorders for sources that do not lie in
 * blocks. */
static gboolean
find_sources (UnetPlan *plan, UnetNode *node, UnetWinogradSources *sources,
    GError **error)
{
  unet_winograd_find_sources (plan, node, sources);
  for (guint i = 0; i < sources->n; i++)
    if (!sources->before_depth_to_space[i]
        && !unet_plan_locate (
            plan, sources->values[i], UNET_MEM_BLOCKED, error))
      return FALSE;
  return TRUE;
}

static void
add_sources (UnetPlan *plan, UnetStep *step, UnetWinograd *w,
    const UnetWinogradSources *sources)
{
  w->shape.n_sources = sources->n;
  for (guint i = 0; i < UNET_WINOGRAD_SOURCES; i++)
    w->at[UNET_WINOGRAD_SRC + i] = -1;
  for (guint i = 0; i < sources->n; i++) {
    UnetValue *v = sources->values[i];
    const UnetLoc *loc = sources->before_depth_to_space[i];

    w->shape.sources[i].blocks =
        unet_plan_vec (plan, v, UNET_MEM_BLOCKED).blocks;
    w->shape.sources[i].depth_to_space = loc != NULL;
    add_operand (step, w, UNET_WINOGRAD_SRC + i,
        loc ? loc : plan->locs[v->id][UNET_MEM_BLOCKED], FALSE);
  }
}

static gchar *
describe (const UnetNode *node, guint n_post_ops,
    const UnetWinogradSources *sources, const UnetWinogradFusion *fusion)
{
  gchar *conv = unet_node_describe (node, n_post_ops);
  gboolean depth_to_space = FALSE;
  gchar *name;

  for (guint i = 0; i < sources->n; i++)
    depth_to_space |= sources->before_depth_to_space[i] != NULL;
  name = g_strconcat (depth_to_space ? "DepthToSpace+" : "",
      sources->n > 1 ? "Concat+" : "", conv, fusion->head ? "+Conv" : "",
      fusion->pool ? "+" : NULL,
      fusion->pool ? unet_op_name (fusion->pool->op) : NULL, NULL);
  g_free (conv);
  return name;
}

gboolean
unet_emit_winograd (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 block, guint n_post_ops, const UnetLoc *dst, const UnetLoc *add,
    const UnetWinogradFusion *fusion, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetWinogradSources sources;
  UnetWinograd *w = find_sources (plan, node, &sources, error)
      ? unet_winograd_new (plan, node, window, block)
      : NULL;
  UnetStorage *weights = w ? cache_weights (plan, node, w, error) : NULL;
  UnetStorage *bias = weights ? cache_bias (plan, node, w, error) : NULL;
  UnetStep *step;
  gchar *name;

  if (!bias) {
    g_free (w);
    return FALSE;
  }
  name = describe (node, n_post_ops, &sources, fusion);
  step = unet_plan_add_kernel (plan, node, name, "unet:winograd4x4",
      unet_winograd_run, w, out, UNET_MEM_BLOCKED);
  g_free (name);
  add_sources (plan, step, w, &sources);
  add_constant (step, w, UNET_WINOGRAD_WEIGHTS, weights);
  add_constant (step, w, UNET_WINOGRAD_BIAS, bias);
  add_operand (step, w, UNET_WINOGRAD_DST, dst, TRUE);
  add_buffer (plan, step, w, UNET_WINOGRAD_IN, unet_winograd_in_floats (w));
  add_buffer (
      plan, step, w, UNET_WINOGRAD_PRODUCTS, w->threads * w->scratch_size);
  add_operand (step, w, UNET_WINOGRAD_ADD, add, FALSE);
  return add_pool (plan, step, w, fusion->pool, error)
      && add_head (plan, step, w, fusion->head, error);
}
