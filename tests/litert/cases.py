# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small LiteRT networks with random weights, and what LiteRT makes of them."""
import io
import struct
import zipfile

import flatbuffers
import numpy as np
from writer import TYPES, File

SAME, VALID = 0, 1
RELU, RELU6 = 1, 3


class Maker:
    """A file in the making, with names and random numbers."""

    def __init__(self, seed):
        self.file, self.random = File(), np.random.default_rng(seed)
        self.count = 0

    def normal(self, *shape):
        return self.random.normal(size=shape).astype(np.float32)

    def new(self, shape, dtype="float32", **more):
        self.count += 1
        return self.file.tensor("t%d" % self.count, shape, dtype, **more)

    def ints(self, *numbers):
        return self.file.constant(np.array(numbers, np.int32))

    def op(self, kind, inputs, shape, options=None, dtype="float32", **fields):
        """An operator of one output."""
        inputs = inputs if isinstance(inputs, list) else [inputs]
        return self.file.add(
            kind, inputs, [self.new(shape, dtype)], options, **fields
        )

    def end(self, kind, inputs, shape, options=None, dtype="float32", **fields):
        """The same for an operator whose result is an output."""
        self.file.output(self.op(kind, inputs, shape, options, dtype, **fields))


def conv_fields(padding, stride, activation=0, dilation=1):
    return dict(
        padding=padding,
        strideH=stride,
        strideW=stride,
        fusedActivationFunction=activation,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
    )


def convolutions():
    """Windows, strides, dilations, groups, padding, activations."""
    m = Maker(1)
    x = m.file.input("x", [1, 11, 14, 6])
    weight = m.file.constant
    for padding, stride, kernel, dilation, activation, out in (
        (SAME, 1, 3, 1, RELU, (11, 14)),
        (SAME, 2, 3, 1, RELU6, (6, 7)),
        (SAME, 2, 5, 1, 0, (6, 7)),
        (VALID, 1, 3, 1, 2, (9, 12)),
        (SAME, 1, 3, 3, 0, (11, 14)),
        (VALID, 3, 2, 1, 0, (4, 5)),
    ):
        fields = conv_fields(padding, stride, activation, dilation)
        w = weight(m.normal(4, kernel, kernel, 6))
        b = weight(m.normal(4))
        m.end("CONV_2D", [x, w, b], [1, *out, 4], "Conv2DOptions", **fields)
        w = weight(m.normal(1, kernel, kernel, 12))
        m.end(
            "DEPTHWISE_CONV_2D",
            [x, w, weight(m.normal(12))],
            [1, *out, 12],
            "DepthwiseConv2DOptions",
            depthMultiplier=2,
            **fields
        )
    m.end(
        "CONV_2D",
        [x, weight(m.normal(9, 1, 1, 2)), weight(m.normal(9))],
        [1, 11, 14, 9],
        "Conv2DOptions",
        **conv_fields(SAME, 1)
    )
    return m.file


def transposed():
    """Transposed convolutions of every padding."""
    m = Maker(2)
    x = m.file.input("x", [1, 5, 7, 6])
    for padding, stride, kernel, out in (
        (SAME, 2, 2, (10, 14)),
        (SAME, 2, 3, (10, 14)),
        (SAME, 2, 4, (10, 14)),
        (SAME, 2, 4, (9, 13)),
        (VALID, 2, 3, (11, 15)),
        (VALID, 3, 2, (15, 21)),
        (SAME, 1, 3, (5, 7)),
    ):
        w = m.file.constant(m.normal(4, kernel, kernel, 6))
        m.end(
            "TRANSPOSE_CONV",
            [m.ints(1, *out, 4), w, x],
            [1, *out, 4],
            "TransposeConvOptions",
            padding=padding,
            strideH=stride,
            strideW=stride,
        )
    m.file.operators[-1].inputs.append(m.file.constant(m.normal(4)))
    m.file.operators[-1].builtinOptions.fusedActivationFunction = RELU
    return m.file


