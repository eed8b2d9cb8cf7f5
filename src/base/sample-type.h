/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Samples of a picture as numbers of another type. Any thread. */

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/* Returns whether unet_samples_convert() writes @dtype. */
gboolean unet_samples_have_type (UnetDType dtype);
/* Converts @n numbers. Integers are rounded to the nearest and limited to the
 * type's range. @dtype: a type for which unet_samples_have_type() is %TRUE */
void unet_samples_convert (
    gpointer to, UnetDType dtype, const gfloat *from, gsize n);

G_END_DECLS
