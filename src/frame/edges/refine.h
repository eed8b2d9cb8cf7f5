/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Edge refinement: masks at the frame's resolution, with the picture's own
 * edges. */

#include "frame/format/mask.h"
#include "frame/time/guide.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

typedef struct {
  gboolean guided;        /* edges move to those of the picture */
  gdouble low, high;      /* probabilities of no and of full coverage */
  gint grow;              /* pixels outwards, or inwards where negative */
  guint feather;          /* pixels on either side, at most 100 */
  gdouble time_constant;  /* of the smoothing of edges; 0 turns it off */
  gdouble elapsed;        /* since the last frame, in the same unit */
  const UnetGuide *guide; /* (nullable): the frame as it was read already. It is
                           * used if its size fits; else the frame is read. */
} UnetRefineOptions;

/* Belongs to one thread at a time. */
typedef struct _UnetRefine UnetRefine;

/* Takes every format that unet_preprocess_new () takes. Returns NULL without
 * memory. */
UNET_API UnetRefine *unet_refine_new (const GstVideoInfo *info);
/* @self may be NULL. */
UNET_API void unet_refine_free (UnetRefine *self);
/* Forgets the previous frames. */
UNET_API void unet_refine_reset (UnetRefine *self);
/* Refines @mask with @frame, which is mapped for reading. Returns: (nullable):
 * a mask as large as the frame without class map, whose probability is the
 * coverage of each pixel; valid until the next call. Returns NULL without
 * memory. Allocates only when the mask's shape changes. */
UNET_API const UnetMask *unet_refine_run (UnetRefine *self,
    const GstVideoFrame *frame, const UnetMask *mask,
    const UnetRefineOptions *options);
/* Fills and returns @outline: a line @width pixels wide along the edges of the
 * last result, valid as long as that. Returns NULL without memory. */
UNET_API const UnetMask *unet_refine_get_outline (
    UnetRefine *self, guint width, UnetMask *outline);

G_END_DECLS
