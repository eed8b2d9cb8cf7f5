/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guided filter (He, Sun, Tang, "Guided image filtering", PAMI 2013) with a
 * colour guide, its coefficients made at low resolution to be enlarged and
 * applied at full resolution (He, Sun, "Fast guided filter", arXiv
 * 1505.00996, 2015). */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint width, height;
  guint8 *wanted;       /* where coefficients are to be computed */
  gfloat *coefficients; /* four per pixel: q = k0 g0 + k1 g1 + k2 g2 + k3 */
  /* scratch */
  guint8 *needed;
  gfloat *moments, *sums, *ring, *ring_sums;
} UnetGuidedFilter;

/* %FALSE where there is no memory; to be cleared all the same. */
gboolean unet_guided_filter_filter_init (
    UnetGuidedFilter *self, guint width, guint height);
void unet_guided_filter_filter_clear (UnetGuidedFilter *self);
/* @guide: four floats per pixel, the last one ignored. @p: what is filtered,
 * which is also the result where it is not wanted. Windows of (2 radius + 1)²,
 * cut off at the borders; @eps: variance of the guide that counts as texture,
 * not as an edge. Cost does not depend on the radius. */
void unet_guided_filter_filter_run (UnetGuidedFilter *self, const gfloat *guide,
    const gfloat *p, guint radius, gfloat eps);
/* The result at the guide's own resolution. */
void unet_guided_filter_filter_apply (
    const UnetGuidedFilter *self, const gfloat *guide, gfloat *q);

G_END_DECLS
