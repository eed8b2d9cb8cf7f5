/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measured times are kept on disk. The next session uses them and leaves the
 * file as it is. It ignores a file that differs in any way from its own. */

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unetseg/unetseg.h>
#include "engine/onednn/compat.h"
#include "engine/compile.h"
#include "engine/graphs/networks.h"

/* A time in nanoseconds that no measurement gives. */
#define POISON "987654321098765"

static gchar *folder;

/* Compiles and runs a small network; returns the times that the process knows
 * afterwards. */
static gchar *
run_session (guint threads)
{
  UnetSessionOptions options = { threads, UNET_PRECISION_F32,
    UNET_TUNING_MEASURE, FALSE };
  UnetGraph *graph = unet_test_graph_unet (16, 2, 32, 32, TRUE);
  GError *error = NULL;
  UnetPlan *plan = NULL;

  if (unet_graph_infer (graph, &error)) {
    unet_graph_optimize (graph);
    plan = unet_plan_new (graph, &options, NULL, &error);
  }
  ck_assert_msg (plan != NULL, "%s", error ? error->message : "no plan");
  ck_assert (unet_plan_run (plan, NULL));
  unet_plan_free (plan);
  return unet_tuning_save ();
}

/* Returns the only file in the folder, or %NULL. */
static gchar *
only_file (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;
  gchar *path = NULL;

  ck_assert_ptr_nonnull (dir);
  while ((name = g_dir_read_name (dir))) {
    ck_assert_msg (path == NULL, "two files: %s and %s", path, name);
    path = g_build_filename (folder, name, NULL);
  }
  g_dir_close (dir);
  return path;
}

