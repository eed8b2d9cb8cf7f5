/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graphs.h"
#include <math.h>
#include <string.h>

typedef UnetTestGraph Builder;

void
unet_test_fill (gfloat *data, gsize n, guint seed)
{
  guint32 state = seed * 2654435761u + 12345;

  for (gsize i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    data[i] = (gfloat) (state >> 8) / 8388608.0f - 1.0f;
  }
}

/* ---- building ----------------------------------------------------------- */

static gint64
range (Builder *b, gint64 low, gint64 high)
{
  return g_rand_int_range (b->rng, (gint32) low, (gint32) high + 1);
}

static gboolean
chance (Builder *b, guint percent)
{
  return g_rand_int_range (b->rng, 0, 100) < (gint) percent;
}

static Builder
builder_new (guint seed, const gchar *name)
{
  Builder b = { unet_graph_new (name), g_rand_new_with_seed (seed),
    g_ptr_array_new (), 0 };

  b.graph->opset = 13;
  return b;
}

static UnetGraph *
builder_end (Builder *b)
{
  g_rand_free (b->rng);
  g_ptr_array_unref (b->pool);
  return b->graph;
}

static gchar *
next_name (Builder *b, const gchar *prefix, gchar name[32])
{
  g_snprintf (name, 32, "%s%u", prefix, b->n_names++);
  return name;
}

static UnetValue *
add_input (Builder *b, gint64 n, gint64 c, gint64 h, gint64 w)
{
  gint64 dims[] = { n, c, h, w };
  gchar name[32];
  UnetValue *v = unet_graph_add_value (b->graph, next_name (b, "in", name));

  unet_value_set_shape (v, UNET_DTYPE_F32, 4, dims);
  g_ptr_array_add (b->graph->inputs, v);
  g_ptr_array_add (b->pool, v);
  return v;
}

static UnetValue *
floats (Builder *b, guint n_dims, const gint64 *dims, gdouble low, gdouble high)
{
  UnetTensor *t = unet_tensor_new (UNET_DTYPE_F32, n_dims, dims);
  gchar name[32];

  for (gsize i = 0; i < t->n_elements; i++)
    ((gfloat *) t->data)[i] = (gfloat) g_rand_double_range (b->rng, low, high);
  return unet_graph_add_constant (b->graph, next_name (b, "c", name), t);
}

static UnetValue *
ints (Builder *b, const gint64 *values, guint n)
{
  gchar name[32];

  return unet_graph_add_constant (
      b->graph, next_name (b, "i", name), unet_tensor_new_ints (values, n));
}

/* A node with one output and up to three inputs; NULL ones at the end are
 * left out. */
static UnetNode *
node3 (Builder *b, UnetOp op, UnetValue *x, UnetValue *y, UnetValue *z)
{
  gchar name[32];
  UnetNode *node = unet_graph_add_node (b->graph, op, next_name (b, "n", name));

  unet_node_add_input (node, x);
  if (y || z)
    unet_node_add_input (node, y);
  if (z)
    unet_node_add_input (node, z);
  unet_node_add_output (
      node, unet_graph_add_value (b->graph, next_name (b, "v", name)));
  return node;
}

/* Infers the shape once the attributes are there. */
static UnetValue *
done (Builder *b, UnetNode *node)
{
  GError *error = NULL;

  if (!unet_op_def (node->op)->infer (b->graph, node, &error))
    g_error ("%s", error->message);
  return unet_node_output (node, 0);
}

static UnetValue *
keep (Builder *b, UnetValue *value)
{
  g_ptr_array_add (b->pool, value);
  return value;
}

/* Prefers what was made last, so that graphs grow long. */
static UnetValue *
draw (Builder *b)
{
  guint n = b->pool->len, back = chance (b, 50) ? 1 : range (b, 1, n);

  return g_ptr_array_index (b->pool, n - back);
}

static gint64
draw_channels (Builder *b)
{
  static const gint64 round[] = { 8, 16, 32, 48, 64 };

  return chance (b, 50) ? round[range (b, 0, G_N_ELEMENTS (round) - 1)]
                        : range (b, 1, 70);
}

/* ---- operators ---------------------------------------------------------- */

static UnetValue *
unary (Builder *b, UnetOp op, UnetValue *x)
{
  return done (b, node3 (b, op, x, NULL, NULL));
}

static UnetValue *
conv_plain (Builder *b, UnetValue *x, gint64 oc, gint64 kernel, gint64 stride,
    gint64 pad)
{
  gint64 dims[] = { oc, x->dims[1], kernel, kernel }, s[] = { stride, stride };
  gint64 pads[] = { pad, pad, pad, pad };
  gdouble scale = sqrt (3.0 / (x->dims[1] * kernel * kernel));
  UnetNode *node = node3 (b, UNET_OP_Conv, x,
      floats (b, 4, dims, -scale, scale), floats (b, 1, &oc, -0.5, 0.5));

  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  return done (b, node);
}

static gint64
divisor (Builder *b, gint64 n)
{
  gint64 d = range (b, 1, n);

  while (n % d)
    d--;
  return d;
}

