/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/compile.h"
#include "engine/choose/concat-slots.h"
#include "engine/choose/int8.h"
#include "engine/choose/layouts.h"
#include "engine/choose/winograd-fusion.h"
#include "engine/cost/run-time.h"
#include "engine/cost/timing-cache.h"
#include "engine/emit/histogram.h"
#include "engine/emit/locations.h"
#include "engine/kernels/parallel.h"
#include "engine/lower/table.h"
#include "engine/onednn/engine.h"
#include "base/memory.h"
#include "engine/run/arena.h"
#include "engine/run/headroom.h"
#include "engine/run/weight-cache.h"
#include <string.h>

/* ---- preparing ----------------------------------------------------------- */

static void
prepare_tables (UnetPlan *plan)
{
  guint n = plan->graph->values->len;

  plan->locs = g_malloc0_n (n, sizeof *plan->locs);
  plan->slots = g_new0 (UnetConcatSlot, n);
  plan->fused_inputs = g_new0 (UnetFusedInput, n);
  plan->last_reader = g_new (gint, n);
  plan->layouts = g_new0 (UnetMemLayout, plan->graph->nodes->len + 1);
  plan->done = g_new0 (UnetStep *, plan->graph->nodes->len + 1);
  plan->conv_choices =
      g_malloc0_n (plan->graph->nodes->len + 1, sizeof *plan->conv_choices);
  for (guint i = 0; i < n; i++)
    plan->last_reader[i] = -1;
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    node->index = i;
    for (guint k = 0; k < node->inputs->len; k++)
      if (unet_node_input (node, k))
        plan->last_reader[unet_node_input (node, k)->id] = i;
    for (guint k = 0; k < node->post_ops->len; k++) {
      UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, k);
      if (op->value)
        plan->last_reader[op->value->id] = i;
    }
  }
}

static gboolean
check_shapes (UnetPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    for (guint k = 0; k < node->outputs->len; k++) {
      UnetValue *v = unet_node_output (node, k);
      gboolean open = v && !v->has_shape;

      for (guint d = 0; v && d < v->n_dims; d++)
        open |= v->dims[d] < 0;
      if (open) {
        unet_node_set_error (error, plan->graph, node, UNET_ERROR_SHAPE,
            "the shape of '%s' depends on the data", v->name);
        return FALSE;
      }
    }
  }
  return TRUE;
}

static guint64
node_flops (const UnetGraph *graph, const UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0), *in = unet_node_input (node, 0);
  UnetValue *w = unet_node_input (node, 1);
  guint64 n;

  if (!out || !in || !w)
    return 0;
  n = unet_dims_count (out->n_dims, out->dims);
  switch (node->op) {
    case UNET_OP_Conv:
      return 2 * n * (unet_dims_count (w->n_dims, w->dims) / w->dims[0]);
    case UNET_OP_ConvTranspose:
      return 2 * unet_dims_count (in->n_dims, in->dims)
          * (unet_dims_count (w->n_dims, w->dims) / w->dims[0]);
    case UNET_OP_MatMul:
      return in->n_dims ? 2 * n * in->dims[in->n_dims - 1] : 0;
    case UNET_OP_Gemm:
      return in->n_dims == 2
          ? 2 * n * in->dims[unet_node_attr_int (node, "transA", 0) ? 0 : 1]
          : 0;
    default:
      return 0;
  }
}

/* ---- lowering ------------------------------------------------------------ */

/* Inputs are alive before the first step and during all steps, so that a run
 * can be repeated without writing them again. */
static gboolean
place_inputs (UnetPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->inputs, i);
    UnetLoc *loc = unet_plan_place (plan, v, UNET_MEM_PLAIN, error);

    if (!loc)
      return FALSE;
    loc->storage->first = -1;
    loc->storage->last = G_MAXINT;
    if (plan->histograms)
      unet_emit_watch (plan, v);
  }
  return TRUE;
}

static void
copy_bytes (gconstpointer params, gpointer const *ptr, guint threads)
{
  memcpy (ptr[1], ptr[0], *(const gsize *) params);
}

/* Copies a result that is an input or a view of one. Otherwise it would change
 * when the caller writes the next input. */
