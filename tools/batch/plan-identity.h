/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The processor and the model that a plan is for. */

#include <glib.h>

G_BEGIN_DECLS

/* Vendor, family and model, by which oneDNN chooses implementations, and the
 * instruction set that the environment holds it to. Returns (transfer full). */
gchar *batch_plan_describe_cpu (void);

/* SHA-256 of the model file, its external data, its sidecars and the
 * calibration (nullable). @path: %NULL for the built-in model. Returns
 * (transfer full). */
gchar *batch_plan_hash_model (const gchar *path, const gchar *calibration);

G_END_DECLS
