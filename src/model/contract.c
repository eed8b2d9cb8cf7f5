/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unetseg/unet-contract.h>

#include "base/color.h"

#include <math.h>
#include <string.h>

G_DEFINE_ENUM_TYPE (UnetLayout, unet_layout,
    G_DEFINE_ENUM_VALUE (UNET_LAYOUT_AUTO, "auto"),
    G_DEFINE_ENUM_VALUE (UNET_LAYOUT_NCHW, "nchw"),
    G_DEFINE_ENUM_VALUE (UNET_LAYOUT_NHWC, "nhwc"))
G_DEFINE_ENUM_TYPE (UnetColorOrder, unet_color_order,
    G_DEFINE_ENUM_VALUE (UNET_COLOR_ORDER_AUTO, "auto"),
    G_DEFINE_ENUM_VALUE (UNET_COLOR_ORDER_RGB, "rgb"),
    G_DEFINE_ENUM_VALUE (UNET_COLOR_ORDER_BGR, "bgr"),
    G_DEFINE_ENUM_VALUE (UNET_COLOR_ORDER_GRAY, "gray"))
G_DEFINE_ENUM_TYPE (UnetFit, unet_fit,
    G_DEFINE_ENUM_VALUE (UNET_FIT_STRETCH, "stretch"),
    G_DEFINE_ENUM_VALUE (UNET_FIT_LETTERBOX, "letterbox"),
    G_DEFINE_ENUM_VALUE (UNET_FIT_CROP, "crop"),
    G_DEFINE_ENUM_VALUE (UNET_FIT_TILE, "tile"))
G_DEFINE_ENUM_TYPE (UnetActivation, unet_activation,
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_AUTO, "auto"),
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_NONE, "none"),
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_SIGMOID, "sigmoid"),
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_SOFTMAX, "softmax"),
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_ARGMAX, "argmax"),
    G_DEFINE_ENUM_VALUE (UNET_ACTIVATION_MIN_MAX, "min-max"))
G_DEFINE_BOXED_TYPE (
    UnetContract, unet_contract, unet_contract_copy, unet_contract_free)

/* Five halvings, as most networks have them. */
#define DEFAULT_MULTIPLE 32
#define MAX_SIZE         16384

UnetContract *
unet_contract_new (void)
{
  UnetContract *contract = g_new0 (UnetContract, 1);

  contract->scale = 1.0 / 255;
  for (guint i = 0; i < 3; i++)
    contract->std[i] = 1;
  contract->multiple = DEFAULT_MULTIPLE;
  contract->overlap = -1;
  contract->foreground_class = -1;
  contract->background = UNET_BACKGROUND_AUTO;
  return contract;
}

UnetContract *
unet_contract_copy (const UnetContract *contract)
{
  UnetContract *copy = g_memdup2 (contract, sizeof *contract);

  copy->input = g_strdup (contract->input);
  copy->output = g_strdup (contract->output);
  copy->labels = g_strdupv (contract->labels);
  copy->colors = g_strdupv (contract->colors);
  copy->state = g_strdupv (contract->state);
  copy->constants = g_strdupv (contract->constants);
  return copy;
}

void
unet_contract_free (UnetContract *contract)
{
  if (!contract)
    return;
  g_free (contract->input);
  g_free (contract->output);
  g_strfreev (contract->labels);
  g_strfreev (contract->colors);
  g_strfreev (contract->state);
  g_strfreev (contract->constants);
  g_free (contract);
}

/* ---- fields as text --------------------------------------------------- */

/* Reads a number in the C locale, or a quotient such as 1/255. */
static gboolean
parse_number (const gchar *text, gdouble *number)
{
  gchar *end;
  gdouble divisor;

  *number = g_ascii_strtod (text, &end);
  if (end == text)
    return FALSE;
  while (g_ascii_isspace (*end))
    end++;
  if (*end == '/') {
    text = end + 1;
    divisor = g_ascii_strtod (text, &end);
    if (end == text || divisor == 0)
      return FALSE;
    *number /= divisor;
  }
  while (g_ascii_isspace (*end))
    end++;
  return *end == 0 && isfinite (*number);
}

static gboolean
parse_int (const gchar *text, gint64 min, gint64 max, gint64 *number)
{
  g_autofree gchar *stripped = g_strstrip (g_strdup (text));

  return g_ascii_string_to_signed (stripped, 10, min, max, number, NULL);
}

