/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/json.h"

#include "lib/status.h"

#include <string.h>

/* ---- out ---------------------------------------------------------------- */

void
tool_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *text = json_to_string (root, TRUE);

  g_print ("%s\n", text);
}

void
tool_json_string (JsonBuilder *builder, const gchar *key, const gchar *value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_string_value (builder, value);
}

void
tool_json_int (JsonBuilder *builder, const gchar *key, gint64 value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_int_value (builder, value);
}

void
tool_json_double (JsonBuilder *builder, const gchar *key, gdouble value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_double_value (builder, value);
}

/* ---- checks ------------------------------------------------------------- */

static gboolean
fail (GError **error, const gchar *name, const gchar *what)
{
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE, "%s: %s", name, what);
  return FALSE;
}

/* Returns the byte behind a string that begins at @at, or %NULL. */
static const gchar *
skip_string (const gchar *at, const gchar *end)
{
  for (at++; at < end && *at != '"'; at++) {
    if ((guchar) *at < ' ')
      return NULL;
    if (*at == '\\' && ++at == end)
      return NULL;
  }
  return at < end ? at + 1 : NULL;
}

/* json-glib also takes comments and single quotes, in which brackets do not
 * count. Both are refused, so that the depth counted here is the true one. It
 * takes the last of several arrays or objects; a file of ours has one. */
static gboolean
check_structure (
    const gchar *text, gsize size, const gchar *name, GError **error)
{
  const gchar *at = text, *end = text + size;
  guint depth = 0, n_roots = 0;

  while (at != NULL && at < end) {
    if (*at == '"') {
      at = skip_string (at, end);
      continue;
    }
    if (*at == '[' || *at == '{') {
      if (depth == 0 && n_roots++ > 0)
        return fail (error, name, "more than one JSON value");
      if (++depth > TOOL_JSON_MAX_DEPTH)
        return fail (error, name, "JSON that is nested too deeply");
    } else if (*at == ']' || *at == '}') {
      if (depth-- == 0)
        return fail (error, name, "JSON with a bracket that nothing opens");
    } else if (!g_ascii_isalnum (*at) && strchr (" \t\r\n:,+-.", *at) == NULL) {
      return fail (error, name, "not JSON");
    }
    at++;
  }
  if (at == NULL || depth > 0)
    return fail (error, name, "JSON that is cut short");
  return TRUE;
}

/* ---- in ----------------------------------------------------------------- */

JsonNode *
tool_json_parse (
    const gchar *text, gsize size, const gchar *name, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) local = NULL;
  JsonNode *root;

  if (size > TOOL_JSON_MAX_SIZE) {
    fail (error, name, "too large for a JSON file of this program");
    return NULL;
  }
  /* The terminating zero of a string would hide what follows it. */
  if (size == 0 || memchr (text, '\0', size) != NULL
      || !g_utf8_validate (text, size, NULL)) {
    fail (error, name, size == 0 ? "an empty file" : "not UTF-8 text");
    return NULL;
  }
  if (!check_structure (text, size, name, error))
    return NULL;
  /* json-glib 1.10 aborts where an immutable root is replaced by a second. */
  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, text, size, &local)) {
    fail (error, name, local->message);
    return NULL;
  }
  root = json_parser_steal_root (parser);
  if (root == NULL)
    fail (error, name, "a JSON file without a value");
  return root;
}

JsonNode *
tool_json_read (const gchar *path, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) local = NULL;

  /* A mapping has a size from the start: an endless file cannot fill memory. */
  file = g_mapped_file_new (path, FALSE, &local);
  if (file == NULL) {
    g_set_error (error, local->domain, local->code, "%s: %s", path,
        local->code == G_FILE_ERROR_NOENT ? "no such file" : local->message);
    return NULL;
  }
  return tool_json_parse (g_mapped_file_get_contents (file),
      g_mapped_file_get_length (file), path, error);
}

JsonObject *
tool_json_read_object (const gchar *path, GError **error)
{
  g_autoptr (JsonNode) root = tool_json_read (path, error);

  if (root == NULL)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (root))
    return json_node_dup_object (root);
  fail (error, path, "the JSON value is not an object");
  return NULL;
}

static JsonNode *
get_value (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

static gboolean
is_number (JsonNode *node)
{
  return node != NULL
      && (json_node_get_value_type (node) == G_TYPE_INT64
          || json_node_get_value_type (node) == G_TYPE_DOUBLE);
}

gint64
tool_json_get_int (JsonObject *object, const gchar *name, gint64 fallback)
{
  JsonNode *node = get_value (object, name);

  /* A double that no gint64 holds has no defined value as one. */
  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64)
    return fallback;
  return json_node_get_int (node);
}

gboolean
tool_json_get_range (
    JsonObject *object, const gchar *name, gint64 min, gint64 max, gint64 *at)
{
  JsonNode *node = get_value (object, name);
  gint64 value;

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  value = json_node_get_int (node);
  if (value < min || value > max)
    return FALSE;
  *at = value;
  return TRUE;
}

gdouble
tool_json_get_double (JsonObject *object, const gchar *name, gdouble fallback)
{
  JsonNode *node = get_value (object, name);

  return is_number (node) ? json_node_get_double (node) : fallback;
}

const gchar *
tool_json_get_string (
    JsonObject *object, const gchar *name, const gchar *fallback)
{
  JsonNode *node = get_value (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return fallback;
  return json_node_get_string (node);
}

JsonArray *
tool_json_get_array (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node)
      ? json_node_get_array (node)
      : NULL;
}

JsonObject *
tool_json_get_object (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      ? json_node_get_object (node)
      : NULL;
}

JsonObject *
tool_json_get_element (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

gdouble
tool_json_get_number (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  if (!JSON_NODE_HOLDS_VALUE (node) || !is_number (node))
    return 0;
  return json_node_get_double (node);
}
