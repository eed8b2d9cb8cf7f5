/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The smallest and largest number that a value holds. */
typedef struct {
  gfloat low, high;
} UnetRange;

G_END_DECLS
