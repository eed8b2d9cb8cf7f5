/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/timing.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/kernels/parallel.h"
#include "engine/onednn/serial.h"
#include "engine/run/headroom.h"
#include <stdlib.h>
#include <string.h>

/* ---- remembered times ---------------------------------------------------- */

typedef struct {
  guint64 ns;
  gboolean pinned; /* unet_tuning_load() set it; only it replaces it */
} Known;

static GMutex lock;
static GHashTable *times; /* key -> Known, for the process */
/* (nullable): the table of unet_timing_collect() */
static GPrivate collected;

GHashTable *
unet_timing_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
unet_timing_table_set (GHashTable *table, const gchar *key, guint64 ns)
{
  g_hash_table_insert (table, g_strdup (key), g_memdup2 (&ns, sizeof ns));
}

void
unet_timing_collect (GHashTable *table)
{
  g_private_set (&collected, table);
}

static void
collect (const gchar *key, guint64 ns)
{
  GHashTable *table = g_private_get (&collected);

  if (table)
    unet_timing_table_set (table, key, ns);
}

static gboolean
recall (const gchar *key, guint64 *ns)
{
  Known *known;

  g_mutex_lock (&lock);
  known = times ? g_hash_table_lookup (times, key) : NULL;
  if (known)
    *ns = known->ns;
  g_mutex_unlock (&lock);
  if (known)
    collect (key, *ns);
  return known != NULL;
}

static void
remember (const gchar *key, guint64 ns, gboolean pinned)
{
  Known value = { ns, pinned }, *known;

  g_mutex_lock (&lock);
  if (!times)
    times = unet_timing_table_new ();
  known = g_hash_table_lookup (times, key);
  if (pinned || !known || !known->pinned)
    g_hash_table_insert (
        times, g_strdup (key), g_memdup2 (&value, sizeof value));
  g_mutex_unlock (&lock);
}

void
unet_timing_remember_table (GHashTable *table)
{
  GHashTableIter iter;
  gpointer key, ns;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &ns))
    remember (key, *(guint64 *) ns, FALSE);
}

/* ---- tables as text ---------------------------------------------------- */

#define TABLE_HEAD "unetseg tuning 1\n"

static gint
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

gchar *
unet_timing_table_print (GHashTable *table)
{
  GString *text = g_string_new (TABLE_HEAD);
  guint n;
  gpointer *keys = g_hash_table_get_keys_as_array (table, &n);

  if (n > 0)
    qsort (keys, n, sizeof *keys, compare_keys);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%" G_GUINT64_FORMAT " %s\n",
        *(guint64 *) g_hash_table_lookup (table, keys[i]), (gchar *) keys[i]);
  g_free (keys);
  return g_string_free (text, FALSE);
}

gchar *
unet_tuning_save (void)
{
  GHashTable *table = unet_timing_table_new ();
  GHashTableIter iter;
  gpointer key, known;
  gchar *text;

  g_mutex_lock (&lock);
  if (times) {
    g_hash_table_iter_init (&iter, times);
    while (g_hash_table_iter_next (&iter, &key, &known))
      unet_timing_table_set (table, key, ((Known *) known)->ns);
  }
  g_mutex_unlock (&lock);
  text = unet_timing_table_print (table);
  g_hash_table_unref (table);
  return text;
}

/* Parses a line `NANOSECONDS KEY`. @key: (out): points into @line. */
static gboolean
parse_line (const gchar *line, guint64 *ns, const gchar **key)
{
  gchar *end;

  if (!g_ascii_isdigit (*line))
    return FALSE;
  *ns = g_ascii_strtoull (line, &end, 10);
  *key = end + 1;
  return *end == ' ' && **key != '\0' && *ns <= UNET_TIME_NEVER;
}

GHashTable *
unet_timing_table_parse (const gchar *text)
{
  GHashTable *table = unet_timing_table_new ();
  gchar **lines = g_strsplit (text, "\n", -1);
  gboolean ok = g_str_has_prefix (text, TABLE_HEAD);
  const gchar *key;
  guint64 ns;

  for (guint i = 1; ok && lines[i]; i++) {
    if (parse_line (lines[i], &ns, &key))
      unet_timing_table_set (table, key, ns);
    else
      ok = !*lines[i] && !lines[i + 1];
  }
  g_strfreev (lines);
  if (!ok)
    g_clear_pointer (&table, g_hash_table_unref);
  return table;
}

