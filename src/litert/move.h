/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Operators that move elements, and those of shapes. */

#include "litert/importer.h"

G_BEGIN_DECLS

gboolean unet_litert_reshape (const UnetLitertOp *op, GError **error);
gboolean unet_litert_squeeze (const UnetLitertOp *op, GError **error);
gboolean unet_litert_expand_dims (const UnetLitertOp *op, GError **error);
gboolean unet_litert_concatenation (const UnetLitertOp *op, GError **error);
gboolean unet_litert_pack (const UnetLitertOp *op, GError **error);
gboolean unet_litert_unpack (const UnetLitertOp *op, GError **error);
gboolean unet_litert_split (const UnetLitertOp *op, GError **error);
gboolean unet_litert_slice (const UnetLitertOp *op, GError **error);
gboolean unet_litert_strided_slice (const UnetLitertOp *op, GError **error);
gboolean unet_litert_pad (const UnetLitertOp *op, GError **error);
gboolean unet_litert_transpose (const UnetLitertOp *op, GError **error);
gboolean unet_litert_shape (const UnetLitertOp *op, GError **error);
gboolean unet_litert_gather (const UnetLitertOp *op, GError **error);
/* TILE, BROADCAST_TO and FILL. */
gboolean unet_litert_repeat (const UnetLitertOp *op, GError **error);

G_END_DECLS