def pools():
    """Pooling, resizing, and cells moved between pixels and channels."""
    m = Maker(3)
    x = m.file.input("x", [1, 9, 12, 4])
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for padding, stride, size, out in (
            (SAME, 2, (2, 2), (5, 6)),
            (VALID, 2, (3, 3), (4, 5)),
            (SAME, 1, (3, 3), (9, 12)),
            (VALID, 1, (9, 12), (1, 1)),
        ):
            m.end(
                kind,
                x,
                [1, *out, 4],
                "Pool2DOptions",
                padding=padding,
                strideH=stride,
                strideW=stride,
                filterHeight=size[0],
                filterWidth=size[1],
                fusedActivationFunction=RELU if stride == 1 else 0,
            )
    for size in ((18, 24), (5, 7), (13, 13)):
        for align, half in ((False, False), (True, False), (False, True)):
            for kind, options in (
                ("RESIZE_BILINEAR", "ResizeBilinearOptions"),
                ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
            ):
                m.end(
                    kind,
                    [x, m.ints(*size)],
                    [1, *size, 4],
                    options,
                    alignCorners=align,
                    halfPixelCenters=half,
                )
    m.end(
        "DEPTH_TO_SPACE", x, [1, 18, 24, 1], "DepthToSpaceOptions", blockSize=2
    )
    m.end(
        "SPACE_TO_DEPTH", x, [1, 3, 4, 36], "SpaceToDepthOptions", blockSize=3
    )
    return m.file


def elementwise():
    """Operators of one or two operands, and sums over axes."""
    m = Maker(4)
    shape = [1, 5, 7, 6]
    x = m.file.input("x", shape)
    for kind in (
        "LOGISTIC TANH RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 HARD_SWISH ELU EXP ABS "
        "NEG FLOOR CEIL ROUND SIN COS SIGN SQUARE LOG_SOFTMAX"
    ).split():
        m.end(kind, x, shape)
    positive = m.op("EXP", x, shape)
    for kind in ("LOG", "SQRT", "RSQRT"):
        m.end(kind, positive, shape)
    m.end("LEAKY_RELU", x, shape, "LeakyReluOptions", alpha=0.3)
    m.end("GELU", x, shape, "GeluOptions", approximate=False)
    m.end("GELU", x, shape, "GeluOptions", approximate=True)
    m.end("SOFTMAX", x, shape, "SoftmaxOptions", beta=1.0)
    m.end("SOFTMAX", x, shape, "SoftmaxOptions", beta=0.5)
    m.end("PRELU", [x, m.file.constant(m.normal(1, 1, 6))], shape)
    m.end("L2_NORMALIZATION", x, shape, "L2NormOptions")
    others = m.normal(1, 5, 7, 6), m.normal(6), m.normal(1, 5, 1, 1), m.normal()
    for other in others:
        y = m.file.constant(other)
        for kind, options in (
            ("ADD", "AddOptions"),
            ("SUB", "SubOptions"),
            ("MUL", "MulOptions"),
            ("DIV", "DivOptions"),
        ):
            m.end(kind, [x, y], shape, options, fusedActivationFunction=RELU6)
        for kind in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"):
            m.end(kind, [x, y], shape)
    m.end("POW", [positive, m.file.constant(np.float32(1.5))], shape)
    m.end("ADD_N", [x, positive, x], shape)
    for kind in ("LESS", "GREATER_EQUAL", "NOT_EQUAL"):
        mask = m.op(kind, [x, positive], shape, dtype="bool")
        mask = m.op("LOGICAL_NOT", mask, shape, dtype="bool")
        m.end("SELECT_V2", [mask, x, positive], shape)
    for axes, keep, out in (
        ((1, 2), True, [1, 1, 1, 6]),
        ((1, 2), False, [1, 6]),
        ((3,), True, [1, 5, 7, 1]),
        ((-1,), False, [1, 5, 7]),
        ((2, 3), False, [1, 5]),
    ):
        for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
            m.end(
                kind, [x, m.ints(*axes)], out, "ReducerOptions", keepDims=keep
            )
    for dtype in ("int32", "int64"):
        for kind, options, axis in (
            ("ARG_MAX", "ArgMaxOptions", 3),
            ("ARG_MIN", "ArgMinOptions", -1),
        ):
            m.end(
                kind,
                [x, m.ints(axis)],
                [1, 5, 7],
                options,
                dtype,
                outputType=TYPES[dtype],
            )
    m.end("CAST", x, shape, "CastOptions", "int32")
    return m.file


