/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/phases.h"
#include "litert/ops.h"
#include <string.h>

/* TensorFlow writes a dilated convolution as SPACE_TO_BATCH_ND, which makes a
 * picture of the batch of each phase, a dense convolution, and
 * BATCH_TO_SPACE_ND. It becomes one dilated convolution again. Where other
 * operators stand between, the phases are cut and joined as the file says. */

/* Operators that stand between the two belong together: they are not far. */
#define REACH 16

typedef struct {
  gint64 dims[4], block[2], cut[4]; /* top, bottom, left, right */
} Phases;

static gboolean
read_phases (const UnetLitertOp *op, Phases *p, GError **error)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  guint n, n_cut;

  if (!x || x->n_dims != 4 || !unet_litert_ints (op, 1, p->block, 2, &n)
      || n != 2 || !unet_litert_ints (op, 2, p->cut, 4, &n_cut) || n_cut != 4)
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "its rank is not 4, or its blocks are not constant");
  memcpy (p->dims, x->dims, sizeof p->dims);
  for (guint i = 0; i < 4; i++)
    if (p->dims[i] < 1 || p->dims[i] > G_MAXINT32 || p->cut[i] < 0
        || p->cut[i] > G_MAXINT32 || p->block[i / 2] < 1
        || p->block[i / 2] > G_MAXINT16)
      return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
          "its sizes are open; convert the network for one size of pictures");
  return TRUE;
}

/* Each phase of a picture becomes a picture of the batch. */
static gboolean
to_batch (const UnetLitertOp *op, UnetValue *x, const Phases *p, GError **error)
{
  static const gint64 perm[] = { 2, 4, 0, 1, 3, 5 };
  const gint64 pads[] = { 0, p->cut[0], p->cut[2], 0, 0, p->cut[1], p->cut[3],
    0 };
  const gint64 b = p->block[0], c = p->block[1];
  const gint64 h = p->dims[1] + p->cut[0] + p->cut[1];
  const gint64 w = p->dims[2] + p->cut[2] + p->cut[3];
  const gint64 cells[] = { p->dims[0], h / b, b, w / c, c, p->dims[3] };
  const gint64 out[] = { p->dims[0] * b * c, h / b, w / c, p->dims[3] };

  if (h % b || w % c)
    return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " by %" G_GINT64_FORMAT
        " pixels are no whole blocks",
        w, h);
  x = unet_litert_add_binary (
      op, UNET_OP_Pad, x, unet_litert_add_ints (op, pads, 8));
  x = unet_litert_add_reshape (op, x, cells, 6);
  x = unet_litert_add_transpose (op, x, perm, 6);
  return unet_litert_set (
      op, 0, unet_litert_add_reshape (op, x, out, 4), error);
}

static gboolean
from_batch (
    const UnetLitertOp *op, UnetValue *x, const Phases *p, GError **error)
{
  static const gint64 perm[] = { 2, 3, 0, 4, 1, 5 };
  static const gint64 steps[] = { 1, 1, 1, 1 };
  const gint64 b = p->block[0], c = p->block[1], n = p->dims[0] / (b * c);
  const gint64 cells[] = { b, c, n, p->dims[1], p->dims[2], p->dims[3] };
  const gint64 whole[] = { n, p->dims[1] * b, p->dims[2] * c, p->dims[3] };
  const gint64 starts[] = { 0, p->cut[0], p->cut[2], 0 };
  const gint64 ends[] = { whole[0], whole[1] - p->cut[1], whole[2] - p->cut[3],
    whole[3] };

  if (n * b * c != p->dims[0] || starts[1] >= ends[1] || starts[2] >= ends[2])
    return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "the batch of %" G_GINT64_FORMAT " does not fit its blocks",
        p->dims[0]);
  x = unet_litert_add_reshape (op, x, cells, 6);
  x = unet_litert_add_transpose (op, x, perm, 6);
  x = unet_litert_add_reshape (op, x, whole, 4);
  return unet_litert_set (
      op, 0, unet_litert_add_slice (op, x, starts, ends, steps, 4), error);
}

/* ---- dilated convolutions --------------------------------------------- */

enum { PADDING, STRIDE_W, STRIDE_H };
#define VALID 1

static gboolean
is_dense (const UnetLitertOp *op)
{
  const guint dilation = op->code == UNET_LITERT_CONV_2D ? 4 : 5;

  return (op->code == UNET_LITERT_CONV_2D
             || op->code == UNET_LITERT_DEPTHWISE_CONV_2D)
      && unet_flat_int8 (&op->options, PADDING, 0) == VALID
      && unet_flat_int32 (&op->options, STRIDE_W, 1) == 1
      && unet_flat_int32 (&op->options, STRIDE_H, 1) == 1
      && unet_flat_int32 (&op->options, dilation, 1) == 1
      && unet_flat_int32 (&op->options, dilation + 1, 1) == 1;
}

