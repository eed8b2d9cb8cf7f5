/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/color.h"

#include <string.h>

static const struct {
  const gchar *name;
  guint32 argb;
} color_names[] = {
  { "transparent", 0x00000000 },
  { "black", 0xff000000 },
  { "white", 0xffffffff },
  { "gray", 0xff808080 },
  { "silver", 0xffc0c0c0 },
  { "red", 0xffff0000 },
  { "maroon", 0xff800000 },
  { "orange", 0xffffa500 },
  { "yellow", 0xffffff00 },
  { "olive", 0xff808000 },
  { "lime", 0xff00ff00 },
  { "green", 0xff008000 },
  { "aqua", 0xff00ffff },
  { "cyan", 0xff00ffff },
  { "teal", 0xff008080 },
  { "blue", 0xff0000ff },
  { "navy", 0xff000080 },
  { "fuchsia", 0xffff00ff },
  { "magenta", 0xffff00ff },
  { "purple", 0xff800080 },
};

static gboolean
parse_hex (const gchar *digits, guint32 *argb)
{
  gsize n = strlen (digits);

  if ((n != 6 && n != 8) || strspn (digits, "0123456789abcdefABCDEF") != n)
    return FALSE;
  *argb = (guint32) g_ascii_strtoull (digits, NULL, 16);
  if (n == 6)
    *argb |= 0xff000000;
  return TRUE;
}

gboolean
unet_color_parse (const gchar *text, guint32 *argb)
{
  if (text[0] == '#')
    return parse_hex (text + 1, argb);
  if (g_str_has_prefix (text, "0x"))
    return parse_hex (text + 2, argb);
  for (guint i = 0; i < G_N_ELEMENTS (color_names); i++) {
    if (g_ascii_strcasecmp (text, color_names[i].name) == 0) {
      *argb = color_names[i].argb;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
unet_color_read (const gchar *text, guint32 *argb, GError **error)
{
  if (text && unet_color_parse (text, argb))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
      "'%s' is no colour: allowed is #RRGGBB, #AARRGGBB or a name such as red",
      text ? text : "");
  return FALSE;
}