def moves():
    """Operators that move elements."""
    m = Maker(5)
    x = m.file.input("x", [1, 6, 8, 4])
    m.end("RESHAPE", [x, m.ints(1, -1, 4)], [1, 48, 4])
    m.end("RESHAPE", x, [8, 24], "ReshapeOptions", newShape=[8, 24])
    m.end("SQUEEZE", x, [6, 8, 4], "SqueezeOptions", squeezeDims=[0])
    m.end("EXPAND_DIMS", [x, m.ints(1)], [1, 1, 6, 8, 4])
    m.end("TRANSPOSE", [x, m.ints(0, 3, 1, 2)], [1, 4, 6, 8])
    m.end("CONCATENATION", [x, x], [1, 6, 8, 8], "ConcatenationOptions", axis=3)
    m.end(
        "CONCATENATION", [x, x], [1, 12, 8, 4], "ConcatenationOptions", axis=-3
    )
    flat = m.op("RESHAPE", [x, m.ints(48, 4)], [48, 4])
    m.end(
        "PACK", [flat, flat], [48, 2, 4], "PackOptions", axis=1, valuesCount=2
    )
    parts = [m.new([48]) for _ in range(4)]
    m.file.add("UNPACK", [flat], parts, "UnpackOptions", num=4, axis=1)
    m.file.output(*parts)
    parts = [m.new([1, 6, 8, 2]) for _ in range(2)]
    m.file.add("SPLIT", [m.ints(3), x], parts, "SplitOptions", numSplits=2)
    m.file.output(*parts)
    parts = [m.new([1, 6, n, 4]) for n in (3, 5)]
    inputs = [x, m.ints(3, 5), m.ints(2)]
    m.file.add("SPLIT_V", inputs, parts, "SplitVOptions", numSplits=2)
    m.file.output(*parts)
    m.end("SLICE", [x, m.ints(0, 1, 2, 0), m.ints(1, -1, 4, 2)], [1, 5, 4, 2])
    for begin, end, step, masks, out in (
        ((0, 1, 0, 0), (1, 5, 8, 4), (1, 2, 3, 1), (0, 0, 0), [1, 2, 3, 4]),
        ((0, 1, 9, 0), (1, 5, 0, 2), (1, 1, 1, 1), (4, 4, 0), [1, 4, 8, 2]),
        ((0, 0, 0, 1), (1, 6, 8, 2), (1, 1, 1, 1), (0, 0, 8), [1, 6, 8]),
        ((0, 0, 0, -1), (1, 6, 8, 0), (1, 1, 1, -1), (0, 0, 0), [1, 6, 8, 3]),
        ((0, 5, 0, 0), (1, 0, 8, 4), (1, -2, 1, 1), (2, 2, 0), [1, 3, 8, 4]),
    ):
        m.end(
            "STRIDED_SLICE",
            [x, m.ints(*begin), m.ints(*end), m.ints(*step)],
            out,
            "StridedSliceOptions",
            beginMask=masks[0],
            endMask=masks[1],
            shrinkAxisMask=masks[2],
        )
    pads = m.file.constant(np.int32([[0, 0], [1, 2], [3, 0], [0, 1]]))
    m.end("PAD", [x, pads], [1, 9, 11, 5])
    more = m.file.constant(np.float32(-2.5))
    m.end("PADV2", [x, pads, more], [1, 9, 11, 5])
    for pad, mode in (
        ([[0, 0], [2, 1], [1, 3], [0, 0]], 0),
        ([[0, 0], [1, 1], [0, 1], [0, 0]], 1),
    ):
        pad = np.int32(pad)
        m.end(
            "MIRROR_PAD",
            [x, m.file.constant(pad)],
            np.array([1, 6, 8, 4]) + pad.sum(1),
            "MirrorPadOptions",
            mode=mode,
        )
    m.end("TILE", [x, m.ints(1, 2, 1, 3)], [1, 12, 8, 12])
    row = m.op(
        "SLICE", [x, m.ints(0, 0, 0, 0), m.ints(1, 1, 8, 4)], [1, 1, 8, 4]
    )
    m.end("BROADCAST_TO", [row, m.ints(1, 3, 8, 4)], [1, 3, 8, 4])
    m.end("GATHER", [x, m.ints(2, 0, 3)], [1, 6, 8, 3], "GatherOptions", axis=3)
    cells = m.op(
        "SPACE_TO_BATCH_ND",
        [x, m.ints(2, 3), m.file.constant(np.int32([[1, 1], [0, 1]]))],
        [6, 4, 3, 4],
    )
    m.file.output(cells)
    m.end(
        "BATCH_TO_SPACE_ND",
        [cells, m.ints(2, 3), m.file.constant(np.int32([[1, 1], [0, 1]]))],
        [1, 6, 8, 4],
    )
    return m.file


