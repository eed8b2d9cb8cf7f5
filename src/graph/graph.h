/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The graph: values and nodes in ONNX's terms, with constants, shapes and,
 * after the fusion passes, post-ops on the nodes. Knows neither the file
 * format nor the library that runs it. Not thread safe; a model's own graph
 * is never changed after loading, sessions work on a copy that shares the
 * constants. */

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/* ---- tensors ---------------------------------------------------------- */

/* A constant: row-major, tight, immutable once made, reference-counted. */
typedef struct {
  gatomicrefcount ref_count;
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
  gsize n_elements;
  gpointer data; /* 64-byte aligned */
} UnetTensor;

/* %NULL when the size overflows or memory runs out; data is zeroed. */
UnetTensor *unet_tensor_new (UnetDType dtype, guint n_dims, const gint64 *dims);
UnetTensor *unet_tensor_ref (UnetTensor *tensor);
void unet_tensor_unref (UnetTensor *tensor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetTensor, unet_tensor_unref)

/* Somebody else's memory seen as a tensor: row-major and tight. */
typedef struct {
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
  gpointer data;
} UnetTensorView;

/* Elements; 0 when a dimension is unknown, G_MAXSIZE when it overflows. */
gsize unet_dims_count (guint n_dims, const gint64 *dims);
/* Whether all extents and their product, empty and open ones taken as 1, stay
 * within 2^31, so that arithmetic with a few of them cannot overflow. */
gboolean unet_dims_are_sane (guint n_dims, const gint64 *dims);
/* A copy of the same number of elements. */
UnetTensor *unet_tensor_reshape (
    const UnetTensor *tensor, guint n_dims, const gint64 *dims);
UnetTensor *unet_tensor_new_ints (const gint64 *ints, guint n);
void unet_tensor_view (UnetTensor *tensor, UnetTensorView *view);
/* One element of any type, converted. */
gint64 unet_view_int (const UnetTensorView *view, gsize index);
gdouble unet_view_float (const UnetTensorView *view, gsize index);
gboolean unet_dtype_is_float (UnetDType dtype);
/* Towards zero. What does not fit is undefined in ONNX and in C; it saturates
 * here, and NaN gives 0. */
gint64 unet_int_from_double (gdouble value);

/* ---- operators -------------------------------------------------------- */

typedef struct _UnetNode UnetNode;
typedef struct _UnetValue UnetValue;
typedef struct _UnetGraph UnetGraph;

/* One constant for each operator that the table in ops.c knows; the names are
 * ONNX's. */
typedef enum {
#define UNET_OP(name) UNET_OP_##name,
#include "graph/ops/op-list.h"
#undef UNET_OP
  UNET_N_OPS
} UnetOp;

/* One row of the operator table. */
typedef struct {
  const gchar *name; /* as in the file, domain "" */
  guint min_inputs, max_inputs;
  guint min_outputs, max_outputs;
  /* Sets type and shape of the outputs from inputs, attributes and, where
   * they decide, constant inputs. A dimension it cannot know is -1. */
  gboolean (*infer) (UnetGraph *graph, UnetNode *node, GError **error);
  /* The operator's oracle in plain C: reads @in, fills @out, whose dims and
   * data the caller has set. A missing optional input is a view with dtype
   * NONE. Allocates nothing but small temporaries on the stack. Used to fold
   * constants, as reference in tests, and at run time where oneDNN has
   * nothing. Ignores the node's post-ops. */
  gboolean (*eval) (const UnetNode *node, const UnetTensorView *in, guint n_in,
      UnetTensorView *out, guint n_out, GError **error);
} UnetOpDef;

const UnetOpDef *unet_op_def (UnetOp op);
gboolean unet_op_from_name (const gchar *name, UnetOp *op);

/* ---- attributes ------------------------------------------------------- */

typedef enum {
  UNET_ATTR_FLOAT,
  UNET_ATTR_INT,
  UNET_ATTR_STRING,
  UNET_ATTR_FLOATS,
  UNET_ATTR_INTS,
  UNET_ATTR_TENSOR,
} UnetAttrType;

typedef struct {
  gchar *name;
  UnetAttrType type;
  gdouble f;
  gint64 i;
  gchar *s;
  guint n; /* of floats or ints */
  gfloat *floats;
  gint64 *ints;
  UnetTensor *tensor;
} UnetAttr;

