/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Plays a pipeline for so long and answers its messages about latency, as an
 * application does. Ends the program if the pipeline fails. */
void bench_play (GstElement *pipeline, guint milliseconds);

G_END_DECLS
