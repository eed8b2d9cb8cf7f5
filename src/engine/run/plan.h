/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the engine. A plan is a list of steps over storages; a storage is
 * a piece of the arena with a lifetime counted in steps, or constant memory;
 * a location says where and in which layout a value lies. The builder walks
 * the graph once and emits steps; the arena is laid out afterwards. */

#include "engine/engine.h"
#include "engine/kernels/f32.h"
#include "engine/kernels/int8-move.h"
#include "engine/onednn/compat.h"
#include "engine/kernels/parallel.h"
#include "engine/run/openmp-team.h"
#include "engine/kernels/f32-conv-winograd.h"
#include "graph/analysis/query.h"
#include "graph/ops/move.h"
#include "graph/ops/pad.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/slice.h"
#include "graph/ops/table.h"
#include "graph/ops/unary.h"
#include "graph/ops/window.h"

G_BEGIN_DECLS

/* Layouts of a 4-D float tensor. PLAIN is row-major as the model has it and
 * the only one for any other rank or type. */
typedef enum {
  UNET_MEM_PLAIN,
  UNET_MEM_BLOCKED, /* nChw16c, or nChw8c below AVX-512 */
  UNET_MEM_NHWC,
  UNET_MEM_NARROW, /* NHWC of bytes or bfloat16 (narrow.h) */
  UNET_N_MEM,
} UnetMemLayout;

#define UNET_MAX_OPERANDS 24
#define UNET_MAX_SAMPLES  64

/* Packed constants, shared by all sessions of the process (pack.c). */
typedef struct _UnetPack UnetPack;

typedef struct {
  gsize size;
  gint first, last;  /* steps between which it is alive; first -1: before */
  gsize offset;      /* in the arena */
  gpointer constant; /* (nullable): not in the arena but here */
} UnetStorage;

typedef struct {
  UnetStorage *storage;
  gsize offset; /* bytes from the storage's start */
  UnetMd md;
  UnetMemLayout layout;
} UnetLoc;

typedef struct {
  UnetStorage *storage;
  gsize offset;
  gboolean write;
  gint arg;     /* DNNL_ARG_… of primitives */
  UnetMd md;    /* (nullable): primitives only */
  gpointer ptr; /* once the arena is there */
} UnetOperand;

typedef struct _UnetStep UnetStep;

struct _UnetStep {
  UnetLayerInfo info; /* strings owned */
  guint n_operands;
  UnetOperand operands[UNET_MAX_OPERANDS];

  /* A oneDNN primitive … */
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[UNET_MAX_OPERANDS];
  /* … or a kernel of ours … */
  UnetKernel kernel;
  gpointer params;            /* owned */
  GDestroyNotify free_params; /* g_free() when NULL */
  /* (nullable): called once the operands have memory */
  gboolean (*bind) (UnetPlan *plan, gpointer params, gpointer const *ptr);
  /* … or an operator's oracle. */
  const UnetNode *node;
  UnetTensorView *views; /* inputs, then outputs */
  guint n_in, n_out;

  guint64 samples[UNET_MAX_SAMPLES];
  guint n_samples;
};

/* Where a value lives inside the output of a concatenation. */
typedef struct {
  UnetValue *parent; /* (nullable) */
  gint64 channel;
  UnetMemLayout layout;
} UnetHome;

/* What a Winograd convolution reads as it is, although the network has it
 * moved first (winograd-fusion.c). */
typedef struct {
  gboolean apart;  /* a concatenation that is not made: its inputs are read */
  gboolean spread; /* of a transposed convolution, before depth to space */
  UnetLoc *from;   /* (nullable): where that lies once it is computed */
} UnetFeed;

/* Where a result can be read after a run. */
typedef struct {
  const UnetStorage *storage;
  gsize offset;
} UnetOutput;

/* How a value is held in narrow arithmetic. */
typedef struct {
  UnetNarrowType type; /* NONE: it is not */
  gfloat scale;
} UnetNarrowValue;