static UnetStorage *
copy_output (UnetPlan *plan, UnetValue *value, const UnetLoc *from)
{
  gsize size = unet_dims_count (value->n_dims, value->dims)
      * unet_dtype_size (value->dtype);
  UnetStorage *storage = unet_plan_add_storage (plan, size);
  UnetStep *step = unet_plan_add_kernel (plan, NULL, "Copy", "unet:copy",
      copy_bytes, g_memdup2 (&size, sizeof size), value, UNET_MEM_PLAIN);

  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand_md (step, 0, storage, 0, from->md, TRUE);
  return storage;
}

/* Outputs stay alive until the next run. */
static gboolean
place_outputs (UnetPlan *plan, GError **error)
{
  plan->outputs = g_new0 (UnetOutput, plan->graph->outputs->len + 1);
  for (guint i = 0; i < plan->graph->outputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->outputs, i);
    UnetLoc *loc = unet_plan_locate (plan, v, UNET_MEM_PLAIN, error);
    UnetStorage *storage = loc ? loc->storage : NULL;

    if (!loc)
      return FALSE;
    plan->outputs[i].offset = loc->offset;
    if (storage->first < 0) {
      storage = copy_output (plan, v, loc);
      plan->outputs[i].offset = 0;
    }
    storage->last = G_MAXINT;
    plan->outputs[i].storage = storage;
  }
  return TRUE;
}

static gboolean
lower_nodes (UnetPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    guint first = plan->steps->len;
    guint64 flops = node_flops (plan->graph, node);

    plan->current = i;
    plan->flops += flops;
    if (plan->done[i])
      plan->done[i]->info.flops += flops;
    if (g_cancellable_set_error_if_cancelled (plan->options.cancellable, error)
        || !unet_plan_lower (plan, node, plan->layouts[i], error))
      return FALSE;
    if (plan->histograms && unet_node_output (node, 0))
      unet_emit_watch (plan, unet_node_output (node, 0));
    /* The operations count for the first step that computes. */
    for (guint k = first; k < plan->steps->len; k++) {
      UnetStep *step = g_ptr_array_index (plan->steps, k);
      if (step->kind == UNET_STEP_COMPUTE) {
        step->info.flops = flops;
        break;
      }
    }
  }
  plan->current = plan->graph->nodes->len;
  return TRUE;
}

/* ---- finishing ----------------------------------------------------------- */

static void
find_lifetimes (UnetPlan *plan)
{
  for (guint i = 0; i < plan->steps->len; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    for (guint k = 0; k < step->n_operands; k++) {
      UnetOperand *o = &step->operands[k];
      gsize size = o->storage->size;

      o->storage->first = MIN (o->storage->first, (gint) i);
      o->storage->last = MAX (o->storage->last, (gint) i);
      if (o->md && unet_md_size (o->md) > 0)
        size = MIN (unet_md_size (o->md), size);
      if (o->arg != DNNL_ARG_SCRATCHPAD)
        step->info.bytes += size;
    }
  }
}

static gboolean
bind_step (UnetPlan *plan, UnetStep *step, GError **error)
{
  for (guint k = 0; k < step->n_operands; k++) {
    UnetOperand *o = &step->operands[k];

    o->ptr = (guint8 *) unet_storage_get_pointer (o->storage, plan->arena)
        + o->offset;
    step->args[k].arg = o->arg;
    if (step->primitive
        && dnnl_memory_create (
               &step->args[k].memory, o->md, plan->engine, o->ptr)
            != dnnl_success) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
          "%s: node '%s': oneDNN cannot use its memory", plan->graph->name,
          step->info.name);
      return FALSE;
    }
  }
  for (guint k = 0; k < step->n_in + step->n_out; k++)
    if (step->view_operands[k] >= 0)
      step->views[k].data = step->operands[step->view_operands[k]].ptr;
  return TRUE;
}

static gboolean
allocate_arena (UnetPlan *plan, GError **error)
{
  plan->arena_size =
      unet_arena_layout (plan->storages, plan->steps->len, &plan->live_size);
  plan->arena = unet_memory_new (plan->arena_size, plan->options.cancellable);
  if (plan->arena)
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (plan->options.cancellable, error))
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: out of memory for an arena of %" G_GSIZE_FORMAT " bytes",
        plan->graph->name, plan->arena_size);
  return FALSE;
}

