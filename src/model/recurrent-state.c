/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/recurrent-state.h"
#include "model/model.h"
#include "model/tensors.h"
#include "graph/ops/infer.h"
#include <string.h>

static gboolean
fail (GError **error, const gchar *model, UnetError code, const gchar *format,
    const gchar *what)
{
  g_autofree gchar *message = g_strdup_printf (format, what);

  g_set_error (error, UNET_ERROR, (gint) code, "%s: %s", model, message);
  return FALSE;
}

/* ---- pairs ------------------------------------------------------------ */

/* TensorFlow's names hold colons, so that every colon is tried. */
static gboolean
split (const UnetModel *model, const gchar *text, UnetStatePair *pair)
{
  for (const gchar *at = strchr (text, ':'); at; at = strchr (at + 1, ':')) {
    g_autofree gchar *name = g_strndup (text, (gsize) (at - text));
    gint input = unet_model_find_input_index (model, name);
    gint output = unet_model_find_output_index (model, at + 1);

    if (input >= 0 && output >= 0) {
      *pair = (UnetStatePair){ (guint) input, (guint) output };
      return TRUE;
    }
  }
  return FALSE;
}

UnetStatePair *
unet_state_find (const UnetModel *model, const UnetContract *contract, guint *n,
    GError **error)
{
  guint n_texts = contract->state ? g_strv_length (contract->state) : 0;
  UnetStatePair *pairs = g_new0 (UnetStatePair, n_texts + 1);

  for (guint i = 0; i < n_texts; i++)
    if (!split (model, contract->state[i], &pairs[i])) {
      fail (error, model->name, UNET_ERROR_CONTRACT,
          "state: '%s' is not an input and an output with a colon between",
          contract->state[i]);
      g_free (pairs);
      return NULL;
    }
  *n = n_texts;
  return pairs;
}

static gboolean
same_kind (const UnetTensorInfo *a, const UnetTensorInfo *b)
{
  if (a->dtype != b->dtype)
    return FALSE;
  if (a->n_dims == 0 || b->n_dims == 0) /* not known, or one number */
    return TRUE;
  if (a->n_dims != b->n_dims)
    return FALSE;
  for (guint i = 0; i < a->n_dims; i++)
    if (a->dims[i] >= 0 && b->dims[i] >= 0 && a->dims[i] != b->dims[i])
      return FALSE;
  return TRUE;
}

static gboolean
check_pairs (
    const UnetModel *model, const UnetContract *contract, GError **error)
{
  g_autofree UnetStatePair *pairs = NULL;
  guint n;

  pairs = unet_state_find (model, contract, &n, error);
  for (guint i = 0; pairs && i < n; i++) {
    const UnetTensorInfo *in = &model->inputs[pairs[i].input];

    if (!strcmp (in->name, contract->input))
      return fail (error, model->name, UNET_ERROR_CONTRACT,
          "state: input '%s' takes the picture", in->name);
    if (!same_kind (in, &model->outputs[pairs[i].output]))
      return fail (error, model->name, UNET_ERROR_CONTRACT,
          "state: the two of '%s' differ in type or shape", contract->state[i]);
    for (guint k = 0; k < i; k++)
      if (pairs[k].input == pairs[i].input)
        return fail (error, model->name, UNET_ERROR_CONTRACT,
            "state: input '%s' is there twice", in->name);
  }
  return pairs != NULL;
}

/* ---- by name ---------------------------------------------------------- */

/* How exporters name a state before and after: `r1i` and `r1o`, `h_in` and
 * `h_out`, `past_key` and `present_key`. The rest of the name is the same. */
static const struct {
  gboolean prefix;
  const gchar *before, *after;
} habits[] = {
  { FALSE, "_in", "_out" },
  { FALSE, "_input", "_output" },
  { FALSE, "_i", "_o" },
  { FALSE, "i", "o" },
  { FALSE, "in", "out" },
  { FALSE, "_prev", "_next" },
  { FALSE, "", "_out" },
  { FALSE, "", "_next" },
  { FALSE, "", "_new" },
  { TRUE, "in_", "out_" },
  { TRUE, "input_", "output_" },
  { TRUE, "past_", "present_" },
  { TRUE, "prev_", "next_" },
  { TRUE, "", "next_" },
  { TRUE, "", "new_" },
  { TRUE, "", "out_" },
};

