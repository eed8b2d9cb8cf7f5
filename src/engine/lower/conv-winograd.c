/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "engine/kernels/f32-conv-winograd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3). Tiles are worked
 * off in blocks that stay in the second-level cache, one block per thread at
 * a time. Where a picture has so few tiles that reading the weights is what
 * takes the time, the threads transform all of it together and then divide
 * the output channels, so that each weight is read once. */

enum {
  WEIGHTS,
  BIAS,
  DST,
  IN,
  SCRATCH,
  ADD,
  POOL,
  HEAD_WEIGHTS,
  HEAD_BIAS,
  HEAD,
  SUMS,
  SRC,
  N_OPERANDS = SRC + UNET_WINOGRAD_SOURCES
};

typedef struct {
  UnetWinogradShape shape;
  gint at[N_OPERANDS];         /* among a step's operands; -1: not there */
  gint64 tiles;                /* of one picture */
  gint64 block;                /* tiles at once */
  gint64 blocks;               /* of one picture */
  gboolean divided;            /* the output channels are */
  gint64 stride;               /* floats between the 36 of a block's input */
  gsize in_size, scratch_size; /* floats of one thread */
  guint threads;
} Winograd;

/* Tiles at once: up to twice as many and half as many are as good. */
#define BLOCK_TILES 48
/* Up to here dividing the channels may pay; tiles shared at once then. */
#define FEW_TILES     64
#define DIVIDED_TILES 256

/* ---- shape --------------------------------------------------------------- */

gboolean
unet_winograd_fits (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *w, UnetMemLayout layout)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  return layout == UNET_MEM_BLOCKED && !unet_node_is_exact (node) && w->n == 2
      && w->group == 1 && w->kernel[0] == 3 && w->kernel[1] == 3
      && w->stride[0] == 1 && w->stride[1] == 1 && w->dilation[0] == 1
      && w->dilation[1] == 1 && w->pad_begin[0] <= 2 && w->pad_begin[1] <= 2
      && d[1] >= 8 && d[0] >= 8;
}

/* Post-ops that the output transform does: a residual, then a rectifier. */
guint
unet_winograd_post_ops (const UnetNode *node, UnetValue **residual,
    gfloat *slope, gfloat *low, gfloat *high)
{
  UnetValue *out = unet_node_output (node, 0);
  guint n = 0;

  *residual = NULL;
  *slope = 1.0f;
  *low = -INFINITY;
  *high = INFINITY;
  for (; n < node->post_ops->len; n++) {
    const UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, n);

    if (op->kind == UNET_POST_ADD && n == 0 && op->value->n_dims == 4
        && memcmp (op->value->dims, out->dims, 4 * sizeof *out->dims) == 0) {
      *residual = op->value;
      continue;
    }
    if (op->kind == UNET_POST_RELU) {
      *slope = 0.0f;
    } else if (op->kind == UNET_POST_LEAKY_RELU) {
      *slope = op->alpha;
    } else if (op->kind == UNET_POST_CLIP && op->alpha <= 0 && op->beta >= 0) {
      *low = op->alpha;
      *high = op->beta;
    } else {
      break;
    }
    n++;
    break; /* one rectifier */
  }
  return n;
}

/* Blocks that divide the picture evenly among the threads, in whole groups of
 * rows of the product. */
static void
choose_blocks (Winograd *w, gint64 max)
{
  gint64 n = (w->tiles + max - 1) / max;

  if (!w->divided)
    n = (n + w->threads - 1) / w->threads * w->threads;
  w->block = MIN (((w->tiles + n - 1) / n + 3) / 4 * 4, w->tiles);
  w->blocks = (w->tiles + w->block - 1) / w->block;
}

static gint64
padded_channels (const UnetVec *v)
{
  return v->blocks * v->vec;
}

