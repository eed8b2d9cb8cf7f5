/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/compat.h"
#include "engine/onednn/known-bugs.h"
#include <string.h>

/* Creates a primitive descriptor: from a descriptor struct in oneDNN 2, by one
 * call in oneDNN 3. */
#if UNET_DNNL_V3
#define CREATE(pd, name, attr, ...)                                            \
  (dnnl_##name##_primitive_desc_create (pd, engine, __VA_ARGS__, attr)         \
      == dnnl_success)
#else
static gboolean
create_v2 (dnnl_primitive_desc_t *pd, dnnl_status_t status, const void *desc,
    const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
  return status == dnnl_success
      && dnnl_primitive_desc_create (pd, desc, attr, engine, NULL)
      == dnnl_success;
}
#endif

/* A dilation of oneDNN is one less than that of ONNX. */
static void
dilates (const UnetDnnlWindow *window, dnnl_dims_t out)
{
  for (guint i = 0; i < window->n; i++)
    out[i] = window->dilation[i] - 1;
}

#if UNET_DNNL_V3

/* Moves @pd to its first implementation that computes @c correctly. */
static gboolean
pass_over_bugs (dnnl_primitive_desc_t *pd, const UnetDnnlCase *c)
{
  while (unet_known_bug_find (unet_pd_impl (*pd), c))
    if (dnnl_primitive_desc_next_impl (*pd) != dnnl_success) {
      dnnl_primitive_desc_destroy (*pd);
      *pd = NULL;
      return FALSE;
    }
  return TRUE;
}

#else

/* Creates a descriptor of the first implementation that computes @c correctly.
 */
static gboolean
create_right (dnnl_primitive_desc_t *pd, const void *desc,
    const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
    const UnetDnnlCase *c)
{
  dnnl_primitive_desc_iterator_t i = NULL;
  gboolean found = FALSE;

  if (dnnl_primitive_desc_iterator_create (&i, desc, attr, engine, NULL)
      != dnnl_success)
    return FALSE;
  do {
    *pd = dnnl_primitive_desc_iterator_fetch (i);
    found = *pd && !unet_known_bug_find (unet_pd_impl (*pd), c);
    if (*pd && !found) {
      dnnl_primitive_desc_destroy (*pd);
      *pd = NULL;
    }
  } while (!found && dnnl_primitive_desc_iterator_next (i) == dnnl_success);
  dnnl_primitive_desc_iterator_destroy (i);
  return found;
}

#endif

gboolean
unet_pd_conv (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src, UnetConstMd weights, UnetConstMd bias,
    UnetConstMd dst, const UnetDnnlWindow *w, const_dnnl_primitive_attr_t attr)
{
  dnnl_dims_t dilate;
  UnetDnnlCase c;
  gboolean known;

  dilates (w, dilate);
  known = unet_dnnl_case_init (&c, UNET_DNNL_CONV, src, weights, dst, w, attr);
#if UNET_DNNL_V3
  return CREATE (pd, convolution_forward, attr, dnnl_forward_inference, alg,
             src, weights, bias, dst, w->stride, dilate, w->pad_begin,
             w->pad_end)
      && (!known || pass_over_bugs (pd, &c));
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init (&desc,
      dnnl_forward_inference, alg, src, weights, bias, dst, w->stride, dilate,
      w->pad_begin, w->pad_end);

  if (!known)
    return create_v2 (pd, status, &desc, attr, engine);
  return status == dnnl_success && create_right (pd, &desc, attr, engine, &c);
#endif
}

gboolean
unet_pd_deconv (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd weights, UnetConstMd bias, UnetConstMd dst,
    const UnetDnnlWindow *w, const_dnnl_primitive_attr_t attr)
{
  dnnl_dims_t dilate;
  UnetDnnlCase c;
  gboolean known;

  dilates (w, dilate);
  known =
      unet_dnnl_case_init (&c, UNET_DNNL_DECONV, src, weights, dst, w, attr);
#if UNET_DNNL_V3
  return CREATE (pd, deconvolution_forward, attr, dnnl_forward_inference,
             dnnl_deconvolution_direct, src, weights, bias, dst, w->stride,
             dilate, w->pad_begin, w->pad_end)
      && (!known || pass_over_bugs (pd, &c));
#else
  dnnl_deconvolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_deconvolution_forward_desc_init (&desc,
      dnnl_forward_inference, dnnl_deconvolution_direct, src, weights, bias,
      dst, w->stride, dilate, w->pad_begin, w->pad_end);

  if (!known)
    return create_v2 (pd, status, &desc, attr, engine);
  return status == dnnl_success && create_right (pd, &desc, attr, engine, &c);
#endif
}

