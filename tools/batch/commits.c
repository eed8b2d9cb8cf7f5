/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/commits.h"

#include <string.h>

/* Items that wait: after a crash they are done again. */
#define MAX_WAITING 32

typedef struct {
  const BatchItem *item;
  BatchOutcome outcome;
  gchar *shape;
  GError *error; /* (nullable) */
} Commit;

struct _BatchCommits {
  const BatchManifest *manifest;
  BatchCommitted committed;
  gpointer data;
  GThread *thread; /* (nullable): the system has no more */

  GMutex mutex; /* of what follows */
  GCond changed;
  GQueue waiting; /* of Commit */
  gboolean ending;
};

/* ---- one or more -------------------------------------------------------- */

static void
finish (BatchCommits *self, Commit *commit)
{
  self->committed (commit->item, &commit->outcome, commit->error, self->data);
  batch_outcome_clear (&commit->outcome);
  g_clear_error (&commit->error);
  g_free (commit->shape);
  g_free (commit);
}

static void
commit_all (BatchCommits *self, GQueue *commits)
{
  Commit *commit;

  for (GList *l = commits->head; l != NULL; l = l->next) {
    commit = l->data;
    batch_manifest_write (self->manifest, commit->item, &commit->outcome,
        commit->shape, &commit->error);
  }
  batch_manifest_sync (self->manifest);
  while ((commit = g_queue_pop_head (commits)) != NULL) {
    if (commit->error == NULL)
      batch_manifest_publish (self->manifest, commit->item, &commit->error);
    finish (self, commit);
  }
}

/* ---- the thread --------------------------------------------------------- */

static gpointer
work (gpointer data)
{
  BatchCommits *self = data;
  GQueue commits;
  gboolean ending;

  do {
    g_mutex_lock (&self->mutex);
    while (self->waiting.length == 0 && !self->ending)
      g_cond_wait (&self->changed, &self->mutex);
    commits = self->waiting;
    g_queue_init (&self->waiting);
    ending = self->ending;
    g_cond_broadcast (&self->changed);
    g_mutex_unlock (&self->mutex);
    if (commits.length > 0)
      commit_all (self, &commits);
  } while (!ending);
  return NULL;
}

BatchCommits *
batch_commits_new (
    const BatchManifest *manifest, BatchCommitted committed, gpointer data)
{
  BatchCommits *self = g_new0 (BatchCommits, 1);

  self->manifest = manifest;
  self->committed = committed;
  self->data = data;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  g_queue_init (&self->waiting);
  self->thread = g_thread_try_new ("batch-commits", work, self, NULL);
  return self;
}

void
batch_commits_free (BatchCommits *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->mutex);
  self->ending = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
batch_commits_add (BatchCommits *self, const BatchItem *item,
    BatchOutcome *outcome, gchar *shape)
{
  Commit *commit = g_new0 (Commit, 1);
  GQueue alone = G_QUEUE_INIT;

  commit->item = item;
  commit->outcome = *outcome;
  commit->shape = shape;
  memset (outcome, 0, sizeof *outcome);
  if (self->thread == NULL) {
    g_queue_push_tail (&alone, commit);
    commit_all (self, &alone);
    return;
  }
  g_mutex_lock (&self->mutex);
  while (self->waiting.length >= MAX_WAITING)
    g_cond_wait (&self->changed, &self->mutex);
  g_queue_push_tail (&self->waiting, commit);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}
