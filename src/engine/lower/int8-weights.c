/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-weights.h"
#include "engine/run/weight-cache.h"
#include <math.h>
#include <string.h>

typedef UnetInt8Conv Conv;

gfloat *
unet_int8_conv_weights (const Conv *c)
{
  const UnetValue *v = unet_node_input (c->node, 1);
  const gfloat *w = v->constant->data;
  gint64 taps = c->window.kernel[0] * c->window.kernel[1];
  gfloat *rows = g_new (gfloat, c->oc * c->row);

  if (c->node->op == UNET_OP_Conv)
    return memcpy (rows, w, c->oc * c->row * sizeof *rows);
  for (gint64 i = 0; i < v->dims[0]; i++)
    for (gint64 o = 0; o < v->dims[1]; o++)
      for (gint64 k = 0; k < taps; k++)
        rows[c->depth_to_space ? (k * v->dims[1] + o) * c->row + i
                               : (o * v->dims[0] + i) * taps + k] =
            w[(i * v->dims[1] + o) * taps + k];
  return rows;
}

/* Without VNNI two products of a uint8 and an int8 are added in 16 bits, where
 * 2 * 255 * 64 still fits. For a signed source oneDNN halves the weights by
 * itself. */
gint
unet_int8_largest_weight (const Conv *c)
{
  return c->plan->vnni || c->src.type == UNET_ELEMENT_S8 ? 127 : 64;
}

/* Returns whether every number of the row is a whole number of steps. */
static gboolean
is_on_grid (const gfloat *row, gint64 n, gfloat step)
{
  for (gint64 i = 0; i < n; i++) {
    gfloat x = row[i] / step;

    if (fabsf (x - rintf (x)) > 1e-3f)
      return FALSE;
  }
  return TRUE;
}

/* Returns the value of one step. Weights of a quantized model are not rounded a
 * second time: they lie on a grid, and the largest one, @most, is a whole
 * number of its steps. */
static gfloat
step_of (const gfloat *row, gint64 n, gint limit, gfloat most)
{
  for (gint k = limit; k > limit / 2; k--)
    if (is_on_grid (row, n, most / k))
      return most / k;
  return most / limit;
}

gfloat
unet_int8_quantize_row (const gfloat *row, gint64 n, gint limit, gint8 *out)
{
  gfloat high = 0, low = 0, most, step;

  for (gint64 i = 0; i < n; i++) {
    high = MAX (high, row[i]);
    low = MIN (low, row[i]);
  }
  most = MAX (high, -low);
  step = 1.0f;
  if (most > 1e-30f && most < 1e30f)
    step = step_of (row, n, limit, most);
  if (limit == 127 && -low > high && is_on_grid (row, n, -low / 128))
    step = -low / 128;
  for (gint64 i = 0; i < n; i++)
    out[i] = CLAMP (rintf (row[i] / step), -128, 127);
  return step;
}

UnetStorage *
unet_int8_cache_bytes (
    UnetPlan *plan, gconstpointer data, gsize size, GError **error)
{
  return unet_plan_cache_bytes (plan, data, size, "bytes", size, error);
}

UnetStorage *
unet_int8_cache_bias (const Conv *c, const gfloat *factors, GError **error)
{
  const UnetValue *v = unet_node_input (c->node, 2);
  const gfloat *b = v ? v->constant->data : NULL;
  gfloat *bias = g_new0 (gfloat, c->oc);
  gint64 n = unet_node_output (c->node, 0)->dims[1];
  UnetStorage *storage;

  for (gint64 o = 0; b && o < c->oc; o++) {
    bias[o] = b[o % n] / c->unit;
    if (unet_int8_conv_is_int8 (c) && unet_bias_comes_before_scales ())
      bias[o] /= factors[o];
  }
  storage = unet_int8_cache_bytes (c->plan, bias, c->oc * sizeof *bias, error);
  g_free (bias);
  return storage;
}
