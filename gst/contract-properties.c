/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contract-properties.h"

struct _GstUnetContractProperty {
  const gchar *name, *key;
  gsize offset; /* in UnetContract; text is kept as written */
};

#define AS_WRITTEN    ((gsize) -1)
#define OFFSET(field) G_STRUCT_OFFSET (UnetContract, field)

static const GstUnetContractProperty properties[] = {
  { "input-name", "input", AS_WRITTEN },
  { "output-name", "output", AS_WRITTEN },
  { "input-size", "input-size", AS_WRITTEN },
  { "fit", "fit", OFFSET (fit) },
  { "overlap", "overlap", OFFSET (overlap) },
  { "layout", "layout", OFFSET (layout) },
  { "color-order", "color-order", OFFSET (color_order) },
  { "scale", "scale", OFFSET (scale) },
  { "divide-by-max", "divide-by-max", OFFSET (divide_by_max) },
  { "mean", "mean", AS_WRITTEN },
  { "std", "std", AS_WRITTEN },
  { "activation", "activation", OFFSET (activation) },
  { "foreground-class", "foreground-class", OFFSET (foreground_class) },
  { "background-channel", "background", AS_WRITTEN },
  { "invert", "invert", OFFSET (invert) },
  { "labels", "labels", AS_WRITTEN },
  { "state", "state", AS_WRITTEN },
  { "constants", "constants", AS_WRITTEN },
  { "tta", "tta", OFFSET (tta) },
};

const GstUnetContractProperty *
gst_unet_contract_property_find (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    if (g_str_equal (properties[i].name, name))
      return &properties[i];
  }
  return NULL;
}

/* In the C locale, as sidecars have it. */
static gchar *
value_to_text (const GValue *value, GParamSpec *pspec)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return g_strdup (g_enum_get_value (
        G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value))
                         ->value_nick);
  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return g_strdup (
        g_ascii_dtostr (number, sizeof (number), g_value_get_double (value)));
  if (G_IS_PARAM_SPEC_INT (pspec))
    return g_strdup_printf ("%d", g_value_get_int (value));
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  return g_value_dup_string (value);
}

gboolean
gst_unet_contract_property_set (const GstUnetContractProperty *self,
    UnetContract *contract, GHashTable *overrides, const GValue *value,
    GParamSpec *pspec, GError **error)
{
  g_autofree gchar *text = value_to_text (value, pspec);

  if (text == NULL || *text == '\0') {
    g_hash_table_remove (overrides, self->key);
    return TRUE;
  }
  if (!unet_contract_set (contract, self->key, text, error))
    return FALSE;
  g_hash_table_replace (
      overrides, g_strdup (self->key), g_steal_pointer (&text));
  return TRUE;
}

void
gst_unet_contract_property_get (const GstUnetContractProperty *self,
    const UnetContract *contract, GHashTable *overrides, GValue *value,
    GParamSpec *pspec)
{
  gconstpointer field;

  if (self->offset == AS_WRITTEN) {
    g_value_set_string (value, g_hash_table_lookup (overrides, self->key));
    return;
  }
  field = G_STRUCT_MEMBER_P (contract, self->offset);
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    g_value_set_enum (value, *(const gint *) field);
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    g_value_set_double (value, *(const gdouble *) field);
  else if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, *(const gint *) field);
  else
    g_value_set_boolean (value, *(const gboolean *) field);
}