def products():
    """FULLY_CONNECTED and BATCH_MATMUL."""
    m = Maker(6)
    x = m.file.input("x", [1, 4, 6, 8])
    weight = m.file.constant
    for keep, out in ((True, [1, 4, 6, 5]), (False, [24, 5])):
        m.end(
            "FULLY_CONNECTED",
            [x, weight(m.normal(5, 8)), weight(m.normal(5))],
            out,
            "FullyConnectedOptions",
            keepNumDims=keep,
            fusedActivationFunction=RELU,
        )
    m.end(
        "FULLY_CONNECTED",
        [x, weight(m.normal(3, 192)), -1],
        [1, 3],
        "FullyConnectedOptions",
    )
    y = m.op("TRANSPOSE", [x, m.ints(0, 1, 3, 2)], [1, 4, 8, 6])
    for a, b, adj, out in (
        (x, y, (False, False), [1, 4, 6, 6]),
        (x, x, (False, True), [1, 4, 6, 6]),
        (x, x, (True, False), [1, 4, 8, 8]),
    ):
        m.end(
            "BATCH_MATMUL",
            [a, b],
            out,
            "BatchMatMulOptions",
            adjX=adj[0],
            adjY=adj[1],
        )
    return m.file


def open_sizes():
    """A batch and a size that the file leaves open, and shapes computed."""
    m = Maker(7)
    x = m.file.input("x", [-1, -1, -1, 3])
    w, b = m.file.constant(m.normal(6, 3, 3, 3)), m.file.constant(m.normal(6))
    y = m.op(
        "CONV_2D",
        [x, w, b],
        [-1, -1, -1, 6],
        "Conv2DOptions",
        **conv_fields(SAME, 2, RELU)
    )
    shape = m.op("SHAPE", x, [4], "ShapeOptions", "int32", outType=2)
    sizes = m.op(
        "STRIDED_SLICE",
        [shape, m.ints(1), m.ints(3), m.ints(1)],
        [2],
        "StridedSliceOptions",
        "int32",
    )
    m.end(
        "RESIZE_BILINEAR", [y, sizes], [-1, -1, -1, 6], "ResizeBilinearOptions"
    )
    batch = m.op(
        "STRIDED_SLICE",
        [shape, m.ints(0), m.ints(1), m.ints(1)],
        [],
        "StridedSliceOptions",
        "int32",
        shrinkAxisMask=1,
    )
    flat = m.op(
        "PACK",
        [batch, m.file.constant(np.int32(-1))],
        [2],
        "PackOptions",
        "int32",
        valuesCount=2,
    )
    m.end("RESHAPE", [y, flat], [-1, -1])
    return m.file


# ---- what MediaPipe adds: LiteRT from PyPI does not have it


def pool_struct(size):
    return struct.pack("<6i", 1, size, size, size, size, 0)


