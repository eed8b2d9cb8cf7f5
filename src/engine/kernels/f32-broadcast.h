/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

#define UNET_BROADCAST_MAX_DIMS 5

typedef enum {
  UNET_BROADCAST_ADD,
  UNET_BROADCAST_SUB,
  UNET_BROADCAST_MUL,
  UNET_BROADCAST_DIV,
} UnetBroadcastOp;

/* Combines a PLAIN tensor with one that has 1 in some of its dimensions:
 * ptr[0] and ptr[1] to ptr[2], where ptr[2] may be ptr[0]. */
typedef struct {
  UnetBroadcastOp op;
  guint n_dims; /* at most UNET_BROADCAST_MAX_DIMS */
  gint64 dims[UNET_BROADCAST_MAX_DIMS];
  gint64 strides[UNET_BROADCAST_MAX_DIMS]; /* of ptr[1]; 0 where it has 1 */
} UnetBroadcast;
void unet_kernel_broadcast (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Fills @dims and @strides of @self; @other holds the dimensions of ptr[1],
 * each of which is that of @dims or 1. Adjacent dimensions become one where
 * ptr[1] has both or neither. */
void unet_broadcast_init (UnetBroadcast *self, UnetBroadcastOp op, guint n_dims,
    const gint64 *dims, const gint64 *other);

G_END_DECLS
