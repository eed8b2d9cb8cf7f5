/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/resize.h"
#include "engine/cost/resize.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reference.h"
#include "engine/kernels/f32-resize.h"
#include <math.h>

static gint64
round_nearest (gfloat x, gint mode)
{
  switch (mode) {
    case 1:
      return (gint64) floorf (x + 0.5f);
    case 2:
      return (gint64) floorf (x);
    case 3:
      return (gint64) ceilf (x);
    default:
      return (gint64) ceilf (x - 0.5f);
  }
}

/* Finds the two input rows or columns of every output one, and the weight of
 * the second. */
static void
fill_axis (const UnetResize *r, guint axis, gint64 in, gint64 out, gint32 *i0,
    gint32 *i1, gfloat *f)
{
  gboolean same = in == out && r->scale[axis] == 1;

  for (gint64 i = 0; i < out; i++) {
    gfloat x = same ? i : unet_resize_coord (r, 4, axis, i, in, out);

    if (r->mode == UNET_RESIZE_NEAREST && !same) {
      i0[i] = i1[i] = CLAMP (round_nearest (x, r->nearest), 0, in - 1);
      f[i] = 0.0f;
    } else {
      x = CLAMP (x, 0.0f, (gfloat) (in - 1));
      i0[i] = (gint32) floorf (x);
      i1[i] = MIN (i0[i] + 1, in - 1);
      f[i] = x - i0[i];
    }
  }
}

void
unet_resize_fill (
    const UnetResize *r, const UnetNode *node, UnetResizeTables *t)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  fill_axis (r, 2, in->dims[2], out->dims[2], t->y0, t->y1, t->fy);
  fill_axis (r, 3, in->dims[3], out->dims[3], t->x0, t->x1, t->fx);
}

gboolean
unet_lower_resize (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetResizeTables *t;
  UnetLoc *src, *dst;
  UnetResize r;
  UnetStep *step;

  if (!unet_resize_is_simple (plan, node, &r))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, layout, error);
  dst = src ? unet_plan_place (plan, out, layout, error) : NULL;
  if (!dst)
    return FALSE;
  t = unet_resize_tables_new (unet_plan_vec (plan, in, layout),
      unet_plan_vec (plan, out, layout), r.mode == UNET_RESIZE_NEAREST);
  if (!t) {
    unet_plan_set_error (error, plan, node, "out of memory for its tables");
    return FALSE;
  }
  unet_resize_fill (&r, node, t);
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      t->nearest ? "unet:resize_nearest" : "unet:resize_linear",
      unet_kernel_resize, t, out, layout);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, layout, error);
}
