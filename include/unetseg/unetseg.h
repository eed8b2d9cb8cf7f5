/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * SECTION:unetseg
 * @title: unetseg
 * @short_description: runs U-Net-shaped ONNX networks on the processor
 *
 * The library reads a segmentation network from an ONNX file, compiles it for
 * one picture size and runs it with oneDNN. Its objects follow each other:
 *
 * 1. A #UnetModel is the network as the file has it. It is immutable and may
 *    be used by all threads.
 * 2. A #UnetContract says what the model expects and gives: the names of
 *    input and output, layout, colour order, normalisation, labels.
 * 3. A #UnetSession is the model compiled for one input size. It has the
 *    memory of inputs and outputs and belongs to one thread at a time.
 * 4. A #UnetCalibration, where there is one, lets sessions compute in int8.
 *
 * #UnetSegmentation does all of it in one call, from a picture of any size and
 * format to a #UnetSegMask. #UnetSegMeta is the mask that the GStreamer
 * elements attach to buffers; unet_seg_mask_read() reads it.
 *
 * Functions return %FALSE or %NULL with a #GError of the domain %UNET_ERROR
 * when they fail; the message names the file and, where one is to blame, the
 * node and its operator. Passing %NULL where it is not allowed, or an index
 * out of range, is a programming error, as in GLib.
 *
 * This program prints the probability of the middle pixel of a grey picture,
 * by the built-in model for people:
 *
 * |[<!-- language="C" -->
 * #include <unetseg/unetseg.h>
 *
 * int
 * main (void)
 * {
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (UnetModel) model = unet_model_load (NULL, &error);
 *   g_autoptr (UnetContract) contract =
 *       model ? unet_model_get_contract (model, NULL, &error) : NULL;
 *   g_autoptr (UnetSession) session = NULL;
 *   const UnetTensorInfo *info;
 *   guint width, height;
 *   gsize n = 1;
 *   gfloat *input;
 *
 *   if (contract) {
 *     unet_model_choose_size (model, contract, 640, 480, &width, &height);
 *     session = unet_session_new_for_size (
 *         model, contract, width, height, NULL, &error);
 *   }
 *   if (!session)
 *     g_error ("%s", error->message);
 *   info = unet_session_get_input_info (session, 0);
 *   for (guint i = 0; i < info->n_dims; i++)
 *     n *= info->dims[i];
 *   input = unet_session_get_input_data (session, 0);
 *   for (gsize i = 0; i < n; i++)
 *     input[i] = (0.5f - contract->mean[0]) / contract->std[0];
 *   if (!unet_session_run (session, &error))
 *     g_error ("%s", error->message);
 *   info = unet_session_get_output_info (session, 0);
 *   n = info->dims[2] * info->dims[3];
 *   g_print ("%f\n", ((const gfloat *) unet_session_get_output_data (
 *                        session, 0))[n / 2 + info->dims[3] / 2]);
 *   return 0;
 * }
 * ]|
 *
 * Compile it with `cc example.c $(pkg-config --cflags --libs unetseg-1.0)`.
 *
 * Since: 1.0
 */

#include <unetseg/unet-types.h>
#include <unetseg/unet-version.h>
#include <unetseg/unet-contract.h>
#include <unetseg/unet-model.h>
#include <unetseg/unet-session.h>
#include <unetseg/unet-calibration.h>
#include <unetseg/unet-seg-meta.h>
#include <unetseg/unet-seg-mask.h>
#include <unetseg/unet-segmentation.h>
