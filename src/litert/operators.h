/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "litert/importer.h"

G_BEGIN_DECLS

/* Returns the name of a builtin operator, such as "CONV_2D", or %NULL. */
const gchar *unet_litert_op_name (gint code);
/* Adds the nodes of one operator. Returns %FALSE with @error. */
gboolean unet_litert_import_operator (const UnetLitertOp *op, GError **error);

G_END_DECLS
