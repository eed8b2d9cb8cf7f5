/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/float8.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>

/* Conversions between element types. Attributes that name a type hold a
 * UnetDType: the importer translates them. */

UNET_INFER (Cast)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  UnetDType to = (UnetDType) unet_node_attr_int (node, "to", 0);

  if (!unet_dtype_size (to))
    return unet_args_fail (
        &args, error, UNET_ERROR_UNSUPPORTED, "no type to cast to");
  unet_infer_out (node, 0, to, x->n_dims, x->dims);
  return TRUE;
}

UNET_EVAL (Cast)
{
  const gboolean saturate = unet_node_attr_int (node, "saturate", 1) != 0;
  gsize n = unet_view_count (out);

  if (in[0].dtype == out->dtype)
    unet_copy_all (&in[0], out);
  else if (unet_dtype_is_float8 (out->dtype))
    for (gsize i = 0; i < n; i++)
      ((guint8 *) out->data)[i] = unet_float8_encode (
          out->dtype, unet_view_float (&in[0], i), saturate);
  else if (in[0].dtype == UNET_DTYPE_U64 && out->dtype == UNET_DTYPE_F32)
    /* By way of a double it would round twice. */
    for (gsize i = 0; i < n; i++)
      ((gfloat *) out->data)[i] = (gfloat) ((const guint64 *) in[0].data)[i];
  else if (unet_dtype_is_float (in[0].dtype)
      || (in[0].dtype == UNET_DTYPE_U64 && out->dtype == UNET_DTYPE_F64))
    for (gsize i = 0; i < n; i++)
      unet_view_set_float (out, i, unet_view_float (&in[0], i));
  else
    for (gsize i = 0; i < n; i++)
      unet_view_set_int (out, i, unet_view_int (&in[0], i));
  return TRUE;
}

/* Inference writes it as a Cast to the type of the second input. */
UNET_INFER (CastLike)
{
  UnetDType to = unet_node_input (node, 1)->dtype;

  unet_node_set_input (node, 1, NULL);
  g_ptr_array_set_size (node->inputs, 1);
  unet_node_set_attr_int (node, "to", to);
  node->op = UNET_OP_Cast;
  return unet_infer_Cast (graph, node, error);
}
