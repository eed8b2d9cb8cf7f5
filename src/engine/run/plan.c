/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "engine/choose/int8.h"
#include "engine/emit/histogram.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- the process's engine ---------------------------------------------- */

static dnnl_engine_t
shared_engine (GError **error)
{
  static gsize once;
  static dnnl_engine_t engine;

  if (g_once_init_enter (&once)) {
    dnnl_engine_create (&engine, dnnl_cpu, 0);
    g_once_init_leave (&once, 1);
  }
  if (!engine)
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "oneDNN has no engine for this processor");
  return engine;
}

static guint
available_threads (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return MAX (CPU_COUNT (&set), 1);
  return g_get_num_processors ();
}

/* The constants are sets of bits, not steps of a ladder: AVX2-VNNI has a
 * larger number than AVX-512. */
static gboolean
has_isa (dnnl_cpu_isa_t isa)
{
  return (dnnl_get_effective_cpu_isa () & isa) == isa;
}

gboolean
unet_engine_has_fast_bytes (void)
{
  return has_isa (dnnl_cpu_isa_avx512_core_vnni)
      || has_isa (dnnl_cpu_isa_avx2_vnni);
}

gboolean
unet_engine_has_bf16 (void)
{
  return has_isa (dnnl_cpu_isa_avx512_core_bf16);
}

