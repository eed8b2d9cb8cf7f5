/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/element-options.h"

#include "lib/status.h"

/* Properties that a batch sets itself or that every element has. */
static const gchar *const own_properties[] = { "name", "parent", "qos",
  "output", "late", "threads", "stats", "async", NULL };

#define FAIL(...)                                                              \
  (g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, __VA_ARGS__), FALSE)

static GObjectClass *
element_class (const gchar *name)
{
  GstElementFactory *factory = gst_element_factory_find (name);
  GstPluginFeature *loaded;
  GObjectClass *class = NULL;

  if (factory == NULL)
    return NULL;
  loaded = gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory));
  if (loaded != NULL) {
    class = g_type_class_ref (
        gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded)));
    gst_object_unref (loaded);
  }
  gst_object_unref (factory);
  return class;
}

static GParamSpec *
find_property (const gchar *name)
{
  const gchar *const elements[] = { "unetseg", "unetsegdraw" };
  GParamSpec *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (elements) && found == NULL; i++) {
    GObjectClass *class = element_class (elements[i]);

    if (class == NULL)
      continue;
    found = g_object_class_find_property (class, name);
    g_type_class_unref (class);
  }
  return found;
}

/* An element checks the value of a text property only when it is set. */
static gboolean
check_value (GParamSpec *pspec, const gchar *value, GError **error)
{
  g_auto (GValue) parsed = G_VALUE_INIT;
  g_autofree gchar *kept = NULL;
  GstElement *element;
  gboolean ok;

  g_value_init (&parsed, pspec->value_type);
  if (!gst_value_deserialize_with_pspec (&parsed, value, pspec)
      || g_param_value_validate (pspec, &parsed))
    return FAIL ("--%s=%s: not a value for it (%s)", pspec->name, value,
        g_param_spec_get_blurb (pspec));
  if (pspec->value_type != G_TYPE_STRING
      || (element = gst_element_factory_make ("unetseg", NULL)) == NULL)
    return TRUE;
  ok = TRUE;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), pspec->name)
      != NULL) {
    g_object_set (element, pspec->name, value, NULL);
    g_object_get (element, pspec->name, &kept, NULL);
    ok = g_strcmp0 (kept, value) == 0;
  }
  gst_object_unref (element);
  return ok
      || FAIL ("--%s=%s: not a value for it (%s)", pspec->name, value,
          g_param_spec_get_blurb (pspec));
}

static gboolean
take_property (
    const gchar *option, const gchar *value, gpointer data, GError **error)
{
  GHashTable *properties = data;
  const gchar *name = option + 2;
  GParamSpec *pspec = find_property (name);

  if (pspec == NULL)
    return FAIL ("%s: no such property", option);
  if (!check_value (pspec, value, error))
    return FALSE;
  g_hash_table_replace (properties, g_strdup (pspec->name), g_strdup (value));
  return TRUE;
}

static gboolean
has_option (const GOptionEntry *entries, const gchar *name)
{
  for (; entries->long_name != NULL; entries++)
    if (g_str_equal (entries->long_name, name))
      return TRUE;
  return FALSE;
}

static void
add_properties (
    GArray *entries, const gchar *element, const GOptionEntry *taken)
{
  GObjectClass *class = element_class (element);
  guint n = 0;
  GParamSpec **specs;

  if (class == NULL)
    return;
  specs = g_object_class_list_properties (class, &n);
  for (guint i = 0; i < n; i++) {
    const gchar *name = specs[i]->name;
    GOptionEntry entry = { name, 0, 0, G_OPTION_ARG_CALLBACK,
      (gpointer) take_property, g_param_spec_get_blurb (specs[i]), "VALUE" };
    gboolean known = has_option (taken, name);

    for (guint k = 0; k < entries->len; k++)
      known |= g_str_equal (
          g_array_index (entries, GOptionEntry, k).long_name, name);
    if (!known && (specs[i]->flags & G_PARAM_WRITABLE)
        && !g_strv_contains (own_properties, name))
      g_array_append_val (entries, entry);
  }
  g_free (specs);
  /* The strings of the class stay valid: types of elements are never
   * unloaded. */
}

GOptionGroup *
batch_element_options_new_group (
    GHashTable *properties, const GOptionEntry *taken)
{
  GOptionGroup *group = g_option_group_new ("unetseg",
      "Properties of the elements unetseg and unetsegdraw:",
      "Show every property of the elements as an option", properties, NULL);
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  add_properties (entries, "unetseg", taken);
  add_properties (entries, "unetsegdraw", taken);
  g_option_group_add_entries (group, (GOptionEntry *) entries->data);
  return group;
}

void
batch_element_options_apply (GHashTable *properties, GstElement *element)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, properties);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), name))
      gst_util_set_object_arg (G_OBJECT (element), name, value);
}