/* @max_block: tiles at once; 0 to divide the output channels. */
static Winograd *
winograd_new (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 max_block)
{
  Winograd *w = g_new0 (Winograd, 1);
  UnetWinogradShape *s = &w->shape;
  UnetValue *residual;

  w->threads = plan->options.threads;
  s->src = unet_plan_vec (plan, unet_node_input (node, 0), UNET_MEM_BLOCKED);
  s->dst = unet_plan_vec (plan, unet_node_output (node, 0), UNET_MEM_BLOCKED);
  s->n_sources = 1;
  s->sources[0].blocks = s->src.blocks;
  s->pad_y = window->pad_begin[0];
  s->pad_x = window->pad_begin[1];
  s->tiles_y = (s->dst.h + 3) / 4;
  s->tiles_x = (s->dst.w + 3) / 4;
  unet_winograd_post_ops (node, &residual, &s->slope, &s->low, &s->high);
  s->clips = s->low > -INFINITY || s->high < INFINITY;
  s->add = residual != NULL;
  for (gint i = 0; i < N_OPERANDS; i++)
    w->at[i] = i;
  w->tiles = s->tiles_y * s->tiles_x;
  w->divided = max_block == 0;
  choose_blocks (w, w->divided ? DIVIDED_TILES : max_block);
  w->stride = w->block * padded_channels (&s->src) + 16;
  w->in_size = 36 * w->stride;
  w->scratch_size = 36 * UNET_WINOGRAD_SCRATCH (w->block);
  return w;
}

/* ---- running ------------------------------------------------------------- */

/* Tiles of one picture. */
typedef struct {
  const Winograd *w;
  UnetWinogradData data;
  gint64 first, n;
} Tiles;

static gfloat *
operand (const Winograd *w, gpointer const *ptr, guint i)
{
  return w->at[i] < 0 ? NULL : ptr[w->at[i]];
}

static gfloat *
operand_at (const Winograd *w, gpointer const *ptr, guint i, gint64 offset)
{
  gfloat *data = operand (w, ptr, i);

  return data ? data + offset : NULL;
}

static UnetWinogradData
picture (const Winograd *w, gpointer const *ptr, gint64 image)
{
  const UnetVec *s = &w->shape.src, *d = &w->shape.dst;
  gint64 in = image * s->h * s->w * s->vec;
  gint64 out = image * d->blocks * d->h * d->w * d->vec;
  gint64 pooled = image * d->blocks * (d->h / 2) * (d->w / 2) * d->vec;

  UnetWinogradData data = { { NULL }, operand (w, ptr, WEIGHTS),
    operand (w, ptr, BIAS), operand_at (w, ptr, ADD, out),
    operand_at (w, ptr, DST, out), operand_at (w, ptr, POOL, pooled),
    operand (w, ptr, HEAD_WEIGHTS), NULL };

  for (guint i = 0; i < w->shape.n_sources; i++)
    data.src[i] = operand_at (w, ptr, SRC + i, in * w->shape.sources[i].blocks);
  return data;
}

static void
run_block (gconstpointer params, gpointer const *ptr, gint64 job, guint t)
{
  const Winograd *w = params;
  UnetWinogradData data = picture (w, ptr, job / w->blocks);
  gint64 first = job % w->blocks * w->block;
  gint64 n = MIN (w->block, w->tiles - first);
  gfloat *in = operand_at (w, ptr, IN, t * w->in_size);
  gfloat *scratch = operand_at (w, ptr, SCRATCH, t * w->scratch_size);
  gint64 plane = w->shape.heads * w->shape.dst.h * w->shape.dst.w;

  data.sums = operand_at (w, ptr, SUMS, t * w->block * w->shape.heads * 16);
  unet_winograd_input (
      &w->shape, &data, 0, w->shape.src.blocks, first, n, in, w->stride);
  for (gint64 p = 0; p < unet_winograd_panels (&w->shape); p++)
    unet_winograd_panel (&w->shape, &data, in, w->stride, p, first, n, scratch);
  if (w->shape.heads > 0)
    unet_winograd_heads (&w->shape, data.sums, operand (w, ptr, HEAD_BIAS),
        first, n, operand_at (w, ptr, HEAD, job / w->blocks * plane));
}

static void
run_input (gconstpointer params, gpointer const *ptr, gint64 block,
    G_GNUC_UNUSED guint t)
{
  const Tiles *tiles = params;

  unet_winograd_input (&tiles->w->shape, &tiles->data, block, 1, tiles->first,
      tiles->n, operand (tiles->w, ptr, IN), tiles->w->stride);
}

static void
run_panel (gconstpointer params, gpointer const *ptr, gint64 panel, guint t)
{
  const Tiles *tiles = params;

  unet_winograd_panel (&tiles->w->shape, &tiles->data,
      operand (tiles->w, ptr, IN), tiles->w->stride, panel, tiles->first,
      tiles->n,
      operand_at (tiles->w, ptr, SCRATCH, t * tiles->w->scratch_size));
}

