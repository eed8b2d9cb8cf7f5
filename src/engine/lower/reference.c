/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/reference.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include <string.h>

/* Lets view @k of @step show @value, which the next operand is. The address is
 * set when the arena is allocated. */
static void
view_value (UnetStep *step, guint k, const UnetValue *value)
{
  UnetTensorView *view = &step->views[k];

  view->dtype = value->dtype;
  view->n_dims = value->n_dims;
  memcpy (view->dims, value->dims, sizeof view->dims);
  step->view_operands[k] = step->n_operands;
}

/* Makes views that show nothing. */
static void
make_views (UnetStep *step, const UnetNode *node)
{
  guint n = node->inputs->len + node->outputs->len;

  step->node = node;
  step->n_in = node->inputs->len;
  step->n_out = node->outputs->len;
  step->views = g_new0 (UnetTensorView, n);
  step->view_operands = g_new (gint, n);
  for (guint i = 0; i < n; i++)
    step->view_operands[i] = -1;
}

static gboolean
read_inputs (UnetPlan *plan, UnetNode *node, UnetLoc **locs, GError **error)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    UnetValue *v = unet_node_input (node, i);

    locs[i] = v ? unet_plan_locate (plan, v, UNET_MEM_PLAIN, error) : NULL;
    if (v && !locs[i])
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_outputs (UnetPlan *plan, UnetNode *node, UnetStep *step, GError **error)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *v = unet_node_output (node, i);
    UnetLoc *loc = v ? unet_plan_place (plan, v, UNET_MEM_PLAIN, error) : NULL;

    if (!v)
      continue;
    if (!loc)
      return FALSE;
    view_value (step, step->n_in + i, v);
    unet_step_operand (step, 0, loc, TRUE);
  }
  return TRUE;
}

gboolean
unet_lower_reference (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetLoc *locs[UNET_MAX_OPERANDS];
  UnetStep *step;

  if (node->inputs->len + node->outputs->len > UNET_MAX_OPERANDS) {
    unet_plan_set_error (error, plan, node, "too many inputs");
    return FALSE;
  }
  if (!read_inputs (plan, node, locs, error))
    return FALSE;
  step = unet_plan_add_step (plan, node, unet_op_name (node->op),
      "unet:reference", unet_node_output (node, 0), UNET_MEM_PLAIN);
  make_views (step, node);
  for (guint i = 0; i < step->n_in; i++)
    if (locs[i]) {
      view_value (step, i, unet_node_input (node, i));
      unet_step_operand (step, 0, locs[i], FALSE);
    }
  return write_outputs (plan, node, step, error)
      && (node->post_ops->len == 0
          || unet_emit_post_ops (plan, node, 0, unet_node_output (node, 0),
              UNET_MEM_PLAIN, error));
}
