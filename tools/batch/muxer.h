/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exact times in MP4 and QuickTime, and exact luminance in Matroska. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Sets the unit of time of the video track and the duration of frames that
 * have none; mastering displays keep their luminance. @muxer has a pad video_0.
 */
void batch_muxer_prepare (GstElement *muxer);

G_END_DECLS
