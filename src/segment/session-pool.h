/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions that outlive the stream that they were made for, for programs whose
 * streams come one after another with the same shape: a session takes longer to
 * make than a picture takes to segment. Any thread. */

#include "base/export.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* From now on sessions of this process are kept, until as many
 * unet_session_pool_close (). */
UNET_INTERNAL_API void unet_session_pool_open (void);
UNET_INTERNAL_API void unet_session_pool_close (void);

/* Returns (transfer full) a session as unet_session_new_for_size () makes it,
 * with zeros in its inputs. While the pool is open it may be one that was used
 * before and is not in use now. Sessions that are made with a calibration of
 * @options are not kept. @run_time: (out): what unet_session_pool_note () was
 * told of it, 0 for a new one. @reused: (out): whether it was used before. */
UNET_INTERNAL_API UnetSession *unet_session_pool_get (UnetModel *model,
    const UnetContract *contract, guint width, guint height,
    const UnetSessionOptions *options, guint64 *run_time, gboolean *reused,
    GError **error);
/* Notes how many nanoseconds a run of @session takes, once it is warm. Does
 * nothing where it is not kept. */
UNET_INTERNAL_API void unet_session_pool_note (
    UnetSession *session, guint64 run_time);

G_END_DECLS