/* ---- post-ops --------------------------------------------------------- */

/* What fusion hangs behind a node, applied in order to its first output. */
typedef enum {
  UNET_POST_RELU,       /* max(x,0) */
  UNET_POST_CLIP,       /* min(max(x,alpha),beta) */
  UNET_POST_LEAKY_RELU, /* x<0 ? alpha*x : x */
  UNET_POST_ELU,        /* x<0 ? alpha*(exp(x)-1) : x */
  UNET_POST_SIGMOID,
  UNET_POST_TANH,
  UNET_POST_SOFTPLUS,
  UNET_POST_HARD_SIGMOID, /* clip(alpha*x+beta,0,1) */
  UNET_POST_HARD_SWISH,   /* x*clip(x/6+1/2,0,1) */
  UNET_POST_SWISH,        /* x*sigmoid(alpha*x) */
  UNET_POST_GELU_ERF,
  UNET_POST_LINEAR, /* alpha*x+beta */
  UNET_POST_ADD,    /* x + value, broadcast as ONNX does */
  UNET_POST_MUL,    /* x * value, broadcast as ONNX does */
  UNET_POST_PRELU,  /* x<0 ? value*x : x */
} UnetPostOpKind;

typedef struct {
  UnetPostOpKind kind;
  gfloat alpha, beta;
  UnetValue *value; /* (nullable): second operand */
} UnetPostOp;

/* Oracles. @operand: of ADD, MUL and PRELU. */
gfloat unet_post_op_eval (
    const UnetPostOp *post_op, gfloat value, gfloat operand);
/* All post-ops of a node over its first output (f32); @operands has one view
 * for each post-op, unused where it has no value. */
gboolean unet_post_ops_eval (
    const UnetNode *node, const UnetTensorView *operands, UnetTensorView *out);

/* ---- values, nodes, graph --------------------------------------------- */

struct _UnetValue {
  guint id; /* index in graph->values */
  gchar *name;
  UnetDType dtype;
  gboolean has_shape;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS]; /* -1: not known */
  UnetTensor *constant;       /* (nullable): initialiser or folded result */
  UnetNode *producer;         /* (nullable) */
  GPtrArray *consumers;       /* of UnetNode, one entry per use, post-op
                               * operands included */
  gboolean has_range; /* the model holds it in bytes for these numbers */
  gfloat low, high;
};

struct _UnetNode {
  UnetOp op;
  gchar *name;        /* never empty: made up from the output where it was */
  gint since;         /* opset that the file declares */
  GPtrArray *inputs;  /* of UnetValue, %NULL for a missing optional one */
  GPtrArray *outputs; /* of UnetValue, %NULL for one that nobody wants */
  GPtrArray *attrs;   /* of UnetAttr */
  GArray *post_ops;   /* of UnetPostOp */
  guint index;        /* in the order, once an engine has numbered them */
};

struct _UnetGraph {
  gchar *name; /* what errors call it: file path */
  gint opset;
  GPtrArray *values;    /* of UnetValue, owned; dead ones stay until compact */
  GPtrArray *nodes;     /* of UnetNode, owned, in topological order */
  GPtrArray *inputs;    /* of UnetValue: without initialisers */
  GPtrArray *outputs;   /* of UnetValue */
  GHashTable *metadata; /* gchar * -> gchar * */
};

UnetGraph *unet_graph_new (const gchar *name);
void unet_graph_free (UnetGraph *graph);
/* Deep copy of structure; constants are shared by reference. */
UnetGraph *unet_graph_copy (const UnetGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetGraph, unet_graph_free)

void unet_value_set_shape (
    UnetValue *value, UnetDType dtype, guint n_dims, const gint64 *dims);
/* Takes over @tensor. */
void unet_value_set_constant (UnetValue *value, UnetTensor *tensor);

UnetValue *unet_graph_add_value (UnetGraph *graph, const gchar *name);
/* Takes over @tensor. */
UnetValue *unet_graph_add_constant (
    UnetGraph *graph, const gchar *name, UnetTensor *tensor);
