/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random low-precision pictures with gaps between their pixels and guards
 * around their memory, for the tests of kernels. */

#include <math.h>
#include "engine/kernels/int8-tensor.h"
#include "kernel-test.h"

static inline UnetElementType
any_type (void)
{
  return range (UNET_ELEMENT_U8, UNET_ELEMENT_BF16);
}

static inline UnetElementType
any_byte (void)
{
  return range (UNET_ELEMENT_U8, UNET_ELEMENT_S8);
}

static inline gint64
any_channels (void)
{
  const gint64 usual[] = { 1, 3, 8, 16, 24, 32, 64, 70 };
  return usual[range (0, G_N_ELEMENTS (usual) - 1)];
}

typedef struct {
  UnetElementType type;
  gint64 n, h, w, c;
  UnetPixels p;
  gsize bytes;
  guint8 *memory, *data;
} Picture;

static inline gfloat
get (const Picture *x, gint64 n, gint64 y, gint64 i, gint64 c)
{
  gint64 at = n * x->p.image + y * x->p.row + i * x->p.pixel + c;
  guint32 bits;
  gfloat f;

  if (x->type == UNET_ELEMENT_U8)
    return x->data[at];
  if (x->type == UNET_ELEMENT_S8)
    return ((gint8 *) x->data)[at];
  bits = (guint32) ((guint16 *) x->data)[at] << 16;
  memcpy (&f, &bits, sizeof f);
  return f;
}

static inline guint16
bf16 (gfloat f)
{
  guint32 bits;

  memcpy (&bits, &f, sizeof f);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static inline void
picture_init (
    Picture *x, UnetElementType type, gint64 n, gint64 h, gint64 w, gint64 c)
{
  gint64 step = c + (range (0, 1) ? range (0, 40) : 0);
  guint size = unet_element_size (type);

  *x = (Picture){ type, n, h, w, c, { step, step * w, step * w * h }, 0, NULL,
    NULL };
  x->bytes = n * x->p.image * size;
  x->memory = g_malloc (x->bytes + 2 * GUARD);
  x->data = x->memory + GUARD;
  for (gsize i = 0; i < x->bytes + 2 * GUARD; i++)
    x->memory[i] = g_rand_int (rng);
  for (gsize i = 0; type == UNET_ELEMENT_BF16 && i < x->bytes / 2; i++)
    ((guint16 *) x->data)[i] = bf16 (g_rand_double_range (rng, -8, 8));
  for (gsize i = 0; type == UNET_ELEMENT_S8 && i < x->bytes; i++)
    if (x->data[i] == 0x80)
      x->data[i] = 0;
}

/* Rounds half to even, as processors do, and clips to the type. */
static inline gfloat
fit (UnetElementType type, gfloat v, gfloat low)
{
  guint32 bits;

  v = MAX (v, low);
  if (type == UNET_ELEMENT_U8)
    return CLAMP (rintf (v), 0, 255);
  if (type == UNET_ELEMENT_S8)
    return CLAMP (rintf (v), -127, 127);
  bits = (guint32) bf16 (v) << 16;
  memcpy (&v, &bits, sizeof v);
  return v;
}

/* Keeps a copy of a picture's memory, to check that the gaps between its pixels
 * and the guards around it do not change. */
typedef struct {
  Picture *x;
  guint8 *before;
} Guard;

static inline Guard
guard (Picture *x)
{
  return (Guard){ x, g_memdup2 (x->memory, x->bytes + 2 * GUARD) };
}

static inline void
check_guard (Guard *g)
{
  const Picture *x = g->x;
  guint size = unet_element_size (x->type);

  ck_assert (memcmp (g->before, x->memory, GUARD) == 0);
  ck_assert (
      memcmp (g->before + GUARD + x->bytes, x->data + x->bytes, GUARD) == 0);
  for (gint64 i = 0; i < x->n * x->h * x->w; i++)
    for (gint64 k = x->c * size; k < x->p.pixel * size; k++)
      ck_assert_msg (x->data[i * x->p.pixel * size + k]
              == g->before[GUARD + i * x->p.pixel * size + k],
          "written between the pixels");
  g_free (g->before);
}

#define EACH(pic, N, Y, X, C)                                                  \
  for (gint64 N = 0; N < (pic).n; N++)                                         \
    for (gint64 Y = 0; Y < (pic).h; Y++)                                       \
      for (gint64 X = 0; X < (pic).w; X++)                                     \
        for (gint64 C = 0; C < (pic).c; C++)

/* @off: the largest difference allowed between integers. */
static inline void
check_value (const Picture *x, gint64 n, gint64 y, gint64 i, gint64 c,
    gfloat want, gfloat off)
{
  gfloat got = get (x, n, y, i, c);
  gfloat allowed = x->type == UNET_ELEMENT_BF16 ? fabsf (want) * 0.008f + 1e-3f
                                                : off;

  ck_assert_msg (fabsf (got - want) <= allowed, "%g for %g", got, want);
}
