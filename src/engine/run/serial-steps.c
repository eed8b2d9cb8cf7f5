/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/serial-steps.h"
#include "engine/onednn/serial.h"
#include "engine/run/headroom.h"

static void
make_serial (const UnetPlan *plan, UnetStep *step)
{
  const_dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_desc_t again = NULL;

  if (step->primitive
      && dnnl_primitive_get_primitive_desc (step->primitive, &pd)
          == dnnl_success)
    again = unet_pd_again (pd, plan->engine);
  if (!again)
    return;
  if (unet_headroom_create_primitive (&step->serial, again) != dnnl_success)
    step->serial = NULL;
  dnnl_primitive_desc_destroy (again);
}

void
unet_plan_make_serial (UnetPlan *plan)
{
  if (plan->pool)
    return;
  plan->pool = unet_worker_pool_new (plan->options.threads);
  for (guint i = 0; i < plan->steps->len; i++)
    make_serial (plan, g_ptr_array_index (plan->steps, i));
}
