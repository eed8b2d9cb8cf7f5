#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the models of the element's tests: networks so small that the mask of
a picture is known beforehand, and files that are no models.

    make-models.py [FOLDER]

Their output is committed; run this after a change here. Needs Debian's
python3-onnx and python3-numpy.

red          3x32x32 RGB; sigmoid inside: foreground where red is over half
red-dynamic  the same for any size
red-padded   the same, any size, but both sides must be multiples of 4
red-nhwc     the same in NHWC, 32x32
red-wide     the same, 64 wide and 16 high
classes      any size; logits of background, red, green and blue, with labels
valid        3x36x36, two 3x3 convolutions without borders: 32x32 out
gated        3x48x32, portrait: as red, but nothing in the lower right corner
unet-valid   any multiple of 4 from 40 on, grey; two levels of valid convolutions
             with cropped skips and random weights: 28 pixels fewer out
unet-same    any multiple of 4: the same with same-padded convolutions
memory       any size; foreground where red has been over half in any frame yet:
             output s_out is to be the next frame's s_in
rvm          any multiple of 32 after scaling by downsample_ratio: a small one
             of Robust Video Matting's kind: four recurrent states whose size
             nobody says, colours and alpha
picky        any size on paper, reshaped to 1x1x32x32 inside
shape        a convolution whose weights do not fit its input
strange      an operator that nobody has
truncated    the first half of red
garbage      no ONNX at all
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32 = TensorProto.FLOAT
# So steep that any 8-bit sample but the threshold itself is sure.
GAIN = 1000.0


def as_tensor(w):
    """Shapes are integers, everything else is f32."""
    w = np.asarray(w)
    return (
        w
        if w.dtype == np.int64 and w.ndim == 1 and w.size > 1
        else w.astype(np.float32)
    )