/* Appends the node at the end of the order. */
UnetNode *unet_graph_add_node (UnetGraph *graph, UnetOp op, const gchar *name);
/* Inserts before @before, which is in the graph. */
UnetNode *unet_graph_insert_node (
    UnetGraph *graph, UnetNode *before, UnetOp op, const gchar *name);
/* Unlinks and frees a node; its outputs stay, without a producer. */
void unet_graph_remove_node (UnetGraph *graph, UnetNode *node);

/* These keep producers and consumers right. */
void unet_node_add_input (UnetNode *node, UnetValue *value);
void unet_node_add_output (UnetNode *node, UnetValue *value);
void unet_node_set_input (UnetNode *node, guint index, UnetValue *value);
void unet_node_set_output (UnetNode *node, guint index, UnetValue *value);
void unet_node_add_post_op (UnetNode *node, const UnetPostOp *post_op);
void unet_node_remove_post_op (UnetNode *node, guint index);
/* Every use of @old, graph outputs included, becomes one of @value. */
void unet_graph_replace_value (
    UnetGraph *graph, UnetValue *old, UnetValue *value);
gboolean unet_graph_is_output (const UnetGraph *graph, const UnetValue *value);

/* %NULL beyond the end or where the file left it out. */
UnetValue *unet_node_input (const UnetNode *node, guint index);
UnetValue *unet_node_output (const UnetNode *node, guint index);

const UnetAttr *unet_node_attr (const UnetNode *node, const gchar *name);
gint64 unet_node_attr_int (const UnetNode *node, const gchar *name, gint64 def);
gdouble unet_node_attr_float (
    const UnetNode *node, const gchar *name, gdouble def);
const gchar *unet_node_attr_string (
    const UnetNode *node, const gchar *name, const gchar *def);
/* Copies up to @n entries; returns how many the attribute has, 0 if absent. */
guint unet_node_attr_ints (
    const UnetNode *node, const gchar *name, gint64 *ints, guint n);
void unet_node_set_attr_int (UnetNode *node, const gchar *name, gint64 value);
void unet_node_set_attr_float (
    UnetNode *node, const gchar *name, gdouble value);
void unet_node_set_attr_string (
    UnetNode *node, const gchar *name, const gchar *value);
void unet_node_set_attr_ints (
    UnetNode *node, const gchar *name, const gint64 *ints, guint n);
/* Takes over @attr; replaces one of the same name. */
void unet_node_add_attr (UnetNode *node, UnetAttr *attr);
void unet_node_remove_attr (UnetNode *node, const gchar *name);
UnetAttr *unet_attr_copy (const UnetAttr *attr);
void unet_attr_free (UnetAttr *attr);

/* `FILE: node 'NAME' (OP): message` */
void unet_node_set_error (GError **error, const UnetGraph *graph,
    const UnetNode *node, UnetError code, const gchar *format, ...)
    G_GNUC_PRINTF (5, 6);

/* ---- window of a convolution or pooling ------------------------------- */

/* Attributes of Conv, ConvTranspose, MaxPool, AveragePool resolved for known
 * input shapes: auto_pad and defaults worked out. Up to 3 spatial axes. */
typedef struct {
  guint n;
  gint64 kernel[3], stride[3], dilation[3]; /* dilation 1 = dense */
  gint64 pad_begin[3], pad_end[3];
  gint64 output_padding[3]; /* ConvTranspose */
  gint64 out[3];            /* spatial output extents */
  gint64 group;
  gboolean ceil_mode, count_include_pad;
} UnetWindow;

gboolean unet_node_window (const UnetGraph *graph, const UnetNode *node,
    UnetWindow *window, GError **error);

/* Resize and Upsample resolved for known shapes. */
typedef enum {
  UNET_RESIZE_NEAREST,
  UNET_RESIZE_LINEAR,
  UNET_RESIZE_CUBIC
} UnetResizeMode;
typedef enum {
  UNET_COORD_HALF_PIXEL,
  UNET_COORD_PYTORCH_HALF_PIXEL,
  UNET_COORD_ALIGN_CORNERS,
  UNET_COORD_ASYMMETRIC,
  UNET_COORD_TF_HALF_PIXEL_FOR_NN,
  UNET_COORD_TF_CROP_AND_RESIZE,
  UNET_COORD_HALF_PIXEL_SYMMETRIC,
} UnetResizeCoord;
typedef struct {
  UnetResizeMode mode;
  UnetResizeCoord coord;
  gint nearest; /* 0 round_prefer_floor, 1 round_prefer_ceil, 2 floor, 3 ceil */
  gfloat cubic_a;
  gboolean exclude_outside;
  gboolean antialias; /* the filter widens where a scale is below 1 */
  gfloat extrapolation;
  gdouble scale[UNET_MAX_DIMS];
  gdouble roi[2 * UNET_MAX_DIMS];
} UnetResize;
gboolean unet_node_resize (const UnetGraph *graph, const UnetNode *node,
    UnetResize *resize, GError **error);
