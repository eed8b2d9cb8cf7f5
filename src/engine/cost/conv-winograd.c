/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/conv-winograd.h"
#include "engine/cost/timing.h"
#include "engine/kernels/parallel.h"
#include "graph/analysis/query.h"
#include <math.h>
#include <string.h>

/* Tiles are computed in blocks that stay in the second-level cache; each thread
 * works on one block at a time. Where a picture has so few tiles that reading
 * the weights takes most of the time, the threads transform all of its tiles
 * together and then divide the output channels, so that each weight is read
 * once. */

/* Tiles at once; half as many and twice as many are as fast. */
#define BLOCK_TILES 48
/* Tiles of a picture up to which dividing the channels may be faster. */
#define FEW_TILES 64
/* Tiles at once when the channels are divided. */
#define DIVIDED_TILES 256

/* ---- shape --------------------------------------------------------------- */

gboolean
unet_winograd_fits (
    const UnetNode *node, const UnetWindow *w, UnetMemLayout layout)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  return layout == UNET_MEM_BLOCKED && !unet_node_is_exact (node) && w->n == 2
      && w->group == 1 && w->kernel[0] == 3 && w->kernel[1] == 3
      && w->stride[0] == 1 && w->stride[1] == 1 && w->dilation[0] == 1
      && w->dilation[1] == 1 && w->pad_begin[0] <= 2 && w->pad_begin[1] <= 2
      && d[1] >= 8 && d[0] >= 8;
}

guint
unet_conv_own_post_ops (const UnetNode *node, UnetValue **residual,
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
    break; /* They take one rectifier. */
  }
  return n;
}

/* Chooses blocks of at most @max tiles that divide the picture evenly among the
 * threads, in whole groups of 4 rows of the product. */
