/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives a libFuzzer target without libFuzzer, so that any compiler and the
 * normal test run can use it. It runs every seed unchanged and then mutations
 * of the seeds, which are the same each time.
 *
 *   fuzz-NAME [-n MUTATIONS] [-s SEED] FILE|FOLDER…
 *
 * An input that brings the process down, or takes longer than a minute, is left
 * in the file crash-NAME. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECONDS 60
#define MAX_SIZE    (1 << 20)

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* The signal handler reads these. */
static gchar crash_name[256];
static const guint8 *current;
static gsize current_size;

static void
leave_input (int signal_number)
{
  int fd = open (crash_name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

  if (fd < 0 || write (fd, current, current_size) < 0)
    current = NULL;
  signal (signal_number, SIG_DFL);
  raise (signal_number);
}

static void
watch_signals (const gchar *program)
{
  static const int signals[] = {
    SIGABRT,
    SIGALRM,
#ifndef __SANITIZE_ADDRESS__ /* ASan says more about these */
    SIGSEGV,
    SIGBUS,
    SIGFPE,
    SIGILL,
#endif
  };
  g_autofree gchar *name = g_path_get_basename (program);

  g_snprintf (crash_name, sizeof crash_name, "crash-%s",
      g_str_has_prefix (name, "fuzz-") ? name + 5 : name);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], leave_input);
}

/* Runs the input in memory of its exact size, so that a read past its end is
 * found. */
static void
run_one (const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  current = copy;
  current_size = size;
  alarm (MAX_SECONDS);
  LLVMFuzzerTestOneInput (copy, size);
  alarm (0);
}

/* ---- seeds ------------------------------------------------------------ */

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

static void
add_seeds (GPtrArray *seeds, const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;
  gchar *data;
  gsize size;

  if (!dir) {
    if (!g_file_get_contents (path, &data, &size, NULL))
      g_error ("cannot read %s: %s", path, g_strerror (errno));
    g_ptr_array_add (seeds, g_bytes_new_take (data, MIN (size, MAX_SIZE)));
    return;
  }
  while ((name = g_dir_read_name (dir)))
    g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, by_name);
  for (guint i = 0; i < names->len; i++)
    add_seeds (seeds, g_ptr_array_index (names, i));
}

static void
replay (GPtrArray *seeds)
{
  for (guint i = 0; i < seeds->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (seeds->pdata[i], &size);

    run_one (data, size);
  }
}

/* ---- mutations -------------------------------------------------------- */

static guint
below (GRand *rand, gsize n)
{
  return n ? g_rand_int (rand) % n : 0;
}

/* Sets odd bytes, because parsers check lengths and counts of a file too
 * little. */
static void
set_odd_bytes (GByteArray *bytes, GRand *rand)
{
  static const guint8 odd[] = { 0, 1, 0x7f, 0x80, 0xff, '-', '9', '=' };
  guint at = below (rand, bytes->len), n = 1 + below (rand, 8);

  for (guint i = at; i < MIN (at + n, bytes->len); i++)
    bytes->data[i] = odd[below (rand, sizeof odd)];
}

static void
put_in (GByteArray *bytes, GRand *rand, GBytes *other)
{
  gsize size, from, n;
  const guint8 *data = g_bytes_get_data (other, &size);
  guint at = below (rand, bytes->len + 1);

  if (size == 0)
    return;
  from = below (rand, size);
  n = 1 + below (rand, MIN (size - from, 64));
  if (bytes->len + n > MAX_SIZE)
    return;
  g_byte_array_set_size (bytes, bytes->len + n);
  memmove (bytes->data + at + n, bytes->data + at, bytes->len - n - at);
  memcpy (bytes->data + at, data + from, n);
}

static void
mutate (GByteArray *bytes, GRand *rand, GPtrArray *seeds)
{
  guint at = below (rand, bytes->len);

  switch (bytes->len ? below (rand, 8) : 7) {
    case 0:
    case 1:
      bytes->data[at] ^= 1 << below (rand, 8);
      break;
    case 2:
    case 3:
      bytes->data[at] = g_rand_int (rand);
      break;
    case 4:
      set_odd_bytes (bytes, rand);
      break;
    case 5:
      g_byte_array_remove_range (
          bytes, at, 1 + below (rand, MIN (bytes->len - at, 32)));
      break;
    case 6:
      g_byte_array_set_size (bytes, at);
      break;
    default:
      put_in (bytes, rand, seeds->pdata[below (rand, seeds->len)]);
  }
}

static void
run_mutations (GPtrArray *seeds, guint n, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    gsize size;
    const guint8 *data =
        g_bytes_get_data (seeds->pdata[below (rand, seeds->len)], &size);

    g_byte_array_append (bytes, data, size);
    for (guint k = 1 + below (rand, 4); k > 0; k--)
      mutate (bytes, rand, seeds);
    run_one (bytes->data, bytes->len);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray)
      seeds = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  guint n = 0, seed = 1;
  int option;

  while ((option = getopt (argc, argv, "n:s:")) != -1) {
    if (option == 'n')
      n = strtoul (optarg, NULL, 10);
    else if (option == 's')
      seed = strtoul (optarg, NULL, 10);
    else
      return 2;
  }
  watch_signals (argv[0]);
  /* Criticals are faults of the code, whatever the input was. Warnings are not,
   * because GLib warns of a key file's value with two bad escapes. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  for (int i = optind; i < argc; i++)
    add_seeds (seeds, argv[i]);
  if (seeds->len == 0) {
    fprintf (stderr, "%s: no seeds\n", argv[0]);
    return 2;
  }
  replay (seeds);
  run_mutations (seeds, n, seed);
  printf ("%u seeds, %u mutations\n", seeds->len, n);
  return 0;
}
