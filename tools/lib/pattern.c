/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/pattern.h"
#include "base/tensor-info.h"

#include "lib/print.h"

#include <math.h>
#include <string.h>

static void
fill_floats (gfloat *data, guint64 n, guint pattern)
{
  guint32 noise = 1 + pattern;

  for (guint64 i = 0; i < n; i++) {
    noise = noise * 1664525u + 1013904223u;
    data[i] = .5 + .4 * sin (i * .013 * (1 + pattern))
        + .1 * (noise >> 8) / (1 << 24);
  }
}

void
tool_pattern_fill (UnetSession *session, guint pattern)
{
  const UnetModel *model = unet_session_get_model (session);
  guint n = unet_model_get_n_inputs (model);

  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (session, i);
    gpointer data = unet_session_get_input_data (session, i);

    if (info->dtype == UNET_DTYPE_F32)
      fill_floats (data, unet_tensor_info_count (info), pattern);
    else
      memset (data, 0, unet_tensor_info_size (info));
  }
}