static gboolean
finish (UnetPlan *plan, GError **error)
{
  find_lifetimes (plan);
  if (!allocate_arena (plan, error))
    return FALSE;
  for (guint i = 0; i < plan->steps->len; i++)
    if (!bind_step (plan, g_ptr_array_index (plan->steps, i), error))
      return FALSE;
  plan->layers = g_new0 (UnetLayerInfo, plan->steps->len + 1);
  unet_plan_release_weights (plan);
  return TRUE;
}

/* ---- compiling ----------------------------------------------------------- */

static gboolean
build (UnetPlan *plan, gboolean times_run, GError **error)
{
  UnetTimingCache *cache = NULL;
  gboolean ok;

  if (!check_shapes (plan, error))
    return FALSE;
  prepare_tables (plan);
  if (plan->options.tuning == UNET_TUNING_MEASURE && !plan->time_source)
    cache = unet_timing_cache_open (plan);
  if (plan->options.tuning != UNET_TUNING_REFERENCE) {
    if (plan->low_precision)
      unet_plan_choose_low_precision (plan);
    unet_plan_choose_layouts (plan);
    unet_plan_find_fused_inputs (plan);
    unet_plan_find_concat_slots (plan);
  }
  ok = place_inputs (plan, error) && lower_nodes (plan, error)
      && place_outputs (plan, error) && finish (plan, error);
  if (ok && times_run && plan->options.tuning == UNET_TUNING_MEASURE)
    plan->run_ns = unet_timing_measure_run (plan);
  unet_timing_cache_close (cache, ok);
  return ok;
}

/* Threads that the element, GStreamer and GLib may start between the count and
 * the teams that libgomp makes. */
#define SPARE_THREADS 4

/* More threads than processors are never quicker, and a team of hundreds takes
 * seconds to end. There may be three teams: of the threads that compile, run
 * and compile the next. */
static guint
choose_threads (guint asked)
{
  guint processors = unet_engine_count_processors ();
  guint threads = asked ? MIN (asked, MAX (2 * processors, 16)) : processors;
  guint found;

  if (threads <= 1)
    return 1;
  found = unet_headroom_count_threads (3 * threads + SPARE_THREADS);
  return CLAMP (((gint) found - SPARE_THREADS) / 3, 1, (gint) threads);
}

static UnetPlan *
plan_alloc (UnetGraph *graph, const UnetSessionOptions *options)
{
  UnetPlan *plan = g_new0 (UnetPlan, 1);

  plan->graph = graph;
  plan->options = *options;
  plan->options.threads = choose_threads (options->threads);
  plan->steps =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_step_free);
  plan->storages = g_ptr_array_new_with_free_func (g_free);
  plan->constants = g_ptr_array_new_with_free_func (
      (GDestroyNotify) unet_cached_constant_release);
  plan->avx2 = unet_engine_has_isa (dnnl_cpu_isa_avx2);
  plan->vnni = unet_engine_has_fast_int8 ();
  plan->block = unet_engine_has_isa (dnnl_cpu_isa_avx512_core) ? 16 : 8;
  if (plan->options.threads > 1)
    plan->team = unet_openmp_team_new ();
  unet_run_mode_init (&plan->mode);
  return plan;
}

UnetPlan *
unet_plan_new (UnetGraph *graph, const UnetSessionOptions *options,
    const UnetCompileOptions *compile, GError **error)
{
  static const UnetCompileOptions none = { NULL };
  const UnetCompileOptions *how = compile ? compile : &none;
  UnetPlan *plan = plan_alloc (graph, options);
  guint threads = unet_parallel_get_threads ();
  gboolean ok;

  plan->low_precision = how->low_precision;
  plan->histograms = how->histograms;
  plan->time_source = how->times;
  if (unet_headroom_check_memory (error))
    plan->engine = unet_engine_get (error);
  /* Primitives split their work for the team that they will run with. */
  unet_parallel_set_threads (plan->options.threads);
  ok = plan->engine
      && dnnl_stream_create (&plan->stream, plan->engine, dnnl_stream_in_order)
          == dnnl_success
      && build (plan, how->times_run, error);
  unet_parallel_set_threads (threads);
  plan->options.cancellable = NULL;
  plan->low_precision = NULL;
  plan->histograms = NULL;
  plan->time_source = NULL;
  if (!ok) {
    if (error && !*error)
      g_set_error (
          error, UNET_ERROR, UNET_ERROR_ENGINE, "oneDNN cannot make a stream");
    g_clear_pointer (&plan, unet_plan_free);
  }
  return plan;
}
