/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include "graph/ops/window.h"
#include <math.h>
#include <string.h>

/* Deformable convolution (Zhu et al. 2019, "Deformable ConvNets v2"): what the
 * taps of the window sample becomes a matrix, DeformColumns, and the rest is a
 * product of matrices, which oneDNN computes. */

/* Pixels of a row whose samples are found together, on the stack. */
#define TILE 64

typedef struct {
  UnetWindow w;
  gint64 groups; /* of offsets */
} Deform;

static gboolean
read_deform (const UnetArgs *args, Deform *d, GError **error)
{
  UnetTensorView x;

  unet_arg (args, 0, &x);
  d->groups = unet_node_attr_int (args->node, "offset_group", 1);
  if (x.n_dims != 4 || x.dtype != UNET_DTYPE_F32)
    return unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED,
        "only pictures of two dimensions in float are supported");
  if (!unet_window_resolve (args, &d->w, error))
    return FALSE;
  if (d->groups < 1
      || (x.dims[1] >= 0 && (x.dims[1] % d->groups || x.dims[1] % d->w.group)))
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the groups do not fit the channels");
  return TRUE;
}

/* Checks offsets or the mask, with @n entries for each tap. */
static gboolean
check_field (const UnetArgs *args, const Deform *d, guint index, gint64 n,
    GError **error)
{
  const gint64 taps = d->w.kernel[0] * d->w.kernel[1];
  UnetTensorView x, field;

  unet_arg (args, 0, &x);
  if (!unet_arg (args, index, &field))
    return TRUE;
  if (field.n_dims == 4 && field.dtype == UNET_DTYPE_F32
      && field.dims[0] == x.dims[0] && field.dims[1] == n * d->groups * taps
      && field.dims[2] == d->w.out[0] && field.dims[3] == d->w.out[1])
    return TRUE;
  return unet_args_fail (args, error, UNET_ERROR_SHAPE,
      "input %u does not have one entry for each tap and pixel", index);
}

/* ---- DeformConv ------------------------------------------------------- */

static void
expand (UnetExpansion *e, const Deform *d)
{
  UnetNode *node = e->node;
  UnetValue *x = unet_node_input (node, 0),
            *weights = unet_node_input (node, 1);
  UnetValue *bias = unet_node_input (node, 3);
  const gint64 *out = unet_node_output (node, 0)->dims, g = d->w.group;
  UnetValue *in[] = { x, unet_node_input (node, 2), unet_node_input (node, 4) };
  const gint64 shape[] = { out[0], out[1], out[2], out[3] };
  UnetValue *y = unet_expansion_insert (e, UNET_OP_DeformColumns, in, 3);

  for (guint i = 0; i < node->attrs->len; i++)
    unet_node_add_attr (
        y->producer, unet_attr_copy (g_ptr_array_index (node->attrs, i)));
  unet_node_set_attr_ints (y->producer, "kernel_shape", d->w.kernel, 2);
  weights = unet_expansion_reshape (e, weights, 4,
      (const gint64[]){ 1, g, weights->dims[0] / g,
          weights->dims[1] * d->w.kernel[0] * d->w.kernel[1] });
  y = unet_expansion_binary (e, UNET_OP_MatMul, weights, y);
  y->dtype = x->dtype;
  y = unet_expansion_reshape (e, y, 4, shape);
  if (!bias) {
    unet_expansion_become (e, UNET_OP_Identity, &y, 1);
    return;
  }
  bias = unet_expansion_reshape (
      e, bias, 4, (const gint64[]){ 1, shape[1], 1, 1 });
  unet_expansion_become (e, UNET_OP_Add, (UnetValue *[]){ y, bias }, 2);
}

UNET_INFER (DeformConv)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *weights = unet_node_input (node, 1);
  const UnetValue *bias = unet_node_input (node, 3);
  gint64 dims[4];
  Deform d;

  if (!read_deform (&args, &d, error))
    return FALSE;
  if (weights->dims[0] < 0 || weights->dims[0] % d.w.group
      || (x->dims[1] >= 0 && weights->dims[1] * d.w.group != x->dims[1])
      || (bias && (bias->n_dims != 1 || bias->dims[0] != weights->dims[0])))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "weights or bias do not fit the channels");
  memcpy (dims,
      (const gint64[]){ x->dims[0], weights->dims[0], d.w.out[0], d.w.out[1] },
      sizeof dims);
  unet_infer_out (node, 0, x->dtype, 4, dims);
  for (guint i = 0; i < 4; i++)
    if (dims[i] < 0 || x->dims[i] < 0 || weights->dims[i] < 0)
      return TRUE;
  if (!check_field (&args, &d, 2, 2, error)
      || !check_field (&args, &d, 4, 1, error))
    return FALSE;
  expand (&e, &d);
  return TRUE;
}

/* ---- DeformColumns ---------------------------------------------------- */

