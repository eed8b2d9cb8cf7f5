/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A LiteRT file on its way into a graph: its tensors, and for each of them the
 * values of the graph that hold it.
 *
 * LiteRT keeps pictures as NHWC, and the graph's convolutions take NCHW. A
 * tensor gets a value for an order of axes once an operator asks for it, so
 * that nothing is transposed between convolutions. Quantised tensors are 8-bit
 * numbers with a scale: operators compute with floats between
 * DequantizeLinear and QuantizeLinear, as in quantised ONNX files. */

#include "graph/graph.h"
#include "litert/flatbuffer.h"

G_BEGIN_DECLS

typedef struct {
  gchar *name; /* never empty */
  gint type;   /* number in the file */
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS]; /* -1: open */
  UnetFlatTable sparsity;     /* without fields where dense */
  UnetFlatVector data;        /* empty: computed */
  gboolean is_quantized;      /* the vectors below are set */
  UnetFlatVector scales, zeros;
  guint axis;      /* of several scales */
  UnetValue *held; /* (nullable): as the file has it */
  UnetValue *real; /* (nullable): floats where quantised, else as held */
  UnetValue *held_nchw, *real_nchw; /* (nullable): rank 4 */
  /* Places of maxima, see litert/custom.c; (nullable). */
  UnetValue *pooled;
  gint64 pooled_size[2]; /* of the picture that was pooled */
  guint n_uses; /* as inputs of operators and as outputs of the network */
  /* Not 0: the values in NCHW hold the whole picture, and the file's tensor
   * its phases, see litert/phases.c. */
  gint64 phases[2];
} UnetLitertTensor;

typedef struct {
  UnetGraph *graph;
  UnetFlat *flat;
  UnetFlatVector codes, buffers, operators;
  UnetLitertTensor *tensors;
  guint n_tensors;
  gsize bytes_left; /* that constants may still take */
} UnetLitert;

/* One operator of the file. */
typedef struct {
  UnetLitert *litert;
  guint index;      /* among the operators */
  gsize code_index; /* among the codes */
  gint code;
  gchar *type;           /* "CONV_2D", or the name of a custom one */
  UnetFlatTable options; /* without fields where the file has none */
  UnetFlatVector custom; /* bytes of a custom one */
  UnetFlatVector inputs, outputs;
  const gchar *name; /* of its first output */
} UnetLitertOp;

/* Reads operator @index, but for its type and name. Returns %FALSE where it has
 * no code. */
gboolean unet_litert_read_operator (
    UnetLitert *litert, guint index, UnetLitertOp *op);

/* Sets @error to `FILE: operator 3 (CONV_2D), which makes 'NAME': message` and
 * returns %FALSE. */
gboolean unet_litert_fail (const UnetLitertOp *op, GError **error,
    UnetError code, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* Return %NULL where the operator has no such input or output, or leaves it
 * out. */
UnetLitertTensor *unet_litert_input (const UnetLitertOp *op, guint index);
UnetLitertTensor *unet_litert_output (const UnetLitertOp *op, guint index);

/* Input @index for computing: floats where it is quantised, else as the file
 * has it. Returns %NULL with @error. */
UnetValue *unet_litert_real (
    const UnetLitertOp *op, guint index, GError **error);
/* The same in NCHW; the tensor has rank 4. */
UnetValue *unet_litert_real_nchw (
    const UnetLitertOp *op, guint index, GError **error);
/* A tensor's value for computing. @tensor: of the file */
UnetValue *unet_litert_tensor_real (
    UnetLitert *litert, UnetLitertTensor *tensor, GError **error);
/* A constant input in another order of axes, or a Transpose where it is no
 * constant. @dims: (nullable): that the constant is shaped to afterwards */
UnetValue *unet_litert_weights (const UnetLitertOp *op, guint index,
    const guint *perm, guint n_dims, const gint64 *dims, GError **error);
/* Reads a constant input of integers. Returns %FALSE, without an error, where
 * it is missing, no constant or longer than @max. */
gboolean unet_litert_ints (
    const UnetLitertOp *op, guint index, gint64 *ints, guint max, guint *n);

/* Make output @index of the operator: @value is for computing. */
gboolean unet_litert_set (
    const UnetLitertOp *op, guint index, UnetValue *value, GError **error);
gboolean unet_litert_set_nchw (
    const UnetLitertOp *op, guint index, UnetValue *value, GError **error);

/* Adds a node of @n inputs, each of them (nullable), and returns its output;
 * attributes go to the value's producer. */
UnetValue *unet_litert_add (
    const UnetLitertOp *op, UnetOp kind, UnetValue *const *inputs, guint n);
UnetValue *unet_litert_add_unary (
    const UnetLitertOp *op, UnetOp kind, UnetValue *input);
UnetValue *unet_litert_add_binary (
    const UnetLitertOp *op, UnetOp kind, UnetValue *a, UnetValue *b);
UnetValue *unet_litert_add_transpose (
    const UnetLitertOp *op, UnetValue *input, const gint64 *perm, guint n);
UnetValue *unet_litert_add_ints (
    const UnetLitertOp *op, const gint64 *ints, guint n);
UnetValue *unet_litert_add_reshape (
    const UnetLitertOp *op, UnetValue *x, const gint64 *dims, guint n);
/* One start, end and step for each of the first @n axes. */
UnetValue *unet_litert_add_slice (const UnetLitertOp *op, UnetValue *x,
    const gint64 *starts, const gint64 *ends, const gint64 *steps, guint n);
UnetValue *unet_litert_add_float (const UnetLitertOp *op, gfloat number);
/* Adds the activation that the options of an operator name. Returns %NULL
 * with @error for one that is not known. */
UnetValue *unet_litert_add_activation (
    const UnetLitertOp *op, UnetValue *value, gint64 kind, GError **error);

G_END_DECLS
