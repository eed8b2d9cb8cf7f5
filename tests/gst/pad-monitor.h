/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Debian 12 and 13 have no gst-validate: this monitor at a pad checks what its
 * pad monitor checks, and that each mask is one of its frame. */

#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* Under its lock. */
typedef struct {
  GMutex lock;
  gboolean started, has_segment, flushing, ended;
  GstSegment segment;
  guint32 seqnum; /* of the segment */
  GstVideoInfo info;
  GstClockTime first, last; /* since the segment, NONE: none yet */
  guint buffers, sent;      /* since the segment, and of all */
  guint marked;             /* of those since the segment */
  guint own;                /* of those, with a mask of their own */
  guint sizes;              /* changes of the caps */
  GString *complaints;
} TestMonitor;

/* Watches a pad, which ends before the monitor. */
void test_monitor_init (TestMonitor *monitor, GstPad *pad);
/* Fails the test where something was wrong. */
void test_monitor_clear (TestMonitor *monitor);
/* Reads one of the monitor's numbers. */
guint test_monitor_read (TestMonitor *monitor, const guint *number);
/* Waits until it is @least, and fails the test after @timeout. */
void test_monitor_wait (TestMonitor *monitor, const guint *number, guint least,
    GstClockTime timeout);

G_END_DECLS
