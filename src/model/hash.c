/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"
#include "model/hash.h"
#include "model/model.h"
#include <string.h>

/* The hash covers nodes, names, attributes and weights, not the file. */

static void
add_text (GChecksum *sum, const gchar *text)
{
  g_checksum_update (
      sum, (const guchar *) (text ? text : ""), (text ? strlen (text) : 0) + 1);
}

static void
add_bytes (GChecksum *sum, gconstpointer data, gsize size)
{
  if (size > 0)
    g_checksum_update (sum, data, size);
}

static void
add_tensor (GChecksum *sum, const UnetTensor *t)
{
  guint32 head[2] = { t->dtype, t->n_dims };

  add_bytes (sum, head, sizeof head);
  add_bytes (sum, t->dims, t->n_dims * sizeof *t->dims);
  add_bytes (sum, t->data, t->n_elements * unet_dtype_size (t->dtype));
}

static void
add_attr (GChecksum *sum, const UnetAttr *a)
{
  guint32 type = a->type;

  add_text (sum, a->name);
  add_bytes (sum, &type, sizeof type);
  add_bytes (sum, &a->f, sizeof a->f);
  add_bytes (sum, &a->i, sizeof a->i);
  add_text (sum, a->s);
  if (a->floats)
    add_bytes (sum, a->floats, a->n * sizeof *a->floats);
  if (a->ints)
    add_bytes (sum, a->ints, a->n * sizeof *a->ints);
  if (a->tensor)
    add_tensor (sum, a->tensor);
}

static void
add_values (GChecksum *sum, const GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++) {
    const UnetValue *v = g_ptr_array_index (values, i);

    add_text (sum, v ? v->name : NULL);
    if (v && v->constant)
      add_tensor (sum, v->constant);
  }
  add_text (sum, NULL);
}

static gchar *
hash_graph (const UnetGraph *graph)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *text;

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);

    add_text (sum, unet_op_name (node->op));
    add_text (sum, node->name);
    add_values (sum, node->inputs);
    add_values (sum, node->outputs);
    for (guint k = 0; k < node->attrs->len; k++)
      add_attr (sum, g_ptr_array_index (node->attrs, k));
  }
  add_values (sum, graph->inputs);
  add_values (sum, graph->outputs);
  text = g_strdup (g_checksum_get_string (sum));
  g_checksum_free (sum);
  return text;
}

const gchar *
unet_model_get_hash (UnetModel *model)
{
  static GMutex lock;

  g_mutex_lock (&lock);
  if (!model->hash)
    model->hash = hash_graph (model->graph);
  g_mutex_unlock (&lock);
  return model->hash;
}
