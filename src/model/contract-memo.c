/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/contract-memo.h"

#include "model/notes.h"

#include <string.h>

struct _UnetContractMemo {
  gchar *key; /* the overrides */
  UnetContract *contract;
  GPtrArray *notes;
};

/* It guards the memos of all models, and is held for a copy only. */
static GMutex lock;

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

/* Returns (transfer full): the overrides in the order of their names. */
static gchar *
make_key (GHashTable *overrides)
{
  GString *key = g_string_new (NULL);
  g_autoptr (GList) names = overrides
      ? g_list_sort (g_hash_table_get_keys (overrides), compare)
      : NULL;

  for (GList *l = names; l; l = l->next) {
    const gchar *value = g_hash_table_lookup (overrides, l->data);

    /* Lengths keep two names and values from looking like others. */
    g_string_append_printf (key, "%zu %s %zu %s\n", strlen (l->data),
        (const gchar *) l->data, value ? strlen (value) : 0,
        value ? value : "");
  }
  return g_string_free (key, FALSE);
}

void
unet_contract_memo_free (UnetContractMemo *self)
{
  if (!self)
    return;
  unet_contract_free (self->contract);
  g_ptr_array_unref (self->notes);
  g_free (self->key);
  g_free (self);
}

UnetContract *
unet_contract_memo_get (
    UnetContractMemo *const *memo, GHashTable *overrides, GPtrArray *notes)
{
  g_autofree gchar *key = make_key (overrides);
  UnetContract *contract = NULL;

  g_mutex_lock (&lock);
  if (*memo && strcmp ((*memo)->key, key) == 0) {
    contract = unet_contract_copy ((*memo)->contract);
    unet_notes_add_all (notes, (*memo)->notes);
  }
  g_mutex_unlock (&lock);
  return contract;
}

void
unet_contract_memo_set (UnetContractMemo **memo, GHashTable *overrides,
    const UnetContract *contract, const GPtrArray *notes)
{
  UnetContractMemo *self = g_new0 (UnetContractMemo, 1), *old;

  self->key = make_key (overrides);
  self->contract = unet_contract_copy (contract);
  self->notes = unet_notes_new ();
  unet_notes_add_all (self->notes, notes);
  g_mutex_lock (&lock);
  old = *memo;
  *memo = self;
  g_mutex_unlock (&lock);
  unet_contract_memo_free (old);
}
