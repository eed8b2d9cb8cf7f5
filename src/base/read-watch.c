/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/read-watch.h"

#include "base/pull-wrap.h"

#include <time.h>

/* Seconds that one call of unet_read_watch_measure_silence () adds at most. */
#define LONGEST_STEP 0.5
/* A process that takes less of a processor than this waits for nothing that it
 * computes itself. */
#define IDLE 0.02

struct _UnetReadWatch {
  gint reads;   /* atomic: those that gave data */
  gint begun;   /* atomic: reads and work under way */
  gint seen;    /* of @reads */
  gint64 last;  /* monotonic time of the last measurement */
  clock_t work; /* processor time of the process at that time */
  gdouble silence;
};

UnetReadWatch *
unet_read_watch_new (void)
{
  return g_atomic_rc_box_new0 (UnetReadWatch);
}

UnetReadWatch *
unet_read_watch_ref (UnetReadWatch *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
unet_read_watch_unref (UnetReadWatch *self)
{
  g_atomic_rc_box_release (self);
}

void
unet_read_watch_begin_work (UnetReadWatch *self)
{
  g_atomic_int_inc (&self->begun);
}

void
unet_read_watch_end_work (UnetReadWatch *self)
{
  g_atomic_int_inc (&self->reads);
  g_atomic_int_add (&self->begun, -1);
}

/* ---- reads -------------------------------------------------------------- */

static GstFlowReturn
read_range (GstPad *pad, GstObject *parent, guint64 offset, guint length,
    GstBuffer **buffer, gpointer data)
{
  UnetReadWatch *self = data;
  GstFlowReturn ret;

  g_atomic_int_inc (&self->begun);
  ret = unet_pull_pass (pad, parent, offset, length, buffer);
  if (ret == GST_FLOW_OK)
    g_atomic_int_inc (&self->reads);
  g_atomic_int_add (&self->begun, -1);
  return ret;
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  UnetReadWatch *self = data;

  g_atomic_int_inc (&self->reads);
  return GST_PAD_PROBE_OK;
}

void
unet_read_watch_add_source (UnetReadWatch *self, GstElement *source)
{
  GstPad *pad = gst_element_get_static_pad (source, "src");

  if (pad == NULL)
    return;
  unet_pull_wrap (pad, read_range, unet_read_watch_ref (self),
      (GDestroyNotify) unet_read_watch_unref);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_PUSH | GST_PAD_PROBE_TYPE_BUFFER
          | GST_PAD_PROBE_TYPE_BUFFER_LIST,
      on_buffer, unet_read_watch_ref (self),
      (GDestroyNotify) unet_read_watch_unref);
  gst_object_unref (pad);
}

/* ---- silence ------------------------------------------------------------ */

gboolean
unet_read_watch_has_begun (UnetReadWatch *self)
{
  return g_atomic_int_get (&self->reads) != 0;
}

/* Seconds since the last measurement. A process that computes counts its own
 * time only, since a busy machine may leave little of it to a decoder. */
static gdouble
measure_step (UnetReadWatch *self)
{
  gint64 now = g_get_monotonic_time ();
  clock_t work = clock ();
  gdouble step = (now - self->last) / (gdouble) G_USEC_PER_SEC;
  gdouble worked = (work - self->work) / (gdouble) CLOCKS_PER_SEC;

  self->last = now;
  self->work = work;
  if (worked > IDLE * step)
    step = MIN (step, worked);
  return MIN (step, LONGEST_STEP);
}

gdouble
unet_read_watch_measure_silence (UnetReadWatch *self)
{
  gint reads = g_atomic_int_get (&self->reads);
  gboolean first = self->last == 0;
  gdouble step = measure_step (self);

  if (first || reads != self->seen || g_atomic_int_get (&self->begun) > 0)
    self->silence = 0;
  else
    self->silence += step;
  self->seen = reads;
  return self->silence;
}
