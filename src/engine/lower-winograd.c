/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"
#include "winograd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3): our transforms
 * round a batched matrix product of oneDNN's. Tiles are worked off in blocks
 * that stay in the second-level cache, one block per thread at a time. */

typedef struct {
  UnetWinogradShape shape;
  gint64 tiles;  /* of one picture */
  gint64 block;  /* tiles at once */
  gint64 blocks; /* of one picture */
  gint64 in_stride, out_stride; /* floats between the 36 products */
  gsize in_size, out_size, scratch_size; /* bytes of one thread */
  guint threads;
  dnnl_primitive_t product;
  UnetMd in_md, weights_md, out_md, scratch_md;
  dnnl_stream_t *streams;     /* by thread */
  dnnl_exec_arg_t (*args)[4]; /* by thread: source, weights, output, scratch */
} Winograd;

enum { SRC, WEIGHTS, BIAS, DST, IN, OUT, SCRATCH, N_OPERANDS };

/* ---- shape --------------------------------------------------------------- */

gboolean
unet_winograd_fits (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *w, UnetMemLayout layout)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  return layout == UNET_MEM_BLOCKED && w->n == 2 && w->group == 1
      && w->kernel[0] == 3 && w->kernel[1] == 3 && w->stride[0] == 1
      && w->stride[1] == 1 && w->dilation[0] == 1 && w->dilation[1] == 1
      && w->pad_begin[0] <= 2 && w->pad_begin[1] <= 2 && d[1] >= 8
      && d[0] >= 8;
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
    } else if (op->kind == UNET_POST_CLIP && op->alpha <= 0
        && op->beta >= 0) {
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

/* Blocks that divide the picture evenly among the threads. The products of
 * wide layers read their weights once a block, so that those want large
 * blocks even at the price of the cache. */
static void
choose_blocks (Winograd *w, gint64 max)
{
  gint64 n = (w->tiles + max - 1) / max;

  n = (n + w->threads - 1) / w->threads * w->threads;
  w->block = (w->tiles + n - 1) / n;
  w->blocks = (w->tiles + w->block - 1) / w->block;
}

static void
winograd_free (gpointer data)
{
  Winograd *w = data;

  for (guint t = 0; t < w->threads; t++) {
    for (guint k = 0; w->args && k < 4; k++)
      if (w->args[t][k].memory)
        dnnl_memory_destroy (w->args[t][k].memory);
    if (w->streams && w->streams[t])
      dnnl_stream_destroy (w->streams[t]);
  }
  if (w->product)
    dnnl_primitive_destroy (w->product);
  unet_md_free (w->in_md);
  unet_md_free (w->weights_md);
  unet_md_free (w->out_md);
  unet_md_free (w->scratch_md);
  g_free (w->streams);
  g_free (w->args);
  g_free (w);
}

/* The product [36, block, ic] x [36, ic, oc], for one thread. The 36 parts of
 * its operands are a cache line further apart than they need be: at powers of
 * two they would fall into the same sets of the cache. */
static gboolean
create_product (Winograd *w, UnetPlan *plan)
{
  gint64 ic = w->shape.src.blocks * w->shape.src.vec;
  gint64 oc = w->shape.dst.blocks * w->shape.dst.vec;
  gint64 a[] = { 36, w->block, ic }, b[] = { 36, ic, oc };
  gint64 c[] = { 36, w->block, oc };
  gint64 as[] = { w->in_stride, ic, 1 }, cs[] = { w->out_stride, oc, 1 };
  UnetMd any = unet_md_new (3, b, dnnl_f32, dnnl_format_tag_any);
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetConstMd scratch;

  w->in_md = unet_md_new_strides (3, a, dnnl_f32, as);
  w->out_md = unet_md_new_strides (3, c, dnnl_f32, cs);
  unet_parallel_set_threads (1); /* it runs inside a parallel region */
  if (unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_matmul (&pd, plan->engine, w->in_md, any, NULL, w->out_md,
          attr)
      && !g_str_has_prefix (unet_pd_impl (pd), "ref"))
    dnnl_primitive_create (&w->product, pd);
  unet_parallel_set_threads (w->threads);
  if (w->product) {
    scratch = unet_pd_md (pd, dnnl_query_scratchpad_md, 0);
    w->scratch_md = scratch ? unet_md_copy (scratch) : NULL;
    w->scratch_size = scratch ? (unet_md_size (scratch) + 63) / 64 * 64 : 0;
    w->weights_md = unet_md_copy (unet_pd_md (pd, dnnl_query_weights_md, 0));
  }
  if (pd)
    dnnl_primitive_desc_destroy (pd);
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  unet_md_free (any);
  return w->product != NULL;
}

static Winograd *
winograd_new (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 max_block)
{
  Winograd *w = g_new0 (Winograd, 1);
  UnetWinogradShape *s = &w->shape;
  UnetValue *residual;

  w->threads = plan->options.threads;
  s->src = unet_plan_vec (plan, unet_node_input (node, 0), UNET_MEM_BLOCKED);
  s->dst = unet_plan_vec (plan, unet_node_output (node, 0), UNET_MEM_BLOCKED);
  s->pad_y = window->pad_begin[0];
  s->pad_x = window->pad_begin[1];
  s->tiles_y = (s->dst.h + 3) / 4;
  s->tiles_x = (s->dst.w + 3) / 4;
  unet_winograd_post_ops (node, &residual, &s->slope, &s->low, &s->high);
  s->add = residual != NULL;
  w->tiles = s->tiles_y * s->tiles_x;
  choose_blocks (w, max_block);
  w->in_stride = w->block * s->src.blocks * s->src.vec + 16;
  w->out_stride = w->block * s->dst.blocks * s->dst.vec + 16;
  w->in_size = 36 * w->in_stride * sizeof (gfloat);
  w->out_size = 36 * w->out_stride * sizeof (gfloat);
  w->streams = g_new0 (dnnl_stream_t, w->threads);
  w->args = g_malloc0_n (w->threads, sizeof *w->args);
  if (!create_product (w, plan))
    g_clear_pointer (&w, winograd_free);
  return w;
}

/* ---- running ------------------------------------------------------------- */

static gboolean
bind_thread (Winograd *w, UnetPlan *plan, guint t, gpointer const *ptr)
{
  const gint names[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
    DNNL_ARG_SCRATCHPAD };
  UnetConstMd mds[] = { w->in_md, w->weights_md, w->out_md, w->scratch_md };
  gpointer data[] = { (guint8 *) ptr[IN] + t * w->in_size, ptr[WEIGHTS],
    (guint8 *) ptr[OUT] + t * w->out_size,
    (guint8 *) ptr[SCRATCH] + t * w->scratch_size };

  if (dnnl_stream_create (&w->streams[t], plan->engine, dnnl_stream_in_order)
      != dnnl_success)
    return FALSE;
  for (guint k = 0; k < (w->scratch_size ? 4u : 3u); k++) {
    w->args[t][k].arg = names[k];
    if (dnnl_memory_create (&w->args[t][k].memory, mds[k], plan->engine,
            data[k])
        != dnnl_success)
      return FALSE;
  }
  return TRUE;
}

static gboolean
winograd_bind (UnetPlan *plan, gpointer params, gpointer const *ptr)
{
  Winograd *w = params;

  for (guint t = 0; t < w->threads; t++)
    if (!bind_thread (w, plan, t, ptr))
      return FALSE;
  return TRUE;
}

static void
run_block (gconstpointer params, gpointer const *ptr, gint64 job, guint t)
{
  const Winograd *w = params;
  gint64 image = job / w->blocks, first = job % w->blocks * w->block;
  gint64 n = MIN (w->block, w->tiles - first);
  gfloat *in = (gfloat *) ((guint8 *) ptr[IN] + t * w->in_size);
  gfloat *out = (gfloat *) ((guint8 *) ptr[OUT] + t * w->out_size);

  unet_winograd_input (&w->shape, ptr[SRC], image, first, n, in,
      w->in_stride);
  dnnl_primitive_execute (w->product, w->streams[t], w->scratch_size ? 4 : 3,
      w->args[t]);
  unet_winograd_output (&w->shape, out, w->out_stride, ptr[BIAS], image, first,
      n, ptr[DST]);
}

static void
winograd_run (gconstpointer params, gpointer const *ptr, guint threads)
{
  const Winograd *w = params;

  unet_parallel (run_block, w, ptr, w->shape.src.n * w->blocks, threads);
}

/* ---- constants ----------------------------------------------------------- */

typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  const Winograd *w;
} Fill;

