/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes masks for tests of drawing. */

#include <frame/format/mask.h>

typedef struct {
  UnetMask mask;
  gdouble opacity, threshold;
  gboolean smooth;
} Scene;

/* Makes a mask of blobs of classes with soft borders, or of noise, at a random
 * place over the frame or partly outside it. */
void scene_init (
    Scene *scene, GRand *rand, guint width, guint height, guint n_classes);
void scene_clear (Scene *scene);
