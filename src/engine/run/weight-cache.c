/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include <string.h>

/* Packed constants of the whole process, found by the content they were made
 * from: sessions of one model, at whatever size, share them, and so do two
 * files with the same weights. */

struct _UnetPack {
  gchar *key; /* NULL for one that nobody else can find */
  guint refs; /* under the lock */
  gsize size;
  gpointer data;
};

static GMutex lock;
static GHashTable *packs; /* key -> UnetPack, weak */

/* Two multiplicative hashes over 8-byte words; quick, and 128 bits are enough
 * to tell weights apart. */
static void
hash_bytes (gconstpointer data, gsize size, guint64 hash[2])
{
  const guint8 *p = data;
  guint64 a = 0x9e3779b97f4a7c15u ^ size, b = 0xc2b2ae3d27d4eb4fu + size;

  for (; size >= 8; size -= 8, p += 8) {
    guint64 w;
    memcpy (&w, p, 8);
    a = (a ^ w) * 0xff51afd7ed558ccdu;
    a ^= a >> 32;
    b = (b + w) * 0xc4ceb9fe1a85ec53u;
    b ^= b >> 29;
  }
  for (; size; size--, p++) {
    a = (a ^ *p) * 0x100000001b3u;
    b = (b + *p) * 0x9ddfea08eb382d69u;
  }
  hash[0] = a;
  hash[1] = b;
}

void
unet_pack_release (UnetPack *pack)
{
  g_mutex_lock (&lock);
  if (--pack->refs == 0) {
    if (pack->key)
      g_hash_table_remove (packs, pack->key);
    g_free (pack->key);
    free (pack->data);
    g_free (pack);
  }
  g_mutex_unlock (&lock);
}

static UnetPack *
pack_find (const gchar *key)
{
  UnetPack *pack;

  g_mutex_lock (&lock);
  if (!packs)
    packs = g_hash_table_new (g_str_hash, g_str_equal);
  pack = g_hash_table_lookup (packs, key);
  if (pack)
    pack->refs++;
  g_mutex_unlock (&lock);
  return pack;
}

/* Somebody may have made the same meanwhile: then ours goes. */
static UnetPack *
pack_publish (gchar *key, gpointer data, gsize size)
{
  UnetPack *pack;

  g_mutex_lock (&lock);
  pack = g_hash_table_lookup (packs, key);
  if (pack) {
    free (data);
    g_free (key);
  } else {
    pack = g_new0 (UnetPack, 1);
    pack->key = key;
    pack->data = data;
    pack->size = size;
    g_hash_table_insert (packs, pack->key, pack);
  }
  pack->refs++;
  g_mutex_unlock (&lock);
  return pack;
}

UnetStorage *
unet_plan_pack (UnetPlan *plan, gconstpointer source, gsize source_size,
    const gchar *key, gsize size, UnetPackFill fill, gpointer user_data,
    GError **error)
{
  guint64 hash[2] = { 0 };
  UnetStorage *storage;
  UnetPack *pack;
  gpointer data;
  gchar *full;

  if (source)
    hash_bytes (source, source_size, hash);
  full = g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER
                          "x %" G_GSIZE_FORMAT " %s",
      hash[0], hash[1], size, key);
  pack = pack_find (full);
  if (pack) {
    g_free (full);
  } else {
    data = unet_memory_new (size); /* padding lanes stay zero */
    if (!data) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
          "%s: out of memory for %" G_GSIZE_FORMAT " bytes of weights",
          plan->graph->name, size);
      g_free (full);
      return NULL;
    }
    if (!fill (data, user_data, error)) {
      free (data);
      g_free (full);
      return NULL;
    }
    pack = pack_publish (full, data, size);
  }
  g_ptr_array_add (plan->packs, pack);
  storage = unet_plan_add_storage (plan, size);
  storage->constant = pack->data;
  return storage;
}

/* ---- reordered constants ------------------------------------------------ */

gboolean
unet_plan_reorder_now (UnetPlan *plan, gconstpointer source, UnetConstMd from,
    gpointer target, UnetConstMd to, GError **error)
{
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_memory_t src = NULL, dst = NULL;
  gboolean ok = FALSE;

  if (unet_pd_reorder (&pd, plan->engine, from, to, NULL)
      && dnnl_primitive_create (&primitive, pd) == dnnl_success
      && dnnl_memory_create (&src, from, plan->engine, (gpointer) source)
          == dnnl_success
      && dnnl_memory_create (&dst, to, plan->engine, target) == dnnl_success) {
    dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, src }, { DNNL_ARG_TO, dst } };
    ok = dnnl_primitive_execute (primitive, plan->stream, 2, args)
        == dnnl_success;
  }
  if (src)
    dnnl_memory_destroy (src);
  if (dst)
    dnnl_memory_destroy (dst);
  if (primitive)
    dnnl_primitive_destroy (primitive);
  if (pd)
    dnnl_primitive_desc_destroy (pd);
  if (!ok)
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "%s: oneDNN cannot pack a constant", plan->graph->name);
  return ok;
}

typedef struct {
  UnetPlan *plan;
  gconstpointer source;
  UnetConstMd from, to;
} Reorder;

static gboolean
fill_reorder (gpointer data, gpointer user_data, GError **error)
{
  Reorder *r = user_data;

  return unet_plan_reorder_now (
      r->plan, r->source, r->from, data, r->to, error);
}

UnetStorage *
unet_plan_pack_reorder (UnetPlan *plan, gconstpointer source, UnetConstMd from,
    UnetConstMd to, GError **error)
{
  Reorder r = { plan, source, from, to };
  gchar *a = unet_md_key (from), *b = unet_md_key (to);
  gchar *key = g_strconcat (a, " ", b, NULL);
  UnetStorage *storage = unet_plan_pack (plan, source, unet_md_size (from), key,
      unet_md_size (to), fill_reorder, &r, error);

  g_free (key);
  g_free (a);
  g_free (b);
  return storage;
}

/* ---- what was packed ----------------------------------------------------- */

/* Smaller ones are attributes rather than weights. */
#define WEIGHTS 4096

static void
add_constant (GHashTable *used, const UnetStorage *storage)
{
  if (storage && storage->constant)
    g_hash_table_add (used, storage->constant);
}

/* Weights into which something was folded are this graph's own: once they are
 * packed nobody needs them, and each session would keep a copy. Those of the
 * file are the model's and stay. */
void
unet_plan_release_weights (UnetPlan *plan)
{
  GHashTable *used = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < plan->steps->len; i++) {
    const UnetStep *step = g_ptr_array_index (plan->steps, i);

    for (guint k = 0; k < step->n_operands; k++)
      add_constant (used, step->operands[k].storage);
  }
  for (guint i = 0; i < plan->graph->outputs->len; i++)
    add_constant (used, plan->outputs[i].storage);
  for (guint i = 0; i < plan->graph->values->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->values, i);

    if (v->constant && !g_hash_table_contains (used, v->constant->data)
        && v->constant->n_elements * unet_dtype_size (v->constant->dtype)
            > WEIGHTS)
      g_clear_pointer (&v->constant, unet_tensor_unref);
  }
  g_hash_table_unref (used);
}
