/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/object-tracker.h"

#define MANY_TRACKS (4 * UNET_MASK_MAX_OBJECTS)

typedef struct {
  UnetTrackedObject tracked;
  guint unseen; /* frames */
  gboolean is_taken;
  UnetMaskObject object; /* as it was seen last */
} Track;

struct _UnetObjectTracker {
  guint last_id;
  GArray *tracks; /* of Track */
};

UnetObjectTracker *
unet_object_tracker_new (void)
{
  UnetObjectTracker *self = g_new0 (UnetObjectTracker, 1);

  self->tracks = g_array_new (FALSE, FALSE, sizeof (Track));
  return self;
}

void
unet_object_tracker_free (UnetObjectTracker *self)
{
  if (!self)
    return;
  g_array_unref (self->tracks);
  g_free (self);
}

void
unet_object_tracker_reset (UnetObjectTracker *self)
{
  g_array_set_size (self->tracks, 0);
}

/* Intersection over union of two boxes; 0 for two classes. */
static gdouble
find_overlap (const UnetMaskObject *a, const UnetMaskObject *b)
{
  const UnetClassRegion *p = &a->region, *q = &b->region;
  const gdouble w = MIN (p->x + p->w, q->x + q->w) - MAX (p->x, q->x);
  const gdouble h = MIN (p->y + p->h, q->y + q->h) - MAX (p->y, q->y);

  if (a->id != b->id || w <= 0 || h <= 0)
    return 0;
  return w * h / (p->w * p->h + q->w * q->h - w * h);
}

/* The pair of a track and an object that overlaps the most of those that are
 * left. Returns FALSE where none does. */
static gboolean
find_pair (UnetObjectTracker *self, const GArray *objects,
    const UnetTrackedObject *tracked, guint *track, guint *object)
{
  gdouble best = UNET_TRACKER_LEAST_IOU;
  gboolean found = FALSE;

  for (guint t = 0; t < self->tracks->len; t++) {
    const Track *candidate = &g_array_index (self->tracks, Track, t);

    for (guint i = 0; i < objects->len && !candidate->is_taken; i++) {
      gdouble overlap;

      if (tracked[i].id > 0)
        continue;
      overlap = find_overlap (
          &candidate->object, &g_array_index (objects, UnetMaskObject, i));
      if (overlap < best || (found && overlap == best))
        continue;
      best = overlap;
      *track = t;
      *object = i;
      found = TRUE;
    }
  }
  return found;
}

static void
add_track (UnetObjectTracker *self, const UnetMaskObject *object, guint64 time,
    UnetTrackedObject *tracked)
{
  Track track = { .is_taken = TRUE, .object = *object };

  self->last_id = MAX (self->last_id + 1, 1);
  *tracked = track.tracked = (UnetTrackedObject){ self->last_id, time };
  g_array_append_val (self->tracks, track);
}

/* A mask of noise makes new objects with each frame: then none is waited for.
 */
static void
forget_old (UnetObjectTracker *self)
{
  const guint patience =
      self->tracks->len > MANY_TRACKS ? 0 : UNET_TRACKER_PATIENCE;

  for (guint t = self->tracks->len; t > 0; t--) {
    Track *track = &g_array_index (self->tracks, Track, t - 1);

    track->unseen = track->is_taken ? 0 : track->unseen + 1;
    track->is_taken = FALSE;
    if (track->unseen > patience)
      g_array_remove_index_fast (self->tracks, t - 1);
  }
}

void
unet_object_tracker_follow (UnetObjectTracker *self, const GArray *objects,
    guint64 time, UnetTrackedObject *tracked)
{
  guint t, i;

  for (i = 0; i < objects->len; i++)
    tracked[i].id = 0;
  while (find_pair (self, objects, tracked, &t, &i)) {
    Track *track = &g_array_index (self->tracks, Track, t);

    tracked[i] = track->tracked;
    track->is_taken = TRUE;
    track->object = g_array_index (objects, UnetMaskObject, i);
  }
  for (i = 0; i < objects->len; i++)
    if (tracked[i].id == 0)
      add_track (
          self, &g_array_index (objects, UnetMaskObject, i), time, &tracked[i]);
  forget_old (self);
}
