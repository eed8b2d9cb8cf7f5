/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-reduce.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"

/* Sums are doubles, so that their error does not grow with their length. A
 * block has so many of them. */
#define BLOCK 64

/* Sums adjacent elements. */
UNET_SIMD static gdouble
sum_adjacent (const gfloat *s, gint64 n)
{
  gdouble sum[BLOCK] = { 0 }, total = 0;
  gint64 i = 0;

  for (; i + BLOCK <= n; i += BLOCK)
    for (gint64 k = 0; k < BLOCK; k++)
      sum[k] += (gdouble) s[i + k];
  for (gint64 k = 0; i < n; i++, k++)
    sum[k] += (gdouble) s[i];
  for (gint64 k = 0; k < BLOCK; k++)
    total += sum[k];
  return total;
}

/* Sums up to BLOCK adjacent columns of @n rows. */
UNET_SIMD static void
sum_columns (const gfloat *s, gint64 stride, gint64 n, gint64 columns,
    gdouble scale, gfloat *d)
{
  gdouble sum[BLOCK] = { 0 };

  for (gint64 i = 0; i < n; i++)
    for (gint64 k = 0; k < columns; k++)
      sum[k] += (gdouble) s[i * stride + k];
  for (gint64 k = 0; k < columns; k++)
    d[k] = (gfloat) (sum[k] * scale);
}

/* Returns the blocks of columns of one outer index. */
static gint64
count_blocks (const UnetReduce *p)
{
  return (p->inner + BLOCK - 1) / BLOCK;
}

static gint64
blocks_per_job (const UnetReduce *p)
{
  return MAX (1, UNET_PARALLEL_JOB_ELEMENTS / (p->n * MIN (p->inner, BLOCK)));
}

static void
reduce_job (gconstpointer params, gpointer const *ptr, gint64 job,
    G_GNUC_UNUSED guint thread)
{
  const UnetReduce *p = params;
  const gint64 per_job = blocks_per_job (p);
  const gint64 end = MIN (p->outer * count_blocks (p), (job + 1) * per_job);

  for (gint64 i = job * per_job; i < end; i++) {
    const gint64 outer = i / count_blocks (p);
    const gint64 column = i % count_blocks (p) * BLOCK;
    const gfloat *s =
        (const gfloat *) ptr[0] + outer * p->n * p->inner + column;
    gfloat *d = (gfloat *) ptr[1] + outer * p->inner + column;

    if (p->inner == 1)
      *d = (gfloat) (sum_adjacent (s, p->n) * p->scale);
    else
      sum_columns (
          s, p->inner, p->n, MIN (BLOCK, p->inner - column), p->scale, d);
  }
}

void
unet_kernel_reduce (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetReduce *p = params;
  const gint64 blocks = p->outer * count_blocks (p);

  unet_parallel (reduce_job, params, ptr,
      (blocks + blocks_per_job (p) - 1) / blocks_per_job (p), threads);
}
