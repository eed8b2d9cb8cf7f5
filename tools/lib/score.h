/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Measures of a mask against the true mask. */

#include <glib.h>

G_BEGIN_DECLS

/* Of one picture. */
typedef struct {
  gboolean empty; /* no foreground in the truth: only false_area counts */
  gdouble foreground_iou;
  gdouble miou; /* mean of foreground's and background's */
  gdouble boundary_iou;
  gdouble false_area; /* part of the picture taken for foreground */
  gdouble unsure;     /* part whose probability lies between 0.2 and 0.8; NAN if
                       * the network has several classes */
  gdouble holes;      /* parts of true foreground that are missing */
  gdouble islands;    /* parts that lie apart from true foreground */
} ToolScore;

/* A mask that was found, and the true one. */
typedef struct {
  guint width, height;
  guint8 *found, *truth; /* width * height bytes, 0 or 1 */
  guint8 *probability;   /* (nullable): as many, 255 = 1 */
} ToolMaskPair;

void tool_score (const ToolMaskPair *pair, ToolScore *score);

G_END_DECLS
