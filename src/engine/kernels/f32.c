/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32.h"
#include "engine/kernels/dispatch.h"
#include "engine/kernels/parallel.h"
#include <math.h>
#include <string.h>

static inline gint64
vec_image (const UnetVec *v)
{
  return v->blocks * v->h * v->w * v->vec;
}

static inline gint64
vec_plane (const UnetVec *v)
{
  return v->h * v->w * v->vec;
}

/* ---- channel copies ---------------------------------------------------- */

/* @count lanes of @n pixels from one vector position to another. */
UNET_CLONES static void
copy_lanes (gfloat *restrict dst, gint64 dst_step, const gfloat *restrict src,
    gint64 src_step, gint64 count, gint64 n)
{
  if (count == dst_step && count == src_step) {
    memcpy (dst, src, n * count * sizeof (gfloat));
  } else if (count == 8) {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      memcpy (dst, src, 8 * sizeof (gfloat));
  } else if (count == 16) {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      memcpy (dst, src, 16 * sizeof (gfloat));
  } else {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      for (gint64 k = 0; k < count; k++)
        dst[k] = src[k];
  }
}

/* One row of pixels, all channels: runs that stay inside a block on both
 * sides. The last writer of a block clears the lanes beyond the last
 * channel. */
static void
copy_channels_row (const UnetCopyChannels *p, const gfloat *src, gfloat *dst,
    gint64 n, gint64 y)
{
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 c = 0;

  src += n * vec_image (s) + y * s->w * s->vec;
  dst += n * vec_image (d) + y * d->w * d->vec;
  while (c < s->c) {
    gint64 to = p->channel + c;
    gint64 run = MIN (s->vec - c % s->vec, d->vec - to % d->vec);

    run = MIN (run, s->c - c);
    copy_lanes (dst + to / d->vec * vec_plane (d) + to % d->vec, d->vec,
        src + c / s->vec * vec_plane (s) + c % s->vec, s->vec, run, s->w);
    c += run;
  }
  c += p->channel;
  if (c == d->c && c % d->vec != 0) {
    gfloat *pad = dst + c / d->vec * vec_plane (d) + c % d->vec;
    for (gint64 x = 0; x < d->w; x++, pad += d->vec)
      memset (pad, 0, (d->vec - c % d->vec) * sizeof (gfloat));
  }
}

static void
copy_channels_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetCopyChannels *p = params;

  copy_channels_row (p, ptr[0], ptr[1], i / p->src.h, i % p->src.h);
}

void
unet_kernel_copy_channels (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetCopyChannels *p = params;

  unet_parallel (copy_channels_job, params, ptr, p->src.n * p->src.h, threads);
}

/* ---- depth to space ---------------------------------------------------- */

UNET_CLONES static void
spread_row (gfloat *restrict dst, const gfloat *restrict src, gint64 w,
    gint64 vec, gint64 src_step, gint64 r)
{
  gint64 step = r * vec;

  if (vec == 16) {
    for (gint64 x = 0; x < w; x++)
      memcpy (dst + x * step, src + x * src_step, 16 * sizeof (gfloat));
  } else {
    for (gint64 x = 0; x < w; x++)
      memcpy (dst + x * step, src + x * src_step, vec * sizeof (gfloat));
  }
}

static void
depth_to_space_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 r = p->r;
  /* NHWC holds the groups side by side in one vector. */
  gboolean nhwc = s->blocks == 1 && s->vec == r * r * d->vec;
  gint64 y = i % d->h, b = i / d->h % d->blocks, n = i / d->h / d->blocks;
  gfloat *dst = (gfloat *) ptr[1] + n * vec_image (d) + b * vec_plane (d)
      + y * d->w * d->vec;

  for (gint64 dx = 0; dx < r; dx++) {
    gint64 group = y % r * r + dx;
    const gfloat *src =
        (const gfloat *) ptr[0] + n * vec_image (s) + y / r * s->w * s->vec;

    src += nhwc ? group * d->vec : (group * d->blocks + b) * vec_plane (s);
    spread_row (dst + dx * d->vec, src, s->w, d->vec, s->vec, r);
  }
}

void
unet_kernel_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (
      depth_to_space_job, params, ptr, d->n * d->blocks * d->h, threads);
}

static void
depth_to_space_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 r = p->r;
  gint64 y = i % d->h, c = i / d->h % d->c, n = i / d->h / d->c;
  gfloat *dst = (gfloat *) ptr[1] + i * d->w;

  for (gint64 dx = 0; dx < r; dx++) {
    gint64 channel = (y % r * r + dx) * d->c + c;
    const gfloat *src = (const gfloat *) ptr[0] + n * vec_image (s)
        + channel / s->vec * vec_plane (s) + y / r * s->w * s->vec
        + channel % s->vec;

    for (gint64 x = 0; x < s->w; x++)
      dst[x * r + dx] = src[x * s->vec];
  }
}