static gboolean
names_match (const gchar *input, const gchar *output)
{
  for (guint i = 0; i < G_N_ELEMENTS (habits); i++) {
    gsize b = strlen (habits[i].before), a = strlen (habits[i].after);
    gsize n = strlen (input), m = strlen (output);

    if (n <= b || m <= a || n - b != m - a)
      continue;
    if (habits[i].prefix ? !strncmp (input, habits[i].before, b)
                && !strncmp (output, habits[i].after, a)
                && !strcmp (input + b, output + a)
                         : !strcmp (input + n - b, habits[i].before)
                && !strcmp (output + m - a, habits[i].after)
                && !strncmp (input, output, n - b))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_constant_input (const UnetContract *contract, const gchar *name)
{
  for (guint i = 0; contract->constants && contract->constants[i]; i++)
    if (g_str_has_prefix (contract->constants[i], name)
        && contract->constants[i][strlen (name)] == ':')
      return TRUE;
  return FALSE;
}

static void
guess_pairs (const UnetModel *model, UnetContract *contract)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();

  for (guint i = 0; i < model->graph->inputs->len; i++) {
    const UnetTensorInfo *in = &model->inputs[i];

    if (!strcmp (in->name, contract->input)
        || is_constant_input (contract, in->name))
      continue;
    for (guint k = 0; k < model->graph->outputs->len; k++) {
      const UnetTensorInfo *out = &model->outputs[k];
      g_autofree gchar *pair = NULL;

      if (!strcmp (out->name, contract->output) || !same_kind (in, out)
          || !names_match (in->name, out->name))
        continue;
      pair = g_strconcat (in->name, ":", out->name, NULL);
      g_strv_builder_add (found, pair);
      break;
    }
  }
  contract->state = g_strv_builder_end (found);
}

/* ---- constants -------------------------------------------------------- */

static gboolean
parse_constant (const gchar *text, gchar **name, gdouble *number)
{
  const gchar *colon = strrchr (text, ':');
  gchar *end;

  if (!colon || colon == text)
    return FALSE;
  *number = g_ascii_strtod (colon + 1, &end);
  if (end == colon + 1 || *end)
    return FALSE;
  *name = g_strndup (text, (gsize) (colon - text));
  return TRUE;
}

static gboolean
check_constants (
    const UnetModel *model, const UnetContract *contract, GError **error)
{
  for (guint i = 0; contract->constants && contract->constants[i]; i++) {
    const gchar *text = contract->constants[i];
    g_autofree gchar *name = NULL;
    gdouble number;
    gint input = -1;

    if (parse_constant (text, &name, &number))
      input = unet_model_find_input_index (model, name);
    if (input < 0 || !strcmp (name, contract->input))
      return fail (error, model->name, UNET_ERROR_CONTRACT,
          "constants: '%s' is not an input beside the picture, a "
          "colon and a number",
          text);
    if (model->inputs[input].dtype != UNET_DTYPE_F32
        && model->inputs[input].dtype != UNET_DTYPE_I64
        && model->inputs[input].dtype != UNET_DTYPE_I32)
      return fail (error, model->name, UNET_ERROR_CONTRACT,
          "constants: input '%s' takes no numbers", name);
  }
  return TRUE;
}

gboolean
unet_state_resolve (
    const UnetModel *model, UnetContract *contract, GError **error)
{
  if (!check_constants (model, contract, error))
    return FALSE;
  if (!contract->state)
    guess_pairs (model, contract);
  return check_pairs (model, contract, error);
}

static void
fill (UnetTensor *tensor, gdouble number)
{
  for (gsize i = 0; i < tensor->n_elements; i++)
    if (tensor->dtype == UNET_DTYPE_F32)
      ((gfloat *) tensor->data)[i] = (gfloat) number;
    else if (tensor->dtype == UNET_DTYPE_I64)
      ((gint64 *) tensor->data)[i] = (gint64) number;
    else
      ((gint32 *) tensor->data)[i] = (gint32) number;
}

static void
close_dims (UnetValue *value)
{
  for (guint i = 0; i < value->n_dims; i++)
    if (value->dims[i] < 0)
      value->dims[i] = 1;
  value->has_shape = TRUE;
}

void
unet_constants_bind (UnetGraph *graph, const UnetContract *contract)
{
  for (guint i = 0; contract->constants && contract->constants[i]; i++) {
    g_autofree gchar *name = NULL;
    gdouble number;

    if (!parse_constant (contract->constants[i], &name, &number))
      continue;
    for (guint k = 0; k < graph->inputs->len; k++) {
      UnetValue *v = g_ptr_array_index (graph->inputs, k);
      UnetTensor *tensor;

      if (strcmp (v->name, name))
        continue;
      close_dims (v);
      tensor = unet_tensor_new (v->dtype, v->n_dims, v->dims);
      if (!tensor)
        continue;
      fill (tensor, number);
      unet_graph_replace_value (
          graph, v, unet_graph_add_constant (graph, name, tensor));
    }
  }
}

void
unet_spare_inputs_bind (UnetGraph *graph, const UnetContract *contract)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (graph->inputs, i);
    if (v->has_shape && strcmp (v->name, contract->input))
      close_dims (v);
  }
}