static void
winograd_run (gconstpointer params, gpointer const *ptr, guint threads)
{
  const Winograd *w = params;
  const UnetWinogradShape *s = &w->shape;
  gint64 jobs = s->src.n * w->blocks;

  if (!w->divided) {
    unet_parallel (run_block, w, ptr, jobs, threads);
    return;
  }
  for (gint64 job = 0; job < jobs; job++) {
    gint64 first = job % w->blocks * w->block;
    Tiles tiles = { w, picture (w, ptr, job / w->blocks), first,
      MIN (w->block, w->tiles - first) };

    unet_parallel (run_input, &tiles, ptr, s->src.blocks, threads);
    unet_parallel (run_panel, &tiles, ptr, unet_winograd_panels (s), threads);
  }
}

/* ---- constants ----------------------------------------------------------- */

typedef struct {
  UnetNode *node;
  const Winograd *w;
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

static gboolean
fill_bias (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetValue *bias = unet_node_input (f->node, 2);

  if (bias)
    memcpy (data, bias->constant->data, f->w->shape.dst.c * sizeof (gfloat));
  return TRUE;
}

static gsize
weights_bytes (const Winograd *w)
{
  return unet_winograd_weights_size (
             w->shape.dst.c, w->shape.src.c, w->shape.dst.vec)
      * sizeof (gfloat);
}

static UnetStorage *
pack_weights (UnetPlan *plan, UnetNode *node, const Winograd *w, GError **error)
{
  const UnetTensor *t = unet_node_input (node, 1)->constant;
  Fill fill = { node, w };
  gchar *key = g_strdup_printf ("winograd %" G_GINT64_FORMAT
                                "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
      t->dims[0], t->dims[1], w->shape.dst.vec);
  UnetStorage *storage = unet_plan_pack (plan, t->data,
      t->n_elements * sizeof (gfloat), key, weights_bytes (w), fill_weights,
      &fill, error);

  g_free (key);
  return storage;
}

static UnetStorage *
pack_bias (UnetPlan *plan, UnetNode *node, const Winograd *w, GError **error)
{
  const UnetValue *bias = unet_node_input (node, 2);
  Fill fill = { node, w };

  return unet_plan_pack (plan, bias ? bias->constant->data : NULL,
      bias ? w->shape.dst.c * sizeof (gfloat) : 0, "winograd bias",
      w->shape.dst.blocks * w->shape.dst.vec * sizeof (gfloat), fill_bias,
      &fill, error);
}

/* [heads][channels] to rows of whole blocks. */
static gboolean
fill_head_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetTensor *t = unet_node_input (f->node, 1)->constant;
  const gfloat *from = t->data;

  for (gint64 i = 0; i < t->n_elements; i++)
    ((gfloat *) data)[i / t->dims[1] * padded_channels (&f->w->shape.dst)
        + i % t->dims[1]] = from[i];
  return TRUE;
}

static gboolean
fill_head_bias (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetValue *bias = unet_node_input (f->node, 2);

  if (bias)
    memcpy (data, bias->constant->data, f->w->shape.heads * sizeof (gfloat));
  return TRUE;
}

static gboolean
pack_head (UnetPlan *plan, UnetNode *head, const Winograd *w,
    UnetStorage **weights, UnetStorage **bias, GError **error)
{
  const UnetTensor *t = unet_node_input (head, 1)->constant;
  const UnetValue *b = unet_node_input (head, 2);
  gsize n = w->shape.heads * sizeof (gfloat);
  Fill fill = { head, w };
  gchar *key = g_strdup_printf ("winograd head %" G_GINT64_FORMAT
                                " %" G_GINT64_FORMAT,
      t->dims[0], w->shape.dst.vec);

  *weights = unet_plan_pack (plan, t->data, t->n_elements * sizeof (gfloat),
      key, n * padded_channels (&w->shape.dst), fill_head_weights, &fill,
      error);
  g_free (key);
  *bias = *weights ? unet_plan_pack (plan, b ? b->constant->data : NULL,
              b ? n : 0, "winograd head bias", n, fill_head_bias, &fill, error)
                   : NULL;
  return *bias != NULL;
}

/* ---- measuring ----------------------------------------------------------- */

static gsize
vec_bytes (const UnetVec *v)
{
  return v->n * v->blocks * v->vec * v->h * v->w * sizeof (gfloat);
}

static gsize
threads_sharing (const Winograd *w, guint operand)
{
  return operand == IN && w->divided ? 1 : w->threads;
}

