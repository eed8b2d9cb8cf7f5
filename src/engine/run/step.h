/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Steps of a plan and the storage that they work on. A step is a oneDNN
 * primitive, a kernel of this library, or the reference implementation of an
 * operator. A storage is a piece of the arena that is alive between two steps,
 * or constant memory. */

#include <unetseg/unet-session.h>
#include "engine/run/layout.h"

G_BEGIN_DECLS

#define UNET_MAX_OPERANDS 24
#define UNET_MAX_SAMPLES  64 /* times that a profile keeps for each step */

typedef struct {
  gsize size;
  gint first, last;  /* steps between which it is alive; first -1: before all */
  gsize offset;      /* in the arena */
  gpointer constant; /* (nullable): its memory, if it is not in the arena */
} UnetStorage;

/* The place and layout of a value. */
typedef struct {
  UnetStorage *storage;
  gsize offset; /* bytes from the storage's start */
  UnetMd md;
  UnetMemLayout layout;
} UnetLoc;

typedef struct {
  UnetStorage *storage;
  gsize offset;
  gboolean write;
  gint arg;     /* DNNL_ARG_… of primitives */
  UnetMd md;    /* (nullable): primitives only */
  gpointer ptr; /* set once the arena is allocated */
} UnetOperand;

/* The kinds of steps that profiles tell apart. */
typedef enum {
  UNET_STEP_COMPUTE,
  UNET_STEP_REORDER, /* changes the layout or the precision of a value */
  UNET_STEP_COPY,    /* moves elements as an operator asks for it */
} UnetStepKind;

typedef struct {
  UnetLayerInfo info; /* owns its strings, but not `layout` and `kind` */
  UnetStepKind kind;
  guint n_operands;
  UnetOperand operands[UNET_MAX_OPERANDS];

  /* A oneDNN primitive … */
  dnnl_primitive_t primitive;
  dnnl_primitive_t serial; /* (nullable): the same for one thread */
  dnnl_exec_arg_t args[UNET_MAX_OPERANDS];
  /* … or a kernel of this library … */
  UnetKernel kernel;
  gpointer params;            /* owned */
  GDestroyNotify free_params; /* g_free() when NULL */
  /* … or a reference implementation: views of inputs, then of outputs, and the
   * operand that each view reads or writes, -1 for none. */
  const UnetNode *node;
  UnetTensorView *views;
  gint *view_operands;
  guint n_in, n_out;

  guint64 samples[UNET_MAX_SAMPLES]; /* nanoseconds */
  guint n_samples;
} UnetStep;

/* Adds a storage of @size bytes to @plan, which owns it. */
UnetStorage *unet_plan_add_storage (UnetPlan *plan, gsize size);

/* Returns the memory of @storage. The arena must be allocated. */
gpointer unet_storage_get_pointer (const UnetStorage *storage, guint8 *arena);

/* Adds a step that has nothing to run yet. @node: (nullable): without one the
 * step has the name of @out. @layout: of @out. */
UnetStep *unet_plan_add_step (UnetPlan *plan, const UnetNode *node,
    const gchar *op, const gchar *impl, const UnetValue *out,
    UnetMemLayout layout);

/* Adds a step that runs the primitive of @pd (transfer full) with scratchpad
 * memory of its own. Returns %NULL with UNET_ERROR_ENGINE where oneDNN cannot
 * create the primitive. */
UnetStep *unet_plan_add_primitive (UnetPlan *plan, const UnetNode *node,
    const gchar *op, dnnl_primitive_desc_t pd, const UnetValue *out,
    UnetMemLayout layout, GError **error);

/* Adds a step that runs @kernel. The step frees @params with g_free(). */
UnetStep *unet_plan_add_kernel (UnetPlan *plan, const UnetNode *node,
    const gchar *op, const gchar *impl, UnetKernel kernel, gpointer params,
    const UnetValue *out, UnetMemLayout layout);

/* Adds an operand that lies at @loc. @arg: 0 for kernels. */
void unet_step_operand (
    UnetStep *step, gint arg, const UnetLoc *loc, gboolean write);

/* Adds an operand with a descriptor (copied, nullable) of its own. */
void unet_step_operand_md (UnetStep *step, gint arg, UnetStorage *storage,
    gsize offset, UnetConstMd md, gboolean write);

/* Fills @ptr with the addresses of all operands, in order. */
void unet_step_get_pointers (const UnetStep *step, gpointer *ptr);

void unet_step_free (UnetStep *step);

/* Returns the name of a post-op, as in `Conv+Relu`. */
const gchar *unet_post_op_get_name (const UnetPostOp *op);

/* Returns the operator of @node and its first @n_post_ops post-ops (transfer
 * full), such as `Conv+Relu`. */
gchar *unet_node_describe (const UnetNode *node, guint n_post_ops);

/* Sets @error to UNET_ERROR_ENGINE with @what, graph, node and operator. */
void unet_plan_set_error (GError **error, const UnetPlan *plan,
    const UnetNode *node, const gchar *what);

G_END_DECLS
