/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/emit/int8-convert.h"
#include "engine/run/int8-layout.h"
#include "engine/kernels/int8-convert.h"

static const gchar *
intern (const gchar *type, const gchar *kernel)
{
  gchar *name = g_strdup_printf ("unet:%s_%s", type, kernel);
  const gchar *interned = g_intern_string (name);

  g_free (name);
  return interned;
}

const gchar *
unet_int8_impl (UnetElementType type, const gchar *kernel)
{
  return intern (type == UNET_ELEMENT_BF16 ? "bf16" : "int8", kernel);
}

void
unet_emit_int8_conversion (
    UnetPlan *plan, UnetValue *value, const UnetLoc *from, const UnetLoc *to)
{
  UnetLowValue low = plan->low[value->id];
  gboolean quantize = to->layout == UNET_MEM_LOW;
  UnetInt8Float *p = g_new0 (UnetInt8Float, 1);
  UnetStep *step;

  p->type = low.type;
  p->vec = unet_plan_vec (plan, value, quantize ? from->layout : to->layout);
  p->pixels = unet_int8_pixels (plan, value);
  p->factor = quantize ? 1.0f / low.scale : low.scale;
  step = unet_plan_add_kernel (plan, NULL, quantize ? "Quantize" : "Dequantize",
      unet_int8_impl (low.type, quantize ? "quantize" : "dequantize"),
      quantize ? unet_kernel_int8_quantize : unet_kernel_int8_dequantize, p,
      value, to->layout);
  step->kind = UNET_STEP_REORDER;
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand (step, 0, to, TRUE);
}
