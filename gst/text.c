/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#ifdef HAVE_PANGO

#include <pango/pangocairo.h>

#include <string.h>

/* Height of the letters for that of a line: what is left is between lines. */
#define FONT_SIZE 0.72

gboolean
gst_unet_text_is_available (void)
{
  return TRUE;
}

static PangoLayout *
new_layout (cairo_t *cairo, guint line_height, guint max_width)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Sans Bold");

  pango_font_description_set_absolute_size (
      font, line_height * FONT_SIZE * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_width (layout, (gint) max_width * PANGO_SCALE);
  return layout;
}

/* Draws line @index and returns its width. */
static guint
draw_line (cairo_t *cairo, PangoLayout *layout, const gchar *line, guint index,
    guint line_height)
{
  g_autofree gchar *valid = g_utf8_make_valid (line, -1);
  gint width, height;

  pango_layout_set_text (layout, valid, -1);
  pango_layout_get_pixel_size (layout, &width, &height);
  cairo_move_to (
      cairo, 0, index * line_height + ((gint) line_height - height) / 2.);
  pango_cairo_show_layout (cairo, layout);
  return (guint) MAX (width, 0);
}

/* Draws on a surface and returns the width of the longest line. */
static guint
draw_lines (cairo_surface_t *surface, const gchar *const *lines,
    guint line_height, guint max_width, gdouble stretch)
{
  cairo_t *cairo = cairo_create (surface);
  PangoLayout *layout;
  guint longest = 0;

  cairo_scale (cairo, stretch, 1);
  layout = new_layout (cairo, line_height, (guint) (max_width / stretch));
  for (guint i = 0; lines[i]; i++)
    longest =
        MAX (longest, draw_line (cairo, layout, lines[i], i, line_height));
  g_object_unref (layout);
  cairo_destroy (cairo);
  cairo_surface_flush (surface);
  return MIN ((guint) (longest * stretch + 1), max_width);
}

static void
copy_coverage (GstUnetText *text, cairo_surface_t *surface)
{
  const guint8 *pixels = cairo_image_surface_get_data (surface);
  const gint stride = cairo_image_surface_get_stride (surface);

  text->coverage = g_malloc ((gsize) text->width * text->height);
  for (guint y = 0; y < text->height; y++)
    memcpy (text->coverage + (gsize) y * text->width,
        pixels + (gssize) y * stride, text->width);
}

void
gst_unet_text_init (GstUnetText *text, const gchar *const *lines,
    guint line_height, guint max_width, gdouble stretch)
{
  const guint height =
      line_height * g_strv_length ((gchar **) (gpointer) lines);
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_A8, max_width, height);

  *text = (GstUnetText){ 0 };
  if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS) {
    text->width = draw_lines (surface, lines, line_height, max_width, stretch);
    text->height = height;
    copy_coverage (text, surface);
  }
  cairo_surface_destroy (surface);
}

#else

gboolean
gst_unet_text_is_available (void)
{
  return FALSE;
}

void
gst_unet_text_init (GstUnetText *text, const gchar *const *lines,
    guint line_height, guint max_width, gdouble stretch)
{
  *text = (GstUnetText){ 0 };
}

#endif

void
gst_unet_text_clear (GstUnetText *text)
{
  g_free (text->coverage);
  *text = (GstUnetText){ 0 };
}