/* Output channels for a random number of groups. */
static gint64
grouped (Builder *b, gint64 ic, gint64 *group)
{
  *group = divisor (b, ic);
  return *group * range (b, 1, MAX (1, 70 / *group));
}

static void
conv (Builder *b)
{
  static const gint64 kernels[] = { 1, 3, 3, 3, 5, 7 };
  UnetValue *x = draw (b);
  gint64 k = kernels[range (b, 0, 5)], stride = chance (b, 20) ? 2 : 1;
  gint64 dilation = k > 1 && chance (b, 20) ? 2 : 1, oc = draw_channels (b);
  gint64 span = (k - 1) * dilation + 1, ic = x->dims[1], group = 1;
  gint64 dims[4], s[] = { stride, stride }, d[] = { dilation, dilation };
  gint64 pads[4];
  gdouble scale;
  UnetNode *node;

  if (chance (b, 15))
    oc = group = ic; /* depthwise */
  else if (chance (b, 15))
    oc = grouped (b, ic, &group);
  for (guint i = 0; i < 4; i++)
    pads[i] = chance (b, 60) ? span / 2 : range (b, 0, span / 2);
  for (guint i = 0; i < 2; i++)
    if (x->dims[i + 2] + pads[i] + pads[i + 2] < span)
      pads[i] = pads[i + 2] = span / 2;
  memcpy (dims, (gint64[]){ oc, ic / group, k, k }, sizeof dims);
  scale = sqrt (3.0 / (ic / group * k * k));
  node = node3 (b, UNET_OP_Conv, x, floats (b, 4, dims, -scale, scale),
      chance (b, 50) ? floats (b, 1, &oc, -0.5, 0.5) : NULL);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "dilations", d, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "group", group);
  keep (b, done (b, node));
}

static void
conv_transpose (Builder *b)
{
  static const gint64 shapes[][4] = { /* kernel, stride, pad, output pad */
    { 2, 2, 0, 0 }, { 2, 2, 0, 0 }, { 3, 2, 1, 1 }, { 4, 2, 1, 0 },
    { 4, 4, 0, 0 }, { 3, 1, 1, 0 }
  };
  const gint64 *p = shapes[range (b, 0, G_N_ELEMENTS (shapes) - 1)];
  UnetValue *x = draw (b);
  gint64 ic = x->dims[1], oc = draw_channels (b), group = 1;
  gint64 dims[4], s[] = { p[1], p[1] }, pads[] = { p[2], p[2], p[2], p[2] };
  gint64 out[] = { p[3], p[3] };
  gdouble scale;
  UnetNode *node;

  if (x->dims[2] * x->dims[3] > 400)
    return; /* large enough already */
  if (chance (b, 20))
    oc = range (b, 1, 4);
  if (chance (b, 20))
    oc = grouped (b, ic, &group);
  memcpy (dims, (gint64[]){ ic, oc / group, p[0], p[0] }, sizeof dims);
  scale = sqrt (3.0 * p[1] * p[1] / (ic / group * p[0] * p[0]));
  node = node3 (b, UNET_OP_ConvTranspose, x, floats (b, 4, dims, -scale, scale),
      chance (b, 50) ? floats (b, 1, &oc, -0.5, 0.5) : NULL);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_ints (node, "output_padding", out, 2);
  unet_node_set_attr_int (node, "group", group);
  keep (b, done (b, node));
}

static void
pool (Builder *b)
{
  UnetValue *x = draw (b);
  gboolean average = chance (b, 40);
  gint64 k = range (b, 1, 3), stride = range (b, 1, 2), pads[4];
  gint64 kernel[] = { k, k }, s[] = { stride, stride };
  UnetNode *node;

  if (x->dims[2] < k || x->dims[3] < k)
    return;
  for (guint i = 0; i < 4; i++)
    pads[i] = chance (b, 60) ? 0 : range (b, 0, k / 2);
  node =
      node3 (b, average ? UNET_OP_AveragePool : UNET_OP_MaxPool, x, NULL, NULL);
  unet_node_set_attr_ints (node, "kernel_shape", kernel, 2);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "ceil_mode", chance (b, 50));
  if (average)
    unet_node_set_attr_int (node, "count_include_pad", chance (b, 50));
  keep (b, done (b, node));
}

static void
global_pool (Builder *b)
{
  keep (b,
      unary (b,
          chance (b, 70) ? UNET_OP_GlobalAveragePool : UNET_OP_GlobalMaxPool,
          draw (b)));
}

static UnetValue *
activation_of (Builder *b, UnetValue *x)
{
  static const UnetOp ops[] = { UNET_OP_Relu, UNET_OP_Relu, UNET_OP_Clip,
    UNET_OP_LeakyRelu, UNET_OP_PRelu, UNET_OP_Sigmoid, UNET_OP_HardSigmoid,
    UNET_OP_HardSwish, UNET_OP_Tanh, UNET_OP_Elu, UNET_OP_Softplus };
  UnetOp op = ops[range (b, 0, G_N_ELEMENTS (ops) - 1)];
  gint64 slopes[] = { chance (b, 70) ? x->dims[1] : 1, 1, 1 }, one = 1;
  UnetNode *node;

  if (op == UNET_OP_PRelu)
    return done (b,
        node3 (b, op, x,
            floats (b, CLAMP ((gint) x->n_dims - 1, 0, 3), slopes, -0.2, 0.5),
            NULL));
  if (op == UNET_OP_Clip)
    return done (b,
        node3 (b, op, x, floats (b, 0, &one, -0.5, 0.2),
            chance (b, 50) ? floats (b, 0, &one, 0.3, 1.5) : NULL));
  node = node3 (b, op, x, NULL, NULL);
  if (op == UNET_OP_LeakyRelu || op == UNET_OP_Elu)
    unet_node_set_attr_float (node, "alpha", 0.3);
  return done (b, node);
}