def media_pipe():
    """The operators of MediaPipe's hair segmenter."""
    m = Maker(8)
    x = m.file.input("x", [1, 4, 6, 4])
    shape = [1, 2, 3, 4]
    pooled, places = m.new(shape), m.new(shape)
    m.file.add(
        "MaxPoolingWithArgmax2D", [x], [pooled, places], custom=pool_struct(2)
    )
    half = m.op(
        "MUL", [pooled, m.file.constant(np.float32(0.5))], shape, "MulOptions"
    )
    back = m.new([1, 4, 6, 4])
    m.file.add("MaxUnpooling2D", [half, places], [back], custom=pool_struct(2))
    m.file.output(pooled, back)
    for kernel, stride, padding in ((2, 2, 2), (3, 2, 1), (4, 2, 1)):
        w, b = m.normal(3, kernel, kernel, 4), m.normal(3)
        cut = [
            max(0, kernel - (n - 1) % stride - 1) if padding == 1 else 0
            for n in (4, 6)
        ]
        out = [stride * (n - 1) + kernel - c for n, c in zip((4, 6), cut)]
        y = m.new([1, *out, 3])
        m.file.add(
            "Convolution2DTransposeBias",
            [x, m.file.constant(w), m.file.constant(b)],
            [y],
            custom=struct.pack("<3i", padding, stride, stride),
        )
        m.file.output(y)
        m.file.deconvs = getattr(m.file, "deconvs", []) + [
            (w, b, stride, cut, out)
        ]
    return m.file


def media_pipe_results(file, x):
    """What MediaPipe's kernels compute for media_pipe()."""
    cells = (
        x.reshape(2, 2, 3, 2, 4).transpose(0, 2, 4, 1, 3).reshape(2, 3, 4, 4)
    )
    pooled = cells.max(-1)
    back = np.where(
        np.arange(4) == cells.argmax(-1)[..., None], pooled[..., None] * 0.5, 0
    )
    back = (
        back.reshape(2, 3, 4, 2, 2).transpose(0, 3, 1, 4, 2).reshape(1, 4, 6, 4)
    )
    results = [pooled[None], back]
    for w, b, stride, cut, out in file.deconvs:
        kernel = w.shape[1]
        whole = np.zeros((3 * stride + kernel, 5 * stride + kernel, 3))
        for i in range(4):
            for k in range(6):
                at = np.s_[
                    i * stride : i * stride + kernel,
                    k * stride : k * stride + kernel,
                ]
                whole[at] += np.einsum("ohwi,i->hwo", w, x[0, i, k])
        top, left = cut[0] // 2, cut[1] // 2
        results.append(
            (whole[top : top + out[0], left : left + out[1]] + b)[None]
        )
    return [r.astype(np.float32) for r in results]


# ---- 16-bit and 8-bit numbers


def halves():
    """Weights of 16 bits, and sparse ones."""
    m = Maker(9)
    x = m.file.input("x", [1, 6, 7, 4])
    w = m.file.constant(m.normal(8, 3, 3, 4).astype(np.float16))
    b = m.file.constant(m.normal(8).astype(np.float16))
    w = m.op("DEQUANTIZE", w, [8, 3, 3, 4])
    b = m.op("DEQUANTIZE", b, [8])
    y = m.op(
        "CONV_2D",
        [x, w, b],
        [1, 6, 7, 8],
        "Conv2DOptions",
        **conv_fields(SAME, 1)
    )
    m.file.output(y)
    w = m.op("DENSIFY", sparse(m), [4, 8])
    m.end("FULLY_CONNECTED", [y, w, -1], [42, 4], "FullyConnectedOptions")
    return m.file