gboolean
unet_tuning_load (const gchar *text, GError **error)
{
  GHashTable *table = unet_timing_table_parse (text);
  GHashTableIter iter;
  gpointer key, ns;

  if (!table) {
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_PARSE, "not a table of tuning times");
    return FALSE;
  }
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &ns))
    remember (key, *(guint64 *) ns, TRUE);
  g_hash_table_unref (table);
  return TRUE;
}

/* ---- primitives -----------------------------------------------------------
 */

static gboolean
is_cancelled (const UnetPlan *plan)
{
  return g_cancellable_is_cancelled (plan->options.cancellable);
}

/* Numbers between two looks at the cancellable. */
#define COPIED_AT_ONCE ((gsize) 2 << 20)

/* Returns @size bytes of plausible numbers, with which kernels are as fast as
 * with real ones: zeros and denormals have another speed. Free the result with
 * unet_memory_release(); %NULL without memory, or once the plan is cancelled.
 */
static gpointer
scratch_memory (const UnetPlan *plan, gsize size)
{
  gsize n = size / sizeof (gfloat);
  gfloat *data = unet_memory_new (size, plan->options.cancellable);

  if (!data)
    return NULL;
  for (gsize i = 0; i < MIN (n, 1024); i++)
    data[i] = (gfloat) (i % 61) / 61.0f - 0.4f;
  for (gsize done = 1024, count; done < n && !is_cancelled (plan);
       done += count) {
    count = MIN (MIN (done, n - done), COPIED_AT_ONCE);
    memcpy (data + done, data, count * sizeof *data);
  }
  return data;
}

/* Operands of a primitive. */
typedef struct {
  guint n;
  dnnl_exec_arg_t args[12];
  gpointer data[12];
  gsize sizes[12]; /* bytes */
} Scratch;

static gboolean
scratch_add (Scratch *s, UnetPlan *plan, gint arg, UnetConstMd md)
{
  gsize size = md ? unet_md_size (md) : 0;
  gpointer data;

  if (size == 0)
    return TRUE;
  if (s->n >= G_N_ELEMENTS (s->args) || !(data = scratch_memory (plan, size)))
    return FALSE;
  s->data[s->n] = data;
  s->sizes[s->n] = size;
  s->args[s->n].arg = arg;
  s->args[s->n].memory = NULL;
  return dnnl_memory_create (&s->args[s->n++].memory, md, plan->engine, data)
      == dnnl_success;
}

static void
scratch_clear (Scratch *s)
{
  for (guint i = 0; i < s->n; i++) {
    if (s->args[i].memory)
      dnnl_memory_destroy (s->args[i].memory);
    unet_memory_release (s->data[i], s->sizes[i]);
  }
}

/* Nanoseconds that a plan may measure; then each candidate runs only twice. */
#define PLAN_NS G_GUINT64_CONSTANT (2000000000)
/* Nanoseconds that one candidate is repeated. */
#define CANDIDATE_NS G_GUINT64_CONSTANT (2000000)

/* Returns the nanoseconds to repeat a candidate. */
static guint64
candidate_limit (UnetPlan *plan)
{
  guint64 now = unet_clock_ns (CLOCK_MONOTONIC);

  if (plan->timing_start == 0)
    plan->timing_start = now;
  return now - plan->timing_start < PLAN_NS ? CANDIDATE_NS : 0;
}

#define RUNS 9
/* Runs that may lose time slices before the machine counts as busy. */
#define SPOILT_RUNS 6

/* Returns the least time of a few runs. The first run warms up. A slow
 * candidate runs less often; a run that lost time slices is repeated. On a busy
 * machine the result says little: then plan->times_alone is set. */
static guint64
measure_team (UnetPlan *plan, void (*run) (gpointer), gpointer data)
{
  guint64 best = UNET_TIME_NEVER, total = 0;
  guint64 limit = candidate_limit (plan);

  for (guint i = 0, spoilt = 0;
       i < RUNS && (i < 2 || total < limit) && !is_cancelled (plan); i++) {
    glong lost = unet_clock_lost_slices ();
    guint64 ns = unet_clock_ns (CLOCK_MONOTONIC);

    run (data);
    ns = unet_clock_ns (CLOCK_MONOTONIC) - ns;
    best = MIN (best, ns);
    if (unet_clock_lost_slices () == lost || limit == 0)
      total += i > 0 ? ns : 0;
    else if (++spoilt < SPOILT_RUNS)
      i--;
    else
      plan->times_alone = TRUE;
  }
  return best;
}