static void
choose_blocks (UnetWinograd *w, gint64 max)
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
UnetWinograd *
unet_winograd_new (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 max_block)
{
  UnetWinograd *w = g_new0 (UnetWinograd, 1);
  UnetWinogradShape *s = &w->shape;
  UnetValue *residual;

  w->threads = plan->options.threads;
  s->isa = unet_winograd_isa ();
  s->src = unet_plan_vec (plan, unet_node_input (node, 0), UNET_MEM_BLOCKED);
  s->dst = unet_plan_vec (plan, unet_node_output (node, 0), UNET_MEM_BLOCKED);
  s->n_sources = 1;
  s->sources[0].blocks = s->src.blocks;
  s->pad_y = window->pad_begin[0];
  s->pad_x = window->pad_begin[1];
  s->tiles_y = (s->dst.h + 3) / 4;
  s->tiles_x = (s->dst.w + 3) / 4;
  unet_conv_own_post_ops (node, &residual, &s->slope, &s->low, &s->high);
  s->clips = s->low > -INFINITY || s->high < INFINITY;
  s->add = residual != NULL;
  for (gint i = 0; i < UNET_WINOGRAD_N_OPERANDS; i++)
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

/* Some tiles of one picture. */
typedef struct {
  const UnetWinograd *w;
  UnetWinogradData data;
  gint64 first, n;
} Tiles;

static gfloat *
operand (const UnetWinograd *w, gpointer const *ptr, guint i)
{
  return w->at[i] < 0 ? NULL : ptr[w->at[i]];
}

static gfloat *
operand_at (const UnetWinograd *w, gpointer const *ptr, guint i, gint64 offset)
{
  gfloat *data = operand (w, ptr, i);

  return data ? data + offset : NULL;
}

static UnetWinogradData
picture_data (const UnetWinograd *w, gpointer const *ptr, gint64 image)
{
  const UnetVec *s = &w->shape.src, *d = &w->shape.dst;
  gint64 in = image * s->h * s->w * s->vec;
  gint64 out = image * d->blocks * d->h * d->w * d->vec;
  gint64 pooled = image * d->blocks * (d->h / 2) * (d->w / 2) * d->vec;

  UnetWinogradData data = { { NULL }, operand (w, ptr, UNET_WINOGRAD_WEIGHTS),
    operand (w, ptr, UNET_WINOGRAD_BIAS),
    operand_at (w, ptr, UNET_WINOGRAD_ADD, out),
    operand_at (w, ptr, UNET_WINOGRAD_DST, out),
    operand_at (w, ptr, UNET_WINOGRAD_POOL, pooled),
    operand (w, ptr, UNET_WINOGRAD_HEAD_WEIGHTS), NULL };

  for (guint i = 0; i < w->shape.n_sources; i++)
    data.src[i] = operand_at (
        w, ptr, UNET_WINOGRAD_SRC + i, in * w->shape.sources[i].blocks);
  return data;
}

static void
run_block (gconstpointer params, gpointer const *ptr, gint64 job, guint t)
{
  const UnetWinograd *w = params;
  UnetWinogradData data = picture_data (w, ptr, job / w->blocks);
  gint64 first = job % w->blocks * w->block;
  gint64 n = MIN (w->block, w->tiles - first);
  gfloat *in = operand_at (w, ptr, UNET_WINOGRAD_IN, t * w->in_size);
  gfloat *scratch =
      operand_at (w, ptr, UNET_WINOGRAD_PRODUCTS, t * w->scratch_size);
  gint64 plane = w->shape.heads * w->shape.dst.h * w->shape.dst.w;

  data.sums = operand_at (
      w, ptr, UNET_WINOGRAD_SUMS, t * w->block * w->shape.heads * 16);
  unet_winograd_input (
      &w->shape, &data, 0, w->shape.src.blocks, first, n, in, w->stride);
  for (gint64 p = 0; p < unet_winograd_panels (&w->shape); p++)
    unet_winograd_panel (&w->shape, &data, in, w->stride, p, first, n, scratch);
  if (w->shape.heads > 0)
    unet_winograd_heads (&w->shape, data.sums,
        operand (w, ptr, UNET_WINOGRAD_HEAD_BIAS), first, n,
        operand_at (w, ptr, UNET_WINOGRAD_HEAD, job / w->blocks * plane));
}

static void
run_input (gconstpointer params, gpointer const *ptr, gint64 block,
    G_GNUC_UNUSED guint t)
{
  const Tiles *tiles = params;

  unet_winograd_input (&tiles->w->shape, &tiles->data, block, 1, tiles->first,
      tiles->n, operand (tiles->w, ptr, UNET_WINOGRAD_IN), tiles->w->stride);
}

static void
run_panel (gconstpointer params, gpointer const *ptr, gint64 panel, guint t)
{
  const Tiles *tiles = params;

  unet_winograd_panel (&tiles->w->shape, &tiles->data,
      operand (tiles->w, ptr, UNET_WINOGRAD_IN), tiles->w->stride, panel,
      tiles->first, tiles->n,
      operand_at (
          tiles->w, ptr, UNET_WINOGRAD_PRODUCTS, t * tiles->w->scratch_size));
}

void
unet_winograd_run (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetWinograd *w = params;
  const UnetWinogradShape *s = &w->shape;
  gint64 jobs = s->src.n * w->blocks;

  if (!w->divided) {
    unet_parallel (run_block, w, ptr, jobs, threads);
    return;
  }
  for (gint64 job = 0; job < jobs; job++) {
    gint64 first = job % w->blocks * w->block;
    Tiles tiles = { w, picture_data (w, ptr, job / w->blocks), first,
      MIN (w->block, w->tiles - first) };

    unet_parallel (run_input, &tiles, ptr, s->src.blocks, threads);
    unet_parallel (run_panel, &tiles, ptr, unet_winograd_panels (s), threads);
  }
}

/* ---- measuring ----------------------------------------------------------- */

gsize
unet_winograd_weights_bytes (const UnetWinograd *w)
{
  return unet_winograd_weights_size (
             w->shape.dst.c, w->shape.src.c, w->shape.dst.vec)
      * sizeof (gfloat);
}

static gsize
vec_bytes (const UnetVec *v)
{
  return v->n * v->blocks * v->vec * v->h * v->w * sizeof (gfloat);
}

gsize
unet_winograd_in_floats (const UnetWinograd *w)
{
  return (w->divided ? 1 : w->threads) * w->in_size;
}

static gchar *
time_key (const UnetWinograd *w, gint64 max_block)
{
  const UnetVec *s = &w->shape.src, *d = &w->shape.dst;

  return g_strdup_printf (
      "unet-winograd4 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d t%u",
      s->n, padded_channels (s), s->h, s->w, padded_channels (d), d->h, d->w,
      max_block, w->shape.add, w->threads);
}

/* Returns the time with @max_block tiles at once; 0 to divide the channels. */
static guint64
measure_block (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 max_block)
{
  UnetWinograd *w = unet_winograd_new (plan, node, window, max_block);
  const gsize sizes[UNET_WINOGRAD_N_OPERANDS] = {
    [UNET_WINOGRAD_SRC] = vec_bytes (&w->shape.src),
    [UNET_WINOGRAD_WEIGHTS] = unet_winograd_weights_bytes (w),
    [UNET_WINOGRAD_BIAS] = padded_channels (&w->shape.dst) * sizeof (gfloat),
    [UNET_WINOGRAD_DST] = vec_bytes (&w->shape.dst),
    [UNET_WINOGRAD_IN] = unet_winograd_in_floats (w) * sizeof (gfloat),
    [UNET_WINOGRAD_PRODUCTS] = w->threads * w->scratch_size * sizeof (gfloat),
    [UNET_WINOGRAD_ADD] = w->shape.add ? vec_bytes (&w->shape.dst) : 0,
  };
  gchar *key = time_key (w, max_block);
  guint64 ns = unet_timing_measure_kernel (
      plan, key, unet_winograd_run, w, sizes, UNET_WINOGRAD_N_OPERANDS);

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

/* Both ways give the same results to the bit. */
guint64
unet_winograd_measure (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 *block)
{
  guint64 ns = measure_block (plan, node, window, BLOCK_TILES), divided;

  *block = BLOCK_TILES;
  if (unet_winograd_block (node) == 0) {
    divided = measure_block (plan, node, window, 0);
    if (divided < ns) {
      *block = 0;
      ns = divided;
    }
  }
  if (plan->time_source && plan->time_source->get_block)
    *block = plan->time_source->get_block (plan->time_source, *block);
  return ns;
}