const gchar *
unet_engine_name (void)
{
  static gsize once;
  static gchar name[48];

  if (g_once_init_enter (&once)) {
    const dnnl_version_t *v = dnnl_version ();

    g_snprintf (
        name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    g_once_init_leave (&once, 1);
  }
  return name;
}

/* ---- texts -------------------------------------------------------------- */

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

gchar *
unet_post_op_describe (const UnetPostOp *op)
{
  return g_strdup (post_op_names[op->kind]);
}

gchar *
unet_node_describe (const UnetNode *node, guint n_post_ops)
{
  GString *s = g_string_new (unet_op_def (node->op)->name);

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

/* ---- steps -------------------------------------------------------------- */

UnetStep *
unet_plan_add_step (UnetPlan *plan, const UnetNode *node, const gchar *op,
    const gchar *impl, const UnetValue *out, UnetMemLayout layout)
{
  const gchar *const layouts[] = { "plain",
    plan->block == 16 ? "nChw16c" : "nChw8c", "nhwc", "narrow" };
  UnetStep *step = g_new0 (UnetStep, 1);

  step->info.name = g_strdup (node ? node->name : out->name);
  step->info.op = g_strdup (op);
  step->info.impl = g_strdup (impl);
  step->info.layout = layouts[layout];
  step->info.shape = shape_text (out);
  step->info.kind = "compute";
  g_ptr_array_add (plan->steps, step);
  return step;
}

static void
step_free (UnetStep *step)
{
  for (guint i = 0; i < step->n_operands; i++) {
    if (step->args[i].memory)
      dnnl_memory_destroy (step->args[i].memory);
    unet_md_free (step->operands[i].md);
  }
  if (step->primitive)
    dnnl_primitive_destroy (step->primitive);
  g_free ((gchar *) step->info.name);
  g_free ((gchar *) step->info.op);
  g_free ((gchar *) step->info.impl);
  g_free ((gchar *) step->info.shape);
  if (step->params)
    (step->free_params ? step->free_params : g_free) (step->params);
  g_free (step->views);
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

UnetStep *
unet_plan_add_primitive (UnetPlan *plan, const UnetNode *node, const gchar *op,
    dnnl_primitive_desc_t pd, const UnetValue *out, UnetMemLayout layout,
    GError **error)
{
  UnetConstMd scratch = unet_pd_md (pd, dnnl_query_scratchpad_md, 0);
  gsize scratch_size = scratch ? unet_md_size (scratch) : 0;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = dnnl_primitive_create (&primitive, pd);
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

/* ---- building ----------------------------------------------------------- */

static void
prepare_tables (UnetPlan *plan)
{
  guint n = plan->graph->values->len;

  plan->locs = g_malloc0_n (n, sizeof *plan->locs);
  plan->homes = g_new0 (UnetHome, n);
  plan->feeds = g_new0 (UnetFeed, n);
  plan->node_index_of_value = g_new (gint, n);
  plan->layouts = g_new0 (UnetMemLayout, plan->graph->nodes->len + 1);
  plan->done = g_new0 (UnetStep *, plan->graph->nodes->len + 1);
  for (guint i = 0; i < n; i++)
    plan->node_index_of_value[i] = -1;
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    node->index = i;
    for (guint k = 0; k < node->inputs->len; k++)
      if (unet_node_input (node, k))
        plan->node_index_of_value[unet_node_input (node, k)->id] = i;
    for (guint k = 0; k < node->post_ops->len; k++) {
      UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, k);
      if (op->value)
        plan->node_index_of_value[op->value->id] = i;
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

/* Inputs are written before the first step and stay as they were, so that a
 * run can be repeated; outputs stay until the next run. */
static gboolean
place_inputs (UnetPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->inputs, i);
    UnetLoc *loc = unet_plan_write (plan, v, UNET_MEM_PLAIN, error);

    if (!loc)
      return FALSE;
    loc->storage->first = -1;
    loc->storage->last = G_MAXINT;
    if (plan->histograms)
      unet_plan_watch (plan, v);
  }
  return TRUE;
}

static void
copy_bytes (gconstpointer params, gpointer const *ptr, guint threads)
{
  memcpy (ptr[1], ptr[0], *(const gsize *) params);
}

/* A result that is an input, or a view of one, must not change when the
 * caller writes the next input. */
static UnetStorage *
copy_output (UnetPlan *plan, UnetValue *value, const UnetLoc *from)
{
  gsize size = unet_dims_count (value->n_dims, value->dims)
      * unet_dtype_size (value->dtype);
  UnetStorage *storage = unet_plan_add_storage (plan, size);
  UnetStep *step = unet_plan_add_kernel (plan, NULL, "Copy", "unet:copy",
      copy_bytes, g_memdup2 (&size, sizeof size), value, UNET_MEM_PLAIN);

  step->info.kind = "copy";
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand_md (step, 0, storage, 0, from->md, TRUE);
  return storage;
}

static gboolean
place_outputs (UnetPlan *plan, GError **error)
{
  plan->outputs = g_new0 (UnetOutput, plan->graph->outputs->len + 1);
  for (guint i = 0; i < plan->graph->outputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->outputs, i);
    UnetLoc *loc = unet_plan_read (plan, v, UNET_MEM_PLAIN, error);
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
    if (plan->done[i]) /* by an earlier step */
      plan->done[i]->info.flops += flops;
    if (g_cancellable_set_error_if_cancelled (plan->options.cancellable, error)
        || !unet_plan_lower (plan, node, plan->layouts[i], error))
      return FALSE;
    if (plan->histograms && unet_node_output (node, 0))
      unet_plan_watch (plan, unet_node_output (node, 0));
    /* the operations belong to the step that does the arithmetic */
    for (guint k = first; k < plan->steps->len; k++) {
      UnetStep *step = g_ptr_array_index (plan->steps, k);
      if (g_strcmp0 (step->info.kind, "compute") == 0) {
        step->info.flops = flops;
        break;
      }
    }
  }
  plan->current = plan->graph->nodes->len;
  return TRUE;
}

/* ---- finishing ---------------------------------------------------------- */

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

static gpointer
storage_pointer (const UnetPlan *plan, const UnetStorage *storage)
{
  if (storage->constant)
    return storage->constant;
  return plan->arena + storage->offset;
}

static void
operand_pointers (const UnetStep *step, gpointer *ptr)
{
  for (guint i = 0; i < step->n_operands; i++)
    ptr[i] = step->operands[i].ptr;
}

static gboolean
bind_step (UnetPlan *plan, UnetStep *step, GError **error)
{
  gpointer ptr[UNET_MAX_OPERANDS];

  for (guint k = 0; k < step->n_operands; k++) {
    UnetOperand *o = &step->operands[k];

    o->ptr = (guint8 *) storage_pointer (plan, o->storage) + o->offset;
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
    step->views[k].data = step->views[k].dtype
        ? step->operands[GPOINTER_TO_UINT (step->views[k].data)].ptr
        : NULL;
  operand_pointers (step, ptr);
  if (!step->bind || step->bind (plan, step->params, ptr))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "%s: node '%s': oneDNN cannot use its memory", plan->graph->name,
      step->info.name);
  return FALSE;
}

static gboolean
allocate_arena (UnetPlan *plan, GError **error)
{
  plan->arena_size =
      unet_arena_layout (plan->storages, plan->steps->len, &plan->live_size);
  plan->arena = unet_memory_new (plan->arena_size);
  if (!plan->arena) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: out of memory for an arena of %" G_GSIZE_FORMAT " bytes",
        plan->graph->name, plan->arena_size);
    return FALSE;
  }
  return TRUE;
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

static gboolean
build (UnetPlan *plan, GError **error)
{
  UnetTuneCache *cache = NULL;
  gboolean ok;

  if (!check_shapes (plan, error))
    return FALSE;
  prepare_tables (plan);
  if (plan->options.tuning == UNET_TUNING_MEASURE)
    cache = unet_tune_cache_open (plan);
  if (plan->options.tuning != UNET_TUNING_REFERENCE) {
    if (plan->narrowing)
      unet_plan_choose_narrow (plan);
    unet_plan_choose_layouts (plan);
    unet_plan_find_feeds (plan);
    unet_plan_find_homes (plan);
  }
  ok = place_inputs (plan, error) && lower_nodes (plan, error)
      && place_outputs (plan, error) && finish (plan, error);
  unet_tune_cache_close (cache, ok);
  return ok;
}

static UnetPlan *
plan_new (UnetGraph *graph, const UnetSessionOptions *options,
    const UnetNarrowing *narrowing, GHashTable *histograms, GError **error)
{
  UnetPlan *plan = g_new0 (UnetPlan, 1);
  guint threads = unet_parallel_get_threads ();
  gboolean ok;

  plan->graph = graph;
  plan->options = *options;
  plan->narrowing = narrowing;
  plan->histograms = histograms;
  if (plan->options.threads == 0)
    plan->options.threads = available_threads ();
  plan->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) step_free);
  plan->storages = g_ptr_array_new_with_free_func (g_free);
  plan->packs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_pack_release);
  plan->avx2 = has_isa (dnnl_cpu_isa_avx2);
  plan->vnni = unet_engine_has_fast_bytes ();
  plan->block = has_isa (dnnl_cpu_isa_avx512_core) ? 16 : 8;
  plan->engine = shared_engine (error);
  if (plan->options.threads > 1)
    plan->team = unet_team_new ();
  /* primitives split their work for the team that they will run with */
  unet_parallel_set_threads (plan->options.threads);
  unet_tune_set_cancellable (plan->options.cancellable);
  ok = plan->engine
      && dnnl_stream_create (&plan->stream, plan->engine, dnnl_stream_in_order)
          == dnnl_success
      && build (plan, error);
  unet_tune_set_cancellable (NULL);
  unet_parallel_set_threads (threads);
  plan->options.cancellable = NULL;
  plan->narrowing = NULL;
  plan->histograms = NULL;
  if (!ok) {
    if (error && !*error)
      g_set_error (
          error, UNET_ERROR, UNET_ERROR_ENGINE, "oneDNN cannot make a stream");
    g_clear_pointer (&plan, unet_plan_free);
  }
  return plan;
}

