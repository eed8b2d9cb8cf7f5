/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One interface for oneDNN 2.6 and 3.7: everything that differs between the two
 * is here and in memory-desc.h. Functions return %FALSE where the library has
 * no implementation, which is no error. */

#include "engine/onednn/memory-desc.h"
#include "engine/onednn/window.h"

G_BEGIN_DECLS

/* Create primitive descriptors. Both skip implementations that compute such a
 * shape wrongly (known-bugs.h). */
gboolean unet_pd_conv (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src, UnetConstMd weights, UnetConstMd bias,
    UnetConstMd dst, const UnetDnnlWindow *window,
    const_dnnl_primitive_attr_t attr);
gboolean unet_pd_deconv (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd weights, UnetConstMd bias, UnetConstMd dst,
    const UnetDnnlWindow *window, const_dnnl_primitive_attr_t attr);
gboolean unet_pd_pool (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src, UnetConstMd dst,
    const UnetDnnlWindow *window, const_dnnl_primitive_attr_t attr);
gboolean unet_pd_matmul (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd weights, UnetConstMd bias, UnetConstMd dst,
    const_dnnl_primitive_attr_t attr);
gboolean unet_pd_eltwise (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd md, gfloat alpha, gfloat beta,
    const_dnnl_primitive_attr_t attr);
gboolean unet_pd_binary (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    dnnl_alg_kind_t alg, UnetConstMd src0, UnetConstMd src1, UnetConstMd dst,
    const_dnnl_primitive_attr_t attr);
gboolean unet_pd_reorder (dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
    UnetConstMd src, UnetConstMd dst, const_dnnl_primitive_attr_t attr);

/* Append post-ops. Returns %FALSE for an algorithm that is there already with
 * different parameters: oneDNN 2.6 computes that wrongly. */
gboolean unet_post_ops_append_eltwise (
    dnnl_post_ops_t ops, dnnl_alg_kind_t alg, gfloat alpha, gfloat beta);
gboolean unet_post_ops_append_sum (dnnl_post_ops_t ops, gfloat scale);
/* The addend has the type @dtype, of the same size as the result. */
gboolean unet_post_ops_append_sum_typed (
    dnnl_post_ops_t ops, gfloat scale, dnnl_data_type_t dtype);

/* Appends a depthwise f32 convolution, 3x3 with a padding of 1. Its weights and
 * bias are operands DNNL_ARG_ATTR_POST_OP_DW | …; dnnl_query_exec_arg_md
 * returns their descriptors. */
gboolean unet_post_ops_append_depthwise (dnnl_post_ops_t ops, gint64 stride);

/* Sets a factor for the sum of products of each output channel. In oneDNN 2 the
 * factors are constants of the attributes. In oneDNN 3 they are an operand,
 * unet_channel_scales_arg (), which is 0 in oneDNN 2. */
gboolean unet_attr_set_channel_scales (dnnl_primitive_attr_t attr,
    gboolean grouped, gint64 n, const gfloat *scales);
gint unet_channel_scales_arg (void);
/* Returns whether the bias is added before the factors apply. */
gboolean unet_bias_comes_before_scales (void);

/* Eltwise algorithms whose name or parameters changed. oneDNN 2.6 has no
 * HardSigmoid: it is linear and clip. */
typedef struct {
  dnnl_alg_kind_t alg;
  gfloat alpha, beta;
} UnetEltwise;
UnetEltwise unet_eltwise_hard_swish (void);
UnetEltwise unet_eltwise_softplus (void);

UnetConstMd unet_pd_md (
    const_dnnl_primitive_desc_t pd, dnnl_query_t what, gint index);
const gchar *unet_pd_impl (const_dnnl_primitive_desc_t pd);
/* Returns whether the implementation is not optimized. */
gboolean unet_pd_is_reference (const_dnnl_primitive_desc_t pd);
/* Creates an attribute with a scratchpad of the caller, and @ops (nullable). */
gboolean unet_pd_scratch_attr (
    dnnl_primitive_attr_t *attr, dnnl_post_ops_t ops);
const gchar *unet_dnnl_status (dnnl_status_t status);

G_END_DECLS
