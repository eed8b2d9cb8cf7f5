/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

/* Runs a graph node by node with the operators' oracles. */

/* @inputs: one for each graph input, of its shape. Returns one tensor for
 * each output, or %NULL with @error set. */
GPtrArray *interpret (
    UnetGraph *graph, UnetTensor *const *inputs, GError **error);

/* Runs the engine instead. @optimize: the graph is optimised and runs by static
 * rules, else unchanged and by the oracles. Leaves @graph unchanged. */
GPtrArray *run_plan (UnetGraph *graph, UnetTensor *const *inputs,
    gboolean optimize, GError **error);

/* Returns a tensor of @value's shape with reproducible noise in [low, high]. */
UnetTensor *random_tensor (
    const UnetValue *value, guint32 seed, gdouble low, gdouble high);

/* Returns the largest difference over the largest magnitude of @expected. It is
 * infinite if shapes or types differ. NaN equals NaN. */
gdouble relative_error (const UnetTensor *expected, const UnetTensor *actual);

/* Returns the largest violation of |a - e| <= atol + rtol |e|, as a factor. */
gdouble tolerance_ratio (const UnetTensor *expected, const UnetTensor *actual,
    gdouble rtol, gdouble atol);
