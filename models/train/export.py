# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a trained network as ONNX, with its contract, labels and colours inside."""
import math
import os

import torch

import onnxfile


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
        "colors": colors_of(classes),
    }
    if classes.inverted:
        contract["invert"] = "true"
        contract["labels"] = f"{classes.labels[1]},{classes.inverted}"
        contract["colors"] = f"{classes.inverted}={classes.colors[1]}"
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
    """Returns the contract's `colors`; the background has none."""
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
    side = net.fit(256)
    onnxfile.write(
        Probabilities(net, binary),
        (1, plan.channels, side, side),
        path,
        contract,
        os.path.splitext(os.path.basename(path))[0],
        onnxfile.axes_of(net.lost > 0),
    )