/* The inverted residual of MobileNets: wide, each channel by itself, narrow. */
static UnetValue *
inverted_residual (Builder *b, UnetValue *x, gint64 wide)
{
  gint64 s = range (b, 1, 2), c = x->dims[1];
  gint64 dims[] = { wide, 1, 3, 3 }, strides[] = { s, s };
  gint64 pads[] = { 1, 1, 1, 1 };
  UnetNode *node;

  x = conv_plain (b, x, wide, 1, 1, 0);
  if (chance (b, 80))
    x = activation_of (b, x);
  node = node3 (b, UNET_OP_Conv, x, floats (b, 4, dims, -0.6, 0.6),
      floats (b, 1, dims, -0.5, 0.5));
  unet_node_set_attr_ints (node, "strides", strides, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "group", wide);
  x = done (b, node);
  if (chance (b, 80))
    x = activation_of (b, x);
  return conv_plain (b, x, c, 1, 1, 0);
}

static void
activation (Builder *b)
{
  keep (b, activation_of (b, draw (b)));
}

/* x * sigmoid (x), in the two orders. */
static void
swish (Builder *b)
{
  UnetValue *x = draw (b), *gate = unary (b, UNET_OP_Sigmoid, x);
  gboolean first = chance (b, 50);

  keep (b,
      done (
          b, node3 (b, UNET_OP_Mul, first ? x : gate, first ? gate : x, NULL)));
}

/* A value of the same shape as @x: another one, or made from it. */
static UnetValue *
mate (Builder *b, UnetValue *x)
{
  for (guint i = 0; i < 4; i++) {
    UnetValue *v = draw (b);

    if (v != x && memcmp (v->dims, x->dims, sizeof v->dims) == 0)
      return v;
  }
  if (chance (b, 30))
    return keep (b, conv_plain (b, x, x->dims[1], 1, 1, 0));
  if (chance (b, 50))
    return conv_plain (b, x, x->dims[1], 3, 1, 1);
  return activation_of (b, x);
}

static void
residual (Builder *b)
{
  UnetValue *x = draw (b), *y = mate (b, x);
  gboolean swap = chance (b, 50);
  UnetValue *sum =
      done (b, node3 (b, UNET_OP_Add, swap ? y : x, swap ? x : y, NULL));

  keep (b, chance (b, 60) ? activation_of (b, sum) : sum);
}

/* conv [act] + x [act], all of it fused into the convolution */
static void
residual_block (Builder *b)
{
  UnetValue *x = draw (b);
  UnetValue *y = conv_plain (b, x, x->dims[1], 3, 1, 1);

  if (chance (b, 50))
    y = unary (b, UNET_OP_Relu, y);
  if (chance (b, 70))
    y = conv_plain (b, y, x->dims[1], 3, 1, 1);
  if (chance (b, 30))
    y = activation_of (b, y);
  y = done (b, node3 (b, UNET_OP_Add, x, y, NULL));
  if (chance (b, 70))
    y = activation_of (b, y);
  if (chance (b, 20))
    y = done (b, node3 (b, UNET_OP_Mul, y, x, NULL));
  keep (b, y);
}

/* What a post-op may take: of full size, per picture and channel, per
 * channel. */
static void
make_operands (Builder *b, UnetValue *x, UnetValue *operands[4])
{
  gint64 per_channel[] = { 1, x->dims[1], 1, 1 };

  operands[0] = chance (b, 50) ? x : mate (b, x);
  operands[1] = unary (b, UNET_OP_GlobalAveragePool, x);
  operands[2] = floats (b, 4, per_channel, 0.5, 1.5);
  operands[3] = floats (b, 3, per_channel + 1, 0.5, 1.5);
}

/* Chains of post-ops, such as fusion makes and such as it does not. */
static void
post_ops (Builder *b)
{
  UnetValue *x = draw (b), *operands[4], *out;
  gint64 kernel = chance (b, 70) ? 3 : 1;
  guint n = range (b, 1, 4);

  make_operands (b, x, operands);
  out = chance (b, 80) ? conv_plain (b, x, x->dims[1], kernel, 1, kernel / 2)
                       : unary (b, UNET_OP_Abs, x);
  for (guint i = 0; i < n; i++) {
    UnetPostOp op = { range (b, UNET_POST_RELU, UNET_POST_LINEAR),
      range (b, 1, 5) / 10.0f, range (b, 5, 15) / 10.0f, NULL };

    if (chance (b, 40)) {
      op.kind = chance (b, 60) ? UNET_POST_ADD : UNET_POST_MUL;
      op.value = operands[chance (b, 50) ? 0 : range (b, 0, 3)];
    }
    unet_node_add_post_op (out->producer, &op);
  }
  keep (b, out);
}