struct _UnetPlan {
  UnetGraph *graph;
  UnetSessionOptions options;
  dnnl_engine_t engine; /* the process's one */
  dnnl_stream_t stream;
  UnetTeam *team; /* (nullable): with one thread there is none */
  guint block;    /* channels of a block: 16 or 8 */
  gboolean avx2;  /* below it oneDNN 2.6 has kernels that compute wrongly */
  gboolean vnni;  /* without it sums of two byte products saturate */

  GPtrArray *steps;               /* of UnetStep */
  GPtrArray *storages;            /* of UnetStorage */
  GPtrArray *packs;               /* of UnetPack */
  UnetLoc *(*locs)[UNET_N_MEM];   /* by value id */
  UnetHome *homes;                /* by value id */
  UnetFeed *feeds;                /* by value id */
  UnetMemLayout *layouts;         /* chosen, by node index */
  const UnetNarrowing *narrowing; /* (nullable): while building */
  UnetNarrowValue *narrow;        /* (nullable): by value id */
  gboolean *is_narrow;            /* (nullable): by node index */
  GHashTable *histograms;         /* (nullable): while building (observe.h) */
  gint *node_index_of_value;      /* of the last consumer, by value id */
  UnetStep **done;                /* by node index: (nullable): an earlier
                                   * node's step, which has done it as well */
  guint current;                  /* node being lowered */
  guint64 tune_start;             /* when measuring began, 0: not yet */
  UnetOutput *outputs;            /* by output index */

  guint8 *arena;
  gsize arena_size, live_size;
  guint64 flops;
  UnetLayerInfo *layers;
};

/* ---- locations (memory.c) --------------------------------------------- */

/* Can @value be held in @layout? */
gboolean unet_value_fits (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);
dnnl_data_type_t unet_dnnl_dtype (UnetDType dtype);
/* (transfer full) (nullable) */
UnetMd unet_plan_md (const UnetPlan *plan, UnetDType dtype, guint n_dims,
    const gint64 *dims, UnetMemLayout layout);
