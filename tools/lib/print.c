/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/print.h"

#include <stdlib.h>

gchar *
tool_shape (const UnetTensorInfo *info)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < info->n_dims; i++) {
    if (i > 0)
      g_string_append_c (text, 'x');
    if (info->dims[i] < 0)
      g_string_append_c (text, '?');
    else
      g_string_append_printf (text, "%" G_GINT64_FORMAT, info->dims[i]);
  }
  return g_string_free (text, FALSE);
}

const gchar *
tool_enum_nick (GType type, gint value)
{
  /* The class of an enumeration is never freed once made. */
  g_autoptr (GEnumClass) class = g_type_class_ref (type);
  GEnumValue *found = g_enum_get_value (class, value);

  return found != NULL ? found->value_nick : "?";
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

gdouble
tool_median (gdouble *values, guint n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

const gchar *
tool_plural (guint64 n)
{
  return n == 1 ? "" : "s";
}
