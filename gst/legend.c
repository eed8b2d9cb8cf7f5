/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "legend.h"

#include "text.h"

#include <math.h>

#define MAX_CLASSES 256

/* Lines are a 30th of the frame's height, as captions of television are, and
 * have at least so many pixels, or letters are not readable. */
#define LINES_OF_FRAME    30
#define LEAST_LINE_HEIGHT 15
/* The share of the frame's width that a legend may take, with its borders. */
#define LARGEST_WIDTH 0.5
#define BOX_COLOR     0xb0000000 /* 0xAARRGGBB */
#define TEXT_COLOR    0xffffffff

/* Layout of the legend; pixels. Positions are even, so that the box and its
 * colours are sharp in 4:2:0. */
typedef struct {
  guint line_height;
  guint margin, padding, square; /* horizontally; down they are of the line */
  guint x, y;
  guint text_width; /* largest */
  guint max_lines;
} Layout;

struct _GstUnetLegend {
  GstVideoInfo info;
  gdouble stretch; /* width of a square for its height, in pixels */
  Layout layout;

  /* The text shows these. */
  UnetSegClasses *classes; /* (nullable) */
  GstUnetColors *colors;   /* (nullable) */
  gboolean drawn[MAX_CLASSES];
  guint32 argb[MAX_CLASSES];
  guint n; /* lines that have a colour */
  GstUnetText text;
};

/* ---- layout ------------------------------------------------------------ */

static guint
even (gdouble size)
{
  return 2 * (guint) (size / 2 + 0.5);
}

static void
find_layout (Layout *layout, const GstVideoInfo *info, gdouble stretch)
{
  const guint height = GST_VIDEO_INFO_HEIGHT (info);
  const guint line = MAX (height / LINES_OF_FRAME, LEAST_LINE_HEIGHT);
  const gdouble width = GST_VIDEO_INFO_WIDTH (info) * LARGEST_WIDTH;
  gdouble rest;

  layout->line_height = line;
  layout->margin = even (line * stretch / 2);
  layout->padding = even (line * stretch / 3);
  layout->square = even (line * stretch * 0.6);
  layout->x = layout->margin;
  layout->y = even (line / 2.);
  rest = width - layout->x - layout->square - 3. * layout->padding;
  layout->text_width = (guint) MAX (rest, 0);
  rest = height - 2. * layout->y - 2. * (line / 3.);
  layout->max_lines = (guint) MAX (rest / line, 0);
  /* Two letters and an ellipsis. */
  if (layout->text_width < 2 * line * stretch)
    layout->max_lines = 0;
}

GstUnetLegend *
gst_unet_legend_new (const GstVideoInfo *info)
{
  GstUnetLegend *self = g_new0 (GstUnetLegend, 1);

  self->info = *info;
  self->stretch =
      (gdouble) GST_VIDEO_INFO_PAR_D (info) / GST_VIDEO_INFO_PAR_N (info);
  find_layout (&self->layout, info, self->stretch);
  return self;
}

static void
forget_text (GstUnetLegend *self)
{
  gst_unet_text_clear (&self->text);
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
  g_clear_pointer (&self->colors, gst_unet_colors_unref);
}

void
gst_unet_legend_free (GstUnetLegend *self)
{
  if (self == NULL)
    return;
  forget_text (self);
  g_free (self);
}

/* ---- what is in the mask ----------------------------------------------- */

static void
find_classes (
    const UnetMask *mask, gdouble threshold, gboolean found[MAX_CLASSES])
{
  const guint level = (guint) CLAMP (ceil (threshold * 255), 0, 255);
  const gsize n = (gsize) mask->width * mask->height;
  const gboolean several = mask->n_classes > 2;

  memset (found, 0, MAX_CLASSES * sizeof (found[0]));
  for (gsize i = 0; i < n; i++) {
    const gboolean is_class = mask->probability[i] >= level;

    found[several && is_class ? mask->class_map[i] : is_class] = TRUE;
  }
}

/* ---- text -------------------------------------------------------------- */

static gchar *
make_name (UnetSegClasses *classes, guint id)
{
  const gchar *label = unet_seg_classes_get_label (classes, id);

  if (label && *label)
    return g_strdup (label);
  if (id == 0)
    return g_strdup ("background");
  return unet_seg_classes_get_n_classes (classes) <= 2
      ? g_strdup ("foreground")
      : g_strdup_printf ("class %u", id);
}