UnetPlan *
unet_plan_new (
    UnetGraph *graph, const UnetSessionOptions *options, GError **error)
{
  return plan_new (graph, options, NULL, NULL, error);
}

UnetPlan *
unet_plan_new_narrow (UnetGraph *graph, const UnetSessionOptions *options,
    const UnetNarrowing *narrowing, GError **error)
{
  return plan_new (graph, options, narrowing, NULL, error);
}

UnetPlan *
unet_plan_new_watching (UnetGraph *graph, const UnetSessionOptions *options,
    GHashTable *histograms, GError **error)
{
  return plan_new (graph, options, NULL, histograms, error);
}

static void
free_locs (UnetPlan *plan)
{
  for (guint i = 0; plan->locs && i < plan->graph->values->len; i++)
    for (guint k = 0; k < UNET_N_MEM; k++)
      if (plan->locs[i][k]) {
        unet_md_free (plan->locs[i][k]->md);
        g_free (plan->locs[i][k]);
      }
  g_free (plan->locs);
  for (guint i = 0; plan->feeds && i < plan->graph->values->len; i++)
    if (plan->feeds[i].from) {
      unet_md_free (plan->feeds[i].from->md);
      g_free (plan->feeds[i].from);
    }
  g_free (plan->feeds);
}

void
unet_plan_free (UnetPlan *plan)
{
  if (!plan)
    return;
  unet_team_free (plan->team);
  free_locs (plan);
  g_ptr_array_unref (plan->steps);
  g_ptr_array_unref (plan->storages);
  g_ptr_array_unref (plan->packs);
  g_free (plan->homes);
  g_free (plan->layouts);
  g_free (plan->done);
  g_free (plan->narrow);
  g_free (plan->is_narrow);
  g_free (plan->outputs);
  g_free (plan->node_index_of_value);
  g_free (plan->layers);
  free (plan->arena);
  if (plan->stream)
    dnnl_stream_destroy (plan->stream);
  unet_graph_free (plan->graph);
  g_free (plan);
}