/* Operands of every kind of broadcast. */
static void
arithmetic (Builder *b)
{
  static const UnetOp ops[] = { UNET_OP_Add, UNET_OP_Sub, UNET_OP_Mul,
    UNET_OP_Min, UNET_OP_Max, UNET_OP_Div };
  UnetOp op = ops[range (b, 0, 5)];
  UnetValue *x = draw (b), *y;
  gint64 c = x->dims[1], per_channel[] = { 1, c, 1, 1 };
  gint64 row[] = { x->dims[3] }, plane[] = { 1, 1, x->dims[2], x->dims[3] };
  gint64 one = 1;
  gboolean swap = op != UNET_OP_Div && chance (b, 50);

  switch (range (b, 0, 5)) {
    case 0:
      y = floats (b, 4, per_channel, 0.5, 2);
      break;
    case 1:
      y = floats (b, 3, per_channel + 1, 0.5, 2);
      break;
    case 2:
      y = floats (b, 1, row, 0.5, 2);
      break;
    case 3:
      y = floats (b, 4, plane, 0.5, 2);
      break;
    case 4:
      y = floats (b, 0, &one, 0.5, 2);
      break;
    default:
      y = unary (b, UNET_OP_Sigmoid, mate (b, x));
      if (op == UNET_OP_Div)
        y = done (
            b, node3 (b, UNET_OP_Add, y, floats (b, 0, &one, 1, 1.5), NULL));
  }
  keep (b, done (b, node3 (b, op, swap ? y : x, swap ? x : y, NULL)));
}

/* Operands that broadcast and are computed. */
static void
arithmetic_computed (Builder *b)
{
  UnetValue *x = draw (b), *y = unary (b, UNET_OP_GlobalAveragePool, x);
  gint64 axes[] = { 1 };
  UnetNode *node;

  switch (range (b, 0, 2)) {
    case 0: /* [N, C, 1, 1] */
      break;
    case 1: /* [N, 1, H, W] */
      node = node3 (b, UNET_OP_ReduceMean, x, NULL, NULL);
      unet_node_set_attr_ints (node, "axes", axes, 1);
      y = done (b, node);
      break;
    default: /* [C, 1, 1] of one picture */
      if (x->dims[0] != 1)
        return;
      axes[0] = 0;
      node = node3 (b, UNET_OP_Squeeze, y, ints (b, axes, 1), NULL);
      y = done (b, node);
  }
  keep (b,
      done (b,
          node3 (b, chance (b, 50) ? UNET_OP_Sub : UNET_OP_Add, x, y, NULL)));
}

/* Squeeze and excitation (Hu et al. 2018). */
static void
gate (Builder *b)
{
  UnetValue *x = draw (b), *y = unary (b, UNET_OP_GlobalAveragePool, x);

  y = unary (b, UNET_OP_Relu, conv_plain (b, y, range (b, 1, 20), 1, 1, 0));
  y = conv_plain (b, y, x->dims[1], 1, 1, 0);
  y = unary (b, chance (b, 50) ? UNET_OP_Sigmoid : UNET_OP_HardSigmoid, y);
  keep (b, done (b, node3 (b, UNET_OP_Mul, x, y, NULL)));
}

static void
batch_norm (Builder *b)
{
  UnetValue *x = draw (b);
  gint64 c = x->dims[1];
  UnetNode *node = node3 (b, UNET_OP_BatchNormalization, x,
      floats (b, 1, &c, 0.5, 1.5), floats (b, 1, &c, -0.5, 0.5));

  unet_node_add_input (node, floats (b, 1, &c, -0.2, 0.2));
  unet_node_add_input (node, floats (b, 1, &c, 0.5, 1.5));
  keep (b, done (b, node));
}

/* ---- moves -------------------------------------------------------------- */

static gboolean
same_picture (const UnetValue *a, const UnetValue *b)
{
  return a->dims[0] == b->dims[0] && a->dims[2] == b->dims[2]
      && a->dims[3] == b->dims[3];
}

static UnetValue *
concat_of (Builder *b, GPtrArray *inputs, gint64 axis)
{
  UnetNode *node =
      node3 (b, UNET_OP_Concat, g_ptr_array_index (inputs, 0), NULL, NULL);

  for (guint i = 1; i < inputs->len; i++)
    unet_node_add_input (node, g_ptr_array_index (inputs, i));
  unet_node_set_attr_int (node, "axis", axis);
  return done (b, node);
}

static void
concat (Builder *b)
{
  UnetValue *x = draw (b);
  GPtrArray *inputs = g_ptr_array_new ();
  guint n = range (b, 2, 4);

  g_ptr_array_add (inputs, x);
  while (inputs->len < n) {
    UnetValue *v = draw (b);

    if (!same_picture (v, x) || chance (b, 30))
      v = conv_plain (b, x, draw_channels (b), 1, 1, 0);
    if (chance (b, 30))
      v = activation_of (b, v);
    if (chance (b, 50))
      keep (b, v);
    g_ptr_array_insert (inputs, range (b, 0, inputs->len), v);
  }
  if (x->dims[1] < 100)
    keep (b, concat_of (b, inputs, chance (b, 80) ? 1 : -3));
  g_ptr_array_unref (inputs);
}

