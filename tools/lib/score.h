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
} ToolScore;

/* @found, @truth: width * height bytes, 0 or 1. */
void tool_score (const guint8 *found, const guint8 *truth, guint width,
    guint height, ToolScore *score);

G_END_DECLS
