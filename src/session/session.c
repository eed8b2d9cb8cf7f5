/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/session.h"
#include "base/tensor-info.h"
#include "engine/compile.h"
#include "engine/onednn/engine.h"
#include "engine/run/headroom.h"
#include "graph/analysis/receptive-field.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"
#include "graph/passes/quantization.h"
#include "model/model.h"
#include "model/recurrent-state.h"
#include "model/tensors.h"
#include <string.h>

struct _UnetSession {
  gatomicrefcount ref_count;
  UnetModel *model;
  UnetPlan *plan;
  UnetTensorInfo *inputs, *outputs; /* names are the plan's graph's */
  guint n_inputs, n_outputs;
  gdouble (*windows)[4]; /* x, y, width, height by output; width 0: none */
  UnetView *views;       /* by output */
  UnetStatePair *states; /* fed back from run to run */
  guint n_states;
  UnetPrecision precision;
  gchar *note; /* (nullable): why it is not the one asked for */
};

G_DEFINE_BOXED_TYPE (
    UnetSession, unet_session, unet_session_ref, unet_session_unref)

/* ---- shapes -------------------------------------------------------------- */

static gboolean
bind_input (UnetGraph *graph, UnetValue *value, const UnetTensorInfo *shape,
    GError **error)
{
  gboolean fits = shape->n_dims == value->n_dims || !value->has_shape;

  for (guint i = 0; fits && value->has_shape && i < shape->n_dims; i++)
    fits = value->dims[i] < 0 || value->dims[i] == shape->dims[i];
  if (!fits) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "%s: input '%s' does not take this shape", graph->name, value->name);
    return FALSE;
  }
  unet_value_set_shape (value, value->dtype, shape->n_dims, shape->dims);
  return TRUE;
}

static gboolean
bind_inputs (UnetGraph *graph, const UnetTensorInfo *shapes, guint n_shapes,
    GError **error)
{
  for (guint i = 0; i < n_shapes; i++) {
    UnetValue *found = NULL;

    for (guint k = 0; k < graph->inputs->len; k++) {
      UnetValue *v = g_ptr_array_index (graph->inputs, k);
      if (g_strcmp0 (v->name, shapes[i].name) == 0)
        found = v;
    }
    if (!found) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
          "%s: no input is called '%s'", graph->name, shapes[i].name);
      return FALSE;
    }
    if (!bind_input (graph, found, &shapes[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_inputs (UnetGraph *graph, GError **error)
{
  for (guint k = 0; k < graph->inputs->len; k++) {
    UnetValue *v = g_ptr_array_index (graph->inputs, k);

    for (guint d = 0; d < v->n_dims; d++)
      if (v->dims[d] < 0) {
        g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
            "%s: the size of input '%s' is open and must be given", graph->name,
            v->name);
        return FALSE;
      }
  }
  return TRUE;
}

/* ---- descriptions -------------------------------------------------------- */

static UnetTensorInfo *
describe (GPtrArray *values, guint *n)
{
  UnetTensorInfo *infos = g_new0 (UnetTensorInfo, values->len + 1);

  for (guint i = 0; i < values->len; i++) {
    UnetValue *v = g_ptr_array_index (values, i);

    infos[i].name = v->name;
    infos[i].dtype = v->dtype;
    infos[i].n_dims = v->n_dims;
    memcpy (infos[i].dims, v->dims, sizeof infos[i].dims);
  }
  *n = values->len;
  return infos;
}

/* Returns the picture input and the axis of its channels. Without a contract
 * it is the first input of rank 4, and the shape tells the axis. */
static UnetValue *
find_picture (
    UnetGraph *graph, const UnetContract *contract, gint *channel_axis)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (graph->inputs, i);
    gboolean nhwc;

    if (v->n_dims != 4
        || (contract && contract->input && strcmp (v->name, contract->input)))
      continue;
    nhwc = contract && contract->layout != UNET_LAYOUT_AUTO
        ? contract->layout == UNET_LAYOUT_NHWC
        : v->dims[3] <= 4 && v->dims[1] > 4;
    *channel_axis = nhwc ? 3 : 1;
    return v;
  }
  return NULL;
}