void
unet_kernel_depth_to_space_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (
      depth_to_space_plain_job, params, ptr, d->n * d->c * d->h, threads);
}

/* ---- resize ------------------------------------------------------------- */

UnetResizeTables *
unet_resize_tables_new (UnetVec src, UnetVec dst, gboolean nearest)
{
  gsize size = sizeof (UnetResizeTables)
      + (dst.h + dst.w) * (2 * sizeof (gint32) + sizeof (gfloat));
  UnetResizeTables *t = g_try_malloc0 (size);

  if (!t)
    return NULL;
  t->src = src;
  t->dst = dst;
  t->nearest = nearest;
  t->y0 = (gint32 *) (t + 1);
  t->y1 = t->y0 + dst.h;
  t->x0 = t->y1 + dst.h;
  t->x1 = t->x0 + dst.w;
  t->fy = (gfloat *) (t->x1 + dst.w);
  t->fx = t->fy + dst.h;
  return t;
}

UNET_CLONES static void
resize_nearest_row (
    const UnetResizeTables *t, gfloat *restrict dst, const gfloat *restrict src)
{
  gint64 vec = t->dst.vec;

  if (vec == 16) {
    for (gint64 x = 0; x < t->dst.w; x++)
      memcpy (dst + x * 16, src + (gint64) t->x0[x] * 16, 64);
  } else if (vec == 1) {
    for (gint64 x = 0; x < t->dst.w; x++)
      dst[x] = src[t->x0[x]];
  } else {
    for (gint64 x = 0; x < t->dst.w; x++)
      memcpy (dst + x * vec, src + t->x0[x] * vec, vec * sizeof (gfloat));
  }
}

static inline gfloat
lerp2 (gfloat a, gfloat b, gfloat c, gfloat d, gfloat fx, gfloat fy)
{
  gfloat top = a + (b - a) * fx, bottom = c + (d - c) * fx;
  return top + (bottom - top) * fy;
}

UNET_CLONES static void
resize_linear_row (const UnetResizeTables *t, gfloat *restrict dst,
    const gfloat *restrict r0, const gfloat *restrict r1, gfloat fy)
{
  gint64 vec = t->dst.vec;

  for (gint64 x = 0; x < t->dst.w; x++) {
    const gfloat *a = r0 + t->x0[x] * vec, *b = r0 + t->x1[x] * vec;
    const gfloat *c = r1 + t->x0[x] * vec, *d = r1 + t->x1[x] * vec;
    gfloat fx = t->fx[x], *o = dst + x * vec;

    if (vec == 16) {
      for (gint k = 0; k < 16; k++)
        o[k] = lerp2 (a[k], b[k], c[k], d[k], fx, fy);
    } else {
      for (gint64 k = 0; k < vec; k++)
        o[k] = lerp2 (a[k], b[k], c[k], d[k], fx, fy);
    }
  }
}

static void
resize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetResizeTables *t = params;
  const UnetVec *s = &t->src, *d = &t->dst;
  gint64 y = i % d->h, plane = i / d->h;
  const gfloat *src = (const gfloat *) ptr[0] + plane * vec_plane (s);
  gfloat *dst = (gfloat *) ptr[1] + plane * vec_plane (d) + y * d->w * d->vec;
  const gfloat *r0 = src + t->y0[y] * s->w * s->vec;

  if (t->nearest)
    resize_nearest_row (t, dst, r0);
  else
    resize_linear_row (t, dst, r0, src + t->y1[y] * s->w * s->vec, t->fy[y]);
}

void
unet_kernel_resize (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetResizeTables *t = params;
  const UnetVec *d = &t->dst;

  unet_parallel (resize_job, params, ptr, d->n * d->blocks * d->h, threads);
}

/* ---- zero padding -------------------------------------------------------- */

static void
pad_zero_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetPadZero *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gsize row = d->w * d->vec * sizeof (gfloat);
  gint64 y = i % d->h - p->y, plane = i / d->h;
  gfloat *dst = (gfloat *) ptr[1] + i * d->w * d->vec;

  memset (dst, 0, row);
  if (y >= 0 && y < s->h)
    memcpy (dst + p->x * d->vec,
        (const gfloat *) ptr[0] + plane * vec_plane (s) + y * s->w * s->vec,
        s->w * s->vec * sizeof (gfloat));
}

void
unet_kernel_pad_zero (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetPadZero *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (pad_zero_job, params, ptr, d->n * d->blocks * d->h, threads);
}

/* ---- global pooling ----------------------------------------------------- */

