/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any text as the colours of classes and takes the class names from it as
 * well. */

#include "class-colors.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
paint (const GstUnetColors *colors, const gchar *text, guint n_classes)
{
  g_auto (GStrv) labels = g_strsplit (text, "=", -1);
  g_autoptr (UnetSegClasses) classes = unet_seg_classes_new ("fuzz", n_classes,
      n_classes == g_strv_length (labels) ? (const gchar *const *) labels
                                          : NULL);
  g_autofree guint32 *argb = g_new (guint32, n_classes);

  gst_unet_colors_get_palette (colors, classes, argb);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *text = g_strndup (size ? (const gchar *) data : "", size);
  g_auto (GStrv) labels = g_strsplit (text, "=", -1);
  GstUnetColors *colors = gst_unet_colors_new (text, NULL);

  if (!colors)
    return 0;
  paint (colors, text, 2);
  paint (colors, text, CLAMP (g_strv_length (labels), 2, 255));
  gst_unet_colors_unref (colors);
  return 0;
}