def sparse(m):
    """A matrix of 4 by 8 in blocks of 1 by 4, of which some are stored."""
    from ai_edge_litert import schema_py_generated as schema

    def level(size=0, segments=None, indices=None):
        meta = schema.DimensionMetadataT()
        meta.format, meta.denseSize = int(segments is not None), size
        if segments is not None:
            kind = schema.SparseIndexVector.Uint8Vector
            meta.arraySegmentsType = meta.arrayIndicesType = kind
            meta.arraySegments = schema.Uint8VectorT()
            meta.arraySegments.values = np.uint8(segments)
            meta.arrayIndices = schema.Uint8VectorT()
            meta.arrayIndices.values = np.uint8(indices)
        return meta

    s = schema.SparsityParametersT()
    s.traversalOrder, s.blockMap = [0, 1, 2], [1]
    s.dimMetadata = [
        level(4),
        level(0, [0, 1, 3, 3, 4], [1, 0, 1, 0]),
        level(4),
    ]
    return m.file.tensor(
        "sparse", [4, 8], "float32", m.normal(4, 4), sparsity=s
    )


def quantized(dtype, per_channel=True):
    """A U-Net of 8-bit numbers."""
    m = Maker(10)
    low = 0 if dtype == "uint8" else -128

    def act(shape, span=6.0, zero=None):
        zero = low + 128 if zero is None else zero
        return m.new(shape, dtype, scale=span / 255, zero=zero)

    def weights(*shape, axis=0):
        w = m.normal(*shape) / np.sqrt(np.prod(shape) / shape[axis])
        if dtype == "uint8":
            scale = np.abs(w).max() / 127
            q = np.clip(np.rint(w / scale) + 128, 0, 255).astype(np.uint8)
            return m.file.constant(q, scale=scale, zero=128), scale
        keep = tuple(i for i in range(w.ndim) if i != axis)
        scale = np.abs(w).max(keep) / 127
        shaped = scale.reshape([-1 if i == axis else 1 for i in range(w.ndim)])
        q = np.rint(w / shaped).astype(np.int8)
        return m.file.constant(q, scale=scale, axis=axis), scale

    def conv(x, n_in, n_out, out, scale, kind="CONV_2D", **fields):
        deep = kind == "DEPTHWISE_CONV_2D"
        w, w_scale = (
            weights(1, 3, 3, n_out, axis=3)
            if deep
            else weights(n_out, 3, 3, n_in)
        )
        s = np.broadcast_to(np.float32(scale * w_scale), (n_out,))
        bias = np.rint(m.normal(n_out) * 0.3 / s).astype(np.int32)
        one = np.ndim(w_scale) == 0
        b = m.file.constant(bias, scale=s[0] if one else s)
        y = act([1, *out, n_out])
        options = "DepthwiseConv2DOptions" if deep else "Conv2DOptions"
        m.file.add(kind, [x, w, b], [y], options, **fields)
        return y

    x = m.file.input("x", [1, 16, 12, 3], dtype, scale=1 / 255, zero=low)
    a = conv(x, 3, 8, (16, 12), 1 / 255, **conv_fields(SAME, 1, RELU))
    a = conv(
        a,
        8,
        8,
        (16, 12),
        6 / 255,
        "DEPTHWISE_CONV_2D",
        depthMultiplier=1,
        **conv_fields(SAME, 1, RELU6)
    )
    pool = dict(
        padding=SAME, strideH=2, strideW=2, filterHeight=2, filterWidth=2
    )
    half = act([1, 8, 6, 8])
    m.file.add("MAX_POOL_2D", [a], [half], "Pool2DOptions", **pool)
    half = conv(half, 8, 8, (8, 6), 6 / 255, **conv_fields(SAME, 1, RELU))
    up = act([1, 16, 12, 8])
    m.file.add(
        "RESIZE_BILINEAR",
        [half, m.ints(16, 12)],
        [up],
        "ResizeBilinearOptions",
        halfPixelCenters=True,
    )
    total = act([1, 16, 12, 8], 9.0)
    m.file.add(
        "ADD", [a, up], [total], "AddOptions", fusedActivationFunction=RELU
    )
    both = act([1, 16, 12, 16], 9.0)
    m.file.add(
        "CONCATENATION", [total, total], [both], "ConcatenationOptions", axis=3
    )
    y = conv(both, 16, 2, (16, 12), 9 / 255, **conv_fields(SAME, 1))
    mask = m.new([1, 16, 12, 2], dtype, scale=1 / 256, zero=low)
    m.file.add("SOFTMAX", [y], [mask], "SoftmaxOptions", beta=1.0)
    m.file.output(mask)
    return m.file