typedef struct {
  const Winograd *w;
  gpointer ptr[N_OPERANDS];
} Trial;

static void
run_trial (gpointer data)
{
  Trial *trial = data;

  winograd_run (trial->w, trial->ptr, trial->w->threads);
}

static guint64
time_winograd (UnetPlan *plan, const Winograd *w)
{
  gsize sizes[N_OPERANDS] = { [SRC] = vec_bytes (&w->shape.src),
    [WEIGHTS] = weights_bytes (w),
    [BIAS] = padded_channels (&w->shape.dst) * sizeof (gfloat),
    [DST] = vec_bytes (&w->shape.dst),
    [IN] = threads_sharing (w, IN) * w->in_size * sizeof (gfloat),
    [SCRATCH] = w->threads * w->scratch_size * sizeof (gfloat),
    [ADD] = w->shape.add ? vec_bytes (&w->shape.dst) : 0 };
  guint64 ns = G_MAXUINT64 / 1024;
  Trial trial = { w, { NULL } };
  gboolean ok = TRUE;

  for (guint i = 0; i < N_OPERANDS; i++)
    ok &= (trial.ptr[i] = unet_tune_memory (sizes[i])) != NULL;
  if (ok)
    ns = unet_tune_least (plan, run_trial, &trial);
  for (guint i = 0; i < N_OPERANDS; i++)
    free (trial.ptr[i]);
  return ns;
}

static gchar *
time_key (const Winograd *w, gint64 max_block)
{
  const UnetVec *s = &w->shape.src, *d = &w->shape.dst;

  return g_strdup_printf (
      "unet-winograd4 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d t%u",
      s->n, padded_channels (s), s->h, s->w, padded_channels (d), d->h, d->w,
      max_block, w->shape.add, w->threads);
}

static guint64
remembered_time (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 max_block)
{
  Winograd *w = winograd_new (plan, node, window, max_block);
  gchar *key = time_key (w, max_block);
  guint64 ns;

  if (!unet_tune_recall (key, &ns)) {
    ns = time_winograd (plan, w);
    unet_tune_remember (key, ns);
  }
  g_free (key);
  g_free (w);
  return ns;
}

gint64
unet_winograd_block (const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);
  gint64 tiles = (out->dims[2] + 3) / 4 * ((out->dims[3] + 3) / 4);

  return tiles > FEW_TILES ? BLOCK_TILES : 0;
}

/* Whichever of the two ways is the quicker one: the results are the same to
 * the bit. */
guint64
unet_winograd_time (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 *block)
{
  guint64 ns = remembered_time (plan, node, window, BLOCK_TILES), divided;

  *block = BLOCK_TILES;
  if (unet_winograd_block (node) == 0) {
    divided = remembered_time (plan, node, window, 0);
    if (divided < ns) {
      *block = 0;
      ns = divided;
    }
  }
  return ns;
}

/* ---- emission ------------------------------------------------------------ */

static void
add_operand (
    UnetStep *step, Winograd *w, guint i, const UnetLoc *loc, gboolean write)
{
  w->at[i] = loc ? (gint) step->n_operands : -1;
  if (loc)
    unet_step_operand (step, 0, loc, write);
}

static void
add_constant (UnetStep *step, Winograd *w, guint i, UnetStorage *storage)
{
  w->at[i] = step->n_operands;
  unet_step_operand_md (step, 0, storage, 0, NULL, FALSE);
}

static void
add_buffer (UnetPlan *plan, UnetStep *step, Winograd *w, guint i, gsize size)
{
  UnetStorage *storage = unet_plan_add_storage (plan, size * sizeof (gfloat));

  w->at[i] = step->n_operands;
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD, storage, 0, NULL, TRUE);
}

static gboolean
add_pool (
    UnetPlan *plan, UnetStep *step, Winograd *w, UnetNode *pool, GError **error)
{
  UnetLoc *loc = NULL;

  if (pool) {
    loc = unet_plan_write (
        plan, unet_node_output (pool, 0), UNET_MEM_BLOCKED, error);
    if (!loc)
      return FALSE;
    w->shape.pool = pool->op == UNET_OP_MaxPool ? UNET_WINOGRAD_POOL_MAX
                                                : UNET_WINOGRAD_POOL_MEAN;
    plan->done[pool->index] = step;
  }
  add_operand (step, w, POOL, loc, TRUE);
  return TRUE;
}

