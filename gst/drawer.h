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
  GstUnetSegOutput output;
  gdouble opacity;
  gdouble threshold;
  UnetColors *colors;

  GstUnetSegSwitch refine;
  gdouble edge_low, edge_high;
  gint grow;           /* pixels */
  guint feather;       /* pixels */
  guint outline;       /* pixels */
  gdouble blur_radius; /* of the frame's height */
  UnetBackground *background;
  GstUnetSegSwitch temporal;
  guint time_constant; /* milliseconds */

  /* Of the frame, not from properties. */
  gboolean live;
  GstClockTime pts;
  const UnetGuide *guide; /* (nullable) (transfer none): as
                           * UnetRefineOptions has it */
} UnetDrawSettings;

/* What an `auto` comes to. */
gboolean unet_draw_settings_refine (const UnetDrawSettings *settings);
gboolean unet_draw_settings_hold (const UnetDrawSettings *settings);

/* Masks into the frames of one stream, in every output. Whoever draws a mask
 * does it here, from the metadata that others get as well: that is why two
 * elements give the same bytes. Belongs to one thread at a time. */
typedef struct _UnetDrawer UnetDrawer;

/* For frames of @in that leave as frames of @out. */
UnetDrawer *unet_drawer_new (const GstVideoInfo *in, const GstVideoInfo *out);
void unet_drawer_free (UnetDrawer *self);

/* Are input and output the same buffer? */
gboolean unet_drawer_is_in_place (const UnetDrawer *self);

/* Opens what @settings need that is not open yet. Says FALSE, and leaves the
 * output that was in use, where that output has other caps: they have been
 * asked for and will come. */
gboolean unet_drawer_set_output (
    UnetDrawer *self, GstUnetSegOutput output, GError **error);

GstUnetSegOutput unet_drawer_get_output (const UnetDrawer *self);

/* Will unet_drawer_draw() change the frame? */
gboolean unet_drawer_draws (
    const UnetDrawer *self, const UnetDrawSettings *settings);

/* @mask: (nullable): then nothing is drawn over a frame that stays, and all is
 * background in an output of its own. @in: (nullable): could not be read.
 * In place @in and @out are the same, mapped for reading and writing.
 * @unknown: (out): a class that the settings name and @mask does not have, or
 * %NULL; each is said once. */
void unet_drawer_draw (UnetDrawer *self, const UnetDrawSettings *settings,
    const UnetSegMeta *mask, const GstVideoFrame *in, GstVideoFrame *out,
    const gchar **unknown);

/* Reads the picture that is to be the background, where one is: an error leaves
 * its colour, and is said once. */
gboolean unet_drawer_set_background (
    UnetDrawer *self, const UnetDrawSettings *settings, GError **error);

/* The next frame is not of the same scene, or of another time. */
void unet_drawer_forget (UnetDrawer *self);

/* What drawing takes that covers a whole frame, in nanoseconds, measured. */
guint64 unet_drawer_estimate (
    UnetDrawer *self, const UnetDrawSettings *settings);

G_END_DECLS
