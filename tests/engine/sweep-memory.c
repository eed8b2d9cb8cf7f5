/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"
#include <stdlib.h>
#include <string.h>
#include "engine/onednn/max-isa.h"

gint64
sweep_block (void)
{
  return (unet_dnnl_get_isa () & dnnl_cpu_isa_avx512_core)
          == dnnl_cpu_isa_avx512_core
      ? 16
      : 8;
}

void
sweep_tensor_init_md (SweepTensor *t, dnnl_engine_t engine, UnetConstMd md)
{
  memset (t, 0, sizeof *t);
  t->md = unet_md_copy (md);
  t->size = unet_md_size (md);
  t->memory = aligned_alloc (64, (t->size + 2 * SWEEP_GUARD + 63) / 64 * 64);
  t->data = t->memory + SWEEP_GUARD;
  memset (t->memory, 0xff, t->size + 2 * SWEEP_GUARD);
  dnnl_memory_create (&t->handle, t->md, engine, t->data);
}

void
sweep_tensor_init (SweepTensor *t, dnnl_engine_t engine, dnnl_data_type_t type,
    SweepLayout layout, const gint64 dims[4])
{
  dnnl_format_tag_t tag = layout == SWEEP_PLAIN ? dnnl_nchw
      : layout == SWEEP_NHWC                    ? dnnl_nhwc
      : sweep_block () == 16                    ? dnnl_nChw16c
                                                : dnnl_nChw8c;
  UnetMd md = unet_md_new (4, dims, type, tag);

  sweep_tensor_init_md (t, engine, md);
  unet_md_free (md);
  t->type = type;
  t->layout = layout;
  t->block = layout == SWEEP_BLOCKED ? sweep_block () : 1;
  memcpy (t->dims, dims, sizeof t->dims);
  /* The lanes beyond the last channel must be zero. */
  if (layout == SWEEP_BLOCKED && dims[1] % t->block)
    memset (t->data, 0, t->size);
}

void
sweep_tensor_clear (SweepTensor *t)
{
  if (t->handle)
    dnnl_memory_destroy (t->handle);
  unet_md_free (t->md);
  free (t->memory);
  g_free (t->before);
  memset (t, 0, sizeof *t);
}

/* Returns the offset of an element, in elements. */
static gsize
position (const SweepTensor *t, gint64 n, gint64 c, gint64 y, gint64 x)
{
  gint64 blocks = (t->dims[1] + t->block - 1) / t->block;

  if (t->layout == SWEEP_NHWC)
    return ((n * t->dims[2] + y) * t->dims[3] + x) * t->dims[1] + c;
  return (((n * blocks + c / t->block) * t->dims[2] + y) * t->dims[3] + x)
      * t->block
      + c % t->block;
}

static guint16
to_bf16 (gfloat f)
{
  guint32 bits;

  memcpy (&bits, &f, sizeof f);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

gdouble
sweep_tensor_get (const SweepTensor *t, gint64 n, gint64 c, gint64 y, gint64 x)
{
  gsize at = position (t, n, c, y, x);
  guint32 bits;
  gfloat f;

  switch (t->type) {
    case dnnl_f32:
      return ((const gfloat *) t->data)[at];
    case dnnl_bf16:
      bits = (guint32) ((const guint16 *) t->data)[at] << 16;
      memcpy (&f, &bits, sizeof f);
      return f;
    case dnnl_u8:
      return t->data[at];
    default:
      return ((const gint8 *) t->data)[at];
  }
}

void
sweep_tensor_set (
    SweepTensor *t, gint64 n, gint64 c, gint64 y, gint64 x, gdouble v)
{
  gsize at = position (t, n, c, y, x);

  switch (t->type) {
    case dnnl_f32:
      ((gfloat *) t->data)[at] = v;
      break;
    case dnnl_bf16:
      ((guint16 *) t->data)[at] = to_bf16 (v);
      break;
    case dnnl_u8:
      t->data[at] = v;
      break;
    default:
      ((gint8 *) t->data)[at] = v;
  }
}

void
sweep_tensor_fill (SweepTensor *t, GRand *rng)
{
  for (gint64 n = 0; n < t->dims[0]; n++)
    for (gint64 c = 0; c < t->dims[1]; c++)
      for (gint64 y = 0; y < t->dims[2]; y++)
        for (gint64 x = 0; x < t->dims[3]; x++) {
          gdouble v = t->type == dnnl_u8 ? g_rand_int_range (rng, 0, 256)
              : t->type == dnnl_s8       ? g_rand_int_range (rng, -127, 128)
                                   : g_rand_int_range (rng, -32, 33) / 32.0;

          sweep_tensor_set (t, n, c, y, x, v);
        }
}

void
sweep_tensor_guard (SweepTensor *t)
{
  t->before = g_memdup2 (t->memory, t->size + 2 * SWEEP_GUARD);
}

gboolean
sweep_tensor_is_intact (const SweepTensor *t, gboolean all)
{
  if (all)
    return memcmp (t->before, t->memory, t->size + 2 * SWEEP_GUARD) == 0;
  return memcmp (t->before, t->memory, SWEEP_GUARD) == 0
      && memcmp (
             t->before + SWEEP_GUARD + t->size, t->data + t->size, SWEEP_GUARD)
      == 0;
}
