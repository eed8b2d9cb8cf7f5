/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/op.h"
#include <string.h>

static const gchar *const names[UNET_N_OPS] = {
#define UNET_OP(name) #name,
#include "graph/op-list.h"
#undef UNET_OP
};

const gchar *
unet_op_name (UnetOp op)
{
  return names[op];
}

gboolean
unet_op_from_name (const gchar *name, UnetOp *op)
{
  for (guint i = 0; i < UNET_N_OPS; i++)
    if (!strcmp (names[i], name)) {
      *op = (UnetOp) i;
      return TRUE;
    }
  return FALSE;
}
