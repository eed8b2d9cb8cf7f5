/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reuse.h"
#include "reader.h"

#include <frame/time/mask-motion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OLDEST 4

static gdouble
agreement (const guint8 *a, const guint8 *b, gsize n)
{
  gsize both = 0, either = 0;

  for (gsize i = 0; i < n; i++) {
    both += a[i] > 127 && b[i] > 127;
    either += a[i] > 127 || b[i] > 127;
  }
  return either ? (gdouble) both / either : 1;
}

typedef struct {
  UnetMaskMotion *motion[OLDEST + 1]; /* one for each of the last frames */
  guint8 *masks[OLDEST + 1];
  UnetMask moved;
  gdouble old_iou[OLDEST + 1], moved_iou[OLDEST + 1], time[OLDEST + 1];
  gdouble read_time;
  guint n[OLDEST + 1], n_frames;
} Reuse;

/* Returns the milliseconds of processor time of this thread. */
static gdouble
thread_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e3 * t.tv_sec + 1e-6 * t.tv_nsec;
}

static void
reuse_init (Reuse *self, const UnetMask *shape, const GstVideoInfo *info)
{
  memset (self, 0, sizeof *self);
  self->moved = *shape;
  self->moved.class_map = self->moved.probability = NULL;
  alloc_mask (&self->moved);
  for (guint i = 0; i <= OLDEST; i++) {
    self->motion[i] = unet_mask_motion_new (info, shape, NULL);
    self->masks[i] = g_malloc ((gsize) shape->width * shape->height);
  }
}

static void
reuse_clear (Reuse *self)
{
  for (guint i = 0; i <= OLDEST; i++) {
    unet_mask_motion_free (self->motion[i]);
    g_free (self->masks[i]);
  }
  g_free (self->moved.class_map);
  g_free (self->moved.probability);
}

static void
reuse_add_age (
    Reuse *self, const UnetMask *own, const GstVideoFrame *frame, guint age)
{
  const guint from = (self->n_frames - age) % (OLDEST + 1);
  const gsize n = (gsize) own->width * own->height;
  const guint8 *result = self->masks[from];
  UnetMask old = *own;
  gdouble start;

  old.probability = self->masks[from];
  unet_mask_motion_read_frame (self->motion[from], frame);
  start = thread_time ();
  if (unet_mask_motion_search (self->motion[from])) {
    unet_mask_motion_apply (self->motion[from], &old, 0.5, &self->moved);
    result = self->moved.probability;
  }
  self->time[age] += thread_time () - start;
  self->old_iou[age] += agreement (old.probability, own->probability, n);
  self->moved_iou[age] += agreement (result, own->probability, n);
  self->n[age]++;
}

static void
reuse_add (Reuse *self, const UnetMask *own, const GstVideoFrame *frame)
{
  const guint at = self->n_frames % (OLDEST + 1);
  gdouble start;

  for (guint age = 1; age <= MIN (self->n_frames, OLDEST); age++)
    reuse_add_age (self, own, frame, age);
  start = thread_time ();
  unet_mask_motion_read_frame (self->motion[at], frame);
  unet_mask_motion_keep_frame (self->motion[at]);
  unet_mask_motion_use_kept (self->motion[at]);
  self->read_time += thread_time () - start;
  memcpy (self->masks[at], own->probability, (gsize) own->width * own->height);
  self->n_frames++;
}

/* Compares an older mask, unchanged and moved, with the frame's own. */
void
measure_reuse (Chain *chain, const gchar *path, guint frames)
{
  Reader reader;
  Reuse reuse;

  reader_init (&reader, path, "video/x-raw,format=I420");
  for (guint f = 0; f < frames && reader_next (&reader); f++) {
    if (f == 0) {
      chain_set_info (chain, &reader.info);
      reuse_init (&reuse, &chain->raw, &reader.info);
    }
    chain_run (chain, &reader.frame, 1000 / 30.0);
    reuse_add (&reuse, &chain->raw, &reader.frame);
  }
  for (guint age = 1; age <= OLDEST; age++)
    printf ("age %u: IoU with the frame's own mask %.4f, moved %.4f "
            "(%+.4f), %.3f ms\n",
        age, reuse.old_iou[age] / reuse.n[age],
        reuse.moved_iou[age] / reuse.n[age],
        (reuse.moved_iou[age] - reuse.old_iou[age]) / reuse.n[age],
        reuse.time[age] / reuse.n[age]);
  printf ("%dx%d at %ux%u, to read a frame: %.3f ms\n", reader.info.width,
      reader.info.height, chain->raw.width, chain->raw.height,
      reuse.read_time / reuse.n_frames);
  reuse_clear (&reuse);
  reader_clear (&reader);
}