/* Along rows, columns or pictures. */
static void
concat_other (Builder *b)
{
  UnetValue *x = draw (b);
  GPtrArray *inputs = g_ptr_array_new ();
  gint64 axis = range (b, 2, 3);

  g_ptr_array_add (inputs, x);
  g_ptr_array_add (inputs, chance (b, 40) ? x : mate (b, x));
  if (memcmp (((UnetValue *) inputs->pdata[1])->dims, x->dims, sizeof x->dims)
          == 0
      && x->dims[axis] < 30)
    keep (b, concat_of (b, inputs, axis));
  g_ptr_array_unref (inputs);
}

static void
split (Builder *b)
{
  UnetValue *x = draw (b);
  gint64 c = x->dims[1], sizes[3], block = chance (b, 50) ? 16 : 1;
  guint n = range (b, 2, 3);
  UnetNode *node;
  gchar name[32];

  if (c < (gint64) n * block)
    return;
  sizes[0] = range (b, 1, c / block / n) * block;
  sizes[1] = n == 3 ? range (b, 1, c / block / n) * block : c - sizes[0];
  sizes[2] = c - sizes[0] - sizes[1];
  node = node3 (b, UNET_OP_Split, x, ints (b, sizes, n), NULL);
  for (guint i = 1; i < n; i++)
    unet_node_add_output (
        node, unet_graph_add_value (b->graph, next_name (b, "v", name)));
  unet_node_set_attr_int (node, "axis", chance (b, 50) ? 1 : -3);
  done (b, node);
  for (guint i = 0; i < n; i++)
    if (i == 0 || chance (b, 70))
      keep (b, unet_node_output (node, i));
}

static void
slice (Builder *b)
{
  UnetValue *x = draw (b), *y;
  gint64 starts[3], ends[3], axes[] = { 1, 2, 3 }, steps[] = { 1, 1, 1 };
  gboolean channels = chance (b, 50), rows = chance (b, 60);
  UnetNode *node;

  for (guint i = 0; i < 3; i++) {
    gint64 extent = x->dims[axes[i]];
    gboolean cut = i == 0 ? channels : rows;

    starts[i] = cut ? range (b, 0, (extent - 1) / 2) : 0;
    if (i == 0 && chance (b, 60))
      starts[i] = starts[i] / 16 * 16;
    ends[i] = cut ? range (b, MAX (starts[i], extent / 2) + 1, extent + 1)
                  : G_MAXINT64;
    ends[i] = cut && ends[i] > extent ? G_MAXINT32 : ends[i];
  }
  if (chance (b, 10) && x->dims[2] > 2)
    steps[1] = 2;
  node = node3 (b, UNET_OP_Slice, x, ints (b, starts, 3), ints (b, ends, 3));
  unet_node_add_input (node, ints (b, axes, 3));
  unet_node_add_input (node, ints (b, steps, 3));
  y = done (b, node);
  if (unet_dims_count (4, y->dims) > 0)
    keep (b, y);
}

static void
pad (Builder *b)
{
  static const gchar *const modes[] = { "constant", "edge", "reflect" };
  UnetValue *x = draw (b);
  gint64 pads[] = { 0, 0, range (b, 0, 2), range (b, 0, 2), 0, 0,
    range (b, 0, 2), range (b, 0, 2) };
  guint mode = chance (b, 60) ? 0 : range (b, 1, 2);
  gint64 one = 1;
  UnetNode *node;

  if (x->dims[2] < 4 || x->dims[3] < 4)
    return;
  node = node3 (b, UNET_OP_Pad, x, ints (b, pads, 8),
      mode == 0 && chance (b, 30) ? floats (b, 0, &one, 0.5, 1) : NULL);
  unet_node_set_attr_string (node, "mode", modes[mode]);
  keep (b, done (b, node));
}

static UnetValue *
transpose_of (Builder *b, UnetValue *x, gint64 p, gint64 q, gint64 r, gint64 s)
{
  gint64 perm[] = { p, q, r, s };
  UnetNode *node = node3 (b, UNET_OP_Transpose, x, NULL, NULL);

  unet_node_set_attr_ints (node, "perm", perm, 4);
  return done (b, node);
}

/* To the other layout and back, with something between; or rows against
 * columns. */
static void
transpose (Builder *b)
{
  UnetValue *x = draw (b), *y;
  gint64 c = x->dims[1], one = 1;

  if (chance (b, 30)) {
    keep (b, transpose_of (b, x, 0, 1, 3, 2));
    return;
  }
  y = transpose_of (b, x, 0, 2, 3, 1);
  if (chance (b, 70))
    y = done (b, node3 (b, UNET_OP_Add, y, floats (b, 1, &c, -1, 1), NULL));
  if (chance (b, 50))
    y = unary (b, UNET_OP_Relu, y);
  if (chance (b, 30))
    y = done (b, node3 (b, UNET_OP_Mul, y, floats (b, 0, &one, 0.5, 2), NULL));
  keep (b, chance (b, 80) ? transpose_of (b, y, 0, 3, 1, 2) : y);
}

