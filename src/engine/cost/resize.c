/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/resize.h"

gboolean
unet_resize_is_simple (
    const UnetPlan *plan, const UnetNode *node, UnetResize *r)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  if (!unet_node_resize (plan->graph, node, r, NULL) || in->n_dims != 4
      || in->dtype != UNET_DTYPE_F32 || r->mode == UNET_RESIZE_CUBIC
      || r->coord == UNET_COORD_TF_CROP_AND_RESIZE || r->exclude_outside
      || r->antialias)
    return FALSE;
  return in->dims[0] == out->dims[0] && in->dims[1] == out->dims[1];
}