/* Sums in double over rows, so that large maps keep their digits. */
UNET_CLONES static void
pool_lanes (gfloat *restrict dst, const gfloat *restrict src, gint64 vec,
    gint64 lanes, gint64 pixels, gint64 row, gboolean maximum)
{
  gdouble total[16] = { 0 };
  gfloat best[16];

  for (gint64 k = 0; k < lanes; k++)
    best[k] = -INFINITY;
  for (gint64 at = 0; at < pixels; at += row) {
    gfloat sum[16] = { 0 };
    gint64 n = MIN (row, pixels - at);
    const gfloat *p = src + at * vec;

    if (maximum) {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint64 k = 0; k < lanes; k++)
          best[k] = MAX (best[k], p[k]);
    } else if (lanes == 16) {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint k = 0; k < 16; k++)
          sum[k] += p[k];
    } else {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint64 k = 0; k < lanes; k++)
          sum[k] += p[k];
    }
    for (gint64 k = 0; k < lanes; k++)
      total[k] += sum[k];
  }
  for (gint64 k = 0; k < lanes; k++)
    dst[k] = maximum ? best[k] : (gfloat) (total[k] / pixels);
}

/* PLAIN: one channel is one long run. */
UNET_CLONES static gfloat
pool_plane (const gfloat *src, gint64 pixels, gboolean maximum)
{
  gdouble total = 0;
  gfloat best = -INFINITY;

  for (gint64 at = 0; at < pixels; at += 64) {
    gint64 n = MIN (64, pixels - at);
    gfloat sum = 0;

    for (gint64 i = 0; i < n; i++) {
      sum += src[at + i];
      best = MAX (best, src[at + i]);
    }
    total += sum;
  }
  return maximum ? best : (gfloat) (total / pixels);
}

static void
global_pool_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetGlobalPool *p = params;
  const UnetVec *s = &p->src;
  gint64 pixels = s->h * s->w, groups = (s->vec + 15) / 16;
  gint64 plane = i / groups, lane = i % groups * 16;
  gint64 lanes = MIN (16, s->vec - lane);
  const gfloat *src = (const gfloat *) ptr[0] + plane * vec_plane (s) + lane;
  gfloat *dst = (gfloat *) ptr[1] + plane * s->vec + lane;

  if (s->vec == 1) {
    *dst = pool_plane (src, pixels, p->maximum);
  } else {
    pool_lanes (dst, src, s->vec, lanes, pixels, s->w, p->maximum);
    /* the maximum of padding lanes is their 0, as the mean is */
  }
}

void
unet_kernel_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetGlobalPool *p = params;
  const UnetVec *s = &p->src;
  gint64 groups = (s->vec + 15) / 16;

  unet_parallel (
      global_pool_job, params, ptr, s->n * s->blocks * groups, threads);
}

/* ---- 2x2 maximum --------------------------------------------------------- */

UNET_CLONES static void
max2_row (gfloat *restrict dst, const gfloat *restrict a,
    const gfloat *restrict b, gint64 n)
{
  for (gint64 x = 0; x < n; x++) {
    gfloat p = a[2 * x] > a[2 * x + 1] ? a[2 * x] : a[2 * x + 1];
    gfloat q = b[2 * x] > b[2 * x + 1] ? b[2 * x] : b[2 * x + 1];

    dst[x] = p > q ? p : q;
  }
}

static void
max_pool2_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetMaxPool2 *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  const gfloat *src =
      (const gfloat *) ptr[0] + (i / d->h * s->h + i % d->h * 2) * s->w;

  max2_row ((gfloat *) ptr[1] + i * d->w, src, src + s->w, d->w);
}

void
unet_kernel_max_pool2_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetMaxPool2 *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (max_pool2_plain_job, params, ptr, d->n * d->c * d->h, threads);
}

/* ---- softmax ------------------------------------------------------------ */

/* exp (x) for x <= 0 to 2e-7 relative: 2^n times a degree-6 polynomial on
 * [-ln2/2, ln2/2] (Cody and Waite's reduction). */
static inline gfloat
exp_negative (gfloat x)
{
  union {
    gint32 i;
    gfloat f;
  } power;
  gfloat n, r, p;

  x = x > -87.0f ? x : -87.0f;
  power.i = (gint32) (x * 1.44269504f - 0.5f);
  n = (gfloat) power.i;
  r = x - n * 0.693359375f;
  r += n * 2.12194440e-4f;
  p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  power.i = (power.i + 127) << 23;
  return p * power.f;
}

#define SOFTMAX_TILE 256

/* d = s - best, and the sum of its exponentials; each loop is one that the
 * vectoriser takes. */