gboolean
unet_pd_pool (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src, UnetConstMd dst,
    const UnetDnnlWindow *w, const_dnnl_primitive_attr_t attr)
{
  dnnl_dims_t dilate;

  dilates (w, dilate);
#if UNET_DNNL_V3
  return CREATE (pd, pooling_forward, attr, dnnl_forward_inference, alg, src,
      dst, w->stride, w->kernel, dilate, w->pad_begin, w->pad_end);
#else
  dnnl_pooling_v2_desc_t desc;
  return create_v2 (pd,
      dnnl_pooling_v2_forward_desc_init (&desc, dnnl_forward_inference, alg,
          src, dst, w->stride, w->kernel, dilate, w->pad_begin, w->pad_end),
      &desc, attr, engine);
#endif
}

gboolean
unet_pd_matmul (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd weights, UnetConstMd bias, UnetConstMd dst,
    const_dnnl_primitive_attr_t attr)
{
#if UNET_DNNL_V3
  return CREATE (pd, matmul, attr, src, weights, bias, dst);
#else
  dnnl_matmul_desc_t desc;
  return create_v2 (pd, dnnl_matmul_desc_init (&desc, src, weights, bias, dst),
      &desc, attr, engine);
#endif
}

gboolean
unet_pd_eltwise (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd md, gfloat alpha, gfloat beta,
    const_dnnl_primitive_attr_t attr)
{
#if UNET_DNNL_V3
  return CREATE (pd, eltwise_forward, attr, dnnl_forward_inference, alg, md, md,
      alpha, beta);
#else
  dnnl_eltwise_desc_t desc;
  return create_v2 (pd,
      dnnl_eltwise_forward_desc_init (
          &desc, dnnl_forward_inference, alg, md, alpha, beta),
      &desc, attr, engine);
#endif
}

gboolean
unet_pd_binary (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src0, UnetConstMd src1, UnetConstMd dst,
    const_dnnl_primitive_attr_t attr)
{
#if UNET_DNNL_V3
  return CREATE (pd, binary, attr, alg, src0, src1, dst);
#else
  dnnl_binary_desc_t desc;
  return create_v2 (pd, dnnl_binary_desc_init (&desc, alg, src0, src1, dst),
      &desc, attr, engine);
#endif
}

gboolean
unet_pd_reorder (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd dst, const_dnnl_primitive_attr_t attr)
{
  return dnnl_reorder_primitive_desc_create (pd, src, engine, dst, engine, attr)
      == dnnl_success;
}

/* The JIT kernels of oneDNN 2.6 keep one set of parameters for each algorithm:
 * of two ReLUs with different slopes the second runs with the slope of the
 * first.
 */
static gboolean
has_other_params (
    const_dnnl_post_ops_t ops, dnnl_alg_kind_t alg, gfloat alpha, gfloat beta)
{
  for (int i = 0; i < dnnl_post_ops_len (ops); i++) {
    dnnl_alg_kind_t kind;
    float a, b;

    if (dnnl_post_ops_get_kind (ops, i) != dnnl_eltwise)
      continue;
#if UNET_DNNL_V3
    dnnl_post_ops_get_params_eltwise (ops, i, &kind, &a, &b);
#else
    float scale;
    dnnl_post_ops_get_params_eltwise (ops, i, &scale, &kind, &a, &b);
#endif
    if (kind == alg && (a != alpha || b != beta))
      return TRUE;
  }
  return FALSE;
}

gboolean
unet_post_ops_append_eltwise (
    dnnl_post_ops_t ops, dnnl_alg_kind_t alg, gfloat alpha, gfloat beta)
{
  if (has_other_params (ops, alg, alpha, beta))
    return FALSE;
#if UNET_DNNL_V3
  return dnnl_post_ops_append_eltwise (ops, alg, alpha, beta) == dnnl_success;
#else
  return dnnl_post_ops_append_eltwise (ops, 1.0f, alg, alpha, beta)
      == dnnl_success;
#endif
}

