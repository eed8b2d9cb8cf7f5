/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-normalize.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <math.h>

/* Sums have this many parts, whatever a vector holds, so that their order is
 * the same on all processors. */
#define LANES 16
/* Elements that are summed in f32. Sums of tiles are doubles, so that the
 * rounding error does not grow with the size of a group. */
#define TILE 1024

/* Adds the parts of a sum. */
static gfloat
add_lanes (gfloat *sum)
{
  for (gint64 k = LANES / 2; k > 0; k /= 2)
    for (gint64 j = 0; j < k; j++)
      sum[j] += sum[j + k];
  return sum[0];
}

/* Adds the sums of s[i] - @shift and of its squares to @sums. */
UNET_SIMD static void
add_tile (const gfloat *s, gfloat shift, gint64 n, gdouble sums[2])
{
  gfloat sum[LANES] = { 0 }, squares[LANES] = { 0 };
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (gint64 k = 0; k < LANES; k++) {
      gfloat d = s[i + k] - shift;
      sum[k] += d;
      squares[k] += d * d;
    }
  for (gint64 k = 0; i < n; i++, k++) {
    gfloat d = s[i] - shift;
    sum[k] += d;
    squares[k] += d * d;
  }
  sums[0] += (gdouble) add_lanes (sum);
  sums[1] += (gdouble) add_lanes (squares);
}

/* Sets @means to the means of s[i] - @shift and of its squares. */
static void
measure (const gfloat *s, gfloat shift, gint64 n, gdouble means[2])
{
  means[0] = means[1] = 0;
  for (gint64 i = 0; i < n; i += TILE)
    add_tile (s + i, shift, MIN (TILE, n - i), means);
  means[0] /= (gdouble) n;
  means[1] /= (gdouble) n;
}

/* A group's mean is the sum of two numbers: differences from the first one are
 * exact where the mean is large beside them. */
typedef struct {
  gfloat mean, rest, inverse;
} Moments;

static Moments
find_moments (const gfloat *s, gint64 n, gfloat epsilon)
{
  gdouble means[2], variance;
  Moments m;

  measure (s, 0, n, means);
  m.mean = (gfloat) means[0];
  measure (s, m.mean, n, means);
  m.rest = (gfloat) means[0];
  variance = MAX (0, means[1] - means[0] * means[0]);
  m.inverse = (gfloat) (1 / sqrt (variance + (gdouble) epsilon));
  return m;
}

UNET_SIMD static void
scale_each (const gfloat *restrict s, const gfloat *restrict factor,
    const gfloat *restrict bias, Moments m, gfloat *restrict d, gint64 n)
{
  if (bias)
    for (gint64 i = 0; i < n; i++)
      d[i] = (s[i] - m.mean - m.rest) * m.inverse * factor[i] + bias[i];
  else
    for (gint64 i = 0; i < n; i++)
      d[i] = (s[i] - m.mean - m.rest) * m.inverse * factor[i];
}

UNET_SIMD static void
scale_all (const gfloat *restrict s, gfloat factor, gfloat bias, Moments m,
    gfloat *restrict d, gint64 n)
{
  factor *= m.inverse;
  for (gint64 i = 0; i < n; i++)
    d[i] = (s[i] - m.mean - m.rest) * factor + bias;
}

static void
normalize_group (const UnetNormalize *p, gpointer const *ptr, gint64 group)
{
  const gfloat *s = (const gfloat *) ptr[0] + group * p->size;
  const gfloat *factor = ptr[1], *bias = p->has_bias ? ptr[2] : NULL;
  gfloat *d = (gfloat *) ptr[p->has_bias ? 3 : 2] + group * p->size;
  Moments m = find_moments (s, p->size, p->epsilon);
  gint64 channel = p->channels ? group % p->channels : 0;

  if (p->channels)
    scale_all (s, factor[channel], bias ? bias[channel] : 0, m, d, p->size);
  else
    scale_each (s, factor, bias, m, d, p->size);
}

/* Returns the groups that one job normalises. */
static gint64
groups_per_job (const UnetNormalize *p)
{
  return MAX (1, UNET_PARALLEL_JOB_ELEMENTS / p->size);
}

static void
normalize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetNormalize *p = params;
  gint64 from = i * groups_per_job (p);
  gint64 to = MIN (p->groups, from + groups_per_job (p));

  for (gint64 group = from; group < to; group++)
    normalize_group (p, ptr, group);
}

void
unet_kernel_normalize (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNormalize *p = params;
  gint64 per_job = groups_per_job (p);

  unet_parallel (
      normalize_job, params, ptr, (p->groups + per_job - 1) / per_job, threads);
}