UNET_CLONES static void
softmax_exponentials (const gfloat *restrict s, const gfloat *restrict best,
    gfloat *restrict sum, gfloat *restrict d, gint64 n, gboolean keep)
{
  gfloat e[SOFTMAX_TILE];

  for (gint64 i = 0; i < n; i++)
    d[i] = s[i] - best[i];
  for (gint64 i = 0; i < n; i++)
    e[i] = exp_negative (d[i]);
  for (gint64 i = 0; i < n; i++)
    sum[i] += e[i];
  if (!keep)
    memcpy (d, e, n * sizeof *d);
}

UNET_CLONES static void
row_max (gfloat *restrict best, const gfloat *restrict s, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    best[i] = best[i] > s[i] ? best[i] : s[i];
}

UNET_CLONES static void
row_scale (gfloat *restrict d, const gfloat *restrict sum, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    d[i] /= sum[i];
}

static void
softmax_tile (
    const UnetSoftmaxPlain *p, const gfloat *src, gfloat *dst, gint64 n)
{
  gfloat best[SOFTMAX_TILE], sum[SOFTMAX_TILE] = { 0 };

  memcpy (best, src, n * sizeof *best);
  for (gint64 c = 1; c < p->c; c++)
    row_max (best, src + c * p->pixels, n);
  for (gint64 c = 0; c < p->c; c++)
    softmax_exponentials (
        src + c * p->pixels, best, sum, dst + c * p->pixels, n, p->logarithm);
  if (p->logarithm)
    for (gint64 i = 0; i < n; i++)
      sum[i] = logf (sum[i]);
  for (gint64 c = 0; c < p->c; c++) {
    gfloat *d = dst + c * p->pixels;

    if (!p->logarithm)
      row_scale (d, sum, n);
    else
      for (gint64 i = 0; i < n; i++)
        d[i] -= sum[i];
  }
}

static void
softmax_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetSoftmaxPlain *p = params;
  gint64 tiles = (p->pixels + SOFTMAX_TILE - 1) / SOFTMAX_TILE;
  gint64 at = i % tiles * SOFTMAX_TILE;
  gint64 offset = i / tiles * p->c * p->pixels + at;

  softmax_tile (p, (const gfloat *) ptr[0] + offset, (gfloat *) ptr[1] + offset,
      MIN (SOFTMAX_TILE, p->pixels - at));
}

void
unet_kernel_softmax_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetSoftmaxPlain *p = params;
  gint64 tiles = (p->pixels + SOFTMAX_TILE - 1) / SOFTMAX_TILE;

  unet_parallel (softmax_plain_job, params, ptr, p->n * tiles, threads);
}

/* ---- pointwise ---------------------------------------------------------- */

UNET_CLONES static void
linear_clip_run (
    const UnetLinearClip *p, const gfloat *src, gfloat *dst, gint64 n)
{
  gfloat alpha = p->alpha, beta = p->beta, low = p->low, high = p->high;

  for (gint64 i = 0; i < n; i++) {
    gfloat v = alpha * src[i] + beta;
    v = v < low ? low : v;
    dst[i] = v > high ? high : v;
  }
}

static void
linear_clip_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetLinearClip *p = params;
  const UnetVec *v = &p->vec;
  gint64 row = v->w * v->vec;
  gfloat *dst = (gfloat *) ptr[1] + i * row;
  gint64 tail = v->c - (i / v->h % v->blocks) * v->vec;

  linear_clip_run (p, (const gfloat *) ptr[0] + i * row, dst, row);
  if (tail < v->vec)
    for (gint64 x = 0; x < v->w; x++)
      memset (dst + x * v->vec + tail, 0, (v->vec - tail) * sizeof (gfloat));
}

void
unet_kernel_linear_clip (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetLinearClip *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (
      linear_clip_job, params, ptr, v->n * v->blocks * v->h, threads);
}

UNET_CLONES static void
prelu_run (
    const gfloat *src, const gfloat *slope, gfloat *dst, gint64 vec, gint64 n)
{
  if (vec == 1) {
    gfloat s = *slope;
    for (gint64 i = 0; i < n; i++)
      dst[i] = src[i] < 0 ? s * src[i] : src[i];
    return;
  }
  for (gint64 i = 0; i < n; i++, src += vec, dst += vec)
    for (gint64 k = 0; k < vec; k++)
      dst[k] = src[k] < 0 ? slope[k] * src[k] : src[k];
}

static void
prelu_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetPRelu *p = params;
  const UnetVec *v = &p->vec;
  gint64 row = v->w * v->vec;

  prelu_run ((const gfloat *) ptr[0] + i * row,
      (const gfloat *) ptr[1] + i / v->h % v->blocks * v->vec,
      (gfloat *) ptr[2] + i * row, v->vec, v->w);
}

void
unet_kernel_prelu (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetPRelu *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (prelu_job, params, ptr, v->n * v->blocks * v->h, threads);
}