static gchar *
contents (const gchar *path)
{
  gchar *text;

  ck_assert (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
store (const gchar *path, const gchar *data, gssize size)
{
  ck_assert (g_file_set_contents (path, data, size, NULL));
}

/* Returns @text with the right checksum for its table. */
static gchar *
sign (const gchar *text)
{
  const gchar *line = strstr (text, "\nsha256 ") + 1;
  const gchar *body = strchr (line, '\n') + 1;
  gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, body, -1);
  gchar *out = g_strdup_printf (
      "%.*ssha256 %s\n%s", (gint) (line - text), text, sum, body);

  g_free (sum);
  return out;
}

/* Returns the file with another first time in its table. */
static gchar *
poison (const gchar *text)
{
  const gchar *table = strstr (text, "unetseg tuning 1\n");
  const gchar *ns = strchr (table, '\n') + 1;
  gchar *changed = g_strdup_printf (
      "%.*s" POISON "%s", (gint) (ns - text), text, strchr (ns, ' '));
  gchar *out = sign (changed);

  g_free (changed);
  return out;
}

static void
remove_file (void)
{
  gchar *path = only_file ();

  if (path)
    g_unlink (path);
  g_free (path);
}

static void
setup (void)
{
  folder = g_dir_make_tmp ("unetseg-cache-XXXXXX", NULL);
  g_setenv ("UNETSEG_TUNING_CACHE", folder, TRUE);
}

static void
teardown (void)
{
  remove_file ();
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

/* ---- tests -------------------------------------------------------------- */

START_TEST (test_kept)
{
  gchar *known = run_session (1), *path = only_file (), *text, *again;
  GStatBuf before, after;

  ck_assert_ptr_nonnull (path);
  text = contents (path);
  ck_assert (g_str_has_prefix (text, "unetseg tuning cache 1\n"));
  ck_assert (g_str_has_suffix (text, strstr (known, "\n")));
  ck_assert (g_stat (path, &before) == 0);
  again = run_session (1);
  ck_assert_str_eq (known, again);
  ck_assert (g_stat (path, &after) == 0);
  ck_assert_msg (before.st_ino == after.st_ino, "written again");
  g_free (known);
  g_free (again);
  g_free (text);
  g_free (path);
}
END_TEST

START_TEST (test_used)
{
  gchar *path, *text, *changed, *known;

  g_free (run_session (1));
  path = only_file ();
  text = contents (path);
  changed = poison (text);
  store (path, changed, -1);
  known = run_session (1);
  ck_assert_msg (strstr (known, POISON " ") != NULL, "not read");
  g_free (known);
  known = contents (path);
  ck_assert_str_eq (known, changed);
  g_free (known);
  g_free (changed);
  g_free (text);
  g_free (path);
}
END_TEST

/* Times measured with one thread are not used for two threads. */
START_TEST (test_threads)
{
  gchar *one, *two;

  g_free (run_session (1));
  one = only_file ();
  g_unlink (one);
  g_free (run_session (2));
  two = only_file ();
  ck_assert_str_ne (one, two);
  g_free (one);
  g_free (two);
}
END_TEST

/* Times of unet_tuning_load() take precedence over those on disk. */
START_TEST (test_pinned)
{
  gchar *known = run_session (1), *path = only_file ();
  gchar *text = contents (path), *changed = poison (text), *after;

  store (path, changed, -1);
  ck_assert (unet_tuning_load (known, NULL));
  after = run_session (1);
  ck_assert_str_eq (known, after);
  g_free (after);
  g_free (changed);
  g_free (text);
  g_free (path);
  g_free (known);
}
END_TEST

/* Overwrites the stack that the next calls use. */
static G_GNUC_NO_INLINE void
dirty_stack (guint8 byte)
{
  volatile guint8 stack[65536];

  for (guint i = 0; i < sizeof stack; i++)
    stack[i] = byte;
}

static gchar *
key_of (guint8 dirt, gint64 channels, gint64 row, gboolean blocked)
{
  const gint64 dims[] = { 1, channels, 8, 8 };
  const gint64 strides[] = { channels * 8 * row, 8 * row, row, 1 };
  gchar *key;
  UnetMd md;

  dirty_stack (dirt);
  md = blocked ? unet_md_new (4, dims, dnnl_f32, dnnl_nChw16c)
               : unet_md_new_strides (4, dims, dnnl_f32, strides);
  ck_assert_ptr_nonnull (md);
  key = unet_md_key (md);
  unet_md_free (md);
  return key;
}

/* A key depends on all of a layout, and on nothing else. */
START_TEST (test_keys)
{
  gchar *key = key_of (0x11, 32, 8, FALSE), *same = key_of (0x77, 32, 8, FALSE);
  gchar *others[] = { key_of (0x11, 31, 8, FALSE), key_of (0x11, 32, 9, FALSE),
    key_of (0x11, 32, 8, TRUE) };

  ck_assert_str_eq (key, same);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    ck_assert_str_ne (key, others[i]);
    g_free (others[i]);
  }
  g_free (same);
  same = key_of (0x33, 32, 8, TRUE);
  g_free (key);
  key = key_of (0x99, 32, 8, TRUE);
  ck_assert_str_eq (key, same);
  g_free (same);
  g_free (key);
}
END_TEST

static void
check_ignored (
    const gchar *path, const gchar *data, gssize size, const gchar *what)
{
  gchar *known, *text;

  store (path, data, size);
  known = run_session (1);
  ck_assert_msg (strstr (known, POISON " ") == NULL, "%s: believed", what);
  text = contents (path);
  ck_assert_msg (g_str_has_prefix (text, "unetseg tuning cache 1\n"),
      "%s: not replaced", what);
  g_free (known);
  g_free (text);
}

static gchar *
replace (const gchar *text, const gchar *what, const gchar *by)
{
  gchar **parts = g_strsplit (text, what, 2), *out;

  ck_assert_msg (g_strv_length (parts) == 2, "no '%s' in the file", what);
  out = g_strjoinv (by, parts);
  g_strfreev (parts);
  return out;
}

START_TEST (test_foreign)
{
  static const struct {
    const gchar *what, *by;
  } changes[] = {
    { "cache 1\n", "cache 2\n" },
    { "library ", "library 0." },
    { "engine ", "engine an older " },
    { "processor ", "processor Z80 " },
    { " isa ", " isa 1" },
    { "threads ", "threads 1" },
    { "network ", "network 0" },
    { "sha256 ", "sha256 0" },
    { "sha256 ", "sha512 " },
    { "tuning 1\n", "tuning 3\n" },
  };
  gchar *path, *text, *poisoned;

  g_free (run_session (1));
  path = only_file ();
  text = contents (path);
  poisoned = poison (text);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    gchar *other = replace (poisoned, changes[i].what, changes[i].by);

    check_ignored (path, other, -1, changes[i].by);
    g_free (other);
  }
  g_free (poisoned);
  g_free (text);
  g_free (path);
}
END_TEST

