/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-calibration.h>
#include "graph/graph.h"
#include "model/contract-memo.h"

G_BEGIN_DECLS

typedef struct _UnetModelKey UnetModelKey;

/* Immutable after loading but for @hash and @memo, which are made under
 * locks. */
struct _UnetModel {
  gatomicrefcount ref_count;
  gchar *name;
  UnetGraph *graph;
  UnetTensorInfo *inputs, *outputs;
  guint64 n_parameters;
  gboolean quantized;
  gint64 batch;           /* that the file fixes for its pictures; 1: or open */
  gboolean opens_batch;   /* @graph and @inputs have it open */
  GKeyFile *sidecar;      /* (nullable): its modelinfo file */
  gchar *sidecar_name;    /* (nullable): begins errors about it */
  UnetModelKey *key;      /* (nullable): under which it is cached */
  gchar *hash;            /* (nullable): not computed yet */
  UnetContractMemo *memo; /* (nullable): see contract-memo.h */
  UnetCalibration *calibration; /* (nullable): the one that came with it */
};

/* Returns the network as the file has it, before inference. It never changes:
 * sessions work on copies. */
const UnetGraph *unet_model_get_graph (const UnetModel *model);

G_END_DECLS
