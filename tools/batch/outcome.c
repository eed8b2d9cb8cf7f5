/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/outcome.h"

void
batch_outcome_clear (BatchOutcome *outcome)
{
  g_clear_pointer (&outcome->reason, g_free);
  g_clear_pointer (&outcome->plan, g_free);
}

const gchar *
batch_status_get_name (BatchStatus status)
{
  static const gchar *const names[] = { [BATCH_DONE] = "done",
    [BATCH_SHORT] = "short",
    [BATCH_FAILED] = "failed",
    [BATCH_SKIPPED] = "skipped",
    [BATCH_OPEN] = "open" };

  return names[status];
}

BatchStatus
batch_status_from_name (const gchar *name)
{
  for (BatchStatus status = BATCH_DONE; status < BATCH_OPEN; status++)
    if (g_strcmp0 (name, batch_status_get_name (status)) == 0)
      return status;
  return BATCH_OPEN;
}
