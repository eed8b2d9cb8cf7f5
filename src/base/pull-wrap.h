/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Functions between a pad that is read from and the pad that reads. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Called in place of a source pad's own function, which unet_pull_pass ()
 * calls.
 * @data: that of unet_pull_wrap (). The rest is as for #GstPadGetRangeFunction.
 */
typedef GstFlowReturn (*UnetPullFunction) (GstPad *pad, GstObject *parent,
    guint64 offset, guint length, GstBuffer **buffer, gpointer data);

/* Puts @function before the pad's own function until the pad is freed. Without
 * effect on a pad that cannot be read from, or that has such a function
 * already. Nothing may read from @pad meanwhile. @free_data (nullable) is
 * called with
 * @data at the end. */
void unet_pull_wrap (GstPad *pad, UnetPullFunction function, gpointer data,
    GDestroyNotify free_data);
/* Calls the function that @pad had before, for an #UnetPullFunction. */
GstFlowReturn unet_pull_pass (GstPad *pad, GstObject *parent, guint64 offset,
    guint length, GstBuffer **buffer);

G_END_DECLS