def save(folder, name, nodes, inputs, outputs, weights, metadata=()):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("input", F32, inputs)],
        [helper.make_tensor_value_info("output", F32, outputs)],
        [numpy_helper.from_array(as_tensor(w), n) for n, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="unetseg tests",
        opset_imports=[helper.make_opsetid("", 13)],
    )
    model.ir_version = 7
    helper.set_model_props(model, dict(metadata))
    with open(os.path.join(folder, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString(deterministic=True))


def red_weights():
    w = np.zeros((1, 3, 1, 1))
    w[0, 0] = GAIN
    return {"w": w, "b": [-GAIN / 2]}


def red_nodes():
    return [
        helper.make_node(
            "Conv",
            ["input", "w", "b"],
            ["logit"],
            "detect",
            kernel_shape=[1, 1],
        ),
        helper.make_node("Sigmoid", ["logit"], ["output"], "probability"),
    ]


def red(folder):
    for name, height, width in (
        ("red", 32, 32),
        ("red-wide", 16, 64),
        ("red-dynamic", "height", "width"),
    ):
        save(
            folder,
            name,
            red_nodes(),
            [1, 3, height, width],
            [1, 1, height, width],
            red_weights(),
        )
    save(
        folder,
        "red-padded",
        red_nodes(),
        [1, 3, "height", "width"],
        [1, 1, "height", "width"],
        red_weights(),
        {"unetseg.multiple": "4"},
    )


def red_nhwc(folder):
    nodes = [
        helper.make_node(
            "Transpose", ["input"], ["nchw"], "to_nchw", perm=[0, 3, 1, 2]
        ),
        helper.make_node(
            "Conv", ["nchw", "w", "b"], ["logit"], "detect", kernel_shape=[1, 1]
        ),
        helper.make_node("Sigmoid", ["logit"], ["probability"], "probability"),
        helper.make_node(
            "Transpose",
            ["probability"],
            ["output"],
            "to_nhwc",
            perm=[0, 2, 3, 1],
        ),
    ]
    save(
        folder, "red-nhwc", nodes, [1, 32, 32, 3], [1, 32, 32, 1], red_weights()
    )


def classes(folder):
    w = np.zeros((4, 3, 1, 1))
    for i in range(3):
        w[i + 1, i] = GAIN
    nodes = [
        helper.make_node(
            "Conv",
            ["input", "w", "b"],
            ["output"],
            "detect",
            kernel_shape=[1, 1],
        )
    ]
    save(
        folder,
        "classes",
        nodes,
        [1, 3, "height", "width"],
        [1, 4, "height", "width"],
        {"w": w, "b": [GAIN / 2, 0, 0, 0]},
        {"unetseg.labels": "background,red,green,blue"},
    )


def valid(folder):
    first = np.zeros((3, 3, 3, 3))
    for i in range(3):
        first[i, i, 1, 1] = 1
    second = np.zeros((1, 3, 3, 3))
    second[0, 0, 1, 1] = GAIN
    nodes = [
        helper.make_node(
            "Conv", ["input", "w1"], ["middle"], "first", kernel_shape=[3, 3]
        ),
        helper.make_node(
            "Conv",
            ["middle", "w2", "b"],
            ["logit"],
            "second",
            kernel_shape=[3, 3],
        ),
        helper.make_node("Sigmoid", ["logit"], ["output"], "probability"),
    ]
    save(
        folder,
        "valid",
        nodes,
        [1, 3, 36, 36],
        [1, 1, 32, 32],
        {"w1": first, "w2": second, "b": [-GAIN / 2]},
    )


def gated(folder):
    gate = np.zeros((1, 1, 48, 32))
    gate[:, :, 24:, 8:] = -2 * GAIN
    nodes = red_nodes()
    nodes.insert(
        1, helper.make_node("Add", ["logit", "gate"], ["gated"], "gate_it")
    )
    nodes[2].input[0] = "gated"
    save(
        folder,
        "gated",
        nodes,
        [1, 3, 48, 32],
        [1, 1, 48, 32],
        {**red_weights(), "gate": gate},
    )


def save_many(folder, name, nodes, inputs, outputs, weights):
    """As save(), for several inputs and outputs: {name: shape}."""
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(k, F32, v) for k, v in inputs.items()],
        [helper.make_tensor_value_info(k, F32, v) for k, v in outputs.items()],
        [numpy_helper.from_array(np.asarray(w), n) for n, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="unetseg tests",
        opset_imports=[helper.make_opsetid("", 13)],
    )
    model.ir_version = 7
    onnx.checker.check_model(model)
    with open(os.path.join(folder, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString(deterministic=True))


def memory(folder):
    weights = {k: np.asarray(w, np.float32) for k, w in red_weights().items()}
    nodes = red_nodes()
    nodes[1].output[0] = "now"
    nodes.append(helper.make_node("Max", ["now", "s_in"], ["s_out"], "keep"))
    nodes.append(helper.make_node("Identity", ["s_out"], ["output"], "out"))
    save_many(
        folder,
        "memory",
        nodes,
        {"input": [1, 3, "h", "w"], "s_in": [1, 1, "sh", "sw"]},
        {"output": [1, 1, "h", "w"], "s_out": [1, 1, "h", "w"]},
        weights,
    )


class Recurrent:
    """A small network of Robust Video Matting's kind (Lin et al. 2022,
    figure 2): a strided encoder, a decoder whose every level remembers half
    of its channels in a ConvGRU, and outputs at the picture's own size."""

    def __init__(self):
        self.rng = np.random.RandomState(5)
        self.weights, self.nodes, self.n = {}, [], 0

    def node(self, op, inputs, n=1, out=None, **attrs):
        self.n += 1
        names = out or ["%s_%d_%d" % (op, self.n, i) for i in range(n)]
        self.nodes.append(
            helper.make_node(op, inputs, names, "%s_%d" % (op, self.n), **attrs)
        )
        return names[0] if len(names) == 1 else names

    def weight(self, array):
        self.n += 1
        self.weights["w%d" % self.n] = np.asarray(array)
        return "w%d" % self.n

    def conv(self, x, ic, oc, k=3, stride=1, act="Relu"):
        w = self.rng.standard_normal((oc, ic, k, k)) * np.sqrt(2 / (ic * k * k))
        b = self.rng.standard_normal(oc) * 0.1
        y = self.node(
            "Conv",
            [x, self.weight(w.astype("f")), self.weight(b.astype("f"))],
            kernel_shape=[k, k],
            strides=[stride] * 2,
            pads=[k // 2] * 4,
        )
        return self.node(act, [y]) if act else y

    def gru(self, x, c, state, out):
        h = self.node("Expand", [state, self.node("Shape", [x])])
        both = self.node("Concat", [x, h], axis=1)
        gates = self.conv(both, 2 * c, 2 * c, act="Sigmoid")
        r, z = self.node("Split", [gates], 2, axis=1)
        past = self.node("Mul", [r, h])
        new = self.conv(
            self.node("Concat", [x, past], axis=1), 2 * c, c, act="Tanh"
        )
        one = self.weight(np.float32(1))
        keep = self.node("Mul", [self.node("Sub", [one, z]), h])
        return self.node("Add", [keep, self.node("Mul", [z, new])], out=[out])

    def remember(self, x, c, level):
        a, b = self.node("Split", [x], 2, axis=1)
        b = self.gru(b, c // 2, "r%di" % level, "r%do" % level)
        return self.node("Concat", [a, b], axis=1)

    def resize_to(self, x, like):
        front = self.node(
            "Slice",
            [
                self.node("Shape", [x]),
                self.weight(np.array([0])),
                self.weight(np.array([2])),
            ],
        )
        back = self.node(
            "Slice",
            [
                self.node("Shape", [like]),
                self.weight(np.array([2])),
                self.weight(np.array([4])),
            ],
        )
        sizes = self.node("Concat", [front, back], axis=0)
        return self.node(
            "Resize",
            [x, "", "", sizes],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def make(self):
        scales = self.node(
            "Concat",
            [
                self.weight(np.ones(2, "f")),
                "downsample_ratio",
                "downsample_ratio",
            ],
            axis=0,
        )
        small = self.node(
            "Resize",
            ["src", "", scales],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        x, skips, ic = small, [], 3
        for oc in (4, 6, 8, 8):
            x = self.conv(x, ic, oc, stride=2)
            skips.append((x, oc))
            ic = oc
        x = self.remember(x, 8, 4)
        for level in (3, 2, 1):
            skip, sc = skips[level - 1]
            x = self.node("Concat", [self.resize_to(x, skip), skip], axis=1)
            x = self.conv(x, ic + sc, sc)
            x = self.remember(x, sc, level)
            ic = sc
        x = self.conv(self.resize_to(x, small), ic, 4, act=None)
        colors, alpha = self.node(
            "Split",
            [self.resize_to(x, "src"), self.weight(np.array([3, 1]))],
            2,
            axis=1,
        )
        zero, one = self.weight(np.float32(0)), self.weight(np.float32(1))
        fgr = self.node("Add", [colors, "src"])
        self.node("Clip", [fgr, zero, one], out=["fgr"])
        self.node("Clip", [alpha, zero, one], out=["pha"])


def rvm(folder):
    net = Recurrent()
    net.make()
    inputs = {"src": [1, 3, "height", "width"]}
    outputs = {
        "fgr": [1, 3, "height", "width"],
        "pha": [1, 1, "height", "width"],
    }
    for i in range(1, 5):
        inputs["r%di" % i] = [1, "c%di" % i, "h%di" % i, "w%di" % i]
        outputs["r%do" % i] = [1, "c%do" % i, "h%do" % i, "w%do" % i]
    inputs["downsample_ratio"] = [1]
    save_many(folder, "rvm", net.nodes, inputs, outputs, net.weights)


def unet(folder, name, valid):
    """Two levels, 4 and 8 channels, as Ronneberger et al. have it."""
    rng = np.random.RandomState(1)
    weights, nodes = {}, []

    def node(op, inputs, out, **attrs):
        nodes.append(helper.make_node(op, inputs, [out], out, **attrs))
        return out

    def conv(x, out, ic, oc, k=3, act=True, gain=1.5):
        weights[out + "_w"] = rng.standard_normal((oc, ic, k, k)) * np.sqrt(
            gain / (ic * k * k)
        )
        weights[out + "_b"] = rng.standard_normal(oc) * 0.1
        pad = 0 if valid else k // 2
        y = node(
            "Conv",
            [x, out + "_w", out + "_b"],
            out if not act else out + "_c",
            kernel_shape=[k, k],
            pads=[pad] * 4,
        )
        return node("Relu", [y], out) if act else y

    def up(x, out, ic, oc):
        weights[out + "_w"] = rng.standard_normal((ic, oc, 2, 2)) * np.sqrt(
            2 / ic
        )
        return node(
            "ConvTranspose",
            [x, out + "_w"],
            out,
            kernel_shape=[2, 2],
            strides=[2, 2],
        )

    def crop(x, out, n):
        if not valid:
            return x
        for key, value in (("s", [n, n]), ("e", [-n, -n]), ("a", [2, 3])):
            weights[out + "_" + key] = np.array(value)
        return node("Slice", [x] + [out + "_" + k for k in "sea"], out)

    a = conv(conv("input", "a1", 1, 4), "a2", 4, 4)
    b = conv(
        node("MaxPool", [a], "p1", kernel_shape=[2, 2], strides=[2, 2]),
        "b1",
        4,
        8,
    )
    b = conv(b, "b2", 8, 8)
    c = conv(
        node("MaxPool", [b], "p2", kernel_shape=[2, 2], strides=[2, 2]),
        "c1",
        8,
        8,
    )
    x = up(c, "u1", 8, 8)
    x = node("Concat", [crop(b, "crop_b", 2), x], "cat_b", axis=1)
    x = up(conv(x, "d1", 16, 8), "u2", 8, 4)
    x = node("Concat", [crop(a, "crop_a", 10), x], "cat_a", axis=1)
    x = conv(conv(x, "e1", 8, 4), "e2", 4, 4)
    conv(x, "output", 4, 2, 1, False, 60)
    save(
        folder,
        name,
        nodes,
        [1, 1, "height", "width"],
        [1, 2, "rows", "columns"],
        weights,
        {"unetseg.multiple": "4"},
    )


def broken(folder):
    nodes = [
        helper.make_node(
            "Conv",
            ["input", "w", "b"],
            ["logit"],
            "misfit",
            kernel_shape=[1, 1],
        ),
        helper.make_node("Sigmoid", ["logit"], ["output"], "last"),
    ]
    save(
        folder,
        "shape",
        nodes,
        [1, 3, 32, 32],
        [1, 1, 32, 32],
        {"w": np.zeros((1, 5, 1, 1)), "b": [0]},
    )
    nodes = red_nodes()[:1] + [
        helper.make_node("Reshape", ["logit", "square"], ["output"], "reshape")
    ]
    save(
        folder,
        "picky",
        nodes,
        [1, 3, "height", "width"],
        [1, 1, 32, 32],
        {**red_weights(), "square": np.array([1, 1, 32, 32])},
    )
    nodes = [helper.make_node("Frobnicate", ["input"], ["output"], "odd_one")]
    save(folder, "strange", nodes, [1, 3, 32, 32], [1, 1, 32, 32], {})
    with open(os.path.join(folder, "red.onnx"), "rb") as f:
        data = f.read()
    with open(os.path.join(folder, "truncated.onnx"), "wb") as f:
        f.write(data[: len(data) // 2])
    with open(os.path.join(folder, "garbage.onnx"), "wb") as f:
        f.write(b"This is not a network.\n" * 20)


def main():
    folder = (
        sys.argv[1]
        if len(sys.argv) > 1
        else os.path.dirname(os.path.abspath(__file__))
    )
    for make in (red, red_nhwc, classes, valid, gated, memory, rvm, broken):
        make(folder)
    unet(folder, "unet-valid", True)
    unet(folder, "unet-same", False)


main()
