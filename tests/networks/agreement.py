# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares outputs with ONNX Runtime's in units of the largest logit. Where a
network ends in a sigmoid or softmax, ONNX Runtime also returns the logits, and
a difference of probabilities counts as that of the logits behind it."""
import os

import numpy as np
import onnx

# The difference that rounding in f32 may make.
TOLERANCE = 1e-4
# dp = p (1 - p) dz for a sigmoid, at most twice that for a softmax.
SLOPES = {"Sigmoid": 1, "Softmax": 2}
MOVES = ("Identity", "Transpose", "Reshape")


def file_of(folder, name):
    safe = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name
    )
    return os.path.join(folder, safe + ".npy")


def activations(model):
    """Returns for each output of a sigmoid or softmax that operator and the
    name of the logits before it."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found = {}
    for output in model.graph.output:
        node = makers.get(output.name)
        while node is not None and node.op_type in MOVES:
            node = makers.get(node.input[0])
        if node is not None and node.op_type in SLOPES:
            found[output.name] = node.op_type, node.input[0]
    return found


def load_reference(server, case, folder):
    """Makes the server return logits as well. Returns activations()."""
    model = onnx.load(case.path)
    logits = activations(model)
    if not logits:
        server.ask("load", case.path, 2)
        return logits
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in sorted({name for _, name in logits.values()})
    )
    twin = os.path.join(folder, "twin.onnx")
    onnx.save(model, twin)
    server.ask("load", twin, 2)
    return logits


class Wanted:
    """Holds an output of ONNX Runtime and the largest of its logits."""

    def __init__(self, value, activation=None, logits=None):
        self.value = value
        self.slope = SLOPES.get(activation)
        self.largest = float(np.abs(logits if activation else value).max())

    def difference(self, ours):
        """Returns the largest difference, relative to the largest logit."""
        if ours.shape != self.value.shape or ours.dtype != self.value.dtype:
            return np.inf
        p = self.value.astype(np.float64)
        error = np.abs(ours - p)
        if self.slope:
            # exp() itself is off by up to 1e-6.
            error = np.maximum(error - 1e-6, 0) / np.maximum(
                self.slope * p * (1 - p), 1e-9
            )
        worst = error.max() / self.largest
        return worst if np.isfinite(worst) else np.inf


def reference(server, case, size, logits, folder):
    """Returns the Wanted of each output of the model."""
    path = os.path.join(folder, "input.npy")
    np.save(path, case.tensor(size))
    server.ask("input", case.input, path)
    server.ask("run", 1)
    names = server.ask("save", folder)[1:]
    values = {name: np.load(file_of(folder, name)) for name in names}
    inner = {name for _, name in logits.values()}
    wanted = {}
    for name in names:
        if name in logits:
            activation, before = logits[name]
            wanted[name] = Wanted(values[name], activation, values[before])
        elif name not in inner:
            wanted[name] = Wanted(values[name])
    return wanted


def largest_difference(folder, wanted):
    """Returns the largest difference of all outputs, which the folder holds as
    .npy files."""
    return max(
        one.difference(np.load(file_of(folder, name)))
        for name, one in wanted.items()
    )
