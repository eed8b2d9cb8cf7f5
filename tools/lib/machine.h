/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this machine can do at best, measured: the roofline model (Williams,
 * Waterman, Patterson 2009). */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *name; /* L2, L3 or memory */
  gsize bytes;       /* largest working set of all threads that it serves */
  gdouble rate;      /* bytes per second of all threads */
} ToolLevel;

typedef struct {
  guint threads;
  const gchar *isa;
  gdouble peak;      /* f32 operations per second of all threads, 2 per FMA */
  gdouble byte_peak; /* of products of bytes; as above where it has none */
  gdouble half_peak; /* of products of bfloat16, likewise */
  ToolLevel levels[3];
} ToolMachine;

/* Measures the peaks and the bandwidths. It takes a quarter of a second. */
void tool_machine_measure (ToolMachine *machine, guint threads);
/* Measures the peaks alone. It takes a fifth of a second. */
void tool_machine_measure_peak (ToolMachine *machine, guint threads);
/* Returns the least seconds that the work takes. @peak: one of the three
 * peaks. */
gdouble tool_machine_roof (
    const ToolMachine *machine, gdouble peak, guint64 flops, guint64 bytes);

G_END_DECLS
