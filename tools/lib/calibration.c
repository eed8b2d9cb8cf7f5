/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/calibration.h"

#include "lib/pattern.h"
#include "lib/print.h"

static gboolean
put_pattern (UnetSession *session, guint index, gpointer data, GError **error)
{
  tool_pattern_fill (session, index);
  return TRUE;
}

const ToolFrames tool_pattern_frames = { "generated patterns", 3, put_pattern,
  NULL };

void
tool_calibration_set_limits (
    UnetCalibration *calibration, const ToolOptions *options)
{
  unet_calibration_set_limits (calibration,
      options->max_difference >= 0 ? options->max_difference : .01,
      options->min_iou >= 0 ? options->min_iou : .99);
}

/* From the last frame to the first, so that the frames which are held back to
 * compare masks are the first ones. */
static gboolean
add_frames (UnetCalibration *calibration, UnetSession *session,
    const ToolFrames *frames, GError **error)
{
  for (guint i = frames->n; i-- > 0;) {
    if (!frames->put (session, i, frames->data, error))
      return FALSE;
    unet_calibration_add (calibration, session);
  }
  return TRUE;
}

UnetCalibration *
tool_calibration_make (UnetSession *session, const UnetContract *contract,
    const ToolFrames *frames, const ToolOptions *options, GError **error)
{
  UnetSessionOptions threads = UNET_SESSION_OPTIONS_INIT;
  UnetCalibration *calibration =
      unet_calibration_new (unet_session_get_model (session), frames->name);

  threads.threads = unet_session_get_threads (session);
  tool_calibration_set_limits (calibration, options);
  if (!add_frames (calibration, session, frames, error)
      || !unet_calibration_finish (calibration, contract, &threads, error))
    g_clear_pointer (&calibration, unet_calibration_unref);
  return calibration;
}

gchar *
tool_calibration_describe (UnetCalibration *calibration)
{
  gdouble difference, iou;
  guint n, wide = unet_calibration_get_n_wide (calibration);
  const gchar *data = unet_calibration_get_data (calibration, &n);
  g_autofree gchar *kept = NULL;

  unet_calibration_get_agreement (calibration, &difference, &iou);
  if (wide > 0)
    kept = g_strdup_printf ("; %u layer%s in f32", wide, tool_plural (wide));
  return g_strdup_printf ("%u frame%s of %s: probabilities differ from f32 by "
                          "%.5f on average, intersection over union of masks "
                          "%.5f%s",
      n, tool_plural (n), data, difference, iou, kept ? kept : "");
}
