/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Edge refinement on two scales. At half the resolution the guided filter and
 * two mean fields move the mask's edges to those of the picture; at the full
 * one a third mean field and a last filter place them exactly. */

#include "frame/edges/guided-filter.h"
#include "frame/edges/mean-field.h"

G_BEGIN_DECLS

/* Windows of the filter's passes, as parts of the shorter side: before and
 * after the mean field at half the resolution, and after it at the full one;
 * and the variance of what is no edge, at either. */
#define UNET_TWO_SCALE_COARSE                                                  \
  {                                                                            \
    1 / 10.0, 1 / 13.0                                                         \
  }
#define UNET_TWO_SCALE_FINE         (1 / 64.0)
#define UNET_TWO_SCALE_EPSILON      1e-5f
#define UNET_TWO_SCALE_FINE_EPSILON 1.2e-4f
/* Mean fields: far and near at half the resolution, and at the border. */
#define UNET_TWO_SCALE_FAR                                                     \
  {                                                                            \
    0.3, 6, 0.037f, 2.8f                                                       \
  }
#define UNET_TWO_SCALE_NEAR                                                    \
  {                                                                            \
    0.12, 4, 0.09f, 9.5f                                                       \
  }
#define UNET_TWO_SCALE_BORDER                                                  \
  {                                                                            \
    0.026, 2, 0.045f, 2.9f                                                     \
  }
/* How far the border may move at the full resolution. */
#define UNET_TWO_SCALE_REACH 4

/* From this probability on the network is certain of the foreground. */
#define UNET_TWO_SCALE_CERTAIN 0.8f
/* How far from a certain pixel colours may add foreground, as a part of the
 * shorter side. Less keeps errors of the network's outline; from a quarter on
 * unsure regions become solid as before. The same rule for the background cost
 * 1.5 points of IoU on a person in front of a cluttered room (`masks lag`). */
#define UNET_TWO_SCALE_EVIDENCE (1 / 10.0)

/* After a pass of the filter its result is mixed with the network's probability
 * and sharpened by a smoothstep between @from and @to: least squares pull
 * probabilities towards the middle. */
typedef struct {
  gfloat network, from, to;
} UnetTwoScaleSure;

#define UNET_TWO_SCALE_SURE_COARSE                                             \
  {                                                                            \
    0.36f, 0.41f, 0.59f                                                        \
  }
#define UNET_TWO_SCALE_SURE_FINE                                               \
  {                                                                            \
    0.4f, 0.1f, 0.9f                                                           \
  }

typedef struct {
  UnetGuidedFilter fine; /* the result: its coefficients and where they count */
  gfloat *values;        /* what stands elsewhere, near 0 or 1 */
  /* scratch */
  guint8 *flags, *scratch; /* the caller's, too, before a run */
  UnetGuidedFilter coarse;
  UnetMeanField far, near, border;
  gfloat *guide, *p, *q; /* at half the resolution */
  guint8 *coarse_flags;
  gfloat *line;
  guint8 *certain; /* nearness of certain foreground, 0..255 */
  guint8 *plane_scratch;
} UnetTwoScale;

/* FALSE where there is no memory; to be cleared in either case. */
gboolean unet_two_scale_init (UnetTwoScale *self, guint width, guint height);
void unet_two_scale_clear (UnetTwoScale *self);
/* Refines probabilities @p by @guide: four floats per pixel, the last one 0. */
void unet_two_scale_run (
    UnetTwoScale *self, const gfloat *guide, const gfloat *p);

/* Flags pixels of edges in @p: neither 0 nor 1, or next to a hard step, which
 * has no probabilities between. */
void unet_two_scale_find_edges (
    guint8 *flags, const gfloat *p, guint width, guint height);
/* Flags pixels with a neighbour, left, right, above or below, on the other side
 * of one half. */
void unet_two_scale_find_border (
    guint8 *flags, const gfloat *p, guint width, guint height);

G_END_DECLS
