/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks for tests of what is drawn. */

#include <frame/format/mask.h>

typedef struct {
  UnetMask mask;
  gdouble opacity, threshold;
  gboolean smooth;
} Scene;

/* Blobs of classes with soft borders, or noise; over the frame or beside it. */
void scene_init (
    Scene *scene, GRand *rand, guint width, guint height, guint n_classes);
void scene_clear (Scene *scene);
