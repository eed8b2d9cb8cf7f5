/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contract-enums.h"

#include <gst/gst.h>
#include <unetseg/unetseg.h>

static GType
register_once (GType *type, const gchar *name, const GEnumValue *values)
{
  if (g_once_init_enter (type))
    g_once_init_leave (type, g_enum_register_static (name, values));
  return *type;
}

GType
gst_unet_seg_precision_get_type (void)
{
  static const GEnumValue values[] = {
    { UNET_PRECISION_AUTO,
        "int8 where it is calibrated and the processor has VNNI, else f32",
        "auto" },
    { UNET_PRECISION_F32, "32-bit floating point", "f32" },
    { UNET_PRECISION_BF16, "bfloat16, on processors that have it", "bf16" },
    { UNET_PRECISION_INT8,
        "8-bit integers, where masks agree with those of f32", "int8" },
    { 0, NULL, NULL },
  };
  static GType type;

  return register_once (&type, "GstUnetSegPrecision", values);
}

GType
gst_unet_seg_fit_get_type (void)
{
  static const GEnumValue values[] = {
    { UNET_FIT_STRETCH, "The whole frame, stretched", "stretch" },
    { UNET_FIT_LETTERBOX, "The whole frame, aspect kept, borders filled",
        "letterbox" },
    { UNET_FIT_CROP,
        "The largest centred part of the frame with the input's aspect",
        "crop" },
    { UNET_FIT_TILE, "The frame at its own size, in overlapping tiles",
        "tile" },
    { 0, NULL, NULL },
  };
  static GType type;

  return register_once (&type, "GstUnetSegFit", values);
}

GType
gst_unet_seg_layout_get_type (void)
{
  static const GEnumValue values[] = {
    { UNET_LAYOUT_AUTO, "As the model's shapes tell", "auto" },
    { UNET_LAYOUT_NCHW, "Batch, channel, row, column", "nchw" },
    { UNET_LAYOUT_NHWC, "Batch, row, column, channel", "nhwc" },
    { 0, NULL, NULL },
  };
  static GType type;

  return register_once (&type, "GstUnetSegLayout", values);
}

GType
gst_unet_seg_color_order_get_type (void)
{
  static const GEnumValue values[] = {
    { UNET_COLOR_ORDER_AUTO, "Grey for an input of one channel, else RGB",
        "auto" },
    { UNET_COLOR_ORDER_RGB, "Red first", "rgb" },
    { UNET_COLOR_ORDER_BGR, "Blue first", "bgr" },
    { UNET_COLOR_ORDER_GRAY, "Luma only, one channel", "gray" },
    { 0, NULL, NULL },
  };
  static GType type;

  return register_once (&type, "GstUnetSegColorOrder", values);
}

GType
gst_unet_seg_activation_get_type (void)
{
  static const GEnumValue values[] = {
    { UNET_ACTIVATION_AUTO, "As the end of the network's graph tells", "auto" },
    { UNET_ACTIVATION_NONE, "The output holds probabilities", "none" },
    { UNET_ACTIVATION_SIGMOID, "Logistic function of every channel",
        "sigmoid" },
    { UNET_ACTIVATION_SOFTMAX, "Softmax over the channels", "softmax" },
    { UNET_ACTIVATION_ARGMAX, "The output holds class numbers", "argmax" },
    { UNET_ACTIVATION_MIN_MAX, "The output, stretched to 0..1 in each picture",
        "min-max" },
    { 0, NULL, NULL },
  };
  static GType type;

  return register_once (&type, "GstUnetSegActivation", values);
}

void
gst_unet_seg_mark_contract_enums (void)
{
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_PRECISION, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_FIT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_LAYOUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_COLOR_ORDER, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_ACTIVATION, 0);
}
