/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every property of the elements unetseg and unetsegdraw as an option of the
 * command line. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* The group of options. A parsed option becomes a pair of texts in
 * @properties, which must outlive the group. @taken: options of the batch;
 * properties of the same name are left out. Returns (transfer full). */
GOptionGroup *batch_element_options_new_group (
    GHashTable *properties, const GOptionEntry *taken);

/* Sets those of @properties that @element has. */
void batch_element_options_apply (GHashTable *properties, GstElement *element);

G_END_DECLS
