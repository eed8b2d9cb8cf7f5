/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/thread-choice.h"

/* Frames. About a second of a film: fewer follow streams that last for a
 * moment, more leave processors idle for longer. */
#define PATIENCE 30

static GMutex lock;
static GPtrArray *choices; /* of all streams; under lock */

void
unet_thread_choice_init (UnetThreadChoice *self, guint threads)
{
  guint processors = g_get_num_processors ();

  *self = (UnetThreadChoice){ .chooses = threads == 0 && processors > 1,
    .processors = processors };
}

/* Half of a frame's time leaves the other half to drawing, encoding and
 * showing. A camera that does not tell its rate mostly has 30 frames a
 * second. */
void
unet_thread_choice_set_info (
    UnetThreadChoice *self, const GstVideoInfo *info, gboolean live)
{
  self->budget = 0;
  if (live)
    self->budget = info->fps_n > 0
        ? gst_util_uint64_scale (GST_SECOND / 2, info->fps_d, info->fps_n)
        : GST_SECOND / 60;
}

void
unet_thread_choice_join (UnetThreadChoice *self)
{
  g_mutex_lock (&lock);
  if (choices == NULL)
    choices = g_ptr_array_new ();
  if (self->stream == NULL)
    g_ptr_array_add (choices, self);
  self->stream = g_thread_self ();
  g_mutex_unlock (&lock);
}

void
unet_thread_choice_leave (UnetThreadChoice *self)
{
  g_mutex_lock (&lock);
  if (self->stream)
    g_ptr_array_remove_fast (choices, self);
  self->stream = NULL;
  if (choices && choices->len == 0)
    g_clear_pointer (&choices, g_ptr_array_unref);
  g_mutex_unlock (&lock);
}

static gboolean
is_first_of_stream (guint index)
{
  const UnetThreadChoice *choice = g_ptr_array_index (choices, index);

  for (guint i = 0; i < index; i++)
    if (((UnetThreadChoice *) g_ptr_array_index (choices, i))->stream
        == choice->stream)
      return FALSE;
  return TRUE;
}

static guint
count_streams (void)
{
  guint streams = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; choices && i < choices->len; i++)
    streams += is_first_of_stream (i);
  g_mutex_unlock (&lock);
  return streams;
}

guint
unet_thread_choice_get (const UnetThreadChoice *self)
{
  return (self->budget > 0 && self->alone <= self->budget)
          || count_streams () >= self->processors
      ? 1
      : 0;
}

gboolean
unet_thread_choice_should_change (UnetThreadChoice *self, guint threads)
{
  if (!self->chooses || unet_thread_choice_get (self) == threads)
    self->misfits = 0;
  else
    self->misfits++;
  return self->misfits >= PATIENCE;
}
