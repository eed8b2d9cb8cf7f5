/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shapes for which an implementation of oneDNN computes wrongly, writes beyond
 * its memory or crashes. unet_pd_conv () and unet_pd_deconv () pass over such
 * implementations. The sweep of the tests (tests/engine/test-sweep.c) finds
 * them: an entry of the table names the case that shows it. */

#include "engine/onednn/memory-desc.h"
#include "engine/onednn/window.h"

G_BEGIN_DECLS

typedef enum {
  UNET_DNNL_CONV,
  UNET_DNNL_DECONV,
  UNET_DNNL_BINARY,
} UnetDnnlOp;

/* What a primitive is asked for. Channels are those of all groups. */
typedef struct {
  UnetDnnlOp op;
  dnnl_data_type_t src;
  gint64 group, ic, oc;
  gint64 in[2], out[2], kernel[2], stride[2], dilation[2], pad_begin[2];
  gboolean nhwc;     /* and not in blocks of channels */
  gboolean sums;     /* adds to what lies in the result */
  gboolean adds;     /* a post-op has an operand, a sum included */
  gboolean in_place; /* BINARY: the result lies over the first operand */
  gint64 block;      /* BINARY: channels of a block, 1 where there is none */
} UnetDnnlCase;

typedef struct {
  gint major;        /* of the versions of oneDNN that have it, 0: of all */
  const gchar *impl; /* part of the implementation's name */
  gboolean (*matches) (const UnetDnnlCase *c);
  const gchar *effect;
  const gchar *shown_by; /* a case of the sweep; NULL: a test of the engine */
} UnetKnownBug;

/* Describes a CONV or a DECONV. %FALSE for shapes that the table does not speak
 * of: windows of one or three axes. */
gboolean unet_dnnl_case_init (UnetDnnlCase *c, UnetDnnlOp op, UnetConstMd src,
    UnetConstMd weights, UnetConstMd dst, const UnetDnnlWindow *window,
    const_dnnl_primitive_attr_t attr);
/* (nullable): the entry for the implementation @impl of @c on this processor
 * and in this version of oneDNN. */
const UnetKnownBug *unet_known_bug_find (
    const gchar *impl, const UnetDnnlCase *c);
const UnetKnownBug *unet_known_bugs (guint *n);
/* Tests switch the table off to see whether its entries still hold. Not
 * thread-safe. */
void unet_known_bugs_ignore (gboolean ignore);

G_END_DECLS
