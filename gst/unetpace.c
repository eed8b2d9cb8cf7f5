/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unetpace.h"

/* About a second of a film. */
#define PATIENCE 30

static GMutex lock;
static GPtrArray *paces; /* of every stream, under lock */

void
unet_pace_init (UnetPace *self, guint threads)
{
  guint processors = g_get_num_processors ();

  *self = (UnetPace){ .chooses = threads == 0 && processors > 1,
    .processors = processors };
}

/* Half of a frame's time leaves the other half to whoever draws, encodes and
 * shows. Cameras that do not say their rate mostly have 30 frames a second. */
void
unet_pace_set_info (UnetPace *self, const GstVideoInfo *info, gboolean live)
{
  self->budget = 0;
  if (live)
    self->budget = info->fps_n > 0
        ? gst_util_uint64_scale (GST_SECOND / 2, info->fps_d, info->fps_n)
        : GST_SECOND / 60;
}

void
unet_pace_join (UnetPace *self)
{
  g_mutex_lock (&lock);
  if (paces == NULL)
    paces = g_ptr_array_new ();
  if (self->stream == NULL)
    g_ptr_array_add (paces, self);
  self->stream = g_thread_self ();
  g_mutex_unlock (&lock);
}

void
unet_pace_leave (UnetPace *self)
{
  g_mutex_lock (&lock);
  if (self->stream)
    g_ptr_array_remove_fast (paces, self);
  self->stream = NULL;
  if (paces && paces->len == 0)
    g_clear_pointer (&paces, g_ptr_array_unref);
  g_mutex_unlock (&lock);
}

static gboolean
is_first_of_stream (guint index)
{
  const UnetPace *pace = g_ptr_array_index (paces, index);

  for (guint i = 0; i < index; i++)
    if (((UnetPace *) g_ptr_array_index (paces, i))->stream == pace->stream)
      return FALSE;
  return TRUE;
}

static guint
count_streams (void)
{
  guint streams = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; paces && i < paces->len; i++)
    streams += is_first_of_stream (i);
  g_mutex_unlock (&lock);
  return streams;
}

guint
unet_pace_get_threads (const UnetPace *self)
{
  return (self->budget > 0 && self->alone <= self->budget)
          || count_streams () >= self->processors
      ? 1
      : 0;
}

gboolean
unet_pace_should_change (UnetPace *self, guint threads)
{
  if (!self->chooses || unet_pace_get_threads (self) == threads)
    self->misfits = 0;
  else
    self->misfits++;
  return self->misfits >= PATIENCE;
}
