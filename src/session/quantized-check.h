/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compares the int8 that a file brings (QuantizeLinear, DequantizeLinear) with
 * f32 before it is used. */

#include "session/session.h"

G_BEGIN_DECLS

/* Runs @session, which computes in the int8 of its model, and a session in f32
 * on noise and on a picture, and compares their masks. Returns %FALSE where
 * they differ, with @note (transfer full) set to the figures. Compares once in
 * a process for a network, its sizes and the number of threads. Compiles the
 * f32 session, takes two runs of each, and leaves zeros in the inputs. A
 * network of which there can be no f32 session is not compared. Any thread. */
gboolean unet_quantized_check (UnetSession *session,
    const UnetContract *contract, const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, gchar **note);

G_END_DECLS
