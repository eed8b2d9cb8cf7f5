/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "drawer.h"

G_BEGIN_DECLS

/* The drawing properties of an element. All of it is under the object lock,
 * which the functions take but for init and clear. */
typedef struct {
  GstUnetDrawSettings settings;
  GstUnetSegOutput target;    /* upstream is to send frames for it */
  GstUnetSegOutput effective; /* the frames that come get it */
  gchar *background;          /* as written */
} GstUnetDrawProperties;

void gst_unet_draw_properties_install (GObjectClass *klass);
void gst_unet_draw_properties_init (GstUnetDrawProperties *self);
void gst_unet_draw_properties_clear (GstUnetDrawProperties *self);
/* @id, @value, @pspec: as for the property functions of GObject. The element
 * notes a value that is refused (refused-values.h). */
void gst_unet_draw_properties_set (GstUnetDrawProperties *self, GObject *object,
    guint id, const GValue *value, GParamSpec *pspec);
void gst_unet_draw_properties_get (GstUnetDrawProperties *self, GObject *object,
    guint id, GValue *value, GParamSpec *pspec);
/* Copies the settings for one frame; clear the copy with
 * gst_unet_draw_settings_clear(). */
void gst_unet_draw_properties_copy (GstUnetDrawProperties *self,
    GObject *object, GstUnetDrawSettings *settings);
void gst_unet_draw_settings_clear (GstUnetDrawSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (
    GstUnetDrawSettings, gst_unet_draw_settings_clear)

G_END_DECLS