static void
resize (Builder *b)
{
  static const gchar *const coords[] = { "half_pixel", "pytorch_half_pixel",
    "align_corners", "asymmetric", "half_pixel_symmetric" };
  static const gchar *const rounds[] = { "round_prefer_floor",
    "round_prefer_ceil", "floor", "ceil" };
  UnetValue *x = draw (b), *sizes = NULL, *scales = NULL;
  gboolean by_size = chance (b, 50);
  UnetNode *node;

  if (x->dims[2] * x->dims[3] > 400)
    return;
  if (by_size) {
    gint64 s[] = { x->dims[0], x->dims[1], range (b, 1, 2 * x->dims[2]),
      range (b, 1, 2 * x->dims[3]) };
    sizes = ints (b, s, 4);
  } else {
    gint64 four = 4;
    gfloat *f;

    scales = floats (b, 1, &four, 1, 2);
    f = scales->constant->data;
    f[0] = f[1] = 1;
    f[2] = f[3] = chance (b, 70) ? 2 : 1.5;
  }
  node = node3 (b, UNET_OP_Resize, x, NULL, scales);
  while (node->inputs->len < 3)
    unet_node_add_input (node, NULL);
  if (by_size)
    unet_node_add_input (node, sizes);
  unet_node_set_attr_string (
      node, "mode", chance (b, 60) ? "linear" : "nearest");
  unet_node_set_attr_string (node, "coordinate_transformation_mode",
      coords[range (b, 0, G_N_ELEMENTS (coords) - 1)]);
  unet_node_set_attr_string (node, "nearest_mode", rounds[range (b, 0, 3)]);
  keep (b, done (b, node));
}

static void
softmax (Builder *b)
{
  UnetNode *node = node3 (b,
      chance (b, 70) ? UNET_OP_Softmax : UNET_OP_LogSoftmax, draw (b), NULL,
      NULL);

  unet_node_set_attr_int (node, "axis", chance (b, 70) ? 1 : range (b, -2, 3));
  keep (b, done (b, node));
}

/* To three dimensions and back, with a product of matrices between. */
static void
reshape (Builder *b)
{
  UnetValue *x = draw (b), *y;
  gint64 to[] = { 0, 0, -1 }, w[] = { x->dims[1], x->dims[1] };
  gint64 back[] = { x->dims[0], x->dims[1], x->dims[2], x->dims[3] };
  gdouble scale = sqrt (3.0 / x->dims[1]);

  y = done (b, node3 (b, UNET_OP_Reshape, x, ints (b, to, 3), NULL));
  if (chance (b, 60))
    y = done (
        b, node3 (b, UNET_OP_MatMul, floats (b, 2, w, -scale, scale), y, NULL));
  if (chance (b, 50))
    y = activation_of (b, y);
  keep (b, done (b, node3 (b, UNET_OP_Reshape, y, ints (b, back, 4), NULL)));
}

static void
identity (Builder *b)
{
  keep (
      b, unary (b, chance (b, 50) ? UNET_OP_Identity : UNET_OP_Abs, draw (b)));
}

/* ---- random graphs ------------------------------------------------------ */

static const struct {
  void (*add) (Builder *);
  guint weight;
} makers[] = {
  { conv, 14 },
  { conv_transpose, 5 },
  { pool, 5 },
  { global_pool, 1 },
  { activation, 6 },
  { swish, 3 },
  { residual, 6 },
  { residual_block, 6 },
  { post_ops, 5 },
  { arithmetic, 6 },
  { arithmetic_computed, 4 },
  { gate, 3 },
  { batch_norm, 2 },
  { concat, 12 },
  { concat_other, 2 },
  { split, 4 },
  { slice, 4 },
  { pad, 3 },
  { transpose, 4 },
  { resize, 5 },
  { softmax, 2 },
  { reshape, 3 },
  { identity, 1 },
};

static void
add_something (Builder *b)
{
  guint total = 0, at = 0;

  for (guint i = 0; i < G_N_ELEMENTS (makers); i++)
    total += makers[i].weight;
  total = range (b, 0, total - 1);
  while (total >= makers[at].weight)
    total -= makers[at++].weight;
  makers[at].add (b);
}

/* What nobody reads is an output; so are some others, with @all all. */
static void
choose_outputs (Builder *b, gboolean all)
{
  UnetGraph *g = b->graph;

  for (guint i = 0; i < g->values->len; i++) {
    UnetValue *v = g_ptr_array_index (g->values, i);

    if (!v->producer || v->dtype != UNET_DTYPE_F32)
      continue;
    if (all || v->consumers->len == 0 || chance (b, 8))
      g_ptr_array_add (g->outputs, v);
  }
  if (chance (b, 5)) /* straight through */
    g_ptr_array_add (g->outputs, g_ptr_array_index (g->inputs, 0));
}