/* Reordered a point at a time, so that the transformed weights never exist
 * twice. */
static gboolean
fill_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetVec *s = &f->w->shape.src, *d = &f->w->shape.dst;
  const UnetTensor *t = unet_node_input (f->node, 1)->constant;
  gint64 dims[] = { 36, s->blocks * s->vec, d->blocks * d->vec };
  UnetMd plain = unet_md_new (3, dims, dnnl_f32, dnnl_abc);
  gfloat *u = g_try_malloc_n (36 * dims[1] * dims[2], sizeof *u);
  gboolean ok = FALSE;

  if (u) {
    unet_winograd_weights (t->data, d->c, s->c, dims[2], dims[1], u);
    ok = unet_plan_reorder_now (f->plan, u, plain, data, f->w->weights_md,
        error);
  } else {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: out of memory for transformed weights", f->plan->graph->name);
  }
  g_free (u);
  unet_md_free (plain);
  return ok;
}

static gboolean
fill_bias (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetValue *bias = unet_node_input (f->node, 2);

  if (bias)
    memcpy (data, bias->constant->data,
        f->w->shape.dst.c * sizeof (gfloat));
  return TRUE;
}

static UnetStorage *
pack_weights (UnetPlan *plan, UnetNode *node, const Winograd *w,
    GError **error)
{
  const UnetTensor *t = unet_node_input (node, 1)->constant;
  Fill fill = { plan, node, w };
  gchar *layout = unet_md_key (w->weights_md);
  gchar *key = g_strdup_printf ("winograd %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT " %s", t->dims[0], t->dims[1], layout);
  UnetStorage *storage = unet_plan_pack (plan, t->data,
      t->n_elements * sizeof (gfloat), key, unet_md_size (w->weights_md),
      fill_weights, &fill, error);

  g_free (layout);
  g_free (key);
  return storage;
}

static UnetStorage *
pack_bias (UnetPlan *plan, UnetNode *node, const Winograd *w, GError **error)
{
  const UnetValue *bias = unet_node_input (node, 2);
  Fill fill = { plan, node, w };

  return unet_plan_pack (plan, bias ? bias->constant->data : NULL,
      bias ? w->shape.dst.c * sizeof (gfloat) : 0, "winograd bias",
      w->shape.dst.blocks * w->shape.dst.vec * sizeof (gfloat), fill_bias,
      &fill, error);
}

/* ---- questions ----------------------------------------------------------- */

gboolean
unet_winograd_works (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 block)
{
  Winograd *w = winograd_new (plan, node, window, block);
  gboolean works = w != NULL;

  g_clear_pointer (&w, winograd_free);
  return works;
}

/* ---- measuring ----------------------------------------------------------- */

static gsize
vec_bytes (const UnetVec *v)
{
  return v->n * v->blocks * v->vec * v->h * v->w * sizeof (gfloat);
}

static guint64
time_winograd (UnetPlan *plan, Winograd *w)
{
  gsize sizes[N_OPERANDS] = { [SRC] = vec_bytes (&w->shape.src),
    [WEIGHTS] = unet_md_size (w->weights_md),
    [BIAS] = w->shape.dst.blocks * w->shape.dst.vec * sizeof (gfloat),
    [DST] = vec_bytes (&w->shape.dst), [IN] = w->threads * w->in_size,
    [OUT] = w->threads * w->out_size,
    [SCRATCH] = w->threads * w->scratch_size };
  gpointer ptr[N_OPERANDS];
  guint64 best = G_MAXUINT64 / 1024, total = 0;
  guint64 limit = unet_tune_limit (plan);
  gboolean ok = TRUE;

  for (guint i = 0; i < N_OPERANDS; i++)
    ok &= (ptr[i] = unet_tune_memory (sizes[i])) != NULL;
  ok = ok && winograd_bind (plan, w, ptr);
  for (guint i = 0; ok && i < 9 && (i < 2 || total < limit); i++) {
    guint64 ns = unet_tune_clock ();

    winograd_run (w, ptr, w->threads);
    ns = unet_tune_clock () - ns;
    total += i ? ns : 0; /* the first warms up */
    best = MIN (best, ns);
  }
  for (guint i = 0; i < N_OPERANDS; i++)
    free (ptr[i]);
  return best;
}

static const gint64 block_sizes[] = { 128, 64, 32 };

static gchar *
time_key (const Winograd *w, gint64 max_block)
{
  const UnetVec *s = &w->shape.src, *d = &w->shape.dst;

  return g_strdup_printf ("winograd4 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      " %d t%u", s->n, s->blocks * s->vec, s->h, s->w, d->blocks * d->vec,
      d->h, d->w, max_block, w->shape.add, w->threads);
}

/* Least time over the sizes of blocks worth trying, and the best of them. */
guint64
unet_winograd_time (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 *block)
{
  guint64 best = G_MAXUINT64 / 1024;

  for (guint i = 0; i < G_N_ELEMENTS (block_sizes); i++) {
    Winograd *w = winograd_new (plan, node, window, block_sizes[i]);
    guint64 ns;
    gchar *key;

    if (!w)
      continue;
    key = time_key (w, block_sizes[i]);
    if (!unet_tune_recall (key, &ns)) {
      ns = time_winograd (plan, w);
      unet_tune_remember (key, ns);
    }
    if (ns < best) {
      best = ns;
      *block = block_sizes[i];
    }
    g_free (key);
    winograd_free (w);
  }
  return best;
}

/* ---- emission ------------------------------------------------------------ */

static void
add_buffers (UnetPlan *plan, UnetStep *step, const Winograd *w)
{
  gsize sizes[] = { w->in_size, w->out_size, w->scratch_size };

  for (guint i = 0; i < 3; i++)
    unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
        unet_plan_add_storage (plan, sizes[i] * w->threads), 0, NULL, TRUE);
}

gboolean
unet_emit_winograd (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    gint64 block, guint n_post_ops, const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, unet_node_input (node, 0),
      UNET_MEM_BLOCKED, error);
  Winograd *w = src ? winograd_new (plan, node, window, block) : NULL;
  UnetStorage *weights = w ? pack_weights (plan, node, w, error) : NULL;
  UnetStorage *bias = weights ? pack_bias (plan, node, w, error) : NULL;
  UnetStep *step;
  gchar *name;

  if (!bias) {
    if (src && !w)
      unet_plan_set_error (error, plan, node, "no batched product");
    g_clear_pointer (&w, winograd_free);
    return FALSE;
  }
  name = unet_node_describe (node, n_post_ops);
  step = unet_plan_add_kernel (plan, node, name, "unet:winograd4x4",
      winograd_run, w, out, UNET_MEM_BLOCKED);
  g_free (name);
  step->bind = winograd_bind;
  step->free_params = winograd_free;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  add_buffers (plan, step, w);
  return TRUE;
}
