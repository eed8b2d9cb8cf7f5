/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((gsize) 2 << 20)

/* Bytes. Blocks below stay with malloc: they are used again, and giving each
 * back is a call of the system. */
#define LEAST_RELEASED ((gsize) 256 << 10)

/* Bytes between two looks at the cancellable. A busy system takes milliseconds
 * to find the pages for so many. */
#define CLEARED_AT_ONCE ((gsize) 8 << 20)

static gboolean
clear (guint8 *data, gsize size, GCancellable *cancellable)
{
  for (gsize at = 0; at < size; at += CLEARED_AT_ONCE) {
    if (g_cancellable_is_cancelled (cancellable))
      return FALSE;
    memset (data + at, 0, MIN (size - at, CLEARED_AT_ONCE));
  }
  return TRUE;
}

gpointer
unet_memory_new (gsize size, GCancellable *cancellable)
{
  gboolean large = size >= HUGE_PAGE;
  gpointer data = NULL;

  size = MAX (size, 64);
  if (posix_memalign (&data, large ? HUGE_PAGE : 4096, size))
    return NULL;
  /* The processor prefetches up to the end of a page only. */
  if (large)
    madvise (data, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
  if (!clear (data, size, cancellable)) {
    free (data);
    return NULL;
  }
  return data;
}

/* glibc keeps what is freed for later requests of the same thread, up to 64 MB
 * for each of 8 arenas a processor. Threads that compile sessions come and go,
 * so the process would grow with each of them. */
void
unet_memory_release (gpointer data, gsize size)
{
  guintptr page = sysconf (_SC_PAGESIZE);
  guintptr begin = ((guintptr) data + page - 1) / page * page;
  guintptr end = ((guintptr) data + size) / page * page;

  if (data && size >= LEAST_RELEASED && end > begin)
    madvise ((gpointer) begin, end - begin, MADV_DONTNEED);
  free (data);
}