/* Returns the part of one thread in the least time of a few runs that the
 * calling thread does alone. Only the time counts in which it has a processor,
 * so other busy threads matter little. */
static guint64
measure_alone (UnetPlan *plan, void (*run) (gpointer), gpointer data)
{
  guint64 best = UNET_TIME_NEVER, total = 0;
  guint64 limit = candidate_limit (plan);
  guint threads = unet_parallel_get_threads ();

  unet_parallel_set_threads (1);
  for (guint i = 0;
       i < RUNS && (i < 2 || total < limit) && !is_cancelled (plan); i++) {
    guint64 ns = unet_clock_ns (CLOCK_THREAD_CPUTIME_ID);

    run (data);
    ns = unet_clock_ns (CLOCK_THREAD_CPUTIME_ID) - ns;
    best = MIN (best, ns);
    total += i > 0 ? ns : 0;
  }
  unet_parallel_set_threads (threads);
  return best == UNET_TIME_NEVER ? best : best / plan->options.threads;
}

typedef struct {
  UnetPlan *plan;
  dnnl_primitive_t primitive;
  const Scratch *scratch;
  gboolean failed;
} Execution;

static void
execute (gpointer data)
{
  Execution *e = data;

  e->failed |= dnnl_primitive_execute (e->primitive, e->plan->stream,
                   e->scratch->n, e->scratch->args)
      != dnnl_success;
}

static gboolean
scratch_init (Scratch *s, UnetPlan *plan, const_dnnl_primitive_desc_t pd)
{
  static const struct {
    gint arg;
    dnnl_query_t what;
  } operands[] = {
    { DNNL_ARG_SRC, dnnl_query_src_md },
    { DNNL_ARG_WEIGHTS, dnnl_query_weights_md },
    { DNNL_ARG_DST, dnnl_query_dst_md },
    { DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md },
  };
  UnetConstMd bias = unet_pd_md (pd, dnnl_query_weights_md, 1);

  for (guint i = 0; i < G_N_ELEMENTS (operands); i++)
    if (!scratch_add (
            s, plan, operands[i].arg, unet_pd_md (pd, operands[i].what, 0)))
      return FALSE;
  /* The factors of int8 have the size of the bias; f32 ignores them. */
  return !bias
      || (scratch_add (s, plan, DNNL_ARG_BIAS, bias)
          && (!unet_channel_scales_arg ()
              || scratch_add (s, plan, unet_channel_scales_arg (), bias)));
}

/* Adds weights and bias of a depthwise convolution behind the one of @pd. */
static gboolean
scratch_add_depthwise (
    Scratch *s, UnetPlan *plan, const_dnnl_primitive_desc_t pd)
{
  const gint args[] = { DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_WEIGHTS,
    DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_BIAS };

  for (guint i = 0; i < G_N_ELEMENTS (args); i++)
    if (!scratch_add (
            s, plan, args[i], unet_pd_md (pd, dnnl_query_exec_arg_md, args[i])))
      return FALSE;
  return TRUE;
}

/* Adds an operand of the output's size for each binary post-op. */
static gboolean
scratch_add_post_ops (Scratch *s, UnetPlan *plan,
    const_dnnl_primitive_desc_t pd, const_dnnl_post_ops_t ops)
{
  for (int i = 0; ops && i < dnnl_post_ops_len (ops); i++)
    if (dnnl_post_ops_get_kind (ops, i) == dnnl_binary
        && !scratch_add (s, plan,
            DNNL_ARG_ATTR_MULTIPLE_POST_OP (i) | DNNL_ARG_SRC_1,
            unet_pd_md (pd, dnnl_query_dst_md, 0)))
      return FALSE;
    else if (dnnl_post_ops_get_kind (ops, i) == dnnl_convolution
        && !scratch_add_depthwise (s, plan, pd))
      return FALSE;
  return TRUE;
}