/* Where output position @position of @axis lies in the input; in floats, as
 * other runtimes have it, so that rounding agrees. @rank: of the input; @in,
 * @out: extents. */
gfloat unet_resize_coord (const UnetResize *resize, guint rank, guint axis,
    gint64 position, gint64 in, gint64 out);

/* Parameters of other operators, resolved for known shapes; %FALSE where they
 * are not constant or make no sense. One entry for each axis of input 0. */
gboolean unet_node_permutation (
    const UnetNode *node, guint rank, guint *permutation);
gboolean unet_node_slice (const UnetNode *node, gint64 *starts, gint64 *steps);
gboolean unet_node_pads (const UnetNode *node, gint64 *begin, gint64 *end);

/* Whether the node adds products of integers, which must not be rounded on
 * the way. */
gboolean unet_node_is_exact (const UnetNode *node);
/* An activation node as a post-op; %FALSE when it is none, or its limits are
 * not constant. */
gboolean unet_node_unary (const UnetNode *node, UnetPostOp *post_op);
/* First element of each axis that a Slice with steps of 1 takes. */
gboolean unet_node_slice_starts (const UnetNode *node, gint64 *starts);
/* Leading pads of a Pad with constant 0 that takes nothing away. */
gboolean unet_node_pad_zero (const UnetNode *node, gint64 *begin);

/* ---- passes ----------------------------------------------------------- */

/* Types and shapes of everything from those of the inputs, folding what is
 * constant on the way, so that Shape/Gather/Concat chains vanish. Where inputs
 * are open (-1), what depends on them stays open. Old operator sets' ways are
 * rewritten into today's. May be called again after inputs have changed. */
gboolean unet_graph_infer (UnetGraph *graph, GError **error);

/* The passes that sessions run, in order, after inference. They keep the
 * results to rounding. */
gboolean unet_graph_optimize (UnetGraph *graph, GError **error);

/* Does the model say how most of its layers are computed in bytes? */
gboolean unet_graph_is_quantized (const UnetGraph *graph);
/* Before unet_graph_optimize(), for an engine that computes in bytes: pairs of
 * QuantizeLinear and DequantizeLinear become ranges of values. */
void unet_graph_take_ranges (UnetGraph *graph);

/* How a value's pixels lie over the picture input's:
 * input = scale * output + offset in pixel-edge coordinates, and how many
 * input pixels it spans; per spatial axis of a 4-D value. */
typedef struct {
  gboolean known;
  gint axis[2];                /* which are rows and columns */
  gdouble scale[2], offset[2]; /* rows, columns */
  gint64 extent[2];            /* of the value's own rows and columns */
} UnetGeometry;
/* Walks from @input (4-D; @channel_axis 1 or 3); @geometry has one entry per
 * value id. Strided and padded windows, crops and resizes are followed. */
void unet_graph_geometry (const UnetGraph *graph, const UnetValue *input,
    gint channel_axis, UnetGeometry *geometry);

/* How far a value looks: its pixel k depends on the input's pixels
 * scale * k + low to scale * k + high at most. What sees the whole picture,
 * such as a gate from its mean, is left out. */
typedef struct {
  gdouble low[2], high[2]; /* rows, columns */
  gboolean padded;         /* sees borders that a layer has made up */
} UnetReach;
/* @geometry: of unet_graph_geometry(); @reach has one entry per value id. */
void unet_graph_reach (const UnetGraph *graph, const UnetValue *input,
    const UnetGeometry *geometry, UnetReach *reach);
/* The least shift of the picture, in pixels, that only shifts every value. */
void unet_graph_grid (
    const UnetGraph *graph, const UnetGeometry *geometry, gint64 grid[2]);

G_END_DECLS
