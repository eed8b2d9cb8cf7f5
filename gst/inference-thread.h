/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unetsegmenter.h"

G_BEGIN_DECLS

/* A thread that runs a segmenter's network while frames go on. All calls come
 * from the streaming thread. */
typedef struct _UnetWorker UnetWorker;

UnetWorker *unet_worker_new (UnetSegmenter *segmenter);
/* Waits for what is under way. */
void unet_worker_free (UnetWorker *self);

/* Neither at work nor with a mask that nobody has taken. */
gboolean unet_worker_is_idle (UnetWorker *self);
/* Of an idle worker, after unet_segmenter_read(), which like the segmenter's
 * other calls has to wait for the next time that it is. */
void unet_worker_start (UnetWorker *self, gdouble threshold);
/* Takes what has been made; @wait: also what is under way. Returns whether
 * there was anything; where that failed, @mask is empty and @error is set. */
gboolean unet_worker_take (UnetWorker *self, gboolean wait,
    UnetMaskBuffers *mask, guint64 *run_time, GError **error);
/* Waits and throws away. */
void unet_worker_drain (UnetWorker *self);

G_END_DECLS
