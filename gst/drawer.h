/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/time/guide.h"
#include "frame/edges/refine.h"

#include <unetseg/unet-seg-meta.h>

#include "class-colors.h"
#include "background.h"
#include "output-caps.h"

G_BEGIN_DECLS

/* How masks are drawn: what the properties of both elements say. */
typedef struct {
  gboolean enabled;
  GstUnetSegOutput output;
  gdouble opacity;
  gdouble threshold;
  GstUnetColors *colors;
  gboolean clear_hidden;
  gboolean legend;

  GstUnetSegSwitch refine;
  gdouble edge_low, edge_high;
  gint grow;           /* pixels */
  guint feather;       /* pixels */
  guint outline;       /* pixels */
  gdouble blur_radius; /* of the frame's height */
  GstUnetBackground *background;
  GstUnetSegSwitch temporal;
  guint time_constant; /* milliseconds */

  /* The frame sets these, not properties. */
  gboolean live;
  gboolean is_new_scene; /* nothing of earlier frames is used */
  GstClockTime pts;
  GstClockTime running_time;
  const UnetGuide *guide; /* (nullable) (transfer none): as
                           * UnetRefineOptions has it */
} GstUnetDrawSettings;

/* Resolve `auto`: whether edges follow the picture, and whether masks are
 * smoothed in time. */
gboolean gst_unet_draw_settings_refine (const GstUnetDrawSettings *settings);
gboolean gst_unet_draw_settings_hold (const GstUnetDrawSettings *settings);

/* Draws masks into the frames of one stream, in every output. Both elements
 * draw with it, from the metadata that other programs read as well, so that
 * they make the same bytes. Belongs to one thread at a time. */
typedef struct _GstUnetDrawer GstUnetDrawer;

/* For frames of @in that leave as frames of @out. */
GstUnetDrawer *gst_unet_drawer_new (
    const GstVideoInfo *in, const GstVideoInfo *out);
void gst_unet_drawer_free (GstUnetDrawer *self);

/* Are input and output the same buffer? */
gboolean gst_unet_drawer_is_in_place (const GstUnetDrawer *self);

/* Selects the output for the next frames and creates what it draws with. An
 * output whose caps differ from the current ones is ignored until the new caps
 * arrive. Returns FALSE with @error set only if the output cannot be
 * created. */
gboolean gst_unet_drawer_set_output (
    GstUnetDrawer *self, GstUnetSegOutput output, GError **error);

GstUnetSegOutput gst_unet_drawer_get_output (const GstUnetDrawer *self);

/* Makes @out of @in without a mask: the whole frame is foreground in an output
 * with alpha, and background in a mask. Not for a drawer that is in place. */
void gst_unet_drawer_pass (
    GstUnetDrawer *self, const GstVideoFrame *in, GstVideoFrame *out);

/* Will gst_unet_drawer_draw() change the frame? */
gboolean gst_unet_drawer_draws (
    const GstUnetDrawer *self, const GstUnetDrawSettings *settings);

/* @mask: (nullable): then nothing is drawn over a frame that stays, and all is
 * background in an output of its own. @in: (nullable): could not be read.
 * In place @in and @out are the same, mapped for reading and writing.
 * @unknown: (out): a class that the settings name and @mask does not have, or
 * %NULL; each is said once. */
void gst_unet_drawer_draw (GstUnetDrawer *self,
    const GstUnetDrawSettings *settings, const UnetSegMeta *mask,
    const GstVideoFrame *in, GstVideoFrame *out, const gchar **unknown);

/* Updates the picture that is to be the background (backdrop.h), where one is.
 * Returns %FALSE with @error set. */
gboolean gst_unet_drawer_set_background (
    GstUnetDrawer *self, const GstUnetDrawSettings *settings, GError **error);

/* The next frame is of another scene or time. */
void gst_unet_drawer_forget (GstUnetDrawer *self);

/* Measures drawing over a whole frame, in nanoseconds. */
guint64 gst_unet_drawer_estimate (
    GstUnetDrawer *self, const GstUnetDrawSettings *settings);

G_END_DECLS
