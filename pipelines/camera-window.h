/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The window of unetseg-camera: a camera with an effect, and its controls. The
 * widgets have names, by which tests find them: picture, camera, effect,
 * strength, file, color, switch, status. */

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* In the order of the list. */
typedef enum {
  CAMERA_BLUR,
  CAMERA_FILE, /* a picture or a video behind the person */
  CAMERA_COLOR,
  CAMERA_ALPHA, /* the person alone */
  CAMERA_MASK,  /* the mask in grey */
  CAMERA_OVERLAY,
  CAMERA_NONE, /* the frames as they are */
} CameraEffect;

typedef struct {
  const gchar *camera; /* (nullable): a device, a file or "test", first in the
                        * list */
  const gchar *background; /* (nullable): a picture or a video */
  const gchar *size;       /* (nullable): WIDTHxHEIGHT */
  const gchar *properties; /* (nullable): of unetseg */
} CameraOptions;

/* Returns (transfer none): a window of @application that plays the first
 * camera. It stops when it is closed. @options is copied. */
GtkWindow *camera_window_new (
    GtkApplication *application, const CameraOptions *options);

/* Chooses the file and the effect %CAMERA_FILE. */
void camera_window_set_file (GtkWindow *window, const gchar *path);

G_END_DECLS
