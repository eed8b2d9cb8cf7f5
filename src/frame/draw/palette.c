/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/palette.h"

#include <math.h>

/* 0..1 of hue @h (in turns) at full saturation. */
static gdouble
hue_channel (gdouble h, gdouble shift)
{
  const gdouble x = fabs (fmod (h + shift, 1) * 6 - 3) - 1;

  return CLAMP (x, 0, 1);
}

/* Hues a golden section apart never come close to each other, however many
 * there are; lightness alternates so that neighbours differ in grey too. The
 * first, which most masks only have, is green. */
guint32
unet_palette_default (guint index)
{
  const gdouble hue = fmod (0.38 + (index - 1.0) * 0.61803398875, 1);
  const gdouble white = index % 3 == 2 ? 0.35 : 0.1;
  const gdouble value = index % 3 == 0 ? 0.75 : 1;
  guint32 argb = 0xff;

  if (index == 0)
    return 0;
  for (guint i = 0; i < 3; i++) {
    const gdouble pure = hue_channel (hue, i == 0 ? 0 : 1 - i / 3.0);
    const gdouble v = value * (white + (1 - white) * pure);

    argb = argb << 8 | (guint32) (255 * v + 0.5);
  }
  return argb;
}
