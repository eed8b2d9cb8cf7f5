/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"

#include <frame/format/mask.h>
#include <math.h>

void
scene_init (
    Scene *scene, GRand *rand, guint width, guint height, guint n_classes)
{
  UnetMask *mask = &scene->mask;
  gsize n;

  mask->width = g_rand_int_range (rand, 1, 40);
  mask->height = g_rand_int_range (rand, 1, 40);
  mask->n_classes = n_classes;
  mask->x = g_rand_boolean (rand) ? 0 : g_rand_double_range (rand, -9, 30);
  mask->y = g_rand_boolean (rand) ? 0 : g_rand_double_range (rand, -9, 20);
  mask->w = g_rand_boolean (rand) ? width
                                  : g_rand_double_range (rand, 1, 1.2 * width);
  mask->h = g_rand_boolean (rand) ? height
                                  : g_rand_double_range (rand, 1, 1.2 * height);
  scene->opacity = g_rand_boolean (rand) ? 1 : g_rand_double (rand);
  scene->threshold = g_rand_double_range (rand, 0.2, 0.8);
  scene->smooth = g_rand_boolean (rand);
  n = (gsize) mask->width * mask->height;
  mask->probability = g_malloc (n);
  mask->class_map = g_malloc (n);
  for (gsize i = 0; i < n; i++) {
    const gdouble x = i % mask->width, y = (gdouble) (i / mask->width);
    gdouble p = 0.5 + 0.8 * sin (x / 4) * cos (y / 5);

    if (!scene->smooth)
      p = g_rand_int_range (rand, 0, 3) == 0 ? g_rand_double (rand)
                                             : g_rand_boolean (rand);
    p = CLAMP (p, 0, 1);
    mask->probability[i] = (guint8) (255 * p);
    mask->class_map[i] = p < scene->threshold ? 0
        : n_classes == 2
        ? 1
        : 1 + ((guint) (x / 5) + (guint) (y / 3)) % (n_classes - 1);
  }
}

void
scene_clear (Scene *scene)
{
  g_free (scene->mask.probability);
  g_free (scene->mask.class_map);
}
