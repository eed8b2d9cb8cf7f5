/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/plane-plan.h"

gboolean
unet_plane_plan_is_possible (const UnetPixelLayout *layout)
{
  for (guint i = 0; i < layout->n_components; i++)
    if (layout->component[i].w_sub > 1 || layout->component[i].h_sub > 1)
      return FALSE;
  return TRUE;
}

void
unet_plane_plan_add (UnetPlanePlan *plan, const UnetLayoutComponent *component,
    guint index, guint width)
{
  const gboolean chroma = component->w_sub > 0;

  if (!plan->used) {
    plan->used = TRUE;
    plan->chroma = chroma;
    plan->step = component->step;
    plan->width = GST_VIDEO_SUB_SCALE (component->w_sub, width);
  }
  if (chroma && !plan->chroma)
    plan->mixed = TRUE;
  else if (component->offset < 4)
    plan->owned[component->offset] = 1;
  if (!chroma)
    plan->luma_first = component->offset;
  plan->component[plan->n_components] = index;
  plan->offset[plan->n_components++] = component->offset;
}