/* ---- shapes ----------------------------------------------------------- */

static UnetValue *
input_of (const UnetGraph *graph, const UnetStatePair *pair)
{
  return g_ptr_array_index (graph->inputs, pair->input);
}

static gboolean
is_known (const UnetValue *value)
{
  for (guint i = 0; i < value->n_dims; i++)
    if (value->dims[i] < 0)
      return FALSE;
  return value->has_shape;
}

static gboolean
all_known (const UnetGraph *graph, const UnetStatePair *pairs, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!is_known (input_of (graph, &pairs[i])))
      return FALSE;
  return TRUE;
}

/* Gives the state inputs the shapes that a run returns for their present ones.
 * *@moved: whether one differs. */
static gboolean
step (UnetGraph *graph, const UnetStatePair *pairs, guint n, gboolean *moved)
{
  UnetGraph *copy = unet_graph_copy (graph);
  gboolean ok = unet_graph_infer (copy, NULL);

  *moved = FALSE;
  for (guint i = 0; ok && i < n; i++) {
    const UnetValue *out = g_ptr_array_index (copy->outputs, pairs[i].output);
    UnetValue *in = input_of (graph, &pairs[i]);

    ok = is_known (out);
    if (!ok
        || (in->has_shape && in->n_dims == out->n_dims
            && !memcmp (in->dims, out->dims, in->n_dims * sizeof *in->dims)))
      continue;
    unet_value_set_shape (in, in->dtype, out->n_dims, out->dims);
    *moved = TRUE;
  }
  unet_graph_free (copy);
  return ok;
}

static gboolean
find_fixed_point (UnetGraph *graph, const UnetStatePair *pairs, guint n)
{
  gboolean moved = TRUE;

  for (guint i = 0; moved && i < 3; i++)
    if (!step (graph, pairs, n, &moved))
      return FALSE;
  return !moved;
}

/* With open states a run's shapes may follow from the picture alone. Where they
 * do not, a state of one element stands for none, as in the first frame of
 * Robust Video Matting (Lin et al. 2022), which broadcasts it. */
gboolean
unet_state_bind (
    UnetGraph *graph, const UnetStatePair *pairs, guint n, GError **error)
{
  UnetGraph *open;
  gboolean ok;

  if (all_known (graph, pairs, n))
    return TRUE;
  open = unet_graph_copy (graph);
  ok = find_fixed_point (open, pairs, n);
  if (!ok) {
    unet_graph_free (open);
    open = unet_graph_copy (graph);
    for (guint i = 0; i < n; i++)
      close_dims (input_of (open, &pairs[i]));
    ok = find_fixed_point (open, pairs, n);
  }
  for (guint i = 0; ok && i < n; i++) {
    const UnetValue *from = input_of (open, &pairs[i]);
    unet_value_set_shape (
        input_of (graph, &pairs[i]), from->dtype, from->n_dims, from->dims);
  }
  unet_graph_free (open);
  if (!ok)
    return fail (error, graph->name, UNET_ERROR_SHAPE,
        "state: the shape of input '%s' does not follow from the "
        "picture's",
        input_of (graph, &pairs[0])->name);
  return TRUE;
}
