/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "allocator.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <string.h>

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *data, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *data);

static gsize large = G_MAXSIZE;
static gint armed;    /* atomic: count and fail at all? */
static gint n_large;  /* atomic */
static gint fail_at;  /* that one */
static gint failures; /* atomic */

/* Large blocks in use: a table of their addresses, without memory of its
 * own. */
#define N_BLOCKS 65536
static gpointer blocks[N_BLOCKS];
static gint n_blocks; /* atomic */

/* GLib and the C library ask on behalf of others. */
static gboolean
is_between (const gchar *library)
{
  return strstr (library, "libc.so") || strstr (library, "libglib");
}

static gboolean
is_ours (const gchar *library)
{
  static const gchar *const others[] = { "libdnnl", "libstdc++", "libgomp",
    "libgobject", "ld-linux" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (strstr (library, others[i]))
      return FALSE;
  return !strstr (library, "libgst") || strstr (library, "libgstunetseg");
}

/* On whose behalf: the first caller that is nobody's helper. */
static gboolean
we_ask (gpointer caller)
{
  gpointer frames[32];
  gint n = backtrace (frames, G_N_ELEMENTS (frames)), i = 0;
  Dl_info info;

  while (i < n && frames[i] != caller)
    i++;
  for (; i < n && dladdr (frames[i], &info); i++)
    if (!is_between (info.dli_fname))
      return is_ours (info.dli_fname);
  return FALSE;
}

static gboolean
refuses (gsize size, gpointer caller)
{
  if (size < large || !g_atomic_int_get (&armed) || !we_ask (caller)
      || g_atomic_int_add (&n_large, 1) != fail_at)
    return FALSE;
  g_atomic_int_inc (&failures);
  errno = ENOMEM;
  return TRUE;
}

static gpointer
note (gpointer data, gsize size)
{
  if (!data || size < large)
    return data;
  for (guint i = ((gsize) data >> 4) % N_BLOCKS;; i = (i + 1) % N_BLOCKS)
    if (g_atomic_pointer_compare_and_exchange (&blocks[i], NULL, data))
      break;
  g_atomic_int_inc (&n_blocks);
  return data;
}

/* It lies at its place or a little behind it. */
static void
forget (gpointer data)
{
  guint from = ((gsize) data >> 4) % N_BLOCKS;

  for (guint k = 0; data && k < 64; k++)
    if (g_atomic_pointer_get (&blocks[(from + k) % N_BLOCKS]) == data
        && g_atomic_pointer_compare_and_exchange (
            &blocks[(from + k) % N_BLOCKS], data, NULL)) {
      g_atomic_int_dec_and_test (&n_blocks);
      return;
    }
}

/* ---- for tests --------------------------------------------------------- */

void
test_allocator_init (gsize bytes)
{
  gpointer frames[2];

  /* The first time it loads a library. */
  backtrace (frames, G_N_ELEMENTS (frames));
  large = bytes;
}

void
test_allocator_arm (gint index)
{
  n_large = failures = 0;
  fail_at = index;
  g_atomic_int_set (&armed, TRUE);
}

gboolean
test_allocator_disarm (void)
{
  g_atomic_int_set (&armed, FALSE);
  return g_atomic_int_get (&failures) > 0;
}

gint
test_allocator_count (void)
{
  return g_atomic_int_get (&n_blocks);
}

/* ---- what the program calls -------------------------------------------- */

#define CALLER __builtin_return_address (0)
#define PUBLIC __attribute__ ((visibility ("default")))
PUBLIC void *malloc (size_t size);
PUBLIC void *calloc (size_t n, size_t size);
PUBLIC void *realloc (void *data, size_t size);
PUBLIC void *memalign (size_t alignment, size_t size);
PUBLIC void *aligned_alloc (size_t alignment, size_t size);
PUBLIC int posix_memalign (void **data, size_t alignment, size_t size);
PUBLIC void free (void *data);

void *
malloc (size_t size)
{
  return refuses (size, CALLER) ? NULL : note (__libc_malloc (size), size);
}

void *
calloc (size_t n, size_t size)
{
  return refuses (n * size, CALLER) ? NULL
                                    : note (__libc_calloc (n, size), n * size);
}

void *
realloc (void *data, size_t size)
{
  if (refuses (size, CALLER))
    return NULL;
  forget (data);
  return note (__libc_realloc (data, size), size);
}

void *
memalign (size_t alignment, size_t size)
{
  return refuses (size, CALLER)
      ? NULL
      : note (__libc_memalign (alignment, size), size);
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return refuses (size, CALLER)
      ? NULL
      : note (__libc_memalign (alignment, size), size);
}

int
posix_memalign (void **data, size_t alignment, size_t size)
{
  gpointer memory = refuses (size, CALLER)
      ? NULL
      : note (__libc_memalign (alignment, size), size);

  if (memory)
    *data = memory;
  return memory ? 0 : ENOMEM;
}

void
free (void *data)
{
  forget (data);
  __libc_free (data);
}
