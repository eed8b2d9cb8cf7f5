/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan: a graph of known shapes, compiled to a list of steps over one arena.
 * compile.h makes plans; this file runs them and answers queries. */

#include "engine/kernels/worker-pool.h"
#include "engine/run/decisions.h"
#include "engine/run/openmp-team.h"
#include "engine/run/precision.h"
#include "engine/run/run-mode.h"

G_BEGIN_DECLS

/* Where a result can be read after a run. */
typedef struct {
  const UnetStorage *storage;
  gsize offset;
} UnetOutput;

struct _UnetPlan {
  UnetGraph *graph;
  UnetSessionOptions options;
  dnnl_engine_t engine; /* shared by the process */
  dnnl_stream_t stream;
  UnetOpenmpTeam *team; /* (nullable): %NULL with one thread */
  UnetRunMode mode;     /* with several threads */
  UnetWorkerPool *pool; /* (nullable): made for the first run without a team */
  guint block;          /* channels of a block: 16 or 8 */
  gboolean avx2; /* without it some kernels of oneDNN 2.6 compute wrongly */
  gboolean vnni; /* without it sums of two int8 products saturate */

  GPtrArray *steps;      /* of UnetStep */
  GPtrArray *storages;   /* of UnetStorage */
  GPtrArray *constants;  /* of UnetCachedConstant */
  UnetOutput *outputs;   /* by output index */
  UnetLayerInfo *layers; /* by step index */
  guint8 *arena;
  gsize arena_size, live_size; /* bytes */
  guint64 flops;
  guint64 run_ns; /* of a run, where it was measured; 0: it was not */

  /* Used while the plan is compiled. */
  UnetLoc *(*locs)[UNET_N_MEM];               /* by value id and layout */
  gint *last_reader;                          /* node index, by value id */
  UnetMemLayout *layouts;                     /* by node index */
  UnetConcatSlot *slots;                      /* by value id */
  UnetFusedInput *fused_inputs;               /* by value id */
  UnetConvChoice (*conv_choices)[UNET_N_MEM]; /* by node index and layout */
  UnetStep **done; /* by node index: (nullable): the step of an earlier node
                    * that computes this node as well */
  guint current;   /* index of the node that is lowered */
  const UnetLowPrecision *low_precision;     /* (nullable) */
  UnetLowValue *low;                         /* (nullable): by value id */
  gboolean *is_low;                          /* (nullable): by node index */
  GHashTable *histograms;                    /* (nullable): emit/histogram.h */
  const struct _UnetTimeSource *time_source; /* (nullable): cost/timing.h */
  gboolean times_alone; /* measures on one thread: the machine is busy */
  guint64 timing_start; /* when measuring began, in nanoseconds; 0: not yet */
};

/* Frees @plan (nullable), its graph and everything it holds. */
void unet_plan_free (UnetPlan *plan);

/* Computes the outputs from the inputs. Allocates nothing, but once, when a run
 * of several threads is late and goes on without a team. One thread at a time
 * may run a plan; different plans may run at once. */
gboolean unet_plan_run (UnetPlan *plan, GError **error);
/* Runs from now on end between two steps, with %G_IO_ERROR_CANCELLED, once
 * @cancellable (nullable) is cancelled. It must outlive the runs. */
void unet_plan_set_cancellable (UnetPlan *plan, GCancellable *cancellable);

/* Returns the memory of an input, row-major. A run leaves it unchanged. */
gpointer unet_plan_get_input (UnetPlan *plan, guint index);

/* Returns the memory of an output, row-major. It is valid until the next run.
 */
gconstpointer unet_plan_get_output (UnetPlan *plan, guint index);

guint unet_plan_get_threads (UnetPlan *plan);

/* Returns the multiplications and additions of one run. */
guint64 unet_plan_get_flops (UnetPlan *plan);

/* Returns the arena's size in bytes. @live: (out) (optional): the most bytes
 * that are alive at one step. */
gsize unet_plan_get_arena_size (UnetPlan *plan, gsize *live);

/* Returns one entry for each step, with median times if the plan profiles. The
 * plan owns them and overwrites them in the next call. */
const UnetLayerInfo *unet_plan_get_layers (UnetPlan *plan, guint *n_layers);

/* Returns the graph that the plan was compiled from. */
const UnetGraph *unet_plan_get_graph (const UnetPlan *plan);

G_END_DECLS