UnetGraph *
unet_test_graph_random (guint seed, gboolean all)
{
  gchar *name = g_strdup_printf ("random %u", seed);
  Builder b = builder_new (seed, name);
  guint n = range (&b, 3, 14);
  gint64 pictures = chance (&b, 70) ? 1 : 2;

  g_free (name);
  add_input (&b, pictures, chance (&b, 50) ? 3 : draw_channels (&b),
      range (&b, 1, 20), range (&b, 1, 24));
  if (chance (&b, 20))
    add_input (
        &b, pictures, range (&b, 1, 20), range (&b, 1, 20), range (&b, 1, 20));
  for (guint i = 0; i < n; i++)
    add_something (&b);
  choose_outputs (&b, all);
  return builder_end (&b);
}

/* Large enough that oneDNN really does both at once. */
UnetGraph *
unet_test_graph_inverted (guint seed)
{
  Builder b = builder_new (seed, "inverted residuals");
  UnetValue *x = add_input (&b, 1, 8 * range (&b, 2, 3), 64, 64);

  x = inverted_residual (&b, x, 48 * range (&b, 2, 3));
  g_ptr_array_add (b.graph->outputs, inverted_residual (&b, x, 96));
  return builder_end (&b);
}

/* ---- known shapes ------------------------------------------------------- */

static UnetValue *
conv_relu (Builder *b, UnetValue *x, gint64 oc, gint64 stride)
{
  return unary (b, UNET_OP_Relu, conv_plain (b, x, oc, 3, stride, 1));
}

static UnetValue *
twice (Builder *b, UnetValue *x, gint64 oc)
{
  return conv_relu (b, conv_relu (b, x, oc, 1), oc, 1);
}

static UnetValue *
max_pool (Builder *b, UnetValue *x)
{
  gint64 two[] = { 2, 2 };
  UnetNode *node = node3 (b, UNET_OP_MaxPool, x, NULL, NULL);

  unet_node_set_attr_ints (node, "kernel_shape", two, 2);
  unet_node_set_attr_ints (node, "strides", two, 2);
  unet_node_set_attr_int (node, "ceil_mode", 1);
  return done (b, node);
}

static UnetValue *
upsample (Builder *b, UnetValue *x, const UnetValue *like)
{
  gint64 sizes[] = { x->dims[0], x->dims[1], like->dims[2], like->dims[3] };
  UnetNode *node = node3 (b, UNET_OP_Resize, x, NULL, NULL);

  unet_node_add_input (node, NULL);
  unet_node_add_input (node, NULL);
  unet_node_add_input (node, ints (b, sizes, 4));
  unet_node_set_attr_string (node, "mode", "linear");
  return done (b, node);
}

static UnetValue *
up_conv (Builder *b, UnetValue *x, gint64 oc)
{
  gint64 dims[] = { x->dims[1], oc, 2, 2 }, two[] = { 2, 2 };
  gdouble scale = sqrt (3.0 / x->dims[1]);
  UnetNode *node = node3 (b, UNET_OP_ConvTranspose, x,
      floats (b, 4, dims, -scale, scale), floats (b, 1, &oc, -0.5, 0.5));

  unet_node_set_attr_ints (node, "strides", two, 2);
  return done (b, node);
}

static UnetValue *
join (Builder *b, UnetValue *skip, UnetValue *up)
{
  GPtrArray *inputs = g_ptr_array_new ();
  UnetValue *out;

  g_ptr_array_add (inputs, skip);
  g_ptr_array_add (inputs, up);
  out = concat_of (b, inputs, 1);
  g_ptr_array_unref (inputs);
  return out;
}

static void
finish (Builder *b, UnetValue *x)
{
  g_ptr_array_add (b->graph->outputs,
      unary (b, UNET_OP_Sigmoid, conv_plain (b, x, 1, 1, 1, 0)));
}

UnetGraph *
unet_test_graph_unet (
    gint64 base, guint depth, gint64 height, gint64 width, gboolean transposed)
{
  Builder b = builder_new (1, "unet");
  UnetValue *x = add_input (&b, 1, 3, height, width), *skips[8];

  for (guint i = 0; i < depth; i++) {
    skips[i] = twice (&b, x, base << i);
    x = max_pool (&b, skips[i]);
  }
  x = twice (&b, x, base << depth);
  for (guint i = depth; i-- > 0;) {
    x = transposed ? up_conv (&b, x, base << i) : upsample (&b, x, skips[i]);
    x = twice (&b, join (&b, skips[i], x), base << i);
  }
  finish (&b, x);
  return builder_end (&b);
}

static UnetValue *
residual_pair (Builder *b, UnetValue *x, gint64 oc, gint64 stride)
{
  UnetValue *y = conv_plain (b, conv_relu (b, x, oc, stride), oc, 3, 1, 1);

  if (stride != 1 || x->dims[1] != oc)
    x = conv_plain (b, x, oc, 1, stride, 0);
  return unary (b, UNET_OP_Relu, done (b, node3 (b, UNET_OP_Add, y, x, NULL)));
}

