/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The smoothstep 3 t² - 2 t³, whose slope is 0 at both ends. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns 0 for @x up to @from, 1 from @from + 1 / @scale on, and the
 * smoothstep between. Compilers vectorise loops over it. */
static inline gfloat
unet_smoothstep (gfloat x, gfloat from, gfloat scale)
{
  gfloat t = (x - from) * scale;

  t = t > 0 ? t : 0;
  t = t < 1 ? t : 1;
  return t * t * (3 - 2 * t);
}

/* The same in double precision: 0 for @x up to @from, 1 from @to on. @from is
 * less than @to. */
static inline gdouble
unet_smoothstep_between (gdouble from, gdouble to, gdouble x)
{
  const gdouble t = CLAMP ((x - from) / (to - from), 0, 1);

  return t * t * (3 - 2 * t);
}

G_END_DECLS
