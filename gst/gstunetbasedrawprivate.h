/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For gstunetbasedraw.c and gstunetbasedrawprops.c alone. */

#include "gstunetbasedraw.h"

G_BEGIN_DECLS

typedef struct {
  /* Under the object lock. */
  GstUnetDrawSettings settings;
  GstUnetSegOutput target;    /* what upstream is to send frames for */
  GstUnetSegOutput effective; /* what becomes of those that come */
  gchar *background;          /* as written */

  /* The streaming thread uses these, or any thread while there is none. */
  GstVideoInfo in, out;
  GstUnetDrawer *drawer;     /* (nullable): no caps yet */
  GstUnetSegOutput selected; /* of the drawer, if its caps are these */
  gboolean was_disabled;     /* the last frame passed untouched */
  gboolean live;
  gboolean warned_buffer;
} GstUnetBaseDrawPrivate;

GstUnetBaseDrawPrivate *gst_unet_base_draw_get_private (GstUnetBaseDraw *self);

#define PRIVATE(self)                                                          \
  (gst_unet_base_draw_get_private (GST_UNET_BASE_DRAW (self)))

void gst_unet_base_draw_install_properties (GObjectClass *klass);
void gst_unet_base_draw_init_properties (GstUnetBaseDraw *self);
void gst_unet_base_draw_clear_properties (GstUnetBaseDraw *self);

G_END_DECLS