static void
find_views (UnetSession *self, UnetGraph *graph, const UnetValue *in,
    const UnetGeometry *geometry)
{
  UnetReach *reach = g_new0 (UnetReach, graph->values->len + 1);
  gint64 grid[2];

  unet_graph_reach (graph, in, geometry, reach);
  unet_graph_grid (graph, geometry, grid);
  for (guint i = 0; i < graph->outputs->len; i++) {
    UnetValue *v = g_ptr_array_index (graph->outputs, i);
    UnetView *view = &self->views[i];

    view->geometry = geometry[v->id];
    view->reach = reach[v->id];
    memcpy (view->grid, grid, sizeof grid);
  }
  g_free (reach);
}

static void
find_windows (UnetSession *self, UnetGraph *graph, const UnetContract *contract)
{
  gint axis = 1;
  UnetValue *in = find_picture (graph, contract, &axis);
  UnetGeometry *geometry = g_new0 (UnetGeometry, graph->values->len + 1);

  self->windows = g_malloc0_n (graph->outputs->len + 1, sizeof *self->windows);
  self->views = g_new0 (UnetView, graph->outputs->len + 1);
  if (in) {
    unet_graph_geometry (graph, in, axis, geometry);
    find_views (self, graph, in, geometry);
  }
  for (guint i = 0; in && i < graph->outputs->len; i++) {
    UnetValue *v = g_ptr_array_index (graph->outputs, i);
    const UnetGeometry *g = &geometry[v->id];
    gdouble *w = self->windows[i];
    guint rows = axis == 1 ? 2 : 1;

    if (v->n_dims < 3)
      continue;
    if (!g->known) { /* taken to cover everything */
      w[2] = in->dims[rows + 1];
      w[3] = in->dims[rows];
      continue;
    }
    w[0] = g->offset[1];
    w[1] = g->offset[0];
    w[2] = g->scale[1] * g->extent[1];
    w[3] = g->scale[0] * g->extent[0];
  }
  g_free (geometry);
}

/* ---- creation ------------------------------------------------------------ */

static gboolean
bind_contract (UnetSession *self, UnetGraph *graph,
    const UnetContract *contract, GError **error)
{
  unet_constants_bind (graph, contract);
  self->states =
      unet_state_find (self->model, contract, &self->n_states, error);
  if (!self->states
      || !unet_state_bind (graph, self->states, self->n_states, error))
    return FALSE;
  unet_spare_inputs_bind (graph, contract);
  return TRUE;
}

static gboolean
check_states (UnetSession *self, UnetGraph *graph, GError **error)
{
  for (guint i = 0; i < self->n_states; i++) {
    UnetValue *in = g_ptr_array_index (graph->inputs, self->states[i].input);
    UnetValue *out = g_ptr_array_index (graph->outputs, self->states[i].output);

    if (in->dtype == out->dtype && in->n_dims == out->n_dims
        && !memcmp (in->dims, out->dims, in->n_dims * sizeof *in->dims))
      continue;
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: state: input '%s' does not take what output '%s' gives",
        graph->name, in->name, out->name);
    return FALSE;
  }
  return TRUE;
}

static UnetGraph *
prepare_graph (UnetSession *self, const UnetContract *contract,
    const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, gboolean narrow, GError **error)
{
  UnetGraph *graph = unet_graph_copy (unet_model_get_graph (self->model));

  if (!bind_inputs (graph, shapes, n_shapes, error))
    goto failed;
  if (contract && !bind_contract (self, graph, contract, error))
    goto failed;
  if (!check_inputs (graph, error) || !unet_graph_infer (graph, error)
      || !check_states (self, graph, error))
    goto failed;
  find_windows (self, graph, contract);
  if (narrow && unet_model_is_quantized (self->model))
    unet_graph_take_ranges (graph);
  if (g_cancellable_set_error_if_cancelled (options->cancellable, error))
    goto failed;
  if (options->tuning != UNET_TUNING_REFERENCE)
    unet_graph_optimize (graph);
  return graph;

failed:
  unet_graph_free (graph);
  return NULL;
}

