/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

/* Runs a graph node by node with the operators' oracles. */

/* @inputs: one for each graph input, of its shape. Returns one tensor for
 * each output, or %NULL with @error set. */
GPtrArray *interpret (
    UnetGraph *graph, UnetTensor *const *inputs, GError **error);

/* The same by the engine: optimised and by its static rules, or as it is and
 * by the oracles. Leaves @graph alone. */
GPtrArray *run_plan (UnetGraph *graph, UnetTensor *const *inputs,
    gboolean optimize, GError **error);

/* A tensor of @value's shape with reproducible noise in [low, high]. */
UnetTensor *random_tensor (
    const UnetValue *value, guint32 seed, gdouble low, gdouble high);

/* Largest difference over largest magnitude of @expected; infinite where
 * shapes or types differ. NaN equals NaN. */
gdouble relative_error (const UnetTensor *expected, const UnetTensor *actual);

/* Largest violation of |a - e| <= atol + rtol |e|, as a factor. */
gdouble tolerance_ratio (const UnetTensor *expected, const UnetTensor *actual,
    gdouble rtol, gdouble atol);
