/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the choice of a convolution's kernel with times that the test makes up.
 */

#include <string.h>
#include "engine/compile.h"
#include "engine/graphs/graph-builder.h"
#include "graph/ops/infer.h"
#include "lib/check-main.h"

/* A source of times in which one implementation is the fastest. */
typedef struct {
  UnetTimeSource source;
  const gchar *fast; /* its key starts with this */
  GHashTable *asked; /* key -> how often the plan asked for its time */
} Times;

static guint64
get_time (const UnetTimeSource *source, const gchar *key)
{
  const Times *t = (const Times *) source;
  guint asked = GPOINTER_TO_UINT (g_hash_table_lookup (t->asked, key)) + 1;

  g_hash_table_replace (t->asked, g_strdup (key), GUINT_TO_POINTER (asked));
  return g_str_has_prefix (key, t->fast) ? 10 : 100000000;
}

static UnetPlan *
compile (const Times *times, gint64 in, gint64 out)
{
  UnetTestGraph b = builder_new (1, "one convolution");
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetCompileOptions how = { NULL, NULL, &times->source };
  UnetValue *x = builder_input (&b, 1, in, 64, 64);
  GError *error = NULL;
  UnetGraph *graph;
  UnetPlan *plan;

  g_ptr_array_add (b.graph->outputs, builder_conv (&b, x, out, 3, 1, 1));
  graph = builder_end (&b);
  ck_assert (unet_graph_infer (graph, &error));
  options.threads = 1;
  options.precision = UNET_PRECISION_F32;
  options.tuning = UNET_TUNING_MEASURE;
  plan = unet_plan_new (graph, &options, &how, &error);
  ck_assert_msg (plan != NULL, "%s", error ? error->message : "");
  return plan;
}

/* Returns the implementation of the step that convolves. */
static const gchar *
find_conv (UnetPlan *plan)
{
  guint n;
  const UnetLayerInfo *layers = unet_plan_get_layers (plan, &n);

  for (guint i = 0; i < n; i++)
    if (g_str_has_prefix (layers[i].op, "Conv"))
      return layers[i].impl;
  ck_abort_msg ("no step convolves");
  return NULL;
}

static void
check_fastest (const gchar *fast, gint64 in, gint64 out, const gchar *impl)
{
  Times times = { { get_time, NULL }, fast,
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  UnetPlan *plan = compile (&times, in, out);
  const gchar *got = find_conv (plan);
  GHashTableIter iter;
  gpointer key, asked;

  if (impl)
    ck_assert_msg (g_str_has_prefix (got, impl), "%s: %s", fast, got);
  else
    ck_assert_msg (!g_str_has_prefix (got, "unet:"), "%s: %s", fast, got);
  ck_assert_uint_gt (g_hash_table_size (times.asked), 1);
  g_hash_table_iter_init (&iter, times.asked);
  while (g_hash_table_iter_next (&iter, &key, &asked))
    ck_assert_msg (GPOINTER_TO_UINT (asked) == 1, "asked %u times for '%s'",
        GPOINTER_TO_UINT (asked), (const gchar *) key);
  unet_plan_free (plan);
  g_hash_table_unref (times.asked);
}

/* The plan runs the fastest kernel. It asks for each time once, because
 * lowering reads the choice that was made for the layouts. */
START_TEST (test_fastest)
{
  check_fastest ("unet-winograd4", 32, 32, "unet:winograd");
  check_fastest ("direct", 32, 32, NULL);
  check_fastest ("rows", 8, 8, "unet:few_channels");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_fastest };

  return check_run_tests (
      "choice for a convolution", 60, tests, G_N_ELEMENTS (tests));
}
