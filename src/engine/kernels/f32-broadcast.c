/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-broadcast.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"

void
unet_broadcast_init (UnetBroadcast *self, UnetBroadcastOp op, guint n_dims,
    const gint64 *dims, const gint64 *other)
{
  gint64 stride = 1;

  *self = (UnetBroadcast){ .op = op };
  for (guint i = 0; i < n_dims; i++) {
    const gboolean has = other[i] == dims[i], first = self->n_dims == 0;

    if (dims[i] == 1)
      continue;
    if (first || has != (self->strides[self->n_dims - 1] != 0))
      self->dims[self->n_dims++] = 1;
    self->dims[self->n_dims - 1] *= dims[i];
    self->strides[self->n_dims - 1] = has;
  }
  if (self->n_dims == 0) {
    self->n_dims = 1;
    self->dims[0] = self->strides[0] = 1;
  }
  for (guint i = self->n_dims; i-- > 0;)
    if (self->strides[i]) {
      self->strides[i] = stride;
      stride *= self->dims[i];
    }
}

/* Combines a row with a row, or with one number if @step is 0. */
#define ROW(name, sign)                                                        \
  UNET_SIMD static void name##_row (                                           \
      const gfloat *a, const gfloat *b, gint64 step, gfloat *d, gint64 n)      \
  {                                                                            \
    if (step == 0) {                                                           \
      const gfloat all = b[0];                                                 \
      for (gint64 i = 0; i < n; i++)                                           \
        d[i] = a[i] sign all;                                                  \
    } else {                                                                   \
      for (gint64 i = 0; i < n; i++)                                           \
        d[i] = a[i] sign b[i];                                                 \
    }                                                                          \
  }

ROW (broadcast_sum, +)
ROW (broadcast_difference, -)
ROW (broadcast_product, *)
ROW (broadcast_quotient, /)

static void
combine_row (UnetBroadcastOp op, const gfloat *a, const gfloat *b, gint64 step,
    gfloat *d, gint64 n)
{
  switch (op) {
    case UNET_BROADCAST_ADD:
      broadcast_sum_row (a, b, step, d, n);
      break;
    case UNET_BROADCAST_SUB:
      broadcast_difference_row (a, b, step, d, n);
      break;
    case UNET_BROADCAST_MUL:
      broadcast_product_row (a, b, step, d, n);
      break;
    case UNET_BROADCAST_DIV:
      broadcast_quotient_row (a, b, step, d, n);
      break;
  }
}

static gint64
rows_per_job (const UnetBroadcast *p)
{
  return MAX (1, UNET_PARALLEL_JOB_ELEMENTS / p->dims[p->n_dims - 1]);
}

static gint64
count_rows (const UnetBroadcast *p)
{
  gint64 rows = 1;

  for (guint i = 0; i + 1 < p->n_dims; i++)
    rows *= p->dims[i];
  return rows;
}

/* Returns where the second operand's part for a row begins. */
static gint64
find_offset (const UnetBroadcast *p, gint64 row)
{
  gint64 offset = 0;

  for (guint i = p->n_dims - 1; i-- > 0;) {
    offset += row % p->dims[i] * p->strides[i];
    row /= p->dims[i];
  }
  return offset;
}

static void
broadcast_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetBroadcast *p = params;
  const gfloat *a = ptr[0], *b = ptr[1];
  const gint64 n = p->dims[p->n_dims - 1], rows = count_rows (p);
  const gint64 step = p->strides[p->n_dims - 1];
  gint64 row = i * rows_per_job (p);
  const gint64 end = MIN (rows, row + rows_per_job (p));

  for (; row < end; row++)
    combine_row (p->op, a + row * n, b + find_offset (p, row), step,
        (gfloat *) ptr[2] + row * n, n);
}

void
unet_kernel_broadcast (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetBroadcast *p = params;
  const gint64 per_job = rows_per_job (p);

  unet_parallel (broadcast_job, params, ptr,
      (count_rows (p) + per_job - 1) / per_job, threads);
}
