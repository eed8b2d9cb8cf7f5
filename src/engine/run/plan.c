/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "base/memory.h"
#include "engine/kernels/parallel.h"
#include "engine/run/serial-steps.h"
#include "engine/run/weight-cache.h"
#include "graph/ops/table.h"
#include <stdlib.h>
#include <string.h>

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
  for (guint i = 0; plan->fused_inputs && i < plan->graph->values->len; i++)
    if (plan->fused_inputs[i].from) {
      unet_md_free (plan->fused_inputs[i].from->md);
      g_free (plan->fused_inputs[i].from);
    }
  g_free (plan->fused_inputs);
}

void
unet_plan_free (UnetPlan *plan)
{
  if (!plan)
    return;
  unet_openmp_team_free (plan->team);
  unet_worker_pool_free (plan->pool);
  free_locs (plan);
  g_ptr_array_unref (plan->steps);
  g_ptr_array_unref (plan->storages);
  g_ptr_array_unref (plan->constants);
  g_free (plan->slots);
  g_free (plan->layouts);
  g_free (plan->done);
  g_free (plan->low);
  g_free (plan->is_low);
  g_free (plan->outputs);
  g_free (plan->last_reader);
  g_free (plan->conv_choices);
  g_free (plan->layers);
  unet_memory_release (plan->arena, plan->arena_size);
  if (plan->stream)
    dnnl_stream_destroy (plan->stream);
  unet_graph_free (plan->graph);
  g_free (plan);
}

/* ---- running ------------------------------------------------------------- */

static gboolean
run_primitive (
    UnetPlan *plan, UnetStep *step, dnnl_primitive_t primitive, GError **error)
{
  dnnl_status_t status = dnnl_primitive_execute (
      primitive, plan->stream, step->n_operands, step->args);

  if (status == dnnl_success)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "%s: node '%s' (%s): oneDNN: %s", plan->graph->name, step->info.name,
      step->info.op, unet_dnnl_status (status));
  return FALSE;
}

/* A primitive without a twin for one thread makes its team in any case. Some
 * ask for the number of threads only now, so it must be the one that they were
 * made for. */
static gboolean
run_in_team (UnetPlan *plan, UnetStep *step, GError **error)
{
  guint threads = unet_parallel_get_threads ();
  gboolean ok;

  unet_parallel_set_threads (plan->options.threads);
  ok = run_primitive (plan, step, step->primitive, error);
  unet_parallel_set_threads (threads);
  return ok;
}

static gboolean
run_step (UnetPlan *plan, UnetStep *step, UnetRunKind kind, GError **error)
{
  if (step->primitive && kind != UNET_RUN_TEAM && step->serial)
    return run_primitive (plan, step, step->serial, error);
  if (step->primitive)
    return run_in_team (plan, step, error);
  if (step->kernel) {
    gpointer ptr[UNET_MAX_OPERANDS];

    unet_step_get_pointers (step, ptr);
    step->kernel (
        step->params, ptr, kind == UNET_RUN_ALONE ? 1 : plan->options.threads);
    return TRUE;
  }
  return unet_op_eval (step->node, step->views, step->n_in,
      step->views + step->n_in, step->n_out, error);
}

static gboolean
run_profiled (UnetPlan *plan, UnetStep *step, UnetRunKind kind, GError **error)
{
  struct timespec a, b;
  gboolean ok;

  clock_gettime (CLOCK_MONOTONIC, &a);
  ok = run_step (plan, step, kind, error);
  clock_gettime (CLOCK_MONOTONIC, &b);
  step->samples[step->n_samples++ % UNET_MAX_SAMPLES] =
      (b.tv_sec - a.tv_sec) * G_GUINT64_CONSTANT (1000000000) + b.tv_nsec
      - a.tv_nsec;
  return ok;
}

void
unet_plan_set_cancellable (UnetPlan *plan, GCancellable *cancellable)
{
  plan->options.cancellable = cancellable;
}

