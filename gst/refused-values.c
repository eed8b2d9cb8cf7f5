/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refused-values.h"

#include "log.h"

typedef struct {
  gchar *property, *sentence;
} Entry;

/* Data of the element, under its object lock. */
typedef struct {
  GPtrArray *entries; /* of Entry, in the order of the refusals */
  gboolean running;
} RefusedValues;

static GQuark
get_quark (void)
{
  return g_quark_from_static_string ("unetseg-refused-values");
}

static RefusedValues *
get_values (GstElement *element)
{
  return g_object_get_qdata (G_OBJECT (element), get_quark ());
}

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  g_free (entry->property);
  g_free (entry->sentence);
  g_free (entry);
}

static void
free_values (gpointer data)
{
  RefusedValues *self = data;

  g_ptr_array_unref (self->entries);
  g_free (self);
}

void
gst_unet_refused_values_init (GstElement *element)
{
  RefusedValues *self = g_new0 (RefusedValues, 1);

  self->entries = g_ptr_array_new_with_free_func (free_entry);
  g_object_set_qdata_full (G_OBJECT (element), get_quark (), self, free_values);
}

static void
forget (RefusedValues *self, const gchar *property)
{
  for (guint i = 0; i < self->entries->len; i++) {
    const Entry *entry = g_ptr_array_index (self->entries, i);

    if (g_str_equal (entry->property, property)) {
      g_ptr_array_remove_index (self->entries, i);
      return;
    }
  }
}

static void
remember (RefusedValues *self, const gchar *property, const gchar *sentence)
{
  Entry *entry = g_new (Entry, 1);

  entry->property = g_strdup (property);
  entry->sentence = g_strdup (sentence);
  g_ptr_array_add (self->entries, entry);
}

void
gst_unet_refused_values_note (
    GstElement *element, const gchar *property, const GError *error)
{
  RefusedValues *self = get_values (element);
  g_autofree gchar *sentence = NULL;
  gboolean running;

  if (error)
    sentence = g_strdup_printf ("Property '%s': %s.", property, error->message);
  GST_OBJECT_LOCK (element);
  running = self->running;
  if (!running)
    forget (self, property);
  if (!running && sentence)
    remember (self, property, sentence);
  GST_OBJECT_UNLOCK (element);
  if (sentence && running)
    GST_ELEMENT_WARNING (element, RESOURCE, SETTINGS, ("%s", sentence),
        ("the property keeps its value"));
  else if (sentence)
    GST_WARNING_OBJECT (element, "%s", sentence);
}

/* Returns: (transfer full): the sentences in one line. */
static gchar *
join_sentences (const RefusedValues *self)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < self->entries->len; i++) {
    const Entry *entry = g_ptr_array_index (self->entries, i);

    g_string_append_printf (text, "%s%s", i ? " " : "", entry->sentence);
  }
  return g_string_free (text, FALSE);
}

gboolean
gst_unet_refused_values_start (GstElement *element)
{
  RefusedValues *self = get_values (element);
  g_autofree gchar *text = NULL;

  GST_OBJECT_LOCK (element);
  self->running = self->entries->len == 0;
  if (!self->running)
    text = join_sentences (self);
  GST_OBJECT_UNLOCK (element);
  if (text == NULL)
    return TRUE;
  GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, ("%s", text),
      ("set the property to a value that is allowed"));
  return FALSE;
}

void
gst_unet_refused_values_stop (GstElement *element)
{
  GST_OBJECT_LOCK (element);
  get_values (element)->running = FALSE;
  GST_OBJECT_UNLOCK (element);
}
