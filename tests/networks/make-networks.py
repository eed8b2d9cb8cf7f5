#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the networks that tests and benchmarks run, with fixed seeds.

    make-networks.py [--list] [--only NAME,…] FOLDER

Each network is written as FOLDER/NAME.onnx, and FOLDER/networks.json tells
inputs, sizes to test and the size to time. Files that are
newer than this script are kept.

Every layer is computed with numpy while it is emitted, on a small picture
("same" borders, whatever the network's own are), so that normalisation has
true statistics and the last layer gives logits with a mean of 0 and a
standard deviation of 2: outputs that spread, as a trained network's do.
Needs Debian's python3-onnx (1.12 to 1.18) and python3-numpy, nothing else.
"""
import argparse
import json
import os
import sys
from collections import namedtuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32 = TensorProto.FLOAT
I64 = TensorProto.INT64

# A tensor of the graph: its name and its value (channels, rows, columns) on
# the calibration picture.
T = namedtuple("T", "name a")


# ---- the picture, also used as test input ---------------------------------


def picture(channels, height, width, seed):
    """Smooth colours, a few hard-edged discs and noise, in 0..1."""
    rng = np.random.RandomState(seed)
    y = np.linspace(0, 1, height)[:, None]
    x = np.linspace(0, 1, width)[None, :]
    out = np.zeros((channels, height, width))
    for c in range(channels):
        for _ in range(4):
            fy, fx, phase = rng.uniform(1, 14, 3)
            out[c] += np.sin(fy * y + fx * x + phase) / 8
    for _ in range(6):
        cy, cx = rng.uniform(0, 1, 2)
        radius = rng.uniform(0.05, 0.3)
        disc = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        out[:, disc] += rng.uniform(-0.4, 0.4, (channels, 1))
    out += 0.5 + rng.uniform(-0.05, 0.05, out.shape)
    return np.clip(out, 0, 1).astype(np.float32)


# ---- operators in numpy ---------------------------------------------------


def np_conv(x, w, stride=1, dilation=1, group=1):
    """Borders padded so that the output has ceil(size / stride) pixels."""
    oc, _, kh, kw = w.shape
    c, height, width = x.shape
    ph, pw = (kh - 1) * dilation // 2, (kw - 1) * dilation // 2
    xp = np.pad(x, ((0, 0), (ph, ph), (pw, pw)))
    oh, ow = -(-height // stride), -(-width // stride)
    out = np.zeros((oc, oh, ow), np.float32)
    for i in range(kh):
        for j in range(kw):
            part = xp[
                :,
                i * dilation : i * dilation + height : stride,
                j * dilation : j * dilation + width : stride,
            ]
            if group == 1:
                out += (w[:, :, i, j] @ part.reshape(c, -1)).reshape(oc, oh, ow)
            else:
                out += w[:, 0, i, j][:, None, None] * part
    return out


def np_up_conv(x, w):
    """2x2 transposed convolution, stride 2; w is (ic, oc, 2, 2)."""
    c, height, width = x.shape
    out = np.zeros((w.shape[1], 2 * height, 2 * width), np.float32)
    for i in range(2):
        for j in range(2):
            part = w[:, :, i, j].T @ x.reshape(c, -1)
            out[:, i::2, j::2] = part.reshape(-1, height, width)
    return out


def np_pool(x, kernel=2):
    """Pools with stride 2; 3x3 has a border of 1, and the last row counts."""
    pad = kernel // 2 if kernel == 3 else 0
    _, height, width = x.shape
    oh, ow = (height + 1) // 2, (width + 1) // 2
    xp = np.pad(
        x, ((0, 0), (pad, kernel), (pad, kernel)), constant_values=-np.inf
    )
    parts = [
        xp[:, i : i + 2 * oh : 2, j : j + 2 * ow : 2]
        for i in range(kernel)
        for j in range(kernel)
    ]
    return np.max(parts, axis=0).astype(np.float32)


def np_resize(x, size):
    """Resizes bilinearly with half-pixel centres, enough for statistics."""

    def axis(a, n, dim):
        m = a.shape[dim]
        pos = np.clip((np.arange(n) + 0.5) * m / n - 0.5, 0, m - 1)
        low = np.floor(pos).astype(int)
        high = np.minimum(low + 1, m - 1)
        shape = [1, 1, 1]
        shape[dim] = n
        f = (pos - low).reshape(shape)
        return np.take(a, low, dim) * (1 - f) + np.take(a, high, dim) * f

    return axis(axis(x, size[0], 1), size[1], 2).astype(np.float32)


def sigmoid(x):
    return (1 / (1 + np.exp(-x))).astype(np.float32)


# ---- the builder ----------------------------------------------------------


class Net:
    """Builds one ONNX graph."""

    def __init__(
        self,
        name,
        opset,
        seed,
        channels=3,
        calibrate=(64, 64),
        dims=(1, None, "height", "width"),
        layout="NCHW",
    ):
        self.name, self.opset, self.layout = name, opset, layout
        self.rng = np.random.RandomState(seed)
        self.nodes, self.inits, self.outputs = [], [], []
        self.n = 0
        dims = [channels if d is None else d for d in dims]
        self.input_info = helper.make_tensor_value_info("input", F32, dims)
        self.input = T("input", picture(channels, *calibrate, seed=seed + 1))

    # -- nodes --

    def fresh(self, op):
        self.n += 1
        return "%s_%d" % (op, self.n)

    def node(self, op, inputs, n_out=1, **attrs):
        name = self.fresh(op)
        outs = [name + "_out%s" % ("" if k == 0 else k) for k in range(n_out)]
        self.nodes.append(
            helper.make_node(op, list(inputs), outs, name=name, **attrs)
        )
        return outs[0] if n_out == 1 else outs

    def weight(self, array, what="w"):
        name = self.fresh(what)
        self.inits.append(
            numpy_helper.from_array(np.ascontiguousarray(array), name)
        )
        return name

    def const(self, values, dtype=np.int64):
        """Adds a Constant node, as PyTorch writes small numbers."""
        return self.node(
            "Constant",
            [],
            value=numpy_helper.from_array(np.array(values, dtype)),
        )

    def out(self, x, name, dims):
        self.nodes.append(
            helper.make_node("Identity", [x.name], [name], name="out_" + name)
        )
        self.outputs.append(helper.make_tensor_value_info(name, F32, dims))

    # -- weights --

    def he(self, oc, ic, k):
        scale = np.sqrt(2 / (ic * k * k))
        return (self.rng.standard_normal((oc, ic, k, k)) * scale).astype(
            np.float32
        )

    def statistics(self, y):
        """Returns mean and variance per channel. The variance is so large that
        no channel is the small difference of large numbers."""
        mean = y.mean((1, 2))
        var = y.var((1, 2))
        var = np.maximum(var, 0.1 * var.mean() + 0.1 * mean**2 + 1e-6)
        return mean.astype(np.float32), var.astype(np.float32)

    def affine(self, n, gain=1):
        gamma = (self.rng.uniform(0.8, 1.3, n) * gain).astype(np.float32)
        beta = (self.rng.standard_normal(n) * 0.2 + 0.2).astype(np.float32)
        return gamma, beta

    def batch_norm(self, x, gain=1):
        mean, var = self.statistics(x.a)
        gamma, beta = self.affine(len(mean), gain)
        names = [self.weight(v, "bn") for v in (gamma, beta, mean, var)]
        name = self.node("BatchNormalization", [x.name] + names, epsilon=1e-5)
        scale = (gamma / np.sqrt(var + 1e-5))[:, None, None]
        return T(
            name, (x.a - mean[:, None, None]) * scale + beta[:, None, None]
        )

    # -- convolutions --

    def conv(
        self,
        x,
        oc,
        k=3,
        stride=1,
        dilation=1,
        group=1,
        norm="bias",
        valid=False,
        gain=1,
        **extra
    ):
        """norm: bn (a node of its own), bias (folded), none, raw (a bias and
        no normalisation), logits (calibrated last layer). gain: of the
        normalised output."""
        w = self.he(oc, x.a.shape[0] // group, k)
        y = np_conv(x.a, w, stride, dilation, group)
        pad = 0 if valid else (k - 1) * dilation // 2
        bias = []
        if norm == "bias" or norm == "logits":
            w, b, y = self.fold(w, y, norm, gain)
            bias = [self.weight(b, "b")]
        elif norm == "raw":
            b = (self.rng.standard_normal(oc) * 0.3).astype(np.float32)
            y = y + b[:, None, None]
            bias = [self.weight(b, "b")]
        attrs = dict(
            kernel_shape=[k, k],
            strides=[stride] * 2,
            group=group,
            dilations=[dilation] * 2,
            pads=[pad] * 4,
        )
        attrs.update(extra)
        attrs = {key: v for key, v in attrs.items() if v is not None}
        name = self.node("Conv", [x.name, self.weight(w)] + bias, **attrs)
        y = T(name, y)
        return self.batch_norm(y, gain) if norm == "bn" else y

    def fold(self, w, y, norm, gain):
        """Folds the normalisation into weights and bias."""
        mean, var = self.statistics(y)
        gamma, beta = self.affine(len(mean), gain)
        if norm == "logits":
            gamma, beta = np.full_like(gamma, 2), np.zeros_like(beta)
        scale = gamma / np.sqrt(var)
        b = beta - mean * scale
        y = y * scale[:, None, None] + b[:, None, None]
        return w * scale[:, None, None, None], b, y

    def up_conv(self, x, oc):
        ic = x.a.shape[0]
        w = (self.rng.standard_normal((ic, oc, 2, 2)) / np.sqrt(ic)).astype(
            np.float32
        )
        b = (self.rng.standard_normal(oc) * 0.1).astype(np.float32)
        name = self.node(
            "ConvTranspose",
            [x.name, self.weight(w), self.weight(b, "b")],
            kernel_shape=[2, 2],
            strides=[2, 2],
            group=1,
            dilations=[1, 1],
            pads=[0, 0, 0, 0],
        )
        return T(name, np_up_conv(x.a, w) + b[:, None, None])

    # -- activations --

    def relu(self, x):
        return T(self.node("Relu", [x.name]), np.maximum(x.a, 0))

    def relu6(self, x):
        if self.opset < 11:
            name = self.node("Clip", [x.name], min=0.0, max=6.0)
        else:
            name = self.node(
                "Clip",
                [x.name, self.const(0, np.float32), self.const(6, np.float32)],
            )
        return T(name, np.clip(x.a, 0, 6))

    def hard_swish(self, x, parts):
        y = x.a * np.clip(x.a / 6 + 0.5, 0, 1)
        if not parts:
            return T(self.node("HardSwish", [x.name]), y)
        shifted = self.node("Add", [x.name, self.const(3, np.float32)])
        gate = self.relu6(T(shifted, x.a + 3))
        product = self.node("Mul", [x.name, gate.name])
        return T(self.node("Div", [product, self.const(6, np.float32)]), y)

    def hard_sigmoid(self, x, parts):
        y = np.clip(x.a / 6 + 0.5, 0, 1)
        if not parts:
            return T(self.node("HardSigmoid", [x.name], alpha=1 / 6), y)
        shifted = self.node("Add", [x.name, self.const(3, np.float32)])
        gate = self.relu6(T(shifted, x.a + 3))
        return T(self.node("Div", [gate.name, self.const(6, np.float32)]), y)

    def sigmoid(self, x):
        return T(self.node("Sigmoid", [x.name]), sigmoid(x.a))

    def softmax(self, x, axis=1):
        """Over channels. Up to opset 12 Softmax flattens what follows its
        axis, so PyTorch brings the channels to the end and back."""
        e = np.exp(x.a - x.a.max(0))
        name, turn = x.name, self.opset < 13 and axis == 1
        if turn:
            name = self.node("Transpose", [name], perm=[0, 3, 2, 1])
        name = self.node("Softmax", [name], axis=3 if turn else axis)
        if turn:
            name = self.node("Transpose", [name], perm=[0, 3, 2, 1])
        return T(name, e / e.sum(0))

    # -- joins and pools --

    def add(self, x, y):
        return T(self.node("Add", [x.name, y.name]), x.a + y.a)

    def mul(self, x, y):
        return T(self.node("Mul", [x.name, y.name]), x.a * y.a)

    def concat(self, *xs, axis=1):
        return T(
            self.node("Concat", [x.name for x in xs], axis=axis),
            np.concatenate([x.a for x in xs]),
        )

    def pool(self, x, k=2, ceil=False, **extra):
        attrs = dict(kernel_shape=[k, k], strides=[2, 2])
        attrs["pads"] = [1 if k == 3 else 0] * 4
        if ceil:
            attrs["ceil_mode"] = 1
        attrs.update(extra)
        return T(self.node("MaxPool", [x.name], **attrs), np_pool(x.a, k))

    def global_mean(self, x, reduce=False):
        y = x.a.mean((1, 2), keepdims=True).astype(np.float32)
        if reduce:
            return T(
                self.node("ReduceMean", [x.name], axes=[2, 3], keepdims=1), y
            )
        return T(self.node("GlobalAveragePool", [x.name]), y)

    # -- resizing --

    def nearest(self, x):
        """F.interpolate(scale_factor=2, mode='nearest')."""
        y = x.a.repeat(2, 1).repeat(2, 2)
        scales = self.const([1, 1, 2, 2], np.float32)
        if self.opset < 10:
            return T(self.node("Upsample", [x.name, scales], mode="nearest"), y)
        if self.opset < 11:
            return T(self.node("Resize", [x.name, scales], mode="nearest"), y)
        name = self.node(
            "Resize",
            [x.name, self.empty(), scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            cubic_coeff_a=-0.75,
            nearest_mode="floor",
        )
        return T(name, y)

    def empty(self):
        """Returns an input left out, up to opset 12 an empty tensor."""
        return self.const([], np.float32) if self.opset < 13 else ""

    def unsqueeze(self, name):
        if self.opset < 13:
            return self.node("Unsqueeze", [name], axes=[0])
        return self.node("Unsqueeze", [name, self.const([0])])

    def size_of(self, x, axis):
        return self.node(
            "Gather", [self.node("Shape", [x.name]), self.const(axis)], axis=0
        )

    def linear_to(self, x, like, align):
        """Resizes like F.interpolate(size=like.shape[2:], mode='bilinear'),
        with the chain of shapes that PyTorch's tracer leaves behind."""
        rows = self.unsqueeze(self.size_of(like, 2))
        columns = self.unsqueeze(self.size_of(like, 3))
        size = self.node("Concat", [rows, columns], axis=0)
        front = self.node(
            "Slice",
            [
                self.node("Shape", [x.name]),
                self.const([0]),
                self.const([2]),
                self.const([0]),
            ],
        )
        cast = self.node("Cast", [size], to=I64)
        sizes = self.node("Concat", [front, cast], axis=0)
        empty = self.empty()
        mode = "align_corners" if align else "pytorch_half_pixel"
        name = self.node(
            "Resize",
            [x.name, empty, empty, sizes],
            mode="linear",
            nearest_mode="floor",
            coordinate_transformation_mode=mode,
            cubic_coeff_a=-0.75,
        )
        return T(name, np_resize(x.a, like.a.shape[1:]))

    # -- the file --

    def save(self, path, metadata=None):
        graph = helper.make_graph(
            self.nodes, self.name, [self.input_info], self.outputs, self.inits
        )
        model = helper.make_model(
            graph,
            producer_name="make-networks",
            opset_imports=[helper.make_opsetid("", self.opset)],
        )
        model.ir_version = 7 if self.opset < 15 else 8
        helper.set_model_props(model, metadata or {})
        onnx.checker.check_model(model)
        onnx.save(model, path + ".part")
        os.replace(path + ".part", path)


def nchw(classes, h="height", w="width", batch=1):
    return [batch, classes, h, w]


# ---- networks -------------------------------------------------------------


def double_conv(net, x, oc, norm, valid=False):
    for _ in range(2):
        x = net.relu(net.conv(x, oc, norm=norm, valid=valid))
    return x


def classic(
    name, base, norm, seed, classes=1, join="concat", batch=1, opset=11
):
    """Ronneberger et al. 2015 with same-padded convolutions."""
    net = Net(name, opset, seed, dims=(batch, None, "height", "width"))
    x, skips = net.input, []
    for level in range(4):
        x = double_conv(net, x, base << level, norm)
        skips.append(x)
        x = net.pool(x)
    x = double_conv(net, x, base << 4, norm)
    for level in reversed(range(4)):
        x = net.up_conv(x, base << level)
        skip = skips[level]
        x = net.add(skip, x) if join == "add" else net.concat(skip, x)
        x = double_conv(net, x, base << level, norm)
    x = net.conv(x, classes, k=1, norm="logits")
    net.out(x, "logits", nchw(classes, batch=batch))
    return net


def crop_2015(net, x, like, static):
    """Crops x to the middle that covers like. static: (offset, size) is known.
    Calibration needs no crop, since borders are padded there."""
    if static:
        offset, size = static
        starts, ends = [offset] * 2, [offset + size] * 2
        name = net.node(
            "Slice",
            [
                x.name,
                net.const(starts),
                net.const(ends),
                net.const([2, 3]),
                net.const([1, 1]),
            ],
        )
        return T(name, x.a)
    name = x.name
    for axis in (2, 3):
        have, want = net.size_of(T(name, 0), axis), net.size_of(like, axis)
        start = net.node("Div", [net.node("Sub", [have, want]), net.const(2)])
        end = net.node("Add", [start, want])
        name = net.node(
            "Slice",
            [
                name,
                net.unsqueeze(start),
                net.unsqueeze(end),
                net.const([axis]),
                net.const([1]),
            ],
        )
    return T(name, x.a)


def unet_2015(name, base, static, seed):
    """Ronneberger et al. 2015, fig. 1: valid convolutions, cropped skips."""
    dims = (1, None, 572, 572) if static else (1, None, "height", "width")
    net = Net(name, 13, seed, channels=1, dims=dims)
    x, skips, size, sizes = net.input, [], 572, []
    for level in range(4):
        x = double_conv(net, x, base << level, "bias", valid=True)
        size -= 4
        skips.append(x)
        sizes.append(size)
        x = net.pool(x)
        size //= 2
    x = double_conv(net, x, base << 4, "bias", valid=True)
    size -= 4
    for level in reversed(range(4)):
        x = net.relu(net.up_conv(x, base << level))
        size *= 2
        at = ((sizes[level] - size) // 2, size) if static else None
        x = net.concat(crop_2015(net, skips[level], x, at), x)
        x = double_conv(net, x, base << level, "bias", valid=True)
        size -= 4
    x = net.conv(x, 2, k=1, norm="logits")
    net.out(
        x,
        "logits",
        nchw(2, 388, 388) if static else nchw(2, "out_height", "out_width"),
    )
    return net


def bilinear(name, align, base, seed):
    """Upsampling by F.interpolate to the skip's size, softmax at the end."""
    net = Net(name, 11 if align else 13, seed)
    x, skips = net.input, []
    for level in range(4):
        x = double_conv(net, x, base << level, "bn")
        skips.append(x)
        x = net.pool(x)
    x = double_conv(net, x, base << 3, "bn")
    for level in reversed(range(4)):
        x = net.linear_to(x, skips[level], align)
        x = net.concat(skips[level], x)
        x = double_conv(net, x, base << max(level - 1, 0), "bn")
    x = net.conv(x, 4, k=1, norm="logits")
    net.out(net.softmax(x), "probabilities", nchw(4))
    return net


def pad_like(net, x, like):
    """Pads like F.pad(x, [dx // 2, dx - dx // 2, …]) as PyTorch exports it: the
    pads start with the last axis and are then reversed."""
    pads = []
    for axis in (3, 2):
        diff = net.node("Sub", [net.size_of(like, axis), net.size_of(x, axis)])
        left = net.node("Div", [diff, net.const(2)])
        pads += [left, net.node("Sub", [diff, left])]
    pads = net.node("Concat", [net.unsqueeze(p) for p in pads], axis=0)
    zeros = net.node(
        "ConstantOfShape",
        [net.const([4])],
        value=numpy_helper.from_array(np.array([0], np.int64)),
    )
    pads = net.node("Concat", [pads, zeros], axis=0)
    pads = net.node("Reshape", [pads, net.const([-1, 2])])
    pads = net.node(
        "Slice",
        [
            pads,
            net.const([-1]),
            net.const([-9223372036854775807]),
            net.const([0]),
            net.const([-1]),
        ],
    )
    pads = net.node("Transpose", [pads], perm=[1, 0])
    pads = net.node("Reshape", [pads, net.const([-1])])
    pads = net.node("Cast", [pads], to=I64)
    name = net.node(
        "Pad", [x.name, pads, net.const(0, np.float32)], mode="constant"
    )
    rows = like.a.shape[1] - x.a.shape[1]
    columns = like.a.shape[2] - x.a.shape[2]
    return T(
        name,
        np.pad(
            x.a,
            (
                (0, 0),
                (rows // 2, rows - rows // 2),
                (columns // 2, columns - columns // 2),
            ),
        ),
    )


def padded(name, base, seed):
    """Builds the widespread PyTorch U-Net: transposed convolutions, then F.pad
    to the skip's size, so that it takes any size."""
    net = Net(name, 11, seed)
    x, skips = net.input, []
    for level in range(4):
        x = double_conv(net, x, base << level, "bn")
        skips.append(x)
        x = net.pool(x)
    x = double_conv(net, x, base << 4, "bn")
    for level in reversed(range(4)):
        x = pad_like(net, net.up_conv(x, base << level), skips[level])
        x = double_conv(net, net.concat(skips[level], x), base << level, "bn")
    x = net.conv(x, 2, k=1, norm="logits")
    net.out(x, "logits", nchw(2))
    return net


def smp_decoder(net, x, skips, widths, norm, classes, head=3):
    """segmentation_models_pytorch's Unet decoder: nearest, concat, 2 convs."""
    for skip, width in zip(skips, widths):
        x = net.nearest(x)
        if skip is not None:
            x = net.concat(x, skip)
        x = double_conv(net, x, width, norm)
    return net.conv(x, classes, k=head, norm="logits")


# Residual branches are weaker than the value that they are added to, as they
# are after training. With equal parts, deep networks of random weights amplify
# every rounding error until no two libraries agree.
QUIET = 0.4


def basic_block(net, x, oc, stride):
    y = net.relu(net.conv(x, oc, stride=stride))
    y = net.conv(y, oc, gain=QUIET)
    if stride != 1 or x.a.shape[0] != oc:
        x = net.conv(x, oc, k=1, stride=stride)
    return net.relu(net.add(y, x))


def resnet34(name, seed):
    """ResNet-34 encoder (He et al. 2016), smp decoder; folded batch norm."""
    net = Net(name, 12, seed, calibrate=(192, 192))
    x = net.relu(net.conv(net.input, 64, k=7, stride=2))
    skips = [None, x]
    x = net.pool(x, k=3)
    for oc, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for n in range(blocks):
            x = basic_block(net, x, oc, 2 if n == 0 and oc > 64 else 1)
        skips.append(x)
    skips.pop()
    x = smp_decoder(net, x, skips[::-1], (256, 128, 64, 32, 16), "bias", 1)
    net.out(x, "logits", nchw(1))
    return net


def inverted_residual(net, x, oc, expand, stride):
    """MobileNetV2's block (Sandler et al. 2018)."""
    y = x
    hidden = x.a.shape[0] * expand
    if expand != 1:
        y = net.relu6(net.conv(y, hidden, k=1, norm="bn"))
    y = net.relu6(net.conv(y, hidden, stride=stride, group=hidden, norm="bn"))
    residual = stride == 1 and x.a.shape[0] == oc
    y = net.conv(y, oc, k=1, norm="bn", gain=QUIET if residual else 1)
    return net.add(x, y) if residual else y


def mobilenet_v2(name, seed, opset):
    net = Net(name, opset, seed, calibrate=(192, 192))
    x = net.relu6(net.conv(net.input, 32, stride=2, norm="bn"))
    x = inverted_residual(net, x, 16, 1, 1)
    skips = [None, x]
    for oc, blocks, stride in (
        (24, 2, 2),
        (32, 3, 2),
        (64, 4, 2),
        (96, 3, 1),
        (160, 3, 2),
        (320, 1, 1),
    ):
        for n in range(blocks):
            x = inverted_residual(net, x, oc, 6, stride if n == 0 else 1)
        if oc in (24, 32, 96):
            skips.append(x)
    x = smp_decoder(net, x, skips[::-1], (128, 64, 32, 16, 8), "bn", 1)
    net.out(x, "logits", nchw(1))
    return net


def squeeze_excite(net, x, parts):
    c = x.a.shape[0]
    y = net.global_mean(x, reduce=parts)
    y = net.relu(net.conv(y, max(8, c // 4 // 8 * 8), k=1, norm="raw"))
    y = net.conv(y, c, k=1, norm="raw")
    return net.mul(x, net.hard_sigmoid(y, parts))


def v3_block(net, x, row, parts):
    """MobileNetV3's block (Howard et al. 2019, table 1)."""
    k, hidden, oc, excite, swish, stride = row

    def act(t):
        return net.hard_swish(t, parts) if swish else net.relu(t)

    y = x
    if hidden != x.a.shape[0]:
        y = act(net.conv(y, hidden, k=1))
    y = act(net.conv(y, hidden, k=k, stride=stride, group=hidden))
    if excite:
        y = squeeze_excite(net, y, parts)
    residual = stride == 1 and x.a.shape[0] == oc
    y = net.conv(y, oc, k=1, gain=QUIET if residual else 1)
    return net.add(x, y) if residual else y


V3_LARGE = (
    (3, 16, 16, 0, 0, 1),
    (3, 64, 24, 0, 0, 2),
    (3, 72, 24, 0, 0, 1),
    (5, 72, 40, 1, 0, 2),
    (5, 120, 40, 1, 0, 1),
    (5, 120, 40, 1, 0, 1),
    (3, 240, 80, 0, 1, 2),
    (3, 200, 80, 0, 1, 1),
    (3, 184, 80, 0, 1, 1),
    (3, 480, 112, 1, 1, 1),
    (3, 672, 112, 1, 1, 1),
    (5, 672, 160, 1, 1, 2),
    (5, 960, 160, 1, 1, 1),
)


def mobilenet_v3(name, seed, parts):
    net = Net(name, 11 if parts else 14, seed, calibrate=(192, 192))
    x = net.hard_swish(net.conv(net.input, 16, stride=2), parts)
    skips = [None]
    for row in V3_LARGE:
        if row[5] == 2:
            skips.append(x)
        x = v3_block(net, x, row, parts)
    x = smp_decoder(net, x, skips[::-1], (128, 64, 32, 16, 8), "bias", 2)
    net.out(x, "logits", nchw(2))
    return net


def rsu(net, x, depth, mid, oc):
    """U²-Net's residual U-block (Qin et al. 2020, fig. 2): a small U-Net
    with a dilated bottom."""

    def unit(t, c, dilation=1):
        return net.relu(net.conv(t, c, dilation=dilation, norm="bn"))

    top = unit(x, oc)
    skips = [unit(top, mid)]
    for _ in range(depth - 2):
        skips.append(unit(net.pool(skips[-1], ceil=True), mid))
    y = unit(skips[-1], mid, dilation=2)
    for n, skip in enumerate(reversed(skips)):
        if n > 0:
            y = net.linear_to(y, skip, align=False)
        last = n == len(skips) - 1
        y = unit(net.concat(y, skip), oc if last else mid)
    return net.add(y, top)


def rsu_dilated(net, x, mid, oc):
    """Builds it without pooling: dilations 1, 2, 4 and 8 (RSU-4F)."""

    def unit(t, c, dilation=1):
        return net.relu(net.conv(t, c, dilation=dilation, norm="bn"))

    top = unit(x, oc)
    a = unit(top, mid)
    b = unit(a, mid, 2)
    c = unit(b, mid, 4)
    d = unit(c, mid, 8)
    y = unit(net.concat(d, c), mid, 4)
    y = unit(net.concat(y, b), mid, 2)
    return net.add(unit(net.concat(y, a), oc), top)


def u2net(name, seed):
    """Three stages of U²-Net with side outputs and their fusion."""
    net = Net(name, 11, seed, calibrate=(80, 80))
    e1 = rsu(net, net.input, 5, 16, 32)
    e2 = rsu(net, net.pool(e1, ceil=True), 4, 16, 32)
    e3 = rsu_dilated(net, net.pool(e2, ceil=True), 16, 32)
    d2 = rsu(net, net.concat(net.linear_to(e3, e2, False), e2), 4, 16, 32)
    d1 = rsu(net, net.concat(net.linear_to(d2, e1, False), e1), 5, 16, 32)
    sides = [net.conv(d1, 1, norm="logits")]
    for x in (d2, e3):
        side = net.conv(x, 1, norm="logits")
        sides.append(net.linear_to(side, sides[0], False))
    fused = net.conv(net.concat(*sides), 1, k=1, norm="logits")
    for n, x in enumerate([fused] + sides):
        net.out(net.sigmoid(x), "d%d" % n, nchw(1))
    return net


# ---- a TensorFlow export --------------------------------------------------


def to_nchw(net, x):
    return T(net.node("Transpose", [x.name], perm=[0, 3, 1, 2]), x.a)


def to_nhwc(net, x):
    return T(net.node("Transpose", [x.name], perm=[0, 2, 3, 1]), x.a)


def tf_conv(net, x, oc, norm="bn", **kw):
    """Conv2D between transposes; batch norm left as Mul and Add (NHWC)."""
    k = kw.get("k", 3)
    if kw.get("stride", 1) == 1 and k > 1:
        kw.update(pads=None, auto_pad="SAME_UPPER")
    y = net.conv(
        to_nchw(net, x), oc, norm="none" if norm == "bn" else norm, **kw
    )
    y = to_nhwc(net, y)
    if norm != "bn":
        return y
    mean, var = net.statistics(y.a)
    gamma, beta = net.affine(oc)
    scale = gamma / np.sqrt(var)
    shift = beta - mean * scale
    name = net.node("Mul", [y.name, net.weight(scale, "scale")])
    name = net.node("Add", [name, net.weight(shift, "shift")])
    return T(name, y.a * scale[:, None, None] + shift[:, None, None])


def tf_relu6(net, x):
    name = net.node(
        "Min",
        [
            net.node("Relu", [x.name]),
            net.weight(np.array(6, np.float32), "six"),
        ],
    )
    return T(name, np.clip(x.a, 0, 6))


def tf_down(net, x, oc):
    """ZeroPadding2D((0, 1), (0, 1)), then a valid convolution of stride 2."""
    pads = net.weight(np.array([0, 0, 0, 0, 0, 1, 1, 0], np.int64), "pads")
    x = T(net.node("Pad", [x.name, pads], mode="constant"), x.a)
    return tf_relu6(net, tf_conv(net, x, oc, stride=2, valid=True))


def tf_depthwise(net, x):
    return tf_relu6(net, tf_conv(net, x, x.a.shape[0], group=x.a.shape[0]))


def tf_resize(net, x, like):
    """ResizeBilinear to tf.shape(like)[1:3], half-pixel centres."""
    shape = net.node(
        "Cast", [net.node("Shape", [like.name])], to=TensorProto.INT32
    )
    size = net.node(
        "Slice", [shape, net.const([1]), net.const([3]), net.const([0])]
    )
    size = net.node("Cast", [size], to=I64)
    y = to_nchw(net, x)
    front = net.node(
        "Slice",
        [
            net.node("Shape", [y.name]),
            net.const([0]),
            net.const([2]),
            net.const([0]),
        ],
    )
    sizes = net.node("Concat", [front, size], axis=0)
    name = net.node(
        "Resize",
        [y.name, "", "", sizes],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return to_nhwc(net, T(name, np_resize(x.a, like.a.shape[1:])))


def tf_excite(net, x):
    """Multiplies by a gate: the pooled picture through 1x1 convolutions."""
    pooled = T(
        net.node("ReduceMean", [x.name], axes=[1, 2], keepdims=1),
        x.a.mean((1, 2), keepdims=True).astype(np.float32),
    )
    y = net.relu(tf_conv(net, pooled, 16, norm="raw", k=1))
    return net.mul(
        x, net.sigmoid(tf_conv(net, y, x.a.shape[0], norm="raw", k=1))
    )


def tensorflow(name, seed):
    """A small U-Net as tf2onnx writes it: NHWC at both ends."""
    net = Net(name, 13, seed, dims=(1, "height", "width", None), layout="NHWC")
    x = tf_relu6(net, tf_conv(net, net.input, 16))
    skips = []
    for oc in (24, 32, 64, 96):
        skips.append(x)
        x = tf_depthwise(net, tf_down(net, x, oc))
        x = net.add(x, tf_relu6(net, tf_conv(net, x, oc, k=1)))
    x = tf_excite(net, x)
    for skip in reversed(skips):
        x = net.concat(tf_resize(net, x, skip), skip, axis=3)
        x = tf_relu6(net, tf_conv(net, x, skip.a.shape[0]))
    x = tf_conv(net, x, 2, norm="logits", k=1)
    net.out(net.softmax(x, axis=-1), "segment", [1, "height", "width", 2])
    return net


# ---- quantised weights ----------------------------------------------------


def quantize_weights(net, node):
    """Adds int8 weights with a scale per output channel and dequantises."""
    init = next((i for i in net.inits if i.name == node.input[1]), None)
    if init is None:
        return
    w = numpy_helper.to_array(init)
    axis = 1 if node.op_type == "ConvTranspose" else 0
    others = tuple(a for a in range(w.ndim) if a != axis)
    scale = (np.abs(w).max(others) / 127).astype(np.float32)
    shape = [-1 if a == axis else 1 for a in range(w.ndim)]
    q = np.clip(np.rint(w / scale.reshape(shape)), -127, 127).astype(np.int8)
    net.inits.remove(init)
    at = list(net.nodes).index(node)
    inputs = [
        net.weight(q, "q"),
        net.weight(scale, "scale"),
        net.weight(np.zeros(len(scale), np.int8), "zero"),
    ]
    node.input[1] = net.node("DequantizeLinear", inputs, axis=axis)
    net.nodes.insert(at, net.nodes.pop())


def quantized(name, base, seed):
    """Builds a classic U-Net as a quantiser writes it: 8-bit weights, and the
    picture through 8 bits. Activations stay in f32, since a sum in another
    order may round to the next number of 255."""
    net = classic(name, base, "bias", seed, classes=2, opset=13)
    for node in [
        n for n in net.nodes if n.op_type in ("Conv", "ConvTranspose")
    ]:
        quantize_weights(net, node)
    scale = [
        net.weight(np.array(1 / 255, np.float32), "scale"),
        net.weight(np.array(0, np.uint8), "zero"),
    ]
    readers = [n for n in net.nodes if net.input.name in n.input]
    x = net.node("QuantizeLinear", [net.input.name] + scale)
    x = net.node("DequantizeLinear", [x] + scale)
    for node in readers:
        for i, tensor in enumerate(node.input):
            if tensor == net.input.name:
                node.input[i] = x
    net.nodes[:] = net.nodes[-2:] + net.nodes[:-2]
    return net


# ---- the list -------------------------------------------------------------

# name: maker, sizes (rows x columns) for agreement, size for timing (None:
# not timed). Classic U-Nets need multiples of 16, those on MobileNet and
# ResNet of 32; the rest take any size.
NETWORKS = {
    "unet-8": (
        lambda n: classic(n, 8, "bn", 100),
        ["256x256", "144x176", "16x48"],
        "256x256",
    ),
    "unet-16": (
        lambda n: classic(n, 16, "bias", 200, classes=3),
        ["256x256", "80x208"],
        "256x256",
    ),
    "unet-32": (lambda n: classic(n, 32, "bn", 300), ["96x64"], "256x256"),
    "unet-64": (lambda n: classic(n, 64, "bias", 400), ["64x96"], "256x256"),
    "unet-add": (
        lambda n: classic(n, 16, "bn", 500, join="add", opset=17),
        ["128x128", "48x112"],
        "256x256",
    ),
    "unet-dynamic": (
        lambda n: classic(
            n, 8, "none", 600, classes=5, batch="batch", opset=15
        ),
        ["64x64", "240x112"],
        None,
    ),
    "unet-padded": (
        lambda n: padded(n, 8, 700),
        ["128x128", "97x131", "33x57"],
        "256x256",
    ),
    "unet-2015": (
        lambda n: unet_2015(n, 64, True, 800),
        ["572x572"],
        "572x572",
    ),
    "unet-2015-narrow": (
        lambda n: unet_2015(n, 8, False, 900),
        ["572x572", "188x220"],
        "572x572",
    ),
    "unet-bilinear-align": (
        lambda n: bilinear(n, True, 16, 1000),
        ["128x128", "97x131"],
        "256x256",
    ),
    "unet-bilinear-half": (
        lambda n: bilinear(n, False, 16, 1100),
        ["128x128", "75x101"],
        "256x256",
    ),
    "resnet34-unet": (lambda n: resnet34(n, 1200), ["96x128"], "256x256"),
    "mobilenetv2-unet": (
        lambda n: mobilenet_v2(n, 1300, 12),
        ["256x256", "96x160"],
        "256x256",
    ),
    "mobilenetv2-unet-9": (lambda n: mobilenet_v2(n, 1400, 9), ["64x96"], None),
    "mobilenetv3-unet": (
        lambda n: mobilenet_v3(n, 1500, False),
        ["256x256", "96x160"],
        "256x256",
    ),
    "mobilenetv3-unet-parts": (
        lambda n: mobilenet_v3(n, 1600, True),
        ["256x256", "160x96"],
        "256x256",
    ),
    "u2net": (lambda n: u2net(n, 1700), ["160x160", "97x131"], "256x256"),
    "unet-quantized": (
        lambda n: quantized(n, 16, 1900),
        ["128x128", "48x112"],
        None,
    ),
    "tensorflow-nhwc": (
        lambda n: tensorflow(n, 1800),
        ["256x256", "117x85"],
        "256x256",
    ),
}


def describe(net, sizes, timed):
    channels = net.input.a.shape[0]
    dims = ("1,H,W,%d" if net.layout == "NHWC" else "1,%d,H,W") % channels
    return {"input": "input", "dims": dims, "sizes": sizes, "timed": timed}


def fresh(path):
    return os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(
        os.path.abspath(__file__)
    )


def read_manifest(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def make(name, folder, manifest):
    path = os.path.join(folder, name + ".onnx")
    if fresh(path) and name in manifest:
        return
    maker, sizes, timed = NETWORKS[name]
    net = maker(name)
    net.save(path)
    manifest[name] = describe(net, sizes, timed)
    print("%s: %.1f MB" % (path, os.path.getsize(path) / 1e6))


def main():
    parser = argparse.ArgumentParser(
        description="Makes the networks of tests and benchmarks."
    )
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--only", help="comma-separated names")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(NETWORKS)
    if args.list:
        print("\n".join(names))
        return 0
    if not args.folder or not set(names) <= set(NETWORKS):
        parser.error("a folder and known names are needed")
    os.makedirs(args.folder, exist_ok=True)
    index = os.path.join(args.folder, "networks.json")
    manifest = read_manifest(index)
    for name in names:
        make(name, args.folder, manifest)
        with open(index, "w", encoding="utf-8") as f:
            json.dump(manifest, f, indent=1, sort_keys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