UnetGraph *
unet_test_graph_residual (gint64 base, guint depth, gint64 height, gint64 width)
{
  Builder b = builder_new (2, "residual");
  UnetValue *x = add_input (&b, 1, 3, height, width), *skips[8];

  x = conv_relu (&b, x, base, 1);
  for (guint i = 0; i < depth; i++) {
    skips[i] = x;
    x = residual_pair (&b, x, base << (i + 1), 2);
    x = residual_pair (&b, x, base << (i + 1), 1);
  }
  for (guint i = depth; i-- > 0;) {
    x = upsample (&b, x, skips[i]);
    x = twice (&b, join (&b, x, skips[i]), base << i);
  }
  finish (&b, x);
  return builder_end (&b);
}

static UnetValue *
nested_block (Builder *b, UnetValue *in, gint64 mid, gint64 oc, guint depth)
{
  UnetValue *first = conv_relu (b, in, oc, 1), *x = first, *skips[8];

  for (guint i = 0; i < depth; i++) {
    skips[i] = conv_relu (b, x, mid, 1);
    x = i + 1 < depth ? max_pool (b, skips[i]) : skips[i];
  }
  x = conv_relu (b, x, mid, 1);
  for (guint i = depth; i-- > 0;) {
    x = conv_relu (b, join (b, x, skips[i]), i ? mid : oc, 1);
    if (i)
      x = upsample (b, x, skips[i - 1]);
  }
  return done (b, node3 (b, UNET_OP_Add, x, first, NULL));
}

UnetGraph *
unet_test_graph_nested (gint64 base, gint64 height, gint64 width)
{
  Builder b = builder_new (3, "nested");
  UnetValue *x = add_input (&b, 1, 3, height, width), *skips[3];

  for (guint i = 0; i < 3; i++) {
    skips[i] = nested_block (&b, x, base, base * 2, 4 - i);
    x = max_pool (&b, skips[i]);
  }
  x = nested_block (&b, x, base, base * 2, 2);
  for (guint i = 3; i-- > 0;)
    x = nested_block (&b, join (&b, upsample (&b, x, skips[i]), skips[i]), base,
        base * 2, 4 - i);
  finish (&b, x);
  return builder_end (&b);
}

/* ---- one level ----------------------------------------------------------- */

static UnetValue *
pool2 (Builder *b, UnetValue *x)
{
  gint64 two[] = { 2, 2 };
  UnetNode *node = node3 (
      b, chance (b, 50) ? UNET_OP_AveragePool : UNET_OP_MaxPool, x, NULL, NULL);

  unet_node_set_attr_ints (node, "kernel_shape", two, 2);
  unet_node_set_attr_ints (node, "strides", two, 2);
  return done (b, node);
}

static gint64
some_channels (Builder *b)
{
  return chance (b, 60) ? 16 * range (b, 1, 3) : range (b, 16, 40);
}

/* Up again from half the size of @skip, and joined with it where it fits. */
static UnetValue *
rise (Builder *b, UnetValue *skip, UnetValue *x)
{
  gint64 oc = chance (b, 30) ? skip->dims[1] : some_channels (b);
  gboolean even = skip->dims[2] % 2 == 0 && skip->dims[3] % 2 == 0;
  UnetValue *up = even && chance (b, 20) ? upsample (b, x, skip)
                                         : up_conv (b, x, oc);

  if (chance (b, 30))
    up = unary (b, UNET_OP_Relu, up);
  if (!even || chance (b, 20))
    return up;
  return chance (b, 50) ? join (b, skip, up) : join (b, up, skip);
}

static UnetValue *
maybe_add (Builder *b, UnetValue *x, UnetValue *y)
{
  if (chance (b, 50) || memcmp (x->dims, y->dims, 4 * sizeof *x->dims) != 0)
    return x;
  return unary (b, UNET_OP_Relu, done (b, node3 (b, UNET_OP_Add, x, y, NULL)));
}

UnetGraph *
unet_test_graph_level (guint seed)
{
  gchar *name = g_strdup_printf ("level %u", seed);
  Builder b = builder_new (seed, name);
  gint64 pictures = range (&b, 1, 2), height = 2 * range (&b, 1, 25);
  gint64 width = 2 * range (&b, 1, 25);
  UnetValue *x = add_input (&b, pictures, 16, height, width), *skip, *y;

  g_free (name);
  if (chance (&b, 30)) { /* of odd size */
    x->dims[2]++;
    x->dims[3]++;
  }
  skip = conv_relu (&b, x, some_channels (&b), 1);
  y = pool2 (&b, skip);
  y = conv_relu (&b, y, some_channels (&b), 1);
  if (chance (&b, 30))
    g_ptr_array_add (b.graph->outputs, y);
  y = rise (&b, skip, y);
  x = conv_relu (&b, y, some_channels (&b), 1);
  x = maybe_add (&b, x, skip);
  if (chance (&b, 30))
    x = maybe_add (&b, conv_relu (&b, y, x->dims[1], 1), x);
  if (chance (&b, 30))
    g_ptr_array_add (b.graph->outputs, x);
  x = conv_plain (&b, x, range (&b, 1, 10), 1, 1, 0);
  if (chance (&b, 50))
    x = unary (&b, UNET_OP_Sigmoid, x);
  g_ptr_array_add (b.graph->outputs, x);
  return builder_end (&b);
}
