#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a copy of a network in 8 bits, as quantisers of other toolkits write
it: QuantizeLinear and DequantizeLinear round every activation, weights are int8
with a scale for each output channel, biases are int32.

    quantize.py MODEL OUT.onnx INPUT.npy… --program build/tools/unetseg

The network runs on the inputs with every activation as an output, which gives
the ranges. A few values beyond them are cut off (--percentile). Activations are
uint8 with a zero point, the layout that ONNX Runtime recommends for x86.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.version_converter
from onnx import helper, numpy_helper

sys.dont_write_bytecode = True

# Other libraries compute these operators in bytes, so that the values between
# them may be bytes.
BYTES = {
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "Concat",
    "Add",
    "GlobalAveragePool",
    "Resize",
    "Mul",
}
# The producer of an activation applies these operators with its own limits.
LIMITS = {"Relu", "Clip"}


class Network:
    """Holds a model and answers what the steps below ask of it."""

    def __init__(self, model):
        self.model, self.graph = model, model.graph
        self.weights = {
            t.name: numpy_helper.to_array(t) for t in model.graph.initializer
        }
        for node in model.graph.node:
            if node.op_type == "Constant":
                self.weights[node.output[0]] = numpy_helper.to_array(
                    helper.get_attribute_value(node.attribute[0])
                )

    def readers(self, name):
        return [n for n in self.graph.node if name in n.input]

    def add(self, name, array):
        self.weights[name] = array
        self.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def drop_unused(self):
        used = {name for node in self.graph.node for name in node.input}
        for tensor in list(self.graph.initializer):
            if tensor.name not in used:
                self.graph.initializer.remove(tensor)


# ---- halves -------------------------------------------------------------


def widen_halves(net):
    """Replaces weights in fp16 behind a Cast by f32. ONNX Runtime would round
    those of a convolution to bytes with one scale for all of its channels."""
    for node in [
        n
        for n in net.graph.node
        if n.op_type == "Cast" and n.input[0] in net.weights
    ]:
        net.add(node.output[0], net.weights[node.input[0]].astype(np.float32))
        net.graph.node.remove(node)
    net.drop_unused()


# ---- batch normalisation -----------------------------------------------


def fold_norm(net, conv, norm):
    scale, bias, mean, var = (
        net.weights[n].astype(np.float64) for n in norm.input[1:5]
    )
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(var + epsilon)
    w = net.weights[conv.input[1]].astype(np.float64)
    at = 1 if conv.op_type == "ConvTranspose" else 0
    w = w * factor.reshape([-1 if a == at else 1 for a in range(w.ndim)])
    old = net.weights[conv.input[2]] if len(conv.input) > 2 else 0
    shift = bias + (old - mean) * factor
    conv.input[1] = net.add(conv.output[0] + "/w", w.astype(np.float32))
    del conv.input[2:]
    conv.input.append(net.add(conv.output[0] + "/b", shift.astype(np.float32)))
    conv.output[0] = norm.output[0]
    net.graph.node.remove(norm)


def fold_norms(net):
    makers = {n.output[0]: n for n in net.graph.node}
    for norm in [
        n for n in net.graph.node if n.op_type == "BatchNormalization"
    ]:
        conv = makers.get(norm.input[0])
        if (
            conv is not None
            and conv.op_type in ("Conv", "ConvTranspose")
            and conv.input[1] in net.weights
            and len(net.readers(conv.output[0])) == 1
        ):
            fold_norm(net, conv, norm)
    net.drop_unused()


# ---- ranges --------------------------------------------------------------


def rounded(net):
    """Returns the names of the values that become bytes."""
    names = []
    for node in net.graph.node:
        if node.op_type in BYTES:
            names += [
                n
                for n in node.input[
                    : len(node.input)
                    if node.op_type in ("Concat", "Add", "Mul")
                    else 1
                ]
            ]
            readers = net.readers(node.output[0])
            if not (len(readers) == 1 and readers[0].op_type in LIMITS):
                names.append(node.output[0])
    seen = dict.fromkeys(n for n in names if n and n not in net.weights)
    return list(seen)


