/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"
#include <unetseg/unet-calibration.h>

G_BEGIN_DECLS

typedef struct _UnetModelKey UnetModelKey;

struct _UnetModel {
  gatomicrefcount ref_count;
  gchar *name;
  UnetGraph *graph;
  UnetTensorInfo *inputs, *outputs;
  guint64 n_parameters;
  gboolean quantized;
  GKeyFile *sidecar;            /* (nullable) */
  gchar *sidecar_name;          /* (nullable): what errors call it */
  UnetModelKey *key;            /* (nullable): under which it is cached */
  gchar *hash;                  /* (nullable): once asked for */
  UnetCalibration *calibration; /* (nullable): that came with it */
};

/* The network as the file has it, before inference. Never changed: sessions
 * work on copies. */
const UnetGraph *unet_model_get_graph (const UnetModel *model);

/* Hexadecimal digits that are the same for the same nodes and weights, in
 * whatever file. */
const gchar *unet_model_get_hash (UnetModel *model);

/* Fills model->inputs and model->outputs; where the file leaves sizes open,
 * finds out which dimensions of the outputs depend on them. */
gboolean unet_model_describe (UnetModel *model, GError **error);

/* By name or decimal index; %NULL for the first of rank 4 and the first. */
const UnetTensorInfo *unet_model_find_input (
    const UnetModel *model, const gchar *name);
const UnetTensorInfo *unet_model_find_output (
    const UnetModel *model, const gchar *name);

/* Applies a sidecar file to @contract: GStreamer's ranges of @input, then the
 * `[unetseg]` group. */
gboolean unet_sidecar_apply (GKeyFile *sidecar, const gchar *name,
    const gchar *input, UnetContract *contract, GError **error);
/* The sidecar that belongs to a model file, or %NULL without one, or with
 * @error set. */
gchar *unet_sidecar_find (const gchar *path);
GKeyFile *unet_sidecar_load (const gchar *path, GError **error);

G_END_DECLS