static gboolean
joins (const UnetLitertOp *op, const gint64 *block)
{
  gint64 own[2], cut[4];
  guint n;

  return op->code == UNET_LITERT_BATCH_TO_SPACE_ND
      && unet_litert_ints (op, 1, own, 2, &n) && n == 2
      && !memcmp (own, block, sizeof own)
      && unet_litert_ints (op, 2, cut, 4, &n) && n == 4;
}

/* Returns whether all uses of @tensor are dense convolutions, or with @joined
 * those that join its phases. */
static gboolean
are_uses (const UnetLitertOp *from, const UnetLitertTensor *tensor,
    const gint64 *block, gboolean joined)
{
  UnetLitert *litert = from->litert;
  guint found = 0;
  UnetLitertOp op;

  for (guint i = from->index + 1;
       i < MIN (litert->operators.n, from->index + REACH); i++) {
    if (!unet_litert_read_operator (litert, i, &op)
        || unet_litert_input (&op, 0) != tensor)
      continue;
    if (joined ? !joins (&op, block)
               : !is_dense (&op) || !unet_litert_output (&op, 0)
                || !are_uses (&op, unet_litert_output (&op, 0), block, TRUE))
      return FALSE;
    found++;
  }
  return found > 0 && found == tensor->n_uses;
}

static gboolean
is_dilation (const UnetLitertOp *op)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  const UnetLitertTensor *out = unet_litert_output (op, 0);
  gint64 block[2], cut[4];
  guint n;

  return x && x->n_dims == 4 && out && out->n_dims == 4
      && unet_litert_ints (op, 1, block, 2, &n) && n == 2 && block[0] > 0
      && block[1] > 0 && block[0] <= G_MAXINT16 && block[1] <= G_MAXINT16
      && unet_litert_ints (op, 2, cut, 4, &n) && n == 4
      && are_uses (op, out, block, FALSE);
}

static gboolean
begin_dilation (const UnetLitertOp *op, GError **error)
{
  UnetLitertTensor *out = unet_litert_output (op, 0);
  UnetValue *x = unet_litert_real_nchw (op, 0, error);
  gint64 block[2], cut[4], pads[8] = { 0 };
  guint n;

  if (!x)
    return FALSE;
  unet_litert_ints (op, 1, block, 2, &n);
  unet_litert_ints (op, 2, cut, 4, &n);
  pads[2] = cut[0];
  pads[3] = cut[2];
  pads[6] = cut[1];
  pads[7] = cut[3];
  x = unet_litert_add_binary (
      op, UNET_OP_Pad, x, unet_litert_add_ints (op, pads, 8));
  if (!unet_litert_set_nchw (op, 0, x, error))
    return FALSE;
  memcpy (out->phases, block, sizeof block);
  return TRUE;
}

static gboolean
end_dilation (const UnetLitertOp *op, GError **error)
{
  static const gint64 steps[] = { 1, 1, 1, 1 };
  UnetValue *x = unet_litert_real_nchw (op, 0, error);
  gint64 cut[4], starts[4] = { 0 }, ends[4];
  guint n;

  if (!x)
    return FALSE;
  if (!unet_litert_ints (op, 2, cut, 4, &n) || n != 4)
    return unet_litert_fail (
        op, error, UNET_ERROR_UNSUPPORTED, "its crops are not constant");
  for (guint i = 0; i < 4; i++)
    ends[i] = G_MAXINT32;
  for (guint i = 0; i < 2; i++) {
    starts[i + 2] = cut[2 * i];
    if (cut[2 * i + 1])
      ends[i + 2] = -cut[2 * i + 1];
  }
  return unet_litert_set_nchw (
      op, 0, unet_litert_add_slice (op, x, starts, ends, steps, 4), error);
}

gboolean
unet_litert_space_to_batch (const UnetLitertOp *op, GError **error)
{
  UnetValue *x;
  Phases phases;

  if (is_dilation (op))
    return begin_dilation (op, error);
  x = unet_litert_real (op, 0, error);
  return x && read_phases (op, &phases, error)
      && to_batch (op, x, &phases, error);
}

gboolean
unet_litert_batch_to_space (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *tensor = unet_litert_input (op, 0);
  UnetValue *x;
  Phases phases;

  if (tensor && tensor->phases[0])
    return end_dilation (op, error);
  x = unet_litert_real (op, 0, error);
  return x && read_phases (op, &phases, error)
      && from_batch (op, x, &phases, error);
}
