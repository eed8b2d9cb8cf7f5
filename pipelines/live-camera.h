/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Prints the cameras, numbered from 0. Returns an exit status: 1 where there is
 * none. */
gint live_camera_list (void);

/* Returns the names of the cameras, in the order of their numbers; (transfer
 * full). */
GStrv live_camera_get_names (void);

/* Returns the elements that give the frames of @camera in raw video, as text;
 * owned by the caller. @camera: (nullable): the first one; a number or a name
 * of the list, a device, a file or "test". @size: (nullable): WIDTHxHEIGHT.
 * @rate: 0: any. @frames: -1: no end. %NULL with @error set where there is no
 * such camera. */
gchar *live_camera_describe (const gchar *camera, const gchar *size, gint rate,
    gint frames, GError **error);

/* Opens the elements of @description until they tell the size of their frames.
 * Returns FALSE with @error set where they do not. */
gboolean live_camera_find_size (
    const gchar *description, guint *width, guint *height, GError **error);

G_END_DECLS
