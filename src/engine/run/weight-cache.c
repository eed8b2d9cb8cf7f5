/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/weight-cache.h"
#include "base/memory.h"
#include "engine/run/headroom.h"
#include <stdlib.h>
#include <string.h>

struct _UnetCachedConstant {
  gchar *key;
  guint refs; /* plans; under the lock */
  gsize size;
  gpointer data;
};

static GMutex lock;
static GHashTable *constants; /* key -> UnetCachedConstant, weak */

/* Computes two multiplicative hashes over 8-byte words. They are fast, and 128
 * bits are enough to tell weights apart. */
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
unet_cached_constant_release (UnetCachedConstant *constant)
{
  g_mutex_lock (&lock);
  if (--constant->refs == 0) {
    g_hash_table_remove (constants, constant->key);
    g_free (constant->key);
    unet_memory_release (constant->data, constant->size);
    g_free (constant);
  }
  g_mutex_unlock (&lock);
}

static UnetCachedConstant *
find_constant (const gchar *key)
{
  UnetCachedConstant *constant;

  g_mutex_lock (&lock);
  if (!constants)
    constants = g_hash_table_new (g_str_hash, g_str_equal);
  constant = g_hash_table_lookup (constants, key);
  if (constant)
    constant->refs++;
  g_mutex_unlock (&lock);
  return constant;
}

/* Publishes a new constant under @key. Another thread may have published the
 * same meanwhile: then @data is freed and that one is returned. */
static UnetCachedConstant *
publish_constant (gchar *key, gpointer data, gsize size)
{
  UnetCachedConstant *constant;

  g_mutex_lock (&lock);
  constant = g_hash_table_lookup (constants, key);
  if (constant) {
    unet_memory_release (data, size);
    g_free (key);
  } else {
    constant = g_new0 (UnetCachedConstant, 1);
    constant->key = key;
    constant->data = data;
    constant->size = size;
    g_hash_table_insert (constants, constant->key, constant);
  }
  constant->refs++;
  g_mutex_unlock (&lock);
  return constant;
}

UnetStorage *
unet_plan_cache_constant (UnetPlan *plan, gconstpointer source,
    gsize source_size, const gchar *key, gsize size, UnetConstantFill fill,
    gpointer user_data, GError **error)
{
  guint64 hash[2] = { 0 };
  UnetStorage *storage;
  UnetCachedConstant *constant;
  gpointer data;
  gchar *full;

  if (source)
    hash_bytes (source, source_size, hash);
  full = g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER
                          "x %" G_GSIZE_FORMAT " %s",
      hash[0], hash[1], size, key);
  constant = find_constant (full);
  if (constant) {
    g_free (full);
  } else {
    data = unet_memory_new (size, NULL);
    if (!data) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
          "%s: out of memory for %" G_GSIZE_FORMAT " bytes of weights",
          plan->graph->name, size);
      g_free (full);
      return NULL;
    }
    if (!fill (data, user_data, error)) {
      unet_memory_release (data, size);
      g_free (full);
      return NULL;
    }
    constant = publish_constant (full, data, size);
  }
  g_ptr_array_add (plan->constants, constant);
  storage = unet_plan_add_storage (plan, size);
  storage->constant = constant->data;
  return storage;
}

/* ---- bytes --------------------------------------------------------------- */

typedef struct {
  gconstpointer data;
  gsize size;
} Bytes;

static gboolean
fill_bytes (gpointer data, gpointer user_data, GError **error)
{
  const Bytes *b = user_data;

  if (b->data)
    memcpy (data, b->data, b->size);
  return TRUE;
}

UnetStorage *
unet_plan_cache_bytes (UnetPlan *plan, gconstpointer source, gsize source_size,
    const gchar *key, gsize size, GError **error)
{
  Bytes b = { source, source_size };

  return unet_plan_cache_constant (
      plan, source, source_size, key, size, fill_bytes, &b, error);
}

/* ---- reordered constants ------------------------------------------------ */

static gboolean
reorder_now (UnetPlan *plan, gconstpointer source, UnetConstMd from,
    gpointer target, UnetConstMd to, GError **error)
{
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_memory_t src = NULL, dst = NULL;
  gboolean ok = FALSE;

  if (unet_pd_reorder (&pd, plan->engine, from, to, NULL)
      && unet_headroom_create_primitive (&primitive, pd) == dnnl_success
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
        "%s: oneDNN cannot reorder a constant", plan->graph->name);
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

  return reorder_now (r->plan, r->source, r->from, data, r->to, error);
}

UnetStorage *
unet_plan_cache_reordered (UnetPlan *plan, gconstpointer source,
    UnetConstMd from, UnetConstMd to, GError **error)
{
  Reorder r = { plan, source, from, to };
  gchar *a = unet_md_key (from), *b = unet_md_key (to);
  gchar *key = g_strconcat (a, " ", b, NULL);
  UnetStorage *storage = unet_plan_cache_constant (plan, source,
      unet_md_size (from), key, unet_md_size (to), fill_reorder, &r, error);

  g_free (key);
  g_free (a);
  g_free (b);
  return storage;
}

/* ---- releasing ----------------------------------------------------------- */

/* Bytes of a constant. Smaller ones are attributes rather than weights, and
 * releasing them gains nothing. */
#define LEAST_WEIGHTS 4096

static void
add_constant (GHashTable *used, const UnetStorage *storage)
{
  if (storage && storage->constant)
    g_hash_table_add (used, storage->constant);
}

/* Weights that another node was folded into belong to this graph alone. Once
 * steps use a prepared form they are not read again, and each session would
 * keep a copy. Weights of the file are shared with the model and stay. */
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
            > LEAST_WEIGHTS)
      g_clear_pointer (&v->constant, unet_tensor_unref);
  }
  g_hash_table_unref (used);
}
