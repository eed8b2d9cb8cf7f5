/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/mask-motion.h"
#include "frame/format/placement.h"
#include "frame/input/preprocess.h"
#include "frame/format/mask.h"
#include "frame/time/motion-search.h"
#include "base/simd.h"

#include <math.h>

#define ONE  UNET_VECTOR_ONE
#define CELL UNET_MOTION_CELL
/* From a cell's centre to the next one's, in halves of pixels: pixels lie
 * between. */
#define STEPS (2 * CELL)

struct _UnetMaskMotion {
  guint width, height;
  UnetPreprocess *reader;
  gfloat *grey;
  /* Of the frame read last, of the one that a mask is being made of, and of the
   * one that the mask in use was made of. */
  UnetPyramid now, next, then;
  gboolean has_next, has_then;
  UnetMotion motion;
};

/* ---- planes ----------------------------------------------------------- */

static UnetVector
vector_of (const UnetVectors *self, gint x, gint y)
{
  return self->vectors[(gsize) CLAMP (y, 0, self->height - 1) * self->width
      + CLAMP (x, 0, self->width - 1)];
}

/* Vectors at the centres of four cells: left and right, above and below. */
typedef struct {
  UnetVector v[4];
} Corners;

static gboolean
find_corners (
    const UnetVectors *vectors, gint left, gint above, Corners *corners)
{
  gint any = 0;

  for (gint i = 0; i < 4; i++) {
    corners->v[i] = vector_of (vectors, left + i % 2, above + i / 2);
    any |= corners->v[i].x | corners->v[i].y;
  }
  return any != 0;
}

/* Between them, rounded to fractions of a pixel; @across and @down in steps. */
static UnetVector
mix_corners (const Corners *corners, gint across, gint down)
{
  const UnetVector *v = corners->v;
  const gint w[4] = { (STEPS - across) * (STEPS - down),
    across * (STEPS - down), (STEPS - across) * down, across * down };
  const gint half = STEPS * STEPS / 2;
  const gint x = v[0].x * w[0] + v[1].x * w[1] + v[2].x * w[2] + v[3].x * w[3];
  const gint y = v[0].y * w[0] + v[1].y * w[1] + v[2].y * w[2] + v[3].y * w[3];

  return (UnetVector){ (gint16) ((x + half) >> 6), (gint16) ((y + half) >> 6) };
}

G_STATIC_ASSERT (STEPS *STEPS == 1 << 6);

static guint8
sample (const guint8 *src, gint width, gint height, gint x, gint y)
{
  const gint u = CLAMP (x, 0, ONE * (width - 1));
  const gint v = CLAMP (y, 0, ONE * (height - 1));
  const gint f = u % ONE, g = v % ONE;
  const guint8 *a = src + (gsize) (v / ONE) * width + u / ONE;
  const guint8 *b = g ? a + width : a;
  const gint right = f ? 1 : 0;

  return (guint8) (((a[0] * (ONE - f) + a[right] * f) * (ONE - g)
                       + (b[0] * (ONE - f) + b[right] * f) * g + ONE * ONE / 2)
      / (ONE * ONE));
}

static gint
round_to_pixel (gint x)
{
  return (x + ONE / 2) & -ONE;
}

typedef struct {
  guint8 *dst;
  const guint8 *src;
  gint width, height;
  gboolean whole;
} Plane;

static void
move_pixels (const Plane *self, const Corners *corners, gint left, gint above)
{
  const gint from_x = left * CELL + CELL / 2, from_y = above * CELL + CELL / 2;

  for (gint y = MAX (from_y, 0); y < MIN (from_y + CELL, self->height); y++)
    for (gint x = MAX (from_x, 0); x < MIN (from_x + CELL, self->width); x++) {
      const UnetVector way =
          mix_corners (corners, 2 * (x - from_x) + 1, 2 * (y - from_y) + 1);
      gint u = ONE * x + way.x, v = ONE * y + way.y;

      if (self->whole) {
        u = round_to_pixel (u);
        v = round_to_pixel (v);
      }
      self->dst[(gsize) y * self->width + x] =
          sample (self->src, self->width, self->height, u, v);
    }
}

void
unet_plane_move (guint8 *dst, const guint8 *src, gint width, gint height,
    const UnetVectors *vectors, gboolean whole)
{
  const Plane plane = { dst, src, width, height, whole };
  Corners corners;

  memcpy (dst, src, (gsize) width * height);
  for (gint y = -1; y < vectors->height; y++)
    for (gint x = -1; x < vectors->width; x++)
      if (find_corners (vectors, x, y, &corners))
        move_pixels (&plane, &corners, x, y);
}

/* ---- frames ----------------------------------------------------------- */