static gboolean
parse_bool (const gchar *text, gboolean *value)
{
  static const gchar *const yes[] = { "true", "yes", "1" };
  static const gchar *const no[] = { "false", "no", "0" };

  for (guint i = 0; i < 3; i++) {
    if (!g_ascii_strcasecmp (text, yes[i]))
      *value = TRUE;
    else if (!g_ascii_strcasecmp (text, no[i]))
      *value = FALSE;
    else
      continue;
    return TRUE;
  }
  return FALSE;
}

static gboolean
parse_enum (GType type, const gchar *text, gint *value)
{
  GEnumClass *class = g_type_class_ref (type);
  const GEnumValue *found = g_enum_get_value_by_nick (class, text);

  if (found)
    *value = found->value;
  g_type_class_unref (class);
  return found != NULL;
}

/* One number for all three channels, or three. */
static gboolean
parse_triple (const gchar *text, gdouble *triple)
{
  g_auto (GStrv) parts = g_strsplit_set (text, ",;", -1);
  guint n = g_strv_length (parts);
  gdouble numbers[3];

  if (n != 1 && n != 3)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!parse_number (parts[n == 3 ? i : 0], &numbers[i]))
      return FALSE;
  memcpy (triple, numbers, sizeof numbers);
  return TRUE;
}

/* ---- setters ---------------------------------------------------------- */

static gboolean
set_string (gchar **field, const gchar *value)
{
  g_free (*field);
  *field = *value ? g_strdup (value) : NULL;
  return TRUE;
}

static gboolean
set_uint (guint *field, const gchar *value, gint64 min)
{
  gint64 number;

  if (!parse_int (value, min, MAX_SIZE, &number))
    return FALSE;
  *field = (guint) number;
  return TRUE;
}

static gboolean
set_input (UnetContract *c, const gchar *value)
{
  return set_string (&c->input, value);
}

static gboolean
set_output (UnetContract *c, const gchar *value)
{
  return set_string (&c->output, value);
}