def run(net, names, path_of_input, args, folder):
    """Returns the values of some names, computed by our own program."""
    probe = onnx.ModelProto()
    probe.CopyFrom(net.model)
    have = {o.name for o in probe.graph.output}
    probe.graph.output.extend(
        helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None)
        for n in names
        if n not in have
    )
    path = os.path.join(folder, "probe.onnx")
    onnx.save(probe, path)
    subprocess.run(
        [
            args.program,
            "run",
            path,
            "--tuning",
            "static",
            "--precision",
            "f32",
            "--input",
            "%s=%s" % (net.graph.input[0].name, path_of_input),
            "-o",
            folder,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in names:
        safe = "".join(
            c if c.isascii() and (c.isalnum() or c in "._-") else "_"
            for c in name
        )
        yield name, np.load(os.path.join(folder, safe + ".npy"))


def widen(ranges, name, low, high):
    known = ranges.get(name, (0, 0))
    ranges[name] = min(known[0], low), max(known[1], high)


def find_ranges(net, names, args):
    picture = net.graph.input[0].name
    ranges = {}
    for path in args.inputs:
        for at in range(0, len(names), 16):
            part = [n for n in names[at : at + 16] if n != picture]
            with tempfile.TemporaryDirectory() as folder:
                for name, value in run(net, part, path, args, folder):
                    if value.ndim == 4:
                        widen(
                            ranges,
                            name,
                            *np.percentile(
                                value, [100 - args.percentile, args.percentile]
                            )
                        )
        if picture in names:
            value = np.load(path)
            widen(ranges, picture, value.min(), value.max())
    return ranges


# ---- rounding ------------------------------------------------------------


class Rounding:
    """Makes the nodes. The results of the network keep their names."""

    def __init__(self, net, ranges):
        self.net, self.ranges = net, ranges
        self.outputs = {o.name for o in net.graph.output}
        self.scales = {}  # by the name of the rounded value

    def after(self, name):
        if name not in self.ranges or name in self.outputs:
            return name
        return name + "/dq"

    def before(self, name):
        return name + "/raw" if name in self.outputs else name

    def value(self, name):
        """Returns the two nodes that round the value after its maker."""
        low, high = self.ranges[name]
        low, high = min(low, 0), max(high, 1e-6)
        scale = np.float32((high - low) / 255)
        zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
        operands = [
            self.net.add(name + "/scale", np.array(scale)),
            self.net.add(name + "/zero", np.array(zero)),
        ]
        self.scales[self.after(name)] = scale
        return [
            helper.make_node(
                "QuantizeLinear",
                [self.before(name)] + operands,
                [name + "/q"],
                name=name + "/Q",
            ),
            helper.make_node(
                "DequantizeLinear",
                [name + "/q"] + operands,
                [self.after(name)],
                name=name + "/DQ",
            ),
        ]

    def constant(self, name, q, scale):
        """Returns a constant of integers with a scale for each row."""
        operands = [
            self.net.add(name + "/q", q),
            self.net.add(name + "/scale", scale),
            self.net.add(name + "/zero", np.zeros(len(scale), q.dtype)),
        ]
        return helper.make_node(
            "DequantizeLinear",
            operands,
            [name + "/dq"],
            name=name + "/DQ",
            axis=0,
        )

    def weights(self, node):
        """Rounds the weights of a convolution. Transposed convolutions keep
        theirs: other libraries have no such kernel and would widen them in
        every run."""
        net, base = self.net, node.output[0]
        if node.op_type != "Conv" or node.input[1] not in net.weights:
            return []
        w = net.weights[node.input[1]]
        scale = (np.abs(w).max((1, 2, 3)) / 127).clip(1e-10)
        if len(node.input) > 2 and node.input[0] in self.scales:
            # A channel with weights near 0 still has a bias, which must fit
            # into 32 bits with room for the sum.
            b = np.abs(net.weights[node.input[2]])
            scale = np.maximum(scale, b / self.scales[node.input[0]] / 2**30)
        q = np.rint(w / scale.reshape(-1, 1, 1, 1)).clip(-127, 127)
        nodes = [
            self.constant(
                base + "/w", q.astype(np.int8), scale.astype(np.float32)
            )
        ]
        node.input[1] = base + "/w/dq"
        if len(node.input) > 2 and node.input[0] in self.scales:
            scale = self.scales[node.input[0]] * scale
            b = np.rint(net.weights[node.input[2]] / scale)
            nodes.append(
                self.constant(
                    base + "/b",
                    b.clip(-(2**31), 2**31 - 1).astype(np.int32),
                    scale.astype(np.float32),
                )
            )
            node.input[2] = base + "/b/dq"
        return nodes

    def node(self, node):
        for i, name in enumerate(node.input):
            node.input[i] = self.after(name)
        nodes = self.weights(node) + [node]
        for i, name in enumerate(node.output):
            if name in self.ranges:
                node.output[i] = self.before(name)
                nodes += self.value(name)
        return nodes


def insert(net, ranges):
    rounding = Rounding(net, ranges)
    nodes = []
    for name in [i.name for i in net.graph.input if i.name in ranges]:
        nodes += rounding.value(name)
    for node in list(net.graph.node):
        nodes += rounding.node(node)
    del net.graph.node[:]
    net.graph.node.extend(nodes)
    net.drop_unused()


def quantize(model, args):
    if model.opset_import[0].version < 13:
        model = onnx.version_converter.convert_version(model, 13)
    model.ir_version = max(model.ir_version, 7)
    net = Network(model)
    widen_halves(net)
    fold_norms(net)
    del net.graph.value_info[:]
    insert(net, find_ranges(net, rounded(net), args))
    onnx.checker.check_model(net.model)
    return net.model


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("inputs", nargs="+", help=".npy of the picture input")
    parser.add_argument("--program", required=True)
    parser.add_argument("--percentile", type=float, default=99.99)
    return parser.parse_args()


def main():
    args = parse()
    onnx.save(quantize(onnx.load(args.model), args), args.out)


if __name__ == "__main__":
    main()
