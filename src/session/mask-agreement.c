/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/mask-agreement.h"
#include "base/tensor-info.h"
#include <math.h>
#include <string.h>

/* How near two results of one network are: mean absolute difference of
 * probabilities, and intersection over union of masks. */

typedef struct {
  const gfloat *data;
  gint64 n, c, pixels;
  gboolean nhwc;
  UnetActivation activation;
  gint foreground;
} Map;

static gboolean
map_init (Map *m, const UnetTensorInfo *info, const UnetContract *contract,
    gconstpointer data)
{
  guint axis = contract && contract->layout == UNET_LAYOUT_NHWC ? 3 : 1;
  gint64 count = (gint64) unet_tensor_info_count (info);

  if (info->dtype != UNET_DTYPE_F32)
    return FALSE;
  *m = (Map){ data, 1, 1, count, axis == 3,
    contract ? contract->activation : UNET_ACTIVATION_AUTO,
    contract ? contract->foreground_class : -1 };
  if (info->n_dims == 4) {
    m->n = info->dims[0];
    m->c = info->dims[axis];
    m->pixels = m->n && m->c ? count / m->n / m->c : 0;
  }
  return TRUE;
}

static gfloat
element (const Map *m, gint64 n, gint64 c, gint64 pixel)
{
  return m->data[m->nhwc ? (n * m->pixels + pixel) * m->c + c
                         : (n * m->c + c) * m->pixels + pixel];
}

/* An output within 0 to 1 everywhere holds probabilities. */
static UnetActivation
guess_activation (const Map *m)
{
  for (gint64 i = 0; i < m->n * m->c * m->pixels; i++)
    if (!(m->data[i] >= 0 && m->data[i] <= 1))
      return m->c > 1 ? UNET_ACTIVATION_SOFTMAX : UNET_ACTIVATION_SIGMOID;
  return UNET_ACTIVATION_NONE;
}

static void
find_range (const Map *m, gfloat *low, gfloat *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (gint64 i = 0; i < m->n * m->c * m->pixels; i++) {
    *low = MIN (*low, m->data[i]);
    *high = MAX (*high, m->data[i]);
  }
}

/* Probabilities of a pixel's channels; returns which is largest, or whether
 * the only one reaches a half. */
static gint
read_pixel (
    const Map *m, gint64 n, gint64 pixel, gfloat low, gfloat high, gfloat *p)
{
  gfloat top = -INFINITY, sum = 0;
  gint best = 0;

  for (gint64 c = 0; c < m->c; c++) {
    p[c] = element (m, n, c, pixel);
    if (p[c] > top) {
      top = p[c];
      best = c;
    }
  }
  for (gint64 c = 0; c < m->c; c++) {
    if (m->activation == UNET_ACTIVATION_SIGMOID)
      p[c] = 1 / (1 + expf (-p[c]));
    else if (m->activation == UNET_ACTIVATION_SOFTMAX)
      sum += p[c] = expf (p[c] - top);
    else if (m->activation == UNET_ACTIVATION_MIN_MAX && high > low)
      p[c] = (p[c] - low) / (high - low);
  }
  for (gint64 c = 0; sum > 0 && c < m->c; c++)
    p[c] /= sum;
  return m->c == 1 ? p[0] >= 0.5f : best;
}

static gboolean
is_foreground (const Map *m, gint label)
{
  return m->c > 1 && m->foreground >= 0 ? label == m->foreground : label != 0;
}

static void
add_maps (UnetAgreement *self, const Map *a, const Map *b)
{
  gfloat *p = g_new (gfloat, 2 * a->c), *q = p + a->c, range[4];

  find_range (a, &range[0], &range[1]);
  find_range (b, &range[2], &range[3]);
  for (gint64 i = 0; i < a->n * a->pixels; i++) {
    gint x =
        read_pixel (a, i / a->pixels, i % a->pixels, range[0], range[1], p);
    gint y =
        read_pixel (b, i / a->pixels, i % a->pixels, range[2], range[3], q);
    gboolean fx = is_foreground (a, x), fy = is_foreground (b, y);

    for (gint64 c = 0; c < a->c; c++)
      self->difference += fabsf (p[c] - q[c]);
    self->n += a->c;
    self->pixels++;
    self->either += fx || fy;
    self->both += fx && fy && (x == y || a->foreground >= 0);
  }
  g_free (p);
}

/* Compares class numbers, or other types than f32. */
static void
add_labels (UnetAgreement *self, const UnetTensorInfo *info, gconstpointer a,
    gconstpointer b)
{
  gsize size = unet_dtype_size (info->dtype);
  gsize n = unet_tensor_info_count (info);
  const guint8 zero[8] = { 0 };

  for (gsize i = 0; i < n; i++) {
    const guint8 *x = (const guint8 *) a + i * size;
    const guint8 *y = (const guint8 *) b + i * size;
    gboolean same = memcmp (x, y, size) == 0;
    gboolean fx = memcmp (x, zero, size) != 0, fy = memcmp (y, zero, size) != 0;

    self->difference += !same;
    self->n++;
    self->pixels++;
    self->either += fx || fy;
    self->both += fx && same;
  }
}

void
unet_agreement_add (UnetAgreement *self, const UnetTensorInfo *info,
    const UnetContract *contract, gconstpointer a, gconstpointer b)
{
  Map x, y;

  if (!map_init (&x, info, contract, a) || !map_init (&y, info, contract, b)) {
    add_labels (self, info, a, b);
    return;
  }
  if (x.activation == UNET_ACTIVATION_AUTO)
    x.activation = y.activation = guess_activation (&x);
  add_maps (self, &x, &y);
}

gdouble
unet_agreement_difference (const UnetAgreement *self)
{
  return self->n ? self->difference / self->n : 0;
}

/* Two empty masks are the same mask. */
gdouble
unet_agreement_iou (const UnetAgreement *self)
{
  return self->either ? (gdouble) self->both / self->either : 1;
}
