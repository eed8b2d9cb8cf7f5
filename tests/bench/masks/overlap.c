/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlap.h"

gdouble
iou (const guint8 *a, const guint8 *b, gsize n)
{
  gsize both = 0, either = 0;

  for (gsize i = 0; i < n; i++) {
    both += a[i] && b[i];
    either += a[i] || b[i];
  }
  return either ? (gdouble) both / either : 1;
}
