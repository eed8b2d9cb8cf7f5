/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of an element's properties that it cannot use. Such a property keeps
 * the value that it had. A refusal in a running element is a warning on the
 * bus. Before that the element remembers the refusal, and its start fails with
 * an error, until the property is set to a value that it can use. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Call it once, when @element is made. The functions below may be called from
 * any thread, without the object lock. */
void gst_unet_refused_values_init (GstElement *element);

/* The property has been set. @error: (nullable): why the value is refused; it
 * names the value and says what is allowed. */
void gst_unet_refused_values_note (
    GstElement *element, const gchar *property, const GError *error);

/* The element starts. Returns %FALSE, with an error on the bus, where refusals
 * are remembered. */
gboolean gst_unet_refused_values_start (GstElement *element);
void gst_unet_refused_values_stop (GstElement *element);

G_END_DECLS