/* ---- running ------------------------------------------------------------ */

static gboolean
run_step (UnetPlan *plan, UnetStep *step, GError **error)
{
  if (step->primitive) {
    dnnl_status_t status = dnnl_primitive_execute (
        step->primitive, plan->stream, step->n_operands, step->args);

    if (status == dnnl_success)
      return TRUE;
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "%s: node '%s' (%s): oneDNN: %s", plan->graph->name, step->info.name,
        step->info.op, unet_dnnl_status (status));
    return FALSE;
  }
  if (step->kernel) {
    gpointer ptr[UNET_MAX_OPERANDS];

    operand_pointers (step, ptr);
    step->kernel (step->params, ptr, plan->options.threads);
    return TRUE;
  }
  return unet_op_def (step->node->op)
      ->eval (step->node, step->views, step->n_in, step->views + step->n_in,
          step->n_out, error);
}

static gboolean
run_profiled (UnetPlan *plan, UnetStep *step, GError **error)
{
  struct timespec a, b;
  gboolean ok;

  clock_gettime (CLOCK_MONOTONIC, &a);
  ok = run_step (plan, step, error);
  clock_gettime (CLOCK_MONOTONIC, &b);
  step->samples[step->n_samples++ % UNET_MAX_SAMPLES] =
      (b.tv_sec - a.tv_sec) * G_GUINT64_CONSTANT (1000000000) + b.tv_nsec
      - a.tv_nsec;
  return ok;
}

gboolean
unet_plan_run (UnetPlan *plan, GError **error)
{
  guint threads = unet_parallel_get_threads ();
  gboolean ok = TRUE;

  if (plan->team)
    unet_team_begin (plan->team);
  unet_parallel_set_threads (plan->options.threads);
  for (guint i = 0; ok && i < plan->steps->len; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    ok = plan->options.profile ? run_profiled (plan, step, error)
                               : run_step (plan, step, error);
  }
  unet_parallel_set_threads (threads);
  if (plan->team)
    unet_team_end (plan->team);
  return ok;
}

/* ---- questions ---------------------------------------------------------- */

gpointer
unet_plan_get_input (UnetPlan *plan, guint index)
{
  const UnetValue *value = g_ptr_array_index (plan->graph->inputs, index);
  const UnetLoc *loc = plan->locs[value->id][UNET_MEM_PLAIN];

  return (guint8 *) storage_pointer (plan, loc->storage) + loc->offset;
}

gconstpointer
unet_plan_get_output (UnetPlan *plan, guint index)
{
  const UnetOutput *output = &plan->outputs[index];

  return (guint8 *) storage_pointer (plan, output->storage) + output->offset;
}

const UnetGraph *
unet_plan_get_graph (const UnetPlan *plan)
{
  return plan->graph;
}

guint
unet_plan_get_threads (UnetPlan *plan)
{
  return plan->options.threads;
}

guint64
unet_plan_get_flops (UnetPlan *plan)
{
  return plan->flops;
}

gsize
unet_plan_get_arena_size (UnetPlan *plan, gsize *live)
{
  if (live)
    *live = plan->live_size;
  return plan->arena_size;
}

static int
compare_u64 (const void *a, const void *b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;
  return x < y ? -1 : x > y;
}

static guint64
median_sample (const UnetStep *step)
{
  guint64 sorted[UNET_MAX_SAMPLES];
  guint n = MIN (step->n_samples, UNET_MAX_SAMPLES);

  if (n == 0)
    return 0;
  memcpy (sorted, step->samples, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, compare_u64);
  return sorted[n / 2];
}

const UnetLayerInfo *
unet_plan_get_layers (UnetPlan *plan, guint *n_layers)
{
  for (guint i = 0; i < plan->steps->len; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    plan->layers[i] = step->info;
    plan->layers[i].time_ns = median_sample (step);
  }
  *n_layers = plan->steps->len;
  return plan->layers;
}