/* Output: [pictures, groups, channels of one times taps, pixels]. */
UNET_INFER (DeformColumns)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  Deform d;

  if (!read_deform (&args, &d, error) || !check_field (&args, &d, 1, 2, error)
      || !check_field (&args, &d, 2, 1, error))
    return FALSE;
  unet_infer_out (node, 0, x->dtype, 4,
      (const gint64[]){ x->dims[0], d.w.group,
          x->dims[1] / d.w.group * d.w.kernel[0] * d.w.kernel[1],
          d.w.out[0] * d.w.out[1] });
  return TRUE;
}

/* Four pixels of a plane and their weights. */
typedef struct {
  gint64 at[4];
  gfloat weight[4];
} Sample;

/* Pixels outside the picture are 0. */
static Sample
find_sample (gdouble y, gdouble x, gint64 rows, gint64 columns, gdouble scale)
{
  Sample s = { { 0 }, { 0 } };
  gint64 top, left;

  /* Also refuses NaN. */
  if (!(y > -1 && y < (gdouble) rows && x > -1 && x < (gdouble) columns))
    return s;
  top = (gint64) floor (y);
  left = (gint64) floor (x);
  y -= (gdouble) top;
  x -= (gdouble) left;
  for (guint i = 0; i < 4; i++) {
    const gint64 r = top + i / 2, c = left + i % 2;
    if (r < 0 || r >= rows || c < 0 || c >= columns)
      continue;
    s.at[i] = r * columns + c;
    s.weight[i] = (gfloat) ((i / 2 ? y : 1 - y) * (i % 2 ? x : 1 - x) * scale);
  }
  return s;
}

/* One tap of one group of offsets in one picture. */
typedef struct {
  const Deform *d;
  const gfloat *x, *offsets, *mask; /* (nullable): mask */
  gfloat *out;
  gint64 rows, columns;  /* of the input */
  gint64 channels, step; /* of the group; between their results */
  gint64 tap_row, tap_column;
} Tap;

static void
sample_tile (const Tap *t, gint64 row, gint64 from, gint64 n)
{
  const UnetWindow *w = &t->d->w;
  const gint64 plane = t->rows * t->columns, pixels = w->out[0] * w->out[1];
  Sample samples[TILE];

  for (gint64 i = 0; i < n; i++) {
    const gint64 at = row * w->out[1] + from + i;
    samples[i] = find_sample ((gdouble) (row * w->stride[0] - w->pad_begin[0]
                                  + t->tap_row * w->dilation[0])
            + t->offsets[at],
        (gdouble) ((from + i) * w->stride[1] - w->pad_begin[1]
            + t->tap_column * w->dilation[1])
            + t->offsets[pixels + at],
        t->rows, t->columns, t->mask ? t->mask[at] : 1);
  }
  for (gint64 c = 0; c < t->channels; c++) {
    const gfloat *x = t->x + c * plane;
    gfloat *out = t->out + c * t->step + row * w->out[1] + from;
    for (gint64 i = 0; i < n; i++) {
      const Sample *s = &samples[i];
      out[i] = x[s->at[0]] * s->weight[0] + x[s->at[1]] * s->weight[1]
          + x[s->at[2]] * s->weight[2] + x[s->at[3]] * s->weight[3];
    }
  }
}

static void
sample_group (const Deform *d, const UnetTensorView *in, gint64 picture,
    gint64 group, UnetTensorView *out)
{
  const gint64 taps = d->w.kernel[0] * d->w.kernel[1];
  const gint64 pixels = d->w.out[0] * d->w.out[1];
  const gint64 channels = in[0].dims[1] / d->groups;
  const gint64 first = picture * in[0].dims[1] + group * channels;
  Tap t = { .d = d,
    .x = (const gfloat *) in[0].data + first * in[0].dims[2] * in[0].dims[3],
    .rows = in[0].dims[2],
    .columns = in[0].dims[3],
    .channels = channels,
    .step = taps * pixels };

  for (gint64 k = 0; k < taps; k++) {
    const gint64 field = (picture * d->groups + group) * taps + k;
    t.offsets = (const gfloat *) in[1].data + 2 * field * pixels;
    t.mask = in[2].data ? (const gfloat *) in[2].data + field * pixels : NULL;
    t.out = (gfloat *) out->data + (first * taps + k) * pixels;
    t.tap_row = k / d->w.kernel[1];
    t.tap_column = k % d->w.kernel[1];
    for (gint64 row = 0; row < d->w.out[0]; row++)
      for (gint64 from = 0; from < d->w.out[1]; from += TILE)
        sample_tile (&t, row, from, MIN (TILE, d->w.out[1] - from));
  }
}

UNET_EVAL (DeformColumns)
{
  UnetArgs args = UNET_EVAL_ARGS;
  UnetTensorView fields[3] = { in[0], in[1], { 0 } };
  Deform d;

  if (!read_deform (&args, &d, error))
    return FALSE;
  if (n_in > 2)
    fields[2] = in[2];
  for (gint64 n = 0; n < in[0].dims[0]; n++)
    for (gint64 g = 0; g < d.groups; g++)
      sample_group (&d, fields, n, g, out);
  return TRUE;
}
