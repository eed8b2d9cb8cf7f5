/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as a LiteRT model. */

#include "litert/litert.h"
#include "walk-graph.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);

  fuzz_walk_graph (unet_litert_parse (bytes, "fuzz", NULL));
  return 0;
}
