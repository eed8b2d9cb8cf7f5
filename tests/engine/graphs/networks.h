/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Networks of known shapes. */

#include "engine/graphs/graph-builder.h"

/* Returns the U-Net of Ronneberger et al. 2015 with same-padded convolutions.
 */
UnetGraph *unet_test_graph_unet (
    gint64 base, guint depth, gint64 height, gint64 width, gboolean transposed);

/* Returns a U-Net with residual blocks on the way down and resizes on the way
 * up. */
UnetGraph *unet_test_graph_residual (
    gint64 base, guint depth, gint64 height, gint64 width);

/* Returns a network of blocks that are U-Nets themselves, as in U2-Net. */
UnetGraph *unet_test_graph_nested (gint64 base, gint64 height, gint64 width);

/* Add parts of such networks. @like: has the rows and columns of the result. */
UnetValue *network_conv_relu (
    UnetTestGraph *b, UnetValue *x, gint64 oc, gint64 stride);
UnetValue *network_upsample (
    UnetTestGraph *b, UnetValue *x, const UnetValue *like);
UnetValue *network_up_conv (UnetTestGraph *b, UnetValue *x, gint64 oc);
UnetValue *network_join (UnetTestGraph *b, UnetValue *skip, UnetValue *up);