/* Luma at the mask's resolution. */
static gboolean
open_reader (UnetMaskMotion *self, const GstVideoInfo *info,
    const UnetMask *shape, GError **error)
{
  const UnetPlacement placement = { shape->x, shape->y, shape->w, shape->h, 0,
    0, (gint) shape->width, (gint) shape->height, FALSE };
  UnetContract *contract = unet_contract_new ();

  contract->color_order = UNET_COLOR_ORDER_GRAY;
  contract->layout = UNET_LAYOUT_NCHW;
  contract->scale = 1;
  self->reader = unet_preprocess_new (
      info, contract, shape->width, shape->height, &placement, error);
  unet_contract_free (contract);
  return self->reader != NULL;
}

static gboolean
alloc_pictures (UnetMaskMotion *self)
{
  const guint w = self->width, h = self->height;

  self->grey = g_try_new (gfloat, (gsize) w * h);
  return self->grey && unet_pyramid_init (&self->now, w, h)
      && unet_pyramid_init (&self->next, w, h)
      && unet_pyramid_init (&self->then, w, h)
      && unet_motion_init (&self->motion, w, h);
}

UnetMaskMotion *
unet_mask_motion_new (
    const GstVideoInfo *info, const UnetMask *shape, GError **error)
{
  UnetMaskMotion *self = g_new0 (UnetMaskMotion, 1);

  self->width = shape->width;
  self->height = shape->height;
  if (!open_reader (self, info, shape, error))
    goto failed;
  if (alloc_pictures (self))
    return self;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for pictures of %ux%u", shape->width, shape->height);

failed:
  unet_mask_motion_free (self);
  return NULL;
}

void
unet_mask_motion_free (UnetMaskMotion *self)
{
  if (!self)
    return;
  unet_preprocess_free (self->reader);
  g_free (self->grey);
  unet_pyramid_clear (&self->now);
  unet_pyramid_clear (&self->next);
  unet_pyramid_clear (&self->then);
  unet_motion_clear (&self->motion);
  g_free (self);
}

UNET_SIMD static void
round_luma (guint8 *restrict dst, const gfloat *src, guint n)
{
  for (guint i = 0; i < n; i++) {
    gfloat v = src[i] + 0.5f;

    v = v > 0 ? v : 0;
    v = v < 255 ? v : 255;
    dst[i] = (guint8) (gint32) v;
  }
}

void
unet_mask_motion_read_frame (UnetMaskMotion *self, const GstVideoFrame *frame)
{
  UnetLuma *luma = &self->now.level[0];

  unet_preprocess_run (self->reader, frame, self->grey);
  for (guint y = 0; y < self->height; y++)
    round_luma (luma->pixels + y * luma->stride,
        self->grey + (gsize) y * self->width, self->width);
  unet_pyramid_update (&self->now);
}

static void
swap_pyramids (UnetPyramid *a, UnetPyramid *b)
{
  const UnetPyramid swap = *a;

  *a = *b;
  *b = swap;
}

static void
copy_pyramid (UnetPyramid *to, const UnetPyramid *from)
{
  for (guint i = 0; i < from->n_levels; i++)
    memcpy (to->level[i].memory, from->level[i].memory,
        from->level[i].stride
            * ((gsize) from->level[i].height + 2 * UNET_LUMA_BORDER));
}

void
unet_mask_motion_keep_frame (UnetMaskMotion *self)
{
  copy_pyramid (&self->next, &self->now);
  self->has_next = TRUE;
}

void
unet_mask_motion_use_kept (UnetMaskMotion *self)
{
  swap_pyramids (&self->next, &self->then);
  self->has_then = self->has_next;
  self->has_next = FALSE;
}

void
unet_mask_motion_reset (UnetMaskMotion *self)
{
  self->has_next = self->has_then = FALSE;
}

/* ---- masks ------------------------------------------------------------ */

UNET_SIMD static void
find_foreground (guint8 *restrict dst, const guint8 *src, guint8 least, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = src[i] >= least ? 1 : 0;
}

gboolean
unet_mask_motion_search (UnetMaskMotion *self)
{
  return self->has_then
      && unet_motion_find (&self->motion, &self->now, &self->then);
}

/* Class numbers have nothing between them: there both go by whole pixels. */
void
unet_mask_motion_apply (
    UnetMaskMotion *self, const UnetMask *from, gdouble threshold, UnetMask *to)
{
  const UnetVectors *cells = &self->motion.cells;
  const gint w = (gint) self->width, h = (gint) self->height;
  const gboolean whole = from->n_classes > 2;

  unet_plane_move (to->probability, from->probability, w, h, cells, whole);
  if (whole)
    unet_plane_move (to->class_map, from->class_map, w, h, cells, TRUE);
  else
    find_foreground (to->class_map, to->probability,
        (guint8) CLAMP (ceil (threshold * 255), 0, 255), (gsize) w * h);
}