CASES = {
    "convolutions": convolutions,
    "transposed": transposed,
    "pools": pools,
    "elementwise": elementwise,
    "moves": moves,
    "products": products,
    "open-sizes": open_sizes,
    "media-pipe": media_pipe,
    "halves": halves,
    "int8": lambda: quantized("int8"),
    "uint8": lambda: quantized("uint8"),
}


# ---- what a file says of itself


def table(builder, fields):
    """Adds a table. fields: slot -> the method that adds it, and its value."""
    builder.StartObject(max(fields) + 1)
    for slot, (method, value) in fields.items():
        getattr(builder, "Prepend%sSlot" % method)(slot, value, 0)
    return builder.EndObject()


def vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def metadata(mean, std, labels):
    """The metadata that TensorFlow's task library writes."""
    b = flatbuffers.Builder(256)
    offset = "UOffsetTRelative"
    mean = b.CreateNumpyVector(np.float32(mean))
    std = b.CreateNumpyVector(np.float32(std))
    options = table(b, {0: (offset, mean), 1: (offset, std)})
    unit = table(b, {0: ("Uint8", 1), 1: (offset, options)})
    x = table(b, {4: (offset, vector(b, [unit]))})
    name = b.CreateString(labels)
    file = table(b, {0: (offset, name), 2: ("Int8", 2)})
    y = table(b, {6: (offset, vector(b, [file]))})
    x, y = vector(b, [x]), vector(b, [y])
    graph = table(b, {2: (offset, x), 3: (offset, y)})
    b.Finish(table(b, {3: (offset, vector(b, [graph]))}), b"M001")
    return bytes(b.Output())


def described():
    """Returns the bytes of a network of which metadata tell the samples and the
    names of the classes."""
    m = Maker(13)
    x = m.file.input("x", [1, 32, 32, 3])
    w, b = m.file.constant(m.normal(3, 1, 1, 3)), m.file.constant(m.normal(3))
    fields = conv_fields(SAME, 1)
    y = m.op("CONV_2D", [x, w, b], [1, 32, 32, 3], "Conv2DOptions", **fields)
    m.end("SOFTMAX", y, [1, 32, 32, 3], "SoftmaxOptions", beta=1.0)
    m.file.describe(metadata([127.5], [127.5], "labels.txt"))
    data = io.BytesIO(m.file.bytes())
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("readme.txt", "nothing")
        archive.writestr("labels.txt", "sky\nroad, paved\r\ncar\n")
    return data.getvalue()


# ---- what is refused


def one(kind, dtype="float32", **more):
    """One operator of one operand."""
    m = Maker(11)
    x = m.file.input("x", [1, 4, 4, 2], dtype, **more)
    y = m.new([1, 4, 4, 2], dtype, **more)
    m.file.add(kind, [x], [y], custom=b"" if kind[1].islower() else None)
    m.file.output(y)
    return m.file


def fused_tanh():
    """LiteRT leaves out a fused Tanh."""
    m = Maker(12)
    x = m.file.input("x", [1, 4, 4, 2])
    weights = m.file.constant(m.normal(2, 1, 1, 2)), m.file.constant(
        m.normal(2)
    )
    m.end(
        "CONV_2D",
        [x, *weights],
        [1, 4, 4, 2],
        "Conv2DOptions",
        **conv_fields(SAME, 1, 4)
    )
    return m.file


REFUSED = {
    "operator": lambda: one("SEGMENT_SUM"),
    "flex": lambda: one("FlexErf"),
    "custom": lambda: one("MyOperator"),
    "boxes": lambda: one("TFLite_Detection_PostProcess"),
    "int16": lambda: one("RELU", "int16", scale=0.1),
    "fused-tanh": fused_tanh,
}
