# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a trained network as ONNX, with its contract, labels and colours inside."""
import inspect
import math
import os
import sys

import onnx
import torch

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
)
from halve import halve  # noqa: E402

OPSET = 13


class Probabilities(torch.nn.Module):
    """The softmax of all classes, or the sigmoid of one difference."""

    def __init__(self, net, is_binary):
        super().__init__()
        self.net, self.is_binary = net, is_binary

    def forward(self, x):
        y = self.net(x)
        return torch.sigmoid(y) if self.is_binary else y.softmax(1)


def make_contract(pictures, plan, net, trained):
    """Returns what the file tells the element, as docs/models.md lists it."""
    classes = pictures.classes
    contract = {
        "input": "image",
        "output": "mask",
        "layout": "nchw",
        "color-order": "gray" if plan.channels == 1 else "rgb",
        "scale": "1/255",
        "mean": str(net.mean),
        "std": str(net.std),
        "activation": "none",
        "labels": ",".join(classes.labels),
    }
    if not classes.has_background:
        contract["background"] = "none"
    elif not classes.is_binary:
        contract["background"] = "first"
    if net.tiles:
        contract["fit"] = "tile"
    else:
        sizes = sorted(w * h for w, h in map(pictures.size_of, trained))
        contract["fit"] = "stretch"
        contract["input-size"] = str(round(math.sqrt(sizes[len(sizes) // 2])))
        contract["multiple"] = str(net.multiple)
    return contract


def colors_of(classes):
    """Returns the element's property `colors`; the background has none."""
    return ",".join(
        f"{label}={color}"
        for label, color in zip(classes.labels, classes.colors)
        if color
    )


def fold_difference(net):
    """Makes the last layer of two classes one of their difference."""
    last = net.out if hasattr(net, "out") else net.o
    axis = 1 if isinstance(last, torch.nn.ConvTranspose2d) else 0
    one = type(last)(last.in_channels, 1, last.kernel_size, last.stride)
    with torch.no_grad():
        first, second = last.weight.split(1, axis)
        one.weight.copy_(second - first)
        one.bias.copy_(last.bias[1:] - last.bias[:1])
    if hasattr(net, "out"):
        net.out = one
    else:
        net.o = one


def export(net, pictures, plan, trained, path):
    contract = make_contract(pictures, plan, net, trained)
    binary = pictures.classes.is_binary
    if binary:
        fold_difference(net)
    model = Probabilities(net, binary)
    side = net.fit(256)
    axes = {
        n: {2: "height" + s, 3: "width" + s}
        for n, s in (("image", ""), ("mask", "_out" if net.lost else ""))
    }
    words = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        words["dynamo"] = False
    torch.onnx.export(
        model.eval(),
        torch.rand(1, plan.channels, side, side),
        path + ".new",
        opset_version=OPSET,
        input_names=["image"],
        output_names=["mask"],
        dynamic_axes=axes,
        **words,
    )
    file = onnx.load(path + ".new")
    halve(file)
    file.ir_version = 7
    file.graph.name = os.path.splitext(os.path.basename(path))[0]
    file.producer_name, file.producer_version = "unetseg", "1"
    for key, value in contract.items():
        file.metadata_props.add(key="unetseg." + key, value=value)
    # no field of the contract: the element takes colours by its property
    file.metadata_props.add(key="colors", value=colors_of(pictures.classes))
    onnx.checker.check_model(file)
    onnx.save(file, path + ".new")
    os.replace(path + ".new", path)
    print(f"{path}: {file.ByteSize() / 1e6:.2f} MB", flush=True)