/* Returns the microseconds that this thread has had a processor. */
static gint64
thread_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static gboolean
is_late (const UnetPlan *plan, gint64 busy_before)
{
  return unet_run_mode_is_late (&plan->mode, g_get_monotonic_time (),
      plan->mode.quickest > 0 ? 0 : thread_time () - busy_before);
}

/* Runs the steps from @first on, by the team as long as it is not late. Returns
 * the number of the step that did not run: all did, or it failed, or it is
 * @late. */
static guint
run_steps (UnetPlan *plan, guint first, UnetRunKind kind, gboolean *late,
    GError **error)
{
  const gboolean watches = kind == UNET_RUN_TEAM && plan->team;
  gint64 busy = watches && plan->mode.quickest == 0 ? thread_time () : 0;
  guint i;

  for (i = first; i < plan->steps->len && !*late; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    if (g_cancellable_set_error_if_cancelled (plan->options.cancellable, error)
        || !(plan->options.profile ? run_profiled (plan, step, kind, error)
                                   : run_step (plan, step, kind, error)))
      break;
    *late = watches && is_late (plan, busy);
  }
  return i;
}

static guint
run_without_team (UnetPlan *plan, guint first, UnetRunKind kind, GError **error)
{
  gboolean late = FALSE;
  guint i;

  unet_parallel_set_threads (1);
  unet_plan_make_serial (plan);
  unet_parallel_set_pool (kind == UNET_RUN_HELPED ? plan->pool : NULL);
  i = run_steps (plan, first, kind, &late, error);
  unet_parallel_set_pool (NULL);
  return i;
}

static gboolean
run_by_threads (UnetPlan *plan, GError **error)
{
  UnetRunKind kind = unet_run_mode_begin (&plan->mode, g_get_monotonic_time ());
  gboolean late = FALSE;
  guint i = 0;

  unet_openmp_team_begin (plan->team);
  if (kind == UNET_RUN_TEAM) {
    unet_parallel_set_threads (plan->options.threads);
    i = run_steps (plan, 0, UNET_RUN_TEAM, &late, error);
    if (late)
      kind = unet_run_mode_instead (&plan->mode);
  }
  if (kind != UNET_RUN_TEAM)
    i = run_without_team (plan, i, kind, error);
  if (late || i == plan->steps->len)
    unet_run_mode_end (&plan->mode, g_get_monotonic_time (), late);
  unet_openmp_team_end (plan->team);
  return i == plan->steps->len;
}

gboolean
unet_plan_run (UnetPlan *plan, GError **error)
{
  guint threads = unet_parallel_get_threads ();
  gboolean late = FALSE, ok;

  if (plan->team) {
    ok = run_by_threads (plan, error);
  } else {
    unet_parallel_set_threads (1);
    ok = run_steps (plan, 0, UNET_RUN_ALONE, &late, error) == plan->steps->len;
  }
  unet_parallel_set_threads (threads);
  return ok;
}

/* ---- queries ------------------------------------------------------------- */

gpointer
unet_plan_get_input (UnetPlan *plan, guint index)
{
  const UnetValue *value = g_ptr_array_index (plan->graph->inputs, index);
  const UnetLoc *loc = plan->locs[value->id][UNET_MEM_PLAIN];

  return (guint8 *) unet_storage_get_pointer (loc->storage, plan->arena)
      + loc->offset;
}

gconstpointer
unet_plan_get_output (UnetPlan *plan, guint index)
{
  const UnetOutput *output = &plan->outputs[index];

  return (guint8 *) unet_storage_get_pointer (output->storage, plan->arena)
      + output->offset;
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
  static const gchar *const kinds[] = { "compute", "reorder", "copy" };

  for (guint i = 0; i < plan->steps->len; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    plan->layers[i] = step->info;
    plan->layers[i].kind = kinds[step->kind];
    plan->layers[i].time_ns = median_sample (step);
  }
  *n_layers = plan->steps->len;
  return plan->layers;
}