/* Returns (transfer full): a line for each class, but for the last where there
 * is no room. */
static GStrv
make_lines (GstUnetLegend *self, UnetSegClasses *classes, const guint32 *argb,
    const gboolean *drawn, guint n_classes)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  guint n = 0, rest = 0;

  for (guint i = 0; i < n_classes; i++)
    n += drawn[i];
  if (n > self->layout.max_lines)
    rest = n - self->layout.max_lines + 1;
  n -= rest;
  self->n = 0;
  for (guint i = 0; i < n_classes && self->n < n; i++) {
    g_autofree gchar *name = NULL;

    if (!drawn[i])
      continue;
    name = make_name (classes, i);
    g_strv_builder_add (lines, name);
    self->argb[self->n++] = argb[i] | 0xff000000;
  }
  if (rest > 0) {
    g_autofree gchar *more = g_strdup_printf ("+%u", rest);

    g_strv_builder_add (lines, more);
  }
  return g_strv_builder_end (lines);
}

/* Draws the text anew where classes or colours have changed. */
static void
update_text (GstUnetLegend *self, const UnetMask *mask, gdouble threshold,
    UnetSegClasses *classes, GstUnetColors *colors)
{
  const guint n = MIN (unet_seg_classes_get_n_classes (classes), MAX_CLASSES);
  g_autofree guint32 *argb =
      g_new (guint32, unet_seg_classes_get_n_classes (classes));
  gboolean drawn[MAX_CLASSES];
  g_auto (GStrv) lines = NULL;

  find_classes (mask, threshold, drawn);
  if (self->classes == classes && self->colors == colors
      && memcmp (self->drawn, drawn, sizeof (drawn)) == 0)
    return;
  forget_text (self);
  self->classes = unet_seg_classes_ref (classes);
  self->colors = gst_unet_colors_ref (colors);
  memcpy (self->drawn, drawn, sizeof (drawn));
  gst_unet_colors_get_palette (colors, classes, argb);
  for (guint i = 0; i < n; i++)
    drawn[i] &= argb[i] >> 24 > 0;
  lines = make_lines (self, classes, argb, drawn, n);
  if (lines[0])
    gst_unet_text_init (&self->text, (const gchar *const *) lines,
        self->layout.line_height, self->layout.text_width, self->stretch);
}

/* ---- drawing ----------------------------------------------------------- */

static UnetOverlayLayer
fill_rectangle (
    guint32 argb, gdouble x, gdouble y, gdouble width, gdouble height)
{
  static guint8 covered = 255;

  return (UnetOverlayLayer){ { .width = 1,
                                 .height = 1,
                                 .n_classes = 2,
                                 .probability = &covered,
                                 .x = x,
                                 .y = y,
                                 .w = width,
                                 .h = height },
    argb };
}

void
gst_unet_legend_draw (GstUnetLegend *self, UnetOverlay *overlay,
    GstVideoFrame *frame, const UnetMask *mask, gdouble threshold,
    UnetSegClasses *classes, GstUnetColors *colors)
{
  const Layout *l = &self->layout;
  const guint down = even (l->line_height / 3.); /* the padding */
  const guint side = even (l->line_height * 0.6);
  const guint text_x = l->x + 2 * l->padding + l->square;
  UnetOverlayLayer layers[MAX_CLASSES + 2];
  guint n = 0;

  if (l->max_lines == 0)
    return;
  update_text (self, mask, threshold, classes, colors);
  if (self->text.width == 0)
    return;
  layers[n++] = fill_rectangle (BOX_COLOR, l->x, l->y,
      even (3 * l->padding + l->square + self->text.width),
      even (2 * down + self->text.height));
  for (guint i = 0; i < self->n; i++)
    layers[n++] = fill_rectangle (self->argb[i], l->x + l->padding,
        even (
            l->y + down + i * l->line_height + (l->line_height - side) / 2 - 1),
        l->square, side);
  layers[n++] = (UnetOverlayLayer){ { .width = self->text.width,
                                        .height = self->text.height,
                                        .n_classes = 2,
                                        .probability = self->text.coverage,
                                        .x = text_x,
                                        .y = l->y + down,
                                        .w = self->text.width,
                                        .h = self->text.height },
    TEXT_COLOR };
  unet_overlay_draw_layers (overlay, frame, layers, n);
}
