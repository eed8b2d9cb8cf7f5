/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sample-type.h"
#include <math.h>
#include <string.h>

gboolean
unet_samples_have_type (UnetDType dtype)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
    case UNET_DTYPE_F64:
    case UNET_DTYPE_U8:
    case UNET_DTYPE_I8:
    case UNET_DTYPE_I16:
    case UNET_DTYPE_U16:
    case UNET_DTYPE_I32:
    case UNET_DTYPE_U32:
    case UNET_DTYPE_I64:
    case UNET_DTYPE_U64:
      return TRUE;
    default:
      return FALSE;
  }
}

/* The comparisons make NaN the lower limit. */
static gfloat
limit (gfloat value, gfloat low, gfloat high)
{
  return value > low ? (value < high ? value : high) : low;
}

/* Floats of at most so much are exact integers of 32 bits. */
#define MAX_INT ((gfloat) (1 << 30))

#define CONVERT(Type, low, high)                                               \
  for (gsize i = 0; i < n; i++)                                                \
  ((Type *) to)[i] = (Type) lrintf (limit (from[i], low, high))

void
unet_samples_convert (gpointer to, UnetDType dtype, const gfloat *from, gsize n)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
      memcpy (to, from, n * sizeof *from);
      break;
    case UNET_DTYPE_F64:
      for (gsize i = 0; i < n; i++)
        ((gdouble *) to)[i] = from[i];
      break;
    case UNET_DTYPE_U8:
      CONVERT (guint8, 0, 255);
      break;
    case UNET_DTYPE_I8:
      CONVERT (gint8, -128, 127);
      break;
    case UNET_DTYPE_I16:
      CONVERT (gint16, G_MININT16, G_MAXINT16);
      break;
    case UNET_DTYPE_U16:
      CONVERT (guint16, 0, G_MAXUINT16);
      break;
    case UNET_DTYPE_I32:
      CONVERT (gint32, -MAX_INT, MAX_INT);
      break;
    case UNET_DTYPE_U32:
      CONVERT (guint32, 0, MAX_INT);
      break;
    case UNET_DTYPE_U64:
      CONVERT (guint64, 0, MAX_INT);
      break;
    case UNET_DTYPE_I64:
      CONVERT (gint64, -MAX_INT, MAX_INT);
      break;
    default:
      g_return_if_reached ();
  }
}
