/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests that a contract that is resolved again is the same, and belongs to who
 * asked for it. */

#include "lib/check-main.h"

#include <model/resolve-contract.h>
#include <string.h>
#include <unetseg/unetseg.h>

#define N_THREADS 4
#define N_ROUNDS  200

static UnetModel *model;

/* @activation: (nullable) */
static GHashTable *
overrides_new (const gchar *activation)
{
  GHashTable *overrides =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  if (activation)
    g_hash_table_insert (
        overrides, (gpointer) "activation", g_strdup (activation));
  return overrides;
}

/* Returns the contract as a text, and the notes behind it. */
static gchar *
describe (const gchar *activation)
{
  g_autoptr (GHashTable) overrides = overrides_new (activation);
  g_autoptr (GPtrArray) notes = unet_notes_new ();
  g_autoptr (GError) error = NULL;
  UnetContract *contract =
      unet_model_resolve_contract (model, overrides, notes, &error);
  g_autofree gchar *line = NULL;
  GString *text;

  if (contract == NULL)
    return g_strdup (error->message);
  line = unet_contract_to_string (contract);
  text = g_string_new (line);
  for (guint i = 0; i < notes->len; i++)
    g_string_append_printf (
        text, "\n%s", ((const UnetNote *) g_ptr_array_index (notes, i))->text);
  unet_contract_free (contract);
  return g_string_free (text, FALSE);
}

START_TEST (same_again)
{
  static const gchar *const values[] = { NULL, "none", "no such", "sigmoid" };

  for (guint i = 0; i < 16; i++) {
    const gchar *value = values[i * 7 % 4];
    g_autofree gchar *first = describe (value);
    g_autofree gchar *again = describe (value);

    ck_assert_str_eq (first, again);
    for (guint j = 0; j < 4; j++) {
      g_autofree gchar *other = describe (values[j]);

      if (values[j] && value && strcmp (values[j], value) != 0)
        ck_assert_str_ne (first, other);
    }
  }
}
END_TEST

START_TEST (a_copy)
{
  UnetContract *a = unet_model_get_contract (model, NULL, NULL);
  g_autofree gchar *before = unet_contract_to_string (a);
  g_autofree gchar *after = NULL;
  UnetContract *b;

  ck_assert (unet_contract_set (a, "activation", "none", NULL));
  ck_assert (unet_contract_set (a, "labels", "one,two", NULL));
  b = unet_model_get_contract (model, NULL, NULL);
  after = unet_contract_to_string (b);
  ck_assert_str_eq (before, after);
  unet_contract_free (a);
  unet_contract_free (b);
}
END_TEST

static gpointer
ask (gpointer data)
{
  const gchar *value = data;
  g_autofree gchar *right = describe (value);

  for (guint i = 0; i < N_ROUNDS; i++) {
    g_autofree gchar *text = describe (value);

    if (strcmp (text, right) != 0)
      return GINT_TO_POINTER (1);
  }
  return NULL;
}

START_TEST (from_threads)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] =
        g_thread_new ("ask", ask, (gpointer) (i % 2 ? "none" : "sigmoid"));
  for (guint i = 0; i < N_THREADS; i++)
    ck_assert_ptr_null (g_thread_join (threads[i]));
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { same_again, a_copy, from_threads };
  int status;

  model = unet_model_load (NULL, NULL);
  status = check_run_tests (
      "contract-memo", 120, tests, sizeof tests / sizeof *tests);
  unet_model_unref (model);
  return status;
}
