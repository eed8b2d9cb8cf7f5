/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiles an optimised graph of known shapes into a plan of oneDNN
 * primitives and kernels of ours over one arena, and runs it. Knows neither
 * ONNX nor GStreamer. */

#include <unetseg/unet-session.h>
#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct _UnetPlan UnetPlan;

/* Takes over @graph: inferred, every dimension known, optimised unless tuning
 * is REFERENCE. */
UnetPlan *unet_plan_new (
    UnetGraph *graph, const UnetSessionOptions *options, GError **error);

/* What may be computed in narrow numbers, and how large values get. */
typedef struct {
  gfloat low, high;
} UnetRange;
typedef struct {
  gboolean bf16;      /* instead of bytes; ranges do not matter then */
  GHashTable *ranges; /* (nullable): name of a value -> UnetRange; without
                       * them those that the values have count */
  GHashTable *wide;   /* (nullable): set of names of nodes that stay in f32 */
} UnetNarrowing;
/* As above; @narrowing (nullable) and what it refers to need to live during
 * the call only. */
UnetPlan *unet_plan_new_narrow (UnetGraph *graph,
    const UnetSessionOptions *options, const UnetNarrowing *narrowing,
    GError **error);
void unet_plan_free (UnetPlan *plan);

gboolean unet_plan_run (UnetPlan *plan, GError **error);
gpointer unet_plan_get_input (UnetPlan *plan, guint index);
gconstpointer unet_plan_get_output (UnetPlan *plan, guint index);

guint unet_plan_get_threads (UnetPlan *plan);
guint64 unet_plan_get_flops (UnetPlan *plan);
gsize unet_plan_get_arena_size (UnetPlan *plan, gsize *live);
const UnetLayerInfo *unet_plan_get_layers (UnetPlan *plan, guint *n_layers);

/* As it was compiled. */
const UnetGraph *unet_plan_get_graph (const UnetPlan *plan);

/* Does the processor multiply bfloat16, or bytes without saturation? */
gboolean unet_engine_has_bf16 (void);
gboolean unet_engine_has_fast_bytes (void);

/* Library and version, such as `oneDNN 2.6.3`. */
const gchar *unet_engine_name (void);

G_END_DECLS