static UnetPlan *
make_plan (UnetGraph *graph, const UnetSessionOptions *options,
    const UnetSessionPurpose *purpose, GError **error)
{
  const UnetCompileOptions compile = { purpose->narrowing, purpose->histograms,
    NULL, purpose->times_run };

  return unet_plan_new (graph, options, &compile, error);
}

UnetSession *
unet_session_compile (UnetModel *model, const UnetContract *contract,
    const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, const UnetSessionPurpose *purpose,
    GError **error)
{
  UnetSession *self = g_new0 (UnetSession, 1);
  UnetGraph *graph;

  g_atomic_ref_count_init (&self->ref_count);
  self->model = unet_model_ref (model);
  self->precision = !purpose->narrowing ? UNET_PRECISION_F32
      : purpose->narrowing->bf16        ? UNET_PRECISION_BF16
                                        : UNET_PRECISION_INT8;
  graph = prepare_graph (self, contract, shapes, n_shapes, options,
      purpose->narrowing != NULL, error);
  if (graph) {
    self->inputs = describe (graph->inputs, &self->n_inputs);
    self->outputs = describe (graph->outputs, &self->n_outputs);
    self->plan = make_plan (graph, options, purpose, error);
  }
  if (!self->plan)
    g_clear_pointer (&self, unet_session_unref);
  return self;
}

UnetSession *
unet_session_ref (UnetSession *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
unet_session_unref (UnetSession *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  unet_plan_free (self->plan);
  unet_model_unref (self->model);
  g_free (self->inputs);
  g_free (self->outputs);
  g_free (self->windows);
  g_free (self->views);
  g_free (self->states);
  g_free (self->note);
  g_free (self);
}

guint64
unet_session_get_run_time (const UnetSession *self)
{
  return self->plan->run_ns;
}

gboolean
unet_session_is_shared (UnetSession *self)
{
  return !g_atomic_ref_count_compare (&self->ref_count, 1);
}

/* ---- use ----------------------------------------------------------------- */

UnetModel *
unet_session_get_model (UnetSession *self)
{
  return self->model;
}

const UnetTensorInfo *
unet_session_get_input_info (UnetSession *self, guint index)
{
  g_return_val_if_fail (index < self->n_inputs, NULL);
  return &self->inputs[index];
}

const UnetTensorInfo *
unet_session_get_output_info (UnetSession *self, guint index)
{
  g_return_val_if_fail (index < self->n_outputs, NULL);
  return &self->outputs[index];
}

gpointer
unet_session_get_input_data (UnetSession *self, guint index)
{
  g_return_val_if_fail (index < self->n_inputs, NULL);
  return unet_plan_get_input (self->plan, index);
}

gconstpointer
unet_session_get_output_data (UnetSession *self, guint index)
{
  g_return_val_if_fail (index < self->n_outputs, NULL);
  return unet_plan_get_output (self->plan, index);
}

gboolean
unet_session_set_input (
    UnetSession *self, guint index, GBytes *bytes, GError **error)
{
  gsize size, wanted;
  gconstpointer data;

  g_return_val_if_fail (index < self->n_inputs && bytes != NULL, FALSE);
  wanted = unet_tensor_info_size (&self->inputs[index]);
  data = g_bytes_get_data (bytes, &size);
  if (size != wanted) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "%s: input '%s' takes %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT,
        unet_model_get_name (self->model), self->inputs[index].name, wanted,
        size);
    return FALSE;
  }
  if (size > 0)
    memcpy (unet_plan_get_input (self->plan, index), data, size);
  return TRUE;
}

GBytes *
unet_session_dup_output (UnetSession *self, guint index)
{
  g_return_val_if_fail (index < self->n_outputs, NULL);
  return g_bytes_new (unet_plan_get_output (self->plan, index),
      unet_tensor_info_size (&self->outputs[index]));
}

guint
unet_session_count_threads (guint threads)
{
  return unet_headroom_count_threads (threads);
}

