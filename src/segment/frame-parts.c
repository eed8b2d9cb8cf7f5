/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/frame-parts.h"

#include "frame/mask/merge-masks.h"

#include <string.h>

typedef struct {
  UnetFramePath *path;
  UnetMaskBuffers mask; /* of the last run */
} Part;

typedef struct {
  guint n;
  UnetRegion regions[UNET_MAX_REGIONS];
  Part parts[UNET_MAX_REGIONS];
} FrameParts;

/* ---- opening ------------------------------------------------------------- */

static void
free_parts (gpointer data)
{
  FrameParts *self = data;

  for (guint i = 0; i < self->n; i++) {
    unet_mask_buffers_clear (&self->parts[i].mask);
    g_clear_pointer (&self->parts[i].path, unet_frame_path_unref);
  }
  g_free (self);
}

static gboolean
open_part (Part *part, const UnetFrameKind *kind, const UnetRegion *region,
    UnetSession *session, GError **error)
{
  UnetFrameKind own = *kind;

  own.region = *region;
  part->path = unet_frame_path_new (&own, session, error);
  return part->path != NULL
      && unet_frame_path_keep_input (part->path, session, error);
}

static FrameParts *
open_parts (const UnetFrameKind *kind, const UnetRegions *regions,
    UnetSession *session, GError **error)
{
  FrameParts *self = g_new0 (FrameParts, 1);

  for (guint i = 0; i < regions->n; i++) {
    self->n++;
    self->regions[i] = regions->items[i];
    if (!open_part (
            &self->parts[i], kind, &regions->items[i], session, error)) {
      free_parts (self);
      return NULL;
    }
  }
  return self;
}

/* ---- frames -------------------------------------------------------------- */

static void
read_parts (gpointer data, UnetSession *session, const GstVideoFrame *frame)
{
  FrameParts *self = data;

  for (guint i = 0; i < self->n; i++)
    unet_frame_path_read (self->parts[i].path, session, frame, 0, 0);
}

/* The state of a recurrent network is of one picture, not of the next
 * region's. */
static gboolean
run_parts (
    gpointer data, UnetSession *session, gdouble threshold, GError **error)
{
  FrameParts *self = data;

  for (guint i = 0; i < self->n; i++) {
    Part *part = &self->parts[i];

    unet_mask_buffers_clear (&part->mask);
    unet_session_reset_state (session);
    if (!unet_frame_path_run (part->path, session, error)
        || !unet_frame_path_fill (
            part->path, session, threshold, &part->mask, error))
      return FALSE;
  }
  return TRUE;
}

static void
fill_mask (gpointer data, gdouble threshold, UnetMask *mask)
{
  const FrameParts *self = data;
  const gsize size = (gsize) mask->width * mask->height;

  memset (mask->class_map, 0, size);
  memset (mask->probability, 0, size);
  for (guint i = 0; i < self->n; i++) {
    const Part *part = &self->parts[i];
    UnetMaskMap map;

    if (part->mask.class_map == NULL
        || !unet_mask_buffers_map (
            &part->mask, &part->path->shape, GST_MAP_READ, &map))
      continue;
    unet_merge_mask (mask, &map.mask, &self->regions[i], threshold);
    unet_mask_buffers_unmap (&part->mask, &map);
  }
}

UnetFramePath *
unet_frame_path_new_for_regions (const UnetFrameKind *kind,
    const UnetRegions *regions, UnetSession *session, GError **error)
{
  static const UnetFramePartsClass parts_class = { read_parts, run_parts,
    fill_mask, free_parts };
  FrameParts *self = open_parts (kind, regions, session, error);
  UnetMask shapes[UNET_MAX_REGIONS], shape;
  guint n_runs = 0;

  if (self == NULL)
    return NULL;
  for (guint i = 0; i < self->n; i++) {
    shapes[i] = self->parts[i].path->shape;
    n_runs += unet_frame_path_get_n_runs (self->parts[i].path);
  }
  shape = unet_merged_mask_shape (self->regions, shapes, self->n);
  return unet_frame_path_new_of_parts (
      kind, &parts_class, self, n_runs, &shape, session, error);
}
