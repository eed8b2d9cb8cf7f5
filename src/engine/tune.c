/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"
#include <stdlib.h>
#include <string.h>

/* ---- memory of times ----------------------------------------------------------- */

static GMutex lock;
static GHashTable *times; /* key -> guint64 nanoseconds, for the process */

gboolean
unet_tune_recall (const gchar *key, guint64 *ns)
{
  guint64 *known;

  g_mutex_lock (&lock);
  known = times ? g_hash_table_lookup (times, key) : NULL;
  if (known)
    *ns = *known;
  g_mutex_unlock (&lock);
  return known != NULL;
}

void
unet_tune_remember (const gchar *key, guint64 ns)
{
  g_mutex_lock (&lock);
  if (!times)
    times = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (times, g_strdup (key), g_memdup2 (&ns, sizeof ns));
  g_mutex_unlock (&lock);
}

/* ---- measuring ---------------------------------------------------------- */

/* Scratch operands of a primitive: memory of the right size with plausible
 * numbers, since zeros and denormals run at another speed. */
typedef struct {
  guint n;
  dnnl_exec_arg_t args[12];
  gpointer data[12];
} Scratch;

static gboolean
scratch_add (Scratch *s, UnetPlan *plan, gint arg, UnetConstMd md)
{
  gsize size = md ? unet_md_size (md) : 0;
  gfloat *data = NULL;

  if (size == 0)
    return TRUE;
  if (s->n >= G_N_ELEMENTS (s->args)
      || posix_memalign ((gpointer *) &data, 64, size))
    return FALSE;
  for (gsize i = 0; i < size / sizeof *data; i++)
    data[i] = (gfloat) (i % 61) / 61.0f - 0.4f;
  s->data[s->n] = data;
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
    free (s->data[i]);
  }
}

guint64
unet_tune_clock (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec * G_GUINT64_CONSTANT (1000000000) + t.tv_nsec;
}

static guint64
time_once (UnetPlan *plan, dnnl_primitive_t primitive, const Scratch *s)
{
  guint64 start = unet_tune_clock ();

  if (dnnl_primitive_execute (primitive, plan->stream, s->n, s->args)
      != dnnl_success)
    return G_MAXUINT64 / 1024;
  return unet_tune_clock () - start;
}

/* The least of a few runs; slow ones are not repeated much. */
static guint64
least_time (UnetPlan *plan, dnnl_primitive_t primitive, const Scratch *s)
{
  guint64 best = time_once (plan, primitive, s), total = 0;

  for (guint i = 0; i < 8 && total < 4 * 1000 * 1000; i++) {
    guint64 ns = time_once (plan, primitive, s);

    best = MIN (best, ns);
    total += ns;
  }
  return best;
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
    if (!scratch_add (s, plan, operands[i].arg,
            unet_pd_md (pd, operands[i].what, 0)))
      return FALSE;
  return !bias || scratch_add (s, plan, DNNL_ARG_BIAS, bias);
}

/* Binary post-ops read an operand of the output's size: the output's own
 * memory does for a measurement. */
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
  return TRUE;
}

guint64
unet_tune_time (UnetPlan *plan, const_dnnl_primitive_desc_t pd,
    const_dnnl_post_ops_t ops, const gchar *key)
{
  guint64 ns = G_MAXUINT64 / 1024;
  dnnl_primitive_t primitive = NULL;
  Scratch s = { 0 };

  if (unet_tune_recall (key, &ns))
    return ns;
  if (dnnl_primitive_create (&primitive, pd) == dnnl_success
      && scratch_init (&s, plan, pd)
      && scratch_add_post_ops (&s, plan, pd, ops))
    ns = least_time (plan, primitive, &s);
  scratch_clear (&s);
  if (primitive)
    dnnl_primitive_destroy (primitive);
  unet_tune_remember (key, ns);
  return ns;
}

/* ---- layouts ------------------------------------------------------------- */

/* A handful of channels would leave most of a block empty. */
static gboolean
is_thin (const UnetNode *node)
{
  return unet_node_input (node, 0)->dims[1] <= 4
      && unet_node_output (node, 0)->dims[1] <= 4;
}

void
unet_plan_choose_layouts (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    guint can = unet_node_layouts (plan, node);

    plan->layouts[i] = can & 1u << UNET_MEM_BLOCKED && !is_thin (node)
        ? UNET_MEM_BLOCKED : UNET_MEM_PLAIN;
  }
}

/* ---- homes --------------------------------------------------------------- */

static gboolean
can_live_in (const UnetPlan *plan, const UnetValue *value, gint64 channel,
    gboolean last)
{
  const UnetNode *p = value->producer;

  if (!p || value->constant || plan->homes[value->id].parent
      || channel % plan->block != 0
      || (!last && value->dims[1] % plan->block != 0))
    return FALSE;
  /* views of other memory cannot move */
  return p->op != UNET_OP_Transpose
      && !unet_graph_is_output (plan->graph, value)
      && unet_value_fits (plan, value, UNET_MEM_BLOCKED);
}

/* With batch 1 and blocked channels the inputs of a concatenation are
 * contiguous parts of its output: whoever makes them writes them there. */
void
unet_plan_find_homes (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    UnetValue *out = unet_node_output (node, 0);
    gint64 channel = 0, axis = unet_node_attr_int (node, "axis", 1);

    if (node->op != UNET_OP_Concat || plan->layouts[i] != UNET_MEM_BLOCKED
        || out->dims[0] != 1 || (axis != 1 && axis != -3))
      continue;
    for (guint k = 0; k < node->inputs->len; k++) {
      UnetValue *in = unet_node_input (node, k);

      if (can_live_in (plan, in, channel, k + 1 == node->inputs->len))
        plan->homes[in->id] = (UnetHome){ out, channel };
      channel += in->dims[1];
    }
  }
}
