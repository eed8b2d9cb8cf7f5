/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares single primitives of oneDNN, as the engine asks for them, with plain
 * loops: convolutions and transposed ones of f32, bfloat16 and int8, with
 * kernels of 1 to 7, strides of 1 to 4, dilations, groups, padding, output
 * padding, odd channels and pictures of one pixel; pooling, binary arithmetic,
 * matrix products, reorders and activations.
 *
 *   test-sweep                a sample, and the table of known bugs
 *   test-sweep all [SEED]     every case
 *   test-sweep raw [SEED]     every case, without the table of known bugs
 *   test-sweep case TEXT      one case, as a failure prints it
 *
 * A child process runs the cases, so that a crash counts as one more failure.
 */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine/kernels/parallel.h"
#include "engine/onednn/known-bugs.h"
#include "lib/check-main.h"
#include "sweep.h"
#include "engine/onednn/max-isa.h"

#define SAMPLE_STEP 23 /* every 23rd case: oneDNN has some 800 of them */

/* The child process writes this into shared memory. */
typedef struct {
  guint index, cases, references, wrong, crashes;
  gchar first[512]; /* the first failure */
} Progress;

typedef struct {
  guint seed, step;
  gboolean loud;
} Plan;

static void
note_failure (Progress *p, const Plan *plan, const SweepCase *c,
    const gchar *impl, const gchar *what)
{
  gchar *text = sweep_case_print (c);

  if (!p->wrong && !p->crashes)
    g_snprintf (p->first, sizeof p->first, "'%s' (%s): %s", text, impl, what);
  if (plan->loud) {
    printf ("'%s' (%s): %s\n", text, impl, what);
    fflush (stdout);
  }
  g_free (text);
}

static void
run_cases (Progress *p, const Plan *plan)
{
  guint n = sweep_count ();
  SweepResult r;
  SweepCase c;

  for (; p->index < n; p->index += plan->step) {
    if (!sweep_case_init (&c, p->index, plan->seed))
      continue;
    unet_parallel_set_threads (1 + p->index / plan->step % 2);
    sweep_run (&c, &r);
    if (!r.exists)
      continue;
    p->cases++;
    p->references += g_str_has_prefix (r.impl, "ref");
    if (!r.right) {
      note_failure (p, plan, &c, r.impl, r.what);
      p->wrong++;
    }
  }
}

static Progress *
progress_new (void)
{
  return mmap (NULL, sizeof (Progress), PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void
sweep (Progress *p, const Plan *plan)
{
  while (p->index < sweep_count ()) {
    pid_t child = fork ();
    SweepCase c;
    int status;

    if (child == 0) {
      run_cases (p, plan);
      _exit (0);
    }
    if (child < 0 || waitpid (child, &status, 0) != child)
      return;
    if (!WIFSIGNALED (status))
      continue;
    sweep_case_init (&c, p->index, plan->seed);
    note_failure (p, plan, &c, "?", "crashes");
    p->crashes++;
    p->index += plan->step;
  }
}

static void
print_summary (const Progress *p, const Plan *plan)
{
  printf ("sweep: oneDNN %d.%d.%d, isa %#x, seed %u: %u cases, %u of them by "
          "reference implementations, %u wrong, %u crashed\n",
      dnnl_version ()->major, dnnl_version ()->minor, dnnl_version ()->patch,
      (guint) unet_dnnl_get_isa (), plan->seed, p->cases, p->references,
      p->wrong, p->crashes);
}

/* ---- tests --------------------------------------------------------------- */

START_TEST (test_sample)
{
  const Plan plan = { 3, SAMPLE_STEP, FALSE };
  Progress *p = progress_new ();

  sweep (p, &plan);
  print_summary (p, &plan);
  ck_assert_uint_ge (p->cases, 300);
  ck_assert_msg (p->wrong + p->crashes == 0, "%u cases wrong, first %s",
      p->wrong + p->crashes, p->first);
}
END_TEST

/* Runs one case in a child. Returns %FALSE if it is wrong or crashes. */
static gboolean
is_right (const SweepCase *c)
{
  pid_t child = fork ();
  SweepResult r;
  int status = 0;

  if (child == 0) {
    sweep_run (c, &r);
    _exit (r.exists && !r.right);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

/* Each case that shows a bug is right with the table. Without it, a case may be
 * right by chance, because the bug uses undefined memory. */
START_TEST (test_table)
{
  guint n;
  const UnetKnownBug *bugs = unet_known_bugs (&n);

  for (guint i = 0; i < n; i++) {
    SweepCase c;

    if (!bugs[i].shown_by)
      continue;
    ck_assert_msg (sweep_case_parse (&c, bugs[i].shown_by),
        "'%s' is no case of the sweep", bugs[i].shown_by);
    ck_assert_msg (is_right (&c), "'%s' is wrong", bugs[i].shown_by);
    unet_known_bugs_ignore (TRUE);
    printf ("%s (oneDNN %d): %s here without the table\n", bugs[i].effect,
        bugs[i].major, is_right (&c) ? "right" : "wrong");
    unet_known_bugs_ignore (FALSE);
  }
}
END_TEST

/* A case that is printed and parsed again is the same case. */
START_TEST (test_text)
{
  for (guint i = 0; i < sweep_count (); i += 7) {
    SweepCase c, again;
    gchar *text;

    if (!sweep_case_init (&c, i, 3))
      continue;
    text = sweep_case_print (&c);
    ck_assert_msg (sweep_case_parse (&again, text), "%s", text);
    ck_assert_mem_eq (&c, &again, sizeof c);
    g_free (text);
  }
}
END_TEST

static int
run_one (const gchar *text)
{
  SweepResult r;
  SweepCase c;

  if (!sweep_case_parse (&c, text)) {
    fprintf (stderr, "'%s' is no case of the sweep\n", text);
    return 2;
  }
  sweep_run (&c, &r);
  printf ("%s: %s %s\n", r.exists ? r.impl : "no primitive",
      r.right ? "right" : "wrong", r.what);
  return r.exists && !r.right;
}

static int
run_all (guint seed)
{
  const Plan plan = { seed, 1, TRUE };
  Progress *p = progress_new ();

  sweep (p, &plan);
  print_summary (p, &plan);
  return p->wrong + p->crashes > 0;
}

int
main (int argc, char **argv)
{
  const TTest *const tests[] = { test_text, test_table, test_sample };

  if (argc >= 3 && g_str_equal (argv[1], "case"))
    return run_one (argv[2]);
  if (argc >= 2 && g_str_equal (argv[1], "raw"))
    unet_known_bugs_ignore (TRUE);
  if (argc >= 2
      && (g_str_equal (argv[1], "all") || g_str_equal (argv[1], "raw")))
    return run_all (argc >= 3 ? atoi (argv[2]) : 0);
  return check_run_tests ("sweep", 240, tests, G_N_ELEMENTS (tests));
}