static gboolean
add_head (
    UnetPlan *plan, UnetStep *step, Winograd *w, UnetNode *head, GError **error)
{
  UnetStorage *weights, *bias;
  UnetLoc *loc;

  w->at[HEAD_WEIGHTS] = w->at[HEAD_BIAS] = w->at[HEAD] = w->at[SUMS] = -1;
  if (!head)
    return TRUE;
  w->shape.heads = unet_node_output (head, 0)->dims[1];
  loc =
      unet_plan_write (plan, unet_node_output (head, 0), UNET_MEM_PLAIN, error);
  if (!loc || !pack_head (plan, head, w, &weights, &bias, error))
    return FALSE;
  add_constant (step, w, HEAD_WEIGHTS, weights);
  add_constant (step, w, HEAD_BIAS, bias);
  add_operand (step, w, HEAD, loc, TRUE);
  add_buffer (plan, step, w, SUMS, w->threads * w->block * w->shape.heads * 16);
  plan->done[head->index] = step;
  return unet_plan_post_ops (
      plan, head, 0, unet_node_output (head, 0), UNET_MEM_PLAIN, error);
}

/* With reorders, where they must be. */
static gboolean
find_sources (UnetPlan *plan, UnetNode *node, UnetFeeds *feeds, GError **error)
{
  unet_winograd_feeds (plan, node, feeds);
  for (guint i = 0; i < feeds->n; i++)
    if (!feeds->spread[i]
        && !unet_plan_read (plan, feeds->values[i], UNET_MEM_BLOCKED, error))
      return FALSE;
  return TRUE;
}

static void
add_sources (
    UnetPlan *plan, UnetStep *step, Winograd *w, const UnetFeeds *feeds)
{
  w->shape.n_sources = feeds->n;
  for (guint i = 0; i < UNET_WINOGRAD_SOURCES; i++)
    w->at[SRC + i] = -1;
  for (guint i = 0; i < feeds->n; i++) {
    UnetValue *v = feeds->values[i];
    const UnetLoc *loc = feeds->spread[i];

    w->shape.sources[i].blocks =
        unet_plan_vec (plan, v, UNET_MEM_BLOCKED).blocks;
    w->shape.sources[i].spread = loc != NULL;
    add_operand (step, w, SRC + i,
        loc ? loc : plan->locs[v->id][UNET_MEM_BLOCKED], FALSE);
  }
}

static gchar *
describe (const UnetNode *node, guint n_post_ops, const UnetFeeds *feeds,
    const UnetWinogradFusion *fusion)
{
  gchar *conv = unet_node_describe (node, n_post_ops);
  gboolean spreads = FALSE;
  gchar *name;

  for (guint i = 0; i < feeds->n; i++)
    spreads |= feeds->spread[i] != NULL;
  name = g_strconcat (spreads ? "DepthToSpace+" : "",
      feeds->n > 1 ? "Concat+" : "", conv, fusion->head ? "+Conv" : "",
      fusion->pool ? "+" : NULL,
      fusion->pool ? unet_op_def (fusion->pool->op)->name : NULL, NULL);
  g_free (conv);
  return name;
}

gboolean
unet_emit_winograd (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 block, guint n_post_ops, const UnetLoc *dst, const UnetLoc *add,
    const UnetWinogradFusion *fusion, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetFeeds feeds;
  Winograd *w = find_sources (plan, node, &feeds, error)
      ? winograd_new (plan, node, window, block)
      : NULL;
  UnetStorage *weights = w ? pack_weights (plan, node, w, error) : NULL;
  UnetStorage *bias = weights ? pack_bias (plan, node, w, error) : NULL;
  UnetStep *step;
  gchar *name;

  if (!bias) {
    g_free (w);
    return FALSE;
  }
  name = describe (node, n_post_ops, &feeds, fusion);
  step = unet_plan_add_kernel (plan, node, name, "unet:winograd4x4",
      winograd_run, w, out, UNET_MEM_BLOCKED);
  g_free (name);
  add_sources (plan, step, w, &feeds);
  add_constant (step, w, WEIGHTS, weights);
  add_constant (step, w, BIAS, bias);
  add_operand (step, w, DST, dst, TRUE);
  add_buffer (plan, step, w, IN, threads_sharing (w, IN) * w->in_size);
  add_buffer (plan, step, w, SCRATCH, w->threads * w->scratch_size);
  add_operand (step, w, ADD, add, FALSE);
  return add_pool (plan, step, w, fusion->pool, error)
      && add_head (plan, step, w, fusion->head, error);
}