void
unet_session_clear_inputs (UnetSession *self)
{
  for (guint i = 0; i < self->n_inputs; i++)
    memset (unet_plan_get_input (self->plan, i), 0,
        unet_tensor_info_size (&self->inputs[i]));
}

gboolean
unet_session_get_output_window (UnetSession *self, guint index, gdouble *x,
    gdouble *y, gdouble *width, gdouble *height)
{
  g_return_val_if_fail (index < self->n_outputs, FALSE);
  *x = self->windows[index][0];
  *y = self->windows[index][1];
  *width = self->windows[index][2];
  *height = self->windows[index][3];
  return *width > 0 && *height > 0;
}

const UnetView *
unet_session_get_view (const UnetSession *self, guint index)
{
  return &self->views[index];
}

gboolean
unet_session_run (UnetSession *self, GError **error)
{
  return unet_plan_run (self->plan, error);
}

void
unet_session_set_cancellable (UnetSession *self, GCancellable *cancellable)
{
  unet_plan_set_cancellable (self->plan, cancellable);
}

gboolean
unet_session_has_state (UnetSession *self)
{
  return self->n_states > 0;
}

void
unet_session_advance (UnetSession *self)
{
  for (guint i = 0; i < self->n_states; i++)
    memcpy (unet_plan_get_input (self->plan, self->states[i].input),
        unet_plan_get_output (self->plan, self->states[i].output),
        unet_tensor_info_size (&self->inputs[self->states[i].input]));
}

void
unet_session_reset_state (UnetSession *self)
{
  for (guint i = 0; i < self->n_states; i++)
    memset (unet_plan_get_input (self->plan, self->states[i].input), 0,
        unet_tensor_info_size (&self->inputs[self->states[i].input]));
}

guint
unet_session_get_threads (UnetSession *self)
{
  return unet_plan_get_threads (self->plan);
}

UnetPrecision
unet_session_get_precision (UnetSession *self)
{
  return self->precision;
}

void
unet_session_set_precision_note (UnetSession *self, const gchar *note)
{
  g_free (self->note);
  self->note = g_strdup (note);
}

const gchar *
unet_session_get_precision_note (UnetSession *self)
{
  return self->note;
}

const UnetGraph *
unet_session_get_graph (UnetSession *self)
{
  return unet_plan_get_graph (self->plan);
}

guint64
unet_session_get_flops (UnetSession *self)
{
  return unet_plan_get_flops (self->plan);
}

gsize
unet_session_get_arena_size (UnetSession *self, gsize *live)
{
  return unet_plan_get_arena_size (self->plan, live);
}

const UnetLayerInfo *
unet_session_get_layers (UnetSession *self, guint *n_layers)
{
  return unet_plan_get_layers (self->plan, n_layers);
}

const gchar *
unet_session_get_engine_name (void)
{
  return unet_engine_name ();
}

/* ---- types --------------------------------------------------------------- */

#define DEFINE_ENUM(Name, name, ...)                                           \
  GType name##_get_type (void)                                                 \
  {                                                                            \
    static gsize type;                                                         \
    static const GEnumValue values[] = { __VA_ARGS__, { 0, NULL, NULL } };     \
                                                                               \
    if (g_once_init_enter (&type))                                             \
      g_once_init_leave (&type, g_enum_register_static (#Name, values));       \
    return type;                                                               \
  }

DEFINE_ENUM (UnetPrecision, unet_precision,
    { UNET_PRECISION_AUTO, "UNET_PRECISION_AUTO", "auto" },
    { UNET_PRECISION_F32, "UNET_PRECISION_F32", "f32" },
    { UNET_PRECISION_BF16, "UNET_PRECISION_BF16", "bf16" },
    { UNET_PRECISION_INT8, "UNET_PRECISION_INT8", "int8" })

DEFINE_ENUM (UnetTuning, unet_tuning,
    { UNET_TUNING_STATIC, "UNET_TUNING_STATIC", "static" },
    { UNET_TUNING_MEASURE, "UNET_TUNING_MEASURE", "measure" },
    { UNET_TUNING_REFERENCE, "UNET_TUNING_REFERENCE", "reference" })