/* Replaces the primitive, which makes a team, by one for one thread. */
static void
time_without_team (Execution *e, const_dnnl_primitive_desc_t pd, guint64 *ns)
{
  guint threads = unet_parallel_get_threads ();
  dnnl_primitive_desc_t again;
  dnnl_primitive_t primitive;

  unet_parallel_set_threads (1);
  again = unet_pd_again (pd, e->plan->engine);
  unet_parallel_set_threads (threads);
  if (!again)
    return;
  if (unet_headroom_create_primitive (&primitive, again) == dnnl_success) {
    dnnl_primitive_destroy (e->primitive);
    e->primitive = primitive;
    *ns = measure_alone (e->plan, execute, e);
  }
  dnnl_primitive_desc_destroy (again);
}

static guint64
time_primitive (
    UnetPlan *plan, const_dnnl_primitive_desc_t pd, const_dnnl_post_ops_t ops)
{
  Scratch s = { 0 };
  Execution e = { plan, NULL, &s, FALSE };
  guint64 ns = UNET_TIME_NEVER;

  if (unet_headroom_create_primitive (&e.primitive, pd) == dnnl_success
      && scratch_init (&s, plan, pd)
      && scratch_add_post_ops (&s, plan, pd, ops)) {
    if (!plan->times_alone)
      ns = measure_team (plan, execute, &e);
    if (plan->times_alone)
      time_without_team (&e, pd, &ns);
  }
  scratch_clear (&s);
  if (e.primitive)
    dnnl_primitive_destroy (e.primitive);
  return e.failed ? UNET_TIME_NEVER : ns;
}

gboolean
unet_timing_is_known (const UnetPlan *plan, const gchar *key, guint64 *ns)
{
  if (plan->time_source) {
    *ns = plan->time_source->get_time (plan->time_source, key);
    return TRUE;
  }
  if (recall (key, ns))
    return TRUE;
  *ns = UNET_TIME_NEVER;
  return is_cancelled (plan);
}

/* A cancelled measurement has no time: the next plan must measure again. */
void
unet_timing_remember (const UnetPlan *plan, const gchar *key, guint64 ns)
{
  if (is_cancelled (plan))
    return;
  remember (key, ns, FALSE);
  collect (key, ns);
}

guint64
unet_timing_measure_primitive (UnetPlan *plan, const gchar *key,
    const_dnnl_primitive_desc_t pd, const_dnnl_post_ops_t ops)
{
  guint64 ns;

  if (!unet_timing_is_known (plan, key, &ns)) {
    ns = time_primitive (plan, pd, ops);
    unet_timing_remember (plan, key, ns);
  }
  return ns;
}

/* ---- kernels ------------------------------------------------------------- */

typedef struct {
  UnetKernel kernel;
  gconstpointer params;
  gpointer ptr[UNET_MAX_OPERANDS];
  guint threads;
} KernelTrial;

static void
run_kernel (gpointer data)
{
  KernelTrial *t = data;

  t->kernel (t->params, t->ptr, t->threads);
}

static guint64
time_kernel (UnetPlan *plan, UnetKernel kernel, gconstpointer params,
    const gsize *sizes, guint n)
{
  KernelTrial t = { kernel, params, { NULL }, plan->options.threads };
  guint64 ns = UNET_TIME_NEVER;
  gboolean ok = n <= UNET_MAX_OPERANDS;

  for (guint i = 0; ok && i < n; i++)
    ok = (t.ptr[i] = scratch_memory (plan, sizes[i])) != NULL;
  if (ok && !plan->times_alone)
    ns = measure_team (plan, run_kernel, &t);
  if (ok && plan->times_alone) {
    t.threads = 1;
    ns = measure_alone (plan, run_kernel, &t);
  }
  for (guint i = 0; i < MIN (n, UNET_MAX_OPERANDS); i++)
    unet_memory_release (t.ptr[i], sizes[i]);
  return ns;
}

guint64
unet_timing_measure_kernel (UnetPlan *plan, const gchar *key, UnetKernel kernel,
    gconstpointer params, const gsize *sizes, guint n)
{
  guint64 ns;

  if (!unet_timing_is_known (plan, key, &ns)) {
    ns = time_kernel (plan, kernel, params, sizes, n);
    unet_timing_remember (plan, key, ns);
  }
  return ns;
}
