/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/session-pool.h"

#include "session/session.h"

/* Sessions that are kept without being in use. Each has an arena of its own;
 * the weights are shared. */
#define MAX_IDLE 8

typedef struct {
  gchar *key;
  UnetSession *session; /* in use while others hold it, too */
  guint64 run_time;     /* nanoseconds, 0: not known */
} Entry;

static GMutex mutex;                       /* of what follows */
static guint n_open = 0;                   /* calls of open */
static GQueue entries = { NULL, NULL, 0 }; /* of Entry, the last used first */

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  unet_session_unref (entry->session);
  g_free (entry->key);
  g_free (entry);
}

static gchar *
make_key (UnetModel *model, const UnetContract *contract, guint width,
    guint height, const UnetSessionOptions *options)
{
  g_autofree gchar *text = unet_contract_to_string (contract);

  return g_strdup_printf ("%p %ux%u %u %d %d %d %s", (gpointer) model, width,
      height, options->threads, options->precision, options->tuning,
      options->profile, text);
}

/* A session holds its model, so that the address in a key stays its own. */
static UnetSession *
take (const gchar *key, guint64 *run_time)
{
  for (GList *l = entries.head; l; l = l->next) {
    Entry *entry = l->data;

    if (!g_str_equal (entry->key, key)
        || unet_session_is_shared (entry->session))
      continue;
    g_queue_unlink (&entries, l);
    g_queue_push_head_link (&entries, l);
    *run_time = entry->run_time;
    return unet_session_ref (entry->session);
  }
  return NULL;
}

/* Returns (transfer full) the entries that are too many. */
static GList *
drop_idle (void)
{
  GList *dropped = NULL;
  guint n = 0;

  for (GList *l = entries.head, *next; l; l = next) {
    Entry *entry = l->data;

    next = l->next;
    if (unet_session_is_shared (entry->session) || ++n <= MAX_IDLE)
      continue;
    g_queue_delete_link (&entries, l);
    dropped = g_list_prepend (dropped, entry);
  }
  return dropped;
}

/* @key: (transfer full) */
static void
keep (gchar *key, UnetSession *session)
{
  Entry *entry = g_new0 (Entry, 1);
  GList *dropped;

  entry->key = key;
  entry->session = unet_session_ref (session);
  g_mutex_lock (&mutex);
  g_queue_push_head (&entries, entry);
  dropped = drop_idle ();
  g_mutex_unlock (&mutex);
  g_list_free_full (dropped, free_entry);
}

void
unet_session_pool_open (void)
{
  g_mutex_lock (&mutex);
  n_open++;
  g_mutex_unlock (&mutex);
}

void
unet_session_pool_close (void)
{
  GList *dropped = NULL;

  g_mutex_lock (&mutex);
  if (--n_open == 0) {
    dropped = entries.head;
    g_queue_init (&entries);
  }
  g_mutex_unlock (&mutex);
  g_list_free_full (dropped, free_entry);
}

UnetSession *
unet_session_pool_get (UnetModel *model, const UnetContract *contract,
    guint width, guint height, const UnetSessionOptions *options,
    guint64 *run_time, gboolean *reused, GError **error)
{
  UnetSession *session = NULL;
  gchar *key = NULL;

  *run_time = 0;

  g_mutex_lock (&mutex);
  if (n_open > 0 && options->calibration == NULL) {
    key = make_key (model, contract, width, height, options);
    session = take (key, run_time);
  }
  g_mutex_unlock (&mutex);
  *reused = session != NULL;
  if (session != NULL) {
    g_free (key);
    unet_session_clear_inputs (session);
    return session;
  }
  session = unet_session_new_for_size (
      model, contract, width, height, options, error);
  if (session != NULL && key != NULL)
    keep (key, session);
  else
    g_free (key);
  return session;
}

void
unet_session_pool_note (UnetSession *session, guint64 run_time)
{
  g_mutex_lock (&mutex);
  for (GList *l = entries.head; l; l = l->next) {
    Entry *entry = l->data;

    if (entry->session == session)
      entry->run_time = run_time;
  }
  g_mutex_unlock (&mutex);
}