#define SET_ENUM(name, Type, TYPE)                                             \
  static gboolean set_##name (UnetContract *c, const gchar *value)             \
  {                                                                            \
    gint number;                                                               \
    if (!parse_enum (UNET_TYPE_##TYPE, value, &number))                        \
      return FALSE;                                                            \
    c->name = (Type) number;                                                   \
    return TRUE;                                                               \
  }

SET_ENUM (layout, UnetLayout, LAYOUT)
SET_ENUM (color_order, UnetColorOrder, COLOR_ORDER)
SET_ENUM (fit, UnetFit, FIT)
SET_ENUM (activation, UnetActivation, ACTIVATION)

static gboolean
set_scale (UnetContract *c, const gchar *value)
{
  gdouble number;

  if (!parse_number (value, &number) || number <= 0)
    return FALSE;
  c->scale = number;
  return TRUE;
}

static gboolean
set_mean (UnetContract *c, const gchar *value)
{
  return parse_triple (value, c->mean);
}

static gboolean
set_std (UnetContract *c, const gchar *value)
{
  gdouble triple[3];

  if (!parse_triple (value, triple))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (triple[i] == 0)
      return FALSE;
  memcpy (c->std, triple, sizeof triple);
  return TRUE;
}

static gboolean
set_divide_by_max (UnetContract *c, const gchar *value)
{
  return parse_bool (value, &c->divide_by_max);
}

static gboolean
set_invert (UnetContract *c, const gchar *value)
{
  return parse_bool (value, &c->invert);
}

static gboolean
set_tta (UnetContract *c, const gchar *value)
{
  return parse_bool (value, &c->tta);
}

static gboolean
set_input_width (UnetContract *c, const gchar *value)
{
  if (!set_uint (&c->input_width, value, 0))
    return FALSE;
  c->input_video = FALSE;
  c->input_side = 0;
  return TRUE;
}

static gboolean
set_input_height (UnetContract *c, const gchar *value)
{
  if (!set_uint (&c->input_height, value, 0))
    return FALSE;
  c->input_video = FALSE;
  c->input_side = 0;
  return TRUE;
}

static gboolean
set_multiple (UnetContract *c, const gchar *value)
{
  return set_uint (&c->multiple, value, 1);
}

static gboolean
set_overlap (UnetContract *c, const gchar *value)
{
  gint64 number;

  if (!parse_int (value, -1, MAX_SIZE, &number))
    return FALSE;
  c->overlap = (gint) number;
  return TRUE;
}

static gboolean
set_input_size (UnetContract *c, const gchar *value)
{
  g_auto (GStrv) parts = g_strsplit_set (value, "xX", 2);
  gint64 width = 0, height = 0, side = 0;
  gboolean video = !strcmp (value, "video");

  if (!parts[0])
    return FALSE;
  if (!video && !parts[1]) {
    if (!parse_int (parts[0], 1, MAX_SIZE, &side))
      return FALSE;
  } else if (!video
      && (!parse_int (parts[0], 0, MAX_SIZE, &width)
          || !parse_int (parts[1], 0, MAX_SIZE, &height))) {
    return FALSE;
  }
  c->input_width = (guint) width;
  c->input_height = (guint) height;
  c->input_side = (guint) side;
  c->input_video = video;
  return TRUE;
}

static gboolean
set_foreground_class (UnetContract *c, const gchar *value)
{
  gint64 number;

  if (!parse_int (value, -1, G_MAXUINT16, &number))
    return FALSE;
  c->foreground_class = (gint) number;
  return TRUE;
}

/* Numbers below 0 and 0 have names. */
static const struct {
  const gchar *name;
  gint value;
} backgrounds[] = {
  { "auto", UNET_BACKGROUND_AUTO },
  { "none", UNET_BACKGROUND_NONE },
  { "last", UNET_BACKGROUND_LAST },
  { "first", 0 },
};

static gboolean
set_background (UnetContract *c, const gchar *value)
{
  gint64 number;

  for (guint i = 0; i < G_N_ELEMENTS (backgrounds); i++)
    if (!strcmp (value, backgrounds[i].name)) {
      c->background = backgrounds[i].value;
      return TRUE;
    }
  if (!parse_int (value, 0, G_MAXUINT16, &number))
    return FALSE;
  c->background = (gint) number;
  return TRUE;
}

static gboolean
set_list (gchar ***list, const gchar *value)
{
  g_strfreev (*list);
  *list = *value ? g_strsplit_set (value, ",;", -1) : NULL;
  for (guint i = 0; *list && (*list)[i]; i++)
    g_strstrip ((*list)[i]);
  return TRUE;
}

static gboolean
set_labels (UnetContract *c, const gchar *value)
{
  return set_list (&c->labels, value);
}

/* Each entry is a colour, or one after a class's name or number. */
static gboolean
set_colors (UnetContract *c, const gchar *value)
{
  gchar **colors = NULL;

  set_list (&colors, value);
  for (guint i = 0; colors && colors[i]; i++) {
    const gchar *equals = strrchr (colors[i], '=');
    g_autofree gchar *color =
        g_strstrip (g_strdup (equals ? equals + 1 : colors[i]));
    guint32 argb;

    if (!unet_color_parse (color, &argb)) {
      g_strfreev (colors);
      return FALSE;
    }
  }
  g_strfreev (c->colors);
  c->colors = colors;
  return TRUE;
}

static gboolean
set_state (UnetContract *c, const gchar *value)
{
  set_list (&c->state, value);
  if (!strcmp (value, "none"))
    g_clear_pointer (&c->state[0], g_free);
  return TRUE;
}

static gboolean
set_constants (UnetContract *c, const gchar *value)
{
  return set_list (&c->constants, value);
}

static const struct {
  const gchar *key;
  const gchar *allowed; /* of its values */
  gboolean (*set) (UnetContract *contract, const gchar *value);
} fields[] = {
  { "input", "a name or number of an input", set_input },
  { "output", "a name or number of an output", set_output },
  { "layout", "auto, nchw or nhwc", set_layout },
  { "color-order", "auto, rgb, bgr or gray", set_color_order },
  { "scale", "a number above 0, such as 1/255", set_scale },
  { "mean", "one number, or three separated by commas", set_mean },
  { "std", "one number other than 0, or three separated by commas", set_std },
  { "divide-by-max", "true or false", set_divide_by_max },
  { "fit", "stretch, letterbox, crop or tile", set_fit },
  { "input-width", "a number of pixels up to " G_STRINGIFY (MAX_SIZE),
      set_input_width },
  { "input-height", "a number of pixels up to " G_STRINGIFY (MAX_SIZE),
      set_input_height },
  { "input-size", "WIDTHxHEIGHT in pixels, one number of pixels, or video",
      set_input_size },
  { "multiple", "a number of pixels from 1 on", set_multiple },
  { "overlap", "a number of pixels, or -1", set_overlap },
  { "activation", "auto, none, sigmoid, softmax, argmax or min-max",
      set_activation },
  { "foreground-class", "a number of a class, or -1", set_foreground_class },
  { "background", "auto, none, first, last or a number of a channel",
      set_background },
  { "invert", "true or false", set_invert },
  { "labels", "names separated by commas", set_labels },
  { "colors", "CLASS=#RRGGBB or #RRGGBB separated by commas", set_colors },
  { "state", "INPUT:OUTPUT separated by commas, or none", set_state },
  { "constants", "INPUT:NUMBER separated by commas", set_constants },
  { "tta", "true or false", set_tta },
};

gboolean
unet_contract_set (UnetContract *contract, const gchar *key, const gchar *value,
    GError **error)
{
  g_return_val_if_fail (contract && key && value, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (strcmp (fields[i].key, key))
      continue;
    if (fields[i].set (contract, value))
      return TRUE;
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "'%s' is no %s: allowed is %s", value, key, fields[i].allowed);
    return FALSE;
  }
  g_set_error (
      error, UNET_ERROR, UNET_ERROR_CONTRACT, "there is no field '%s'", key);
  return FALSE;
}

/* ---- one line --------------------------------------------------------- */

static void
append_number (GString *text, gdouble number)
{
  gchar buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (
      text, g_ascii_formatd (buffer, sizeof buffer, "%.9g", number));
}

static void
append_triple (GString *text, const gchar *key, const gdouble *triple)
{
  g_string_append_printf (text, " %s=", key);
  for (guint i = 0; i < 3; i++) {
    if (i)
      g_string_append_c (text, ',');
    append_number (text, triple[i]);
  }
}

static void
append_enum (GString *text, const gchar *key, GType type, gint value)
{
  GEnumClass *class = g_type_class_ref (type);
  const GEnumValue *found = g_enum_get_value (class, value);

  g_string_append_printf (text, " %s=%s", key, found ? found->value_nick : "?");
  g_type_class_unref (class);
}

static void
append_list (GString *text, const gchar *key, gchar **list)
{
  g_autofree gchar *joined = list ? g_strjoinv (",", list) : NULL;

  if (list && list[0])
    g_string_append_printf (text, " %s=%s", key, joined);
}

static void
append_background (GString *text, gint background)
{
  for (guint i = 0; i < G_N_ELEMENTS (backgrounds); i++)
    if (background == backgrounds[i].value) {
      g_string_append_printf (text, " background=%s", backgrounds[i].name);
      return;
    }
  g_string_append_printf (text, " background=%d", background);
}

gchar *
unet_contract_to_string (const UnetContract *c)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "input=%s output=%s", c->input ? c->input : "",
      c->output ? c->output : "");
  append_enum (text, "layout", UNET_TYPE_LAYOUT, (gint) c->layout);
  append_enum (
      text, "color-order", UNET_TYPE_COLOR_ORDER, (gint) c->color_order);
  g_string_append (text, " scale=");
  append_number (text, c->scale);
  append_triple (text, "mean", c->mean);
  append_triple (text, "std", c->std);
  g_string_append_printf (
      text, " divide-by-max=%s", c->divide_by_max ? "true" : "false");
  append_enum (text, "fit", UNET_TYPE_FIT, (gint) c->fit);
  if (c->input_video)
    g_string_append (text, " input-size=video");
  else if (c->input_side)
    g_string_append_printf (text, " input-size=%u", c->input_side);
  else
    g_string_append_printf (
        text, " input-size=%ux%u", c->input_width, c->input_height);
  g_string_append_printf (text, " multiple=%u", c->multiple);
  if (c->fit == UNET_FIT_TILE)
    g_string_append_printf (text, " overlap=%d", c->overlap);
  append_enum (text, "activation", UNET_TYPE_ACTIVATION, (gint) c->activation);
  g_string_append_printf (text, " foreground-class=%d invert=%s",
      c->foreground_class, c->invert ? "true" : "false");
  append_background (text, c->background);
  append_list (text, "labels", c->labels);
  append_list (text, "colors", c->colors);
  append_list (text, "state", c->state);
  append_list (text, "constants", c->constants);
  if (c->tta)
    g_string_append (text, " tta=true");
  return g_string_free (text, FALSE);
}