START_TEST (test_corrupt)
{
  gchar *path, *text, *poisoned, *large = g_malloc0 (3 << 20);
  gsize size;

  g_free (run_session (1));
  path = only_file ();
  text = contents (path);
  poisoned = poison (text);
  size = strlen (poisoned);
  check_ignored (path, "", 0, "empty");
  check_ignored (path, "\xff\x00garbage\n\n\n", 12, "garbage");
  check_ignored (path, large, 3 << 20, "3 MB of zeros");
  for (guint i = 1; i < 30; i++)
    check_ignored (path, poisoned, size * i / 30, "truncated");
  check_ignored (path, poisoned, size - 1, "without its end");
  memcpy (large, poisoned, size);
  check_ignored (path, large, size + 1, "with a zero behind it");
  /* Here the checksum is right, but the table is malformed. */
  g_free (poisoned);
  poisoned = replace (
      text, "unetseg tuning 1\n", "unetseg tuning 1\n" POISON "\n-4 direct\n");
  g_free (text);
  text = sign (poisoned);
  check_ignored (path, text, -1, "no table");
  g_free (large);
  g_free (poisoned);
  g_free (text);
  g_free (path);
}
END_TEST

/* Returns the file's time of modification in nanoseconds. */
static gint64
changed_at (const gchar *path)
{
  struct stat info;

  ck_assert_int_eq (stat (path, &info), 0);
  return info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000)
      + info.st_mtim.tv_nsec;
}

/* A file that other users can write, and a link, are ignored: times are
 * measured, and the file is written again. */
START_TEST (test_distrusted)
{
  static const mode_t modes[] = { 0666, 0620, 0602 };
  gchar *path, *text, *other;
  gint64 before;

  g_free (run_session (1));
  path = only_file ();
  text = contents (path);
  before = changed_at (path);
  g_free (run_session (1));
  ck_assert_int_eq (changed_at (path), before); /* it was not written again */
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    ck_assert_int_eq (chmod (path, modes[i]), 0);
    g_free (run_session (1));
    ck_assert_msg (changed_at (path) != before, "mode %o", modes[i]);
    before = changed_at (path);
  }
  other = g_strconcat (folder, "-other", NULL);
  store (other, text, -1);
  ck_assert_int_eq (unlink (path), 0);
  ck_assert_int_eq (symlink (other, path), 0);
  g_free (run_session (1));
  ck_assert (!g_file_test (path, G_FILE_TEST_IS_SYMLINK));
  unlink (other);
  g_free (other);
  g_free (text);
  g_free (path);
}
END_TEST

/* A file with any one byte changed is ignored. */
START_TEST (test_flipped)
{
  GRand *rng = g_rand_new_with_seed (4);
  gchar *path, *text, *poisoned;

  g_free (run_session (1));
  path = only_file ();
  text = contents (path);
  poisoned = poison (text);
  for (guint i = 0; i < 200; i++) {
    gsize at = g_rand_int_range (rng, 0, strlen (poisoned));
    gchar was = poisoned[at];

    poisoned[at] = was ^ (1 << g_rand_int_range (rng, 0, 8));
    check_ignored (path, poisoned, -1, "a bit flipped");
    poisoned[at] = was;
  }
  g_rand_free (rng);
  g_free (poisoned);
  g_free (text);
  g_free (path);
}
END_TEST

START_TEST (test_off)
{
  g_setenv ("UNETSEG_TUNING_CACHE", "off", TRUE);
  g_free (run_session (1));
  ck_assert_ptr_null (only_file ());
}
END_TEST

/* A session does not fail when the folder cannot be made. */
START_TEST (test_unwritable)
{
  g_setenv ("UNETSEG_TUNING_CACHE", "/proc/version/nowhere", TRUE);
  g_free (run_session (1));
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("tuning cache");
  TCase *tc = tcase_create ("files");
  SRunner *runner;
  int failed;

  tcase_set_timeout (tc, 60);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_kept);
  tcase_add_test (tc, test_used);
  tcase_add_test (tc, test_threads);
  tcase_add_test (tc, test_pinned);
  tcase_add_test (tc, test_keys);
  tcase_add_test (tc, test_distrusted);
  tcase_add_test (tc, test_foreign);
  tcase_add_test (tc, test_corrupt);
  tcase_add_test (tc, test_flipped);
  tcase_add_test (tc, test_off);
  tcase_add_test (tc, test_unwritable);
  suite_add_tcase (suite, tc);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
