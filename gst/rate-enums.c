/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types of the properties `late` and `async`. */
#include "gstunetseg.h"

GType
gst_unet_seg_late_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      { GST_UNET_SEG_LATE_REUSE, "A late frame gets the last mask again",
          "reuse" },
      { GST_UNET_SEG_LATE_RUN, "A late frame gets a mask of its own", "run" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegLate", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

GType
gst_unet_seg_async_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      { GST_UNET_SEG_ASYNC_FALSE, "Every frame waits for its mask", "false" },
      { GST_UNET_SEG_ASYNC_TRUE, "Frames pass at once with the newest mask",
          "true" },
      { GST_UNET_SEG_ASYNC_AUTO,
          "Live frames wait as long as masks come within a frame's time, "
          "others always",
          "auto" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegAsync", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}
