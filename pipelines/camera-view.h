/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shows the frames of a pipeline in a GTK window. */

#include <gst/gst.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The elements of a sink for camera_view_connect (): gtk4paintablesink where it
 * is installed, else an appsink whose frames become textures. Returns (transfer
 * none). */
const gchar *camera_view_describe_sink (void);

/* Shows what the sink of @pipeline gets in @picture, from now on. The pipeline
 * does not play yet, and must have stopped before @picture is freed. */
void camera_view_connect (GtkPicture *picture, GstElement *pipeline);

G_END_DECLS