/* How kernels see a value in @layout. */
UnetVec unet_plan_vec (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

UnetStorage *unet_plan_add_storage (UnetPlan *plan, gsize size);
/* Where @value can be read in @layout; adds a reorder where it must. */
UnetLoc *unet_plan_read (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error);
/* A step that moves @value between two layouts. */
gboolean unet_plan_add_reorder (UnetPlan *plan, UnetValue *value,
    const UnetLoc *from, const UnetLoc *to, GError **error);
/* Where @value is to be written: in its home, or in storage of its own. */
UnetLoc *unet_plan_write (
    UnetPlan *plan, UnetValue *value, UnetMemLayout layout, GError **error);
/* @value lies where @from lies, seen through @md (transfer full). */
UnetLoc *unet_plan_alias (UnetPlan *plan, UnetValue *value,
    UnetMemLayout layout, const UnetLoc *from, gsize offset, UnetMd md);
/* @value seen with @n_dims dimensions, ones in front; @out->md is the
 * caller's. */
gboolean unet_plan_read_broadcast (UnetPlan *plan, UnetValue *value,
    guint n_dims, UnetMemLayout layout, UnetLoc *out, GError **error);
/* May the node being lowered overwrite @value in @layout? */
gboolean unet_plan_dies (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

/* ---- steps (plan.c) --------------------------------------------------- */

UnetStep *unet_plan_add_step (UnetPlan *plan, const UnetNode *node,
    const gchar *op, const gchar *impl, const UnetValue *out,
    UnetMemLayout layout);
/* Creates the primitive of @pd (transfer full) with its scratchpad. */
UnetStep *unet_plan_add_primitive (UnetPlan *plan, const UnetNode *node,
    const gchar *op, dnnl_primitive_desc_t pd, const UnetValue *out,
    UnetMemLayout layout, GError **error);
/* Takes over @params, which g_free() frees. */
UnetStep *unet_plan_add_kernel (UnetPlan *plan, const UnetNode *node,
    const gchar *op, const gchar *impl, UnetKernel kernel, gpointer params,
    const UnetValue *out, UnetMemLayout layout);
void unet_step_operand (
    UnetStep *step, gint arg, const UnetLoc *loc, gboolean write);
/* As above with a descriptor (copied) of its own. */
void unet_step_operand_md (UnetStep *step, gint arg, UnetStorage *storage,
    gsize offset, UnetConstMd md, gboolean write);
gchar *unet_post_op_describe (const UnetPostOp *op);
gchar *unet_node_describe (const UnetNode *node, guint n_post_ops);
void unet_plan_set_error (GError **error, const UnetPlan *plan,
    const UnetNode *node, const gchar *what);

/* ---- packed constants (pack.c) ---------------------------------------- */

/* Bytes prepared by @fill once per process for equal content of @source and
 * equal @key; @source may be %NULL. Kept while any plan holds it. */
typedef gboolean (*UnetPackFill) (
    gpointer data, gpointer user_data, GError **error);
UnetStorage *unet_plan_pack (UnetPlan *plan, gconstpointer source,
    gsize source_size, const gchar *key, gsize size, UnetPackFill fill,
    gpointer user_data, GError **error);
void unet_pack_release (UnetPack *pack);
/* Moves memory from one layout to another, now. */
gboolean unet_plan_reorder_now (UnetPlan *plan, gconstpointer source,
    UnetConstMd from, gpointer target, UnetConstMd to, GError **error);
/* @source, laid out as @from, as a constant laid out as @to. */
UnetStorage *unet_plan_pack_reorder (UnetPlan *plan, gconstpointer source,
    UnetConstMd from, UnetConstMd to, GError **error);
/* Lets go of constants of which only packed forms are in use. The plan is
 * done. */
void unet_plan_release_weights (UnetPlan *plan);

/* ---- post-ops (post-ops.c) -------------------------------------------- */

/* The post-ops of a node, as far as a primitive takes them. */
typedef struct {
  dnnl_post_ops_t ops;
  dnnl_primitive_attr_t attr;
  guint n;             /* taken */
  UnetValue *sum;      /* (nullable): must lie where the output goes */
  gboolean sum_copies; /* and has to be copied there first */
  guint n_args;
  gint args[8];
  UnetValue *values[8];
} UnetAttrs;

typedef enum { UNET_SUM_NEVER, UNET_SUM_IN_PLACE, UNET_SUM_COPY } UnetSumMode;

/* Attributes with the first @n post-ops of @node; %FALSE where oneDNN has no
 * word for one of them. */
gboolean unet_attrs_init (UnetAttrs *attrs, UnetPlan *plan,
    const UnetNode *node, guint n, UnetMemLayout layout, UnetSumMode sum);
void unet_attrs_clear (UnetAttrs *attrs);
/* Adds the operands of binary post-ops to @step; @locs as attrs->values. */
gboolean unet_attrs_operands (const UnetAttrs *attrs, UnetPlan *plan,
    UnetStep *step, const UnetLoc *locs);
/* A step for one post-op, from @in to @out, which may be the same. */
gboolean unet_plan_post_op (UnetPlan *plan, UnetNode *node,
    const UnetPostOp *op, const UnetLoc *in, const UnetLoc *out,
    UnetValue *value, GError **error);
/* Steps for the post-ops from @from on, over @out in place. */
gboolean unet_plan_post_ops (UnetPlan *plan, UnetNode *node, guint from,
    UnetValue *out, UnetMemLayout layout, GError **error);
/* Are the slopes of a PReLU constant, one for each channel of @value or one
 * for all? */
gboolean unet_prelu_fits (const UnetPostOp *op, const UnetValue *value);
gboolean unet_eltwise_for (const UnetPostOp *op, UnetEltwise *eltwise);

/* ---- watching (observe.c) --------------------------------------------- */

/* A step that adds @value to its histogram. */
void unet_plan_watch (UnetPlan *plan, UnetValue *value);

/* ---- lowering --------------------------------------------------------- */

typedef gboolean (*UnetLower) (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

/* Steps for @node, all of whose results are then readable. */
gboolean unet_plan_lower (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);
/* Bit per layout that the operator can run in with these shapes. */
guint unet_node_layouts (const UnetPlan *plan, const UnetNode *node);

/* Lowers @node together with the only one that reads its result, where that
 * pays (lower-fused.c); @ok: (out): how it went then. */
gboolean unet_lower_fused (
    UnetPlan *plan, UnetNode *node, gboolean *ok, GError **error);
gboolean unet_lower_conv (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_deconv (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_matmul (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_pool (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_global_pool (
    UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_binary (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_unary (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_softmax (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_concat (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_slice (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_pad (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_reshape (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_transpose (
    UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_resize (UnetPlan *, UnetNode *, UnetMemLayout, GError **);
gboolean unet_lower_eval (UnetPlan *, UnetNode *, UnetMemLayout, GError **);

/* ---- Winograd (lower-winograd.c) --------------------------------------- */

gboolean unet_winograd_fits (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *window, UnetMemLayout layout);
/* How many post-ops the output transform takes, and what they are. */
guint unet_winograd_post_ops (const UnetNode *node, UnetValue **residual,
    gfloat *slope, gfloat *low, gfloat *high);
/* Tiles at once, or 0 to divide the output channels, by rule. */
gint64 unet_winograd_block (const UnetNode *node);
guint64 unet_winograd_time (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 *block);
/* Decides what stays apart and is not spread. */
void unet_plan_find_feeds (UnetPlan *plan);
/* Must @node be Winograd's, since its input lies as no other reads it? */
gboolean unet_winograd_is_fed (const UnetPlan *plan, const UnetNode *node);
/* Does @node read @value, be it through a concatenation that is not made? */
gboolean unet_node_reads_apart (
    const UnetPlan *plan, const UnetNode *node, const UnetValue *value);
/* What @node reads, one after the other. */
typedef struct {
  guint n;
  UnetValue *values[UNET_WINOGRAD_SOURCES];
  const UnetLoc *spread[UNET_WINOGRAD_SOURCES]; /* (nullable) */
} UnetFeeds;
void unet_winograd_feeds (
    const UnetPlan *plan, const UnetNode *node, UnetFeeds *feeds);
/* What the output transform of @node does as well, while a tile of its
 * result is in registers (winograd-fusion.c). */
typedef struct {
  UnetNode *pool;  /* (nullable): 2x2 pooling that reads the result */
  UnetNode *head;  /* (nullable): 1x1 convolution to a few channels, likewise */
  gboolean unread; /* nothing else reads it: it need not be written */
} UnetWinogradFusion;
void unet_winograd_find_fusion (UnetPlan *plan, UnetNode *node, gint64 block,
    guint n_post_ops, UnetWinogradFusion *fusion);
/* @dst: (nullable) where fusion->unread; @add: (nullable): the residual, which
 * may lie at @dst. */
gboolean unet_emit_winograd (UnetPlan *plan, UnetNode *node,
    const UnetWindow *window, gint64 block, guint n_post_ops,
    const UnetLoc *dst, const UnetLoc *add, const UnetWinogradFusion *fusion,
    GError **error);

/* ---- few channels in rows (lower-rows.c) ------------------------------- */

gboolean unet_rows_fits (
    const UnetNode *node, const UnetWindow *window, UnetMemLayout layout);
/* Does @node, where it works in PLAIN, read its input in @layout as well? */
gboolean unet_rows_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);
guint64 unet_rows_time (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window);
gboolean unet_emit_rows (UnetPlan *plan, UnetNode *node,
    const UnetWindow *window, guint n_post_ops, const UnetLoc *dst,
    GError **error);

/* ---- choice of layouts (layout.c) -------------------------------------- */

/* Fills plan->layouts and plan->homes. */
void unet_plan_choose_layouts (UnetPlan *plan);
void unet_plan_find_homes (UnetPlan *plan);
/* Was @in written where @channel of the concatenation @out begins? */
gboolean unet_plan_at_home (const UnetPlan *plan, const UnetValue *in,
    const UnetValue *out, gint64 channel);
/* In which layouts a node reads and writes when it is asked for @layout:
 * few channels are read and written in rows whatever happens between. */
UnetMemLayout unet_node_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);
UnetMemLayout unet_node_writes (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);
/* Is our Winograd convolution the quickest for @node in blocks? */
gboolean unet_conv_is_winograd (UnetPlan *plan, UnetNode *node);
/* Are weights and bias constants of 32-bit floats? */
gboolean unet_conv_is_constant (const UnetNode *node);
/* Is a transposed convolution one product and a move? */
gboolean unet_deconv_spreads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);
/* … from blocks of 4 groups to blocks of twice the size? */
gboolean unet_deconv_spreads_blocks (
    const UnetPlan *plan, const UnetNode *node);

/* ---- measuring (tune.c) ------------------------------------------------ */

/* Is there nothing but a reference implementation in @layout? */
gboolean unet_conv_is_slow (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout);
/* Best time of a convolution in @layout, without limit when there is no good
 * way (lower-conv.c). */
guint64 unet_conv_time (UnetPlan *plan, UnetNode *node, UnetMemLayout layout);
/* Memory to measure with, full of plausible numbers; free() it. %NULL where
 * there is none, or the plan is cancelled. */
gpointer unet_tune_memory (gsize size);
/* Nanoseconds for repetitions of one candidate: 0 once the plan's time for
 * measuring is used up, so that one pass remains. */
guint64 unet_tune_limit (UnetPlan *plan);
/* @of_plan: (nullable): cancels the plan that the calling thread builds from
 * now on. Afterwards nothing is measured or remembered, and every time that is
 * not known is longer than any. */
void unet_tune_set_cancellable (GCancellable *of_plan);
/* Times measured in this process, by what was measured. */
gboolean unet_tune_recall (const gchar *key, guint64 *ns);
void unet_tune_remember (const gchar *key, guint64 ns);
/* The least time of a few runs. */
guint64 unet_tune_least (UnetPlan *plan, void (*run) (gpointer), gpointer data);
guint64 unet_tune_clock (void); /* nanoseconds */
/* Time of one run of @pd over scratch memory in nanoseconds, the least of a
 * few; remembered by @key for the process. */
guint64 unet_tune_time (UnetPlan *plan, const_dnnl_primitive_desc_t pd,
    const_dnnl_post_ops_t ops, const gchar *key);

/* Tables of times: key -> guint64 nanoseconds. */
GHashTable *unet_tune_table_new (void);
void unet_tune_table_set (GHashTable *table, const gchar *key, guint64 ns);
gchar *unet_tune_table_print (GHashTable *table);
GHashTable *unet_tune_table_parse (const gchar *text); /* (nullable) */
/* As measured; what unet_tuning_load() brought stays as it is. */
void unet_tune_remember_table (GHashTable *table);
/* Notes what this thread recalls and remembers in @table (nullable). */
void unet_tune_collect (GHashTable *table);

/* ---- times on disk (tune-cache.c) --------------------------------------- */

typedef struct _UnetTuneCache UnetTuneCache;

/* Remembers what earlier processes measured for such a network. (nullable)
 * where nothing is to be kept. */
UnetTuneCache *unet_tune_cache_open (const UnetPlan *plan);
/* Keeps what was measured since. */
void unet_tune_cache_close (UnetTuneCache *cache, gboolean keep);

/* ---- arena (arena.c) -------------------------------------------------- */

/* Gives every storage its offset; returns the arena's size. */
gsize unet_arena_layout (GPtrArray *storages, guint n_steps, gsize *live);
/* (nullable): zeros at the start of a page, a large one where there is more
 * to it; free() it. */
gpointer unet_memory_new (gsize size);

G_END_DECLS
