/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-swap.h"

struct _UnetSwap {
  GThread *thread; /* (nullable): once joined */
  gint done;       /* atomic */

  gchar *path;
  GHashTable *overrides;
  UnetArithmetic arithmetic;
  guint serial;
  GstVideoInfo info;
  GstVideoOrientationMethod orientation;
  gboolean live;

  UnetSegmenter *segmenter; /* (nullable) */
  GError *error;
};

static gpointer
load (gpointer data)
{
  UnetSwap *self = data;

  self->segmenter = unet_segmenter_new (
      self->path, self->overrides, &self->arithmetic, self->live, &self->error);
  if (self->segmenter == NULL)
    goto done;
  unet_segmenter_set_orientation (self->segmenter, self->orientation);
  if (!unet_segmenter_set_info (self->segmenter, &self->info, &self->error))
    g_clear_pointer (&self->segmenter, unet_segmenter_free);

done:
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

UnetSwap *
unet_swap_new (const gchar *path, GHashTable *overrides,
    const UnetArithmetic *arithmetic, const GstVideoInfo *info,
    GstVideoOrientationMethod orientation, gboolean live, guint serial)
{
  UnetSwap *self = g_new0 (UnetSwap, 1);

  self->path = g_strdup (path);
  self->overrides = g_hash_table_ref (overrides);
  unet_arithmetic_copy (&self->arithmetic, arithmetic);
  self->serial = serial;
  self->info = *info;
  self->orientation = orientation;
  self->live = live;
  self->thread = g_thread_new ("unetseg-load", load, self);
  return self;
}

gboolean
unet_swap_is_done (UnetSwap *self)
{
  return g_atomic_int_get (&self->done);
}

const gchar *
unet_swap_get_path (UnetSwap *self)
{
  return self->path;
}

guint
unet_swap_get_serial (UnetSwap *self)
{
  return self->serial;
}

UnetSegmenter *
unet_swap_finish (UnetSwap *self, GError **error)
{
  UnetSegmenter *segmenter;

  g_thread_join (g_steal_pointer (&self->thread));
  segmenter = g_steal_pointer (&self->segmenter);
  if (segmenter == NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  unet_swap_free (self);
  return segmenter;
}

void
unet_swap_free (UnetSwap *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->thread, g_thread_join);
  g_clear_pointer (&self->segmenter, unet_segmenter_free);
  g_clear_error (&self->error);
  g_hash_table_unref (self->overrides);
  unet_arithmetic_clear (&self->arithmetic);
  g_free (self->path);
  g_free (self);
}

typedef struct {
  GThread *thread;
  UnetSegmenter *segmenter;
  gint done; /* atomic */
} Retirement;

static gpointer
retire (gpointer data)
{
  Retirement *self = data;

  unet_segmenter_free (self->segmenter);
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static void
join (GSList **retiring, gboolean all)
{
  GSList *next;

  for (GSList *at = *retiring; at; at = next) {
    Retirement *retirement = at->data;

    next = at->next;
    if (!all && !g_atomic_int_get (&retirement->done))
      continue;
    g_thread_join (retirement->thread);
    g_free (retirement);
    *retiring = g_slist_delete_link (*retiring, at);
  }
}

void
unet_swap_retire (GSList **retiring, UnetSegmenter *segmenter)
{
  Retirement *self = g_new0 (Retirement, 1);

  join (retiring, FALSE);
  self->segmenter = segmenter;
  self->thread = g_thread_new ("unetseg-retire", retire, self);
  *retiring = g_slist_prepend (*retiring, self);
}

void
unet_swap_join_retired (GSList **retiring)
{
  join (retiring, TRUE);
}
