/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels for operators that oneDNN has no fast primitive for, and their view
 * of a 4-D f32 tensor: blocks of channels, each of h * w vectors. PLAIN has one
 * channel a block and vectors of 1, NHWC one block of all channels, nChw16c
 * blocks of 16. Lanes beyond the last channel are zero and stay zero. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 n, c, h, w;
  gint64 blocks; /* blocks of channels */
  gint64 vec;    /* lanes of a vector */
} UnetVec;

/* Returns the floats of one picture. */
static inline gint64
unet_vec_image (const UnetVec *v)
{
  return v->blocks * v->h * v->w * v->vec;
}

/* Returns the floats of one block of channels of one picture. */
static inline gint64
unet_vec_plane (const UnetVec *v)
{
  return v->h * v->w * v->vec;
}

/* Computes a whole tensor on up to @threads threads. @params describes the
 * operation, @ptr holds the addresses of its operands. */
typedef void (*UnetKernel) (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
