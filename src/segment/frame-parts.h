/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way from several regions of a frame to one mask: a run of the network for
 * each, from its first state on. */

#include "segment/frame-path.h"

G_BEGIN_DECLS

/* @kind: but for its region. @regions: one at least. Returns %NULL with
 * %UNET_ERROR set. */
UnetFramePath *unet_frame_path_new_for_regions (const UnetFrameKind *kind,
    const UnetRegions *regions, UnetSession *session, GError **error);

G_END_DECLS
