/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as an ONNX model. Loading must end in a model or an error,
 * and a model that loads must keep its links through the passes. */

#include "onnx/onnx.h"
#include "walk-graph.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);

  fuzz_walk_graph (unet_onnx_parse (bytes, "fuzz", NULL, NULL));
  return 0;
}