gboolean
unet_post_ops_append_sum (dnnl_post_ops_t ops, gfloat scale)
{
#if UNET_DNNL_V3
  return dnnl_post_ops_append_sum (ops, scale, 0, dnnl_data_type_undef)
      == dnnl_success;
#else
  return dnnl_post_ops_append_sum (ops, scale) == dnnl_success;
#endif
}

gboolean
unet_post_ops_append_sum_typed (
    dnnl_post_ops_t ops, gfloat scale, dnnl_data_type_t dtype)
{
#if UNET_DNNL_V3
  return dnnl_post_ops_append_sum (ops, scale, 0, dtype) == dnnl_success;
#else
  return dnnl_post_ops_append_sum_v2 (ops, scale, dtype) == dnnl_success;
#endif
}

gboolean
unet_post_ops_append_depthwise (dnnl_post_ops_t ops, gint64 stride)
{
#if UNET_DNNL_V3
  return dnnl_post_ops_append_dw (
             ops, dnnl_f32, dnnl_f32, dnnl_f32, 3, stride, 1)
      == dnnl_success;
#else
  return dnnl_post_ops_append_dw (
             ops, dnnl_f32, dnnl_f32, dnnl_f32, 3, stride, 1, 0, 0, NULL)
      == dnnl_success;
#endif
}

gboolean
unet_attr_set_channel_scales (dnnl_primitive_attr_t attr, gboolean grouped,
    gint64 n, const gfloat *scales)
{
#if UNET_DNNL_V3
  return dnnl_primitive_attr_set_scales_mask (
             attr, DNNL_ARG_WEIGHTS, grouped ? 3 : 1)
      == dnnl_success;
#else
  return dnnl_primitive_attr_set_output_scales (attr, n, 1 << 1, scales)
      == dnnl_success;
#endif
}

gint
unet_channel_scales_arg (void)
{
#if UNET_DNNL_V3
  return DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS;
#else
  return 0;
#endif
}

gboolean
unet_bias_comes_before_scales (void)
{
  return !UNET_DNNL_V3;
}

UnetEltwise
unet_eltwise_hard_swish (void)
{
  /* oneDNN 2 ignores both parameters. */
  return (UnetEltwise){ dnnl_eltwise_hardswish, 1.0f / 6.0f, 0.5f };
}

UnetEltwise
unet_eltwise_softplus (void)
{
  return (UnetEltwise){ dnnl_eltwise_soft_relu, 1.0f, 0.0f };
}

UnetConstMd
unet_pd_md (const_dnnl_primitive_desc_t pd, dnnl_query_t what, gint index)
{
  return dnnl_primitive_desc_query_md (pd, what, index);
}

const gchar *
unet_pd_impl (const_dnnl_primitive_desc_t pd)
{
  const char *name = NULL;
  dnnl_primitive_desc_query (pd, dnnl_query_impl_info_str, 0, &name);
  return name ? name : "?";
}

gboolean
unet_pd_is_reference (const_dnnl_primitive_desc_t pd)
{
  return g_str_has_prefix (unet_pd_impl (pd), "ref");
}

/* Every primitive takes its scratchpad from the arena: with the library's own
 * one, two threads that run the same primitive corrupt each other. */
gboolean
unet_pd_scratch_attr (dnnl_primitive_attr_t *attr, dnnl_post_ops_t ops)
{
  if (dnnl_primitive_attr_create (attr) != dnnl_success)
    return FALSE;
  return dnnl_primitive_attr_set_scratchpad_mode (
             *attr, dnnl_scratchpad_mode_user)
      == dnnl_success
      && (!ops
          || dnnl_primitive_attr_set_post_ops (*attr, ops) == dnnl_success);
}

const gchar *
unet_dnnl_status (dnnl_status_t status)
{
  switch (status) {
    case dnnl_success:
      return "success";
    case dnnl_out_of_memory:
      return "out of memory";
    case dnnl_invalid_arguments:
      return "invalid arguments";
    case dnnl_unimplemented:
      return "unimplemented";
    case dnnl_runtime_error:
      return "runtime error";
    default:
      return "not required or unknown status";
  }
}
