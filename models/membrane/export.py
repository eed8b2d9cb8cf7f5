#!/usr/bin/env python3
"""Writes a checkpoint as ONNX (opset 13): `image` 1x1xHxW -> `mask` 1x2x(H-184)x(W-184), softmax inside.

Weights are stored as fp16. The file says how to feed it, in tiles, in metadata_props.
"""
import argparse
import os
import sys

import onnx
import torch

from net import MEAN, STD, load

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
)
from halve import halve  # noqa: E402

CONTRACT = {
    "input": "image",
    "output": "mask",
    "layout": "nchw",
    "color-order": "gray",
    "scale": "1/255",
    "mean": str(MEAN),
    "std": str(STD),
    "fit": "tile",
    "activation": "none",
    "foreground-class": "1",
    "labels": "cell,membrane",
}


class Mask(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).softmax(1)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("checkpoint", metavar="CHECKPOINT")
    p.add_argument("out", metavar="OUT.onnx")
    a = p.parse_args()
    axes = {
        n: {2: "height" + s, 3: "width" + s}
        for n, s in (("image", ""), ("mask", "_out"))
    }
    torch.onnx.export(
        Mask(load(a.checkpoint)),
        torch.rand(1, 1, 572, 572),
        a.out,
        opset_version=13,
        input_names=["image"],
        output_names=["mask"],
        dynamic_axes=axes,
        dynamo=False,
    )
    model = onnx.load(a.out)
    halve(model)
    model.ir_version = 7
    model.graph.name = "membrane"
    model.producer_name, model.producer_version = "unetseg", "1"
    for k, v in CONTRACT.items():
        model.metadata_props.add(key="unetseg." + k, value=v)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, a.out)
    print(
        f"{a.out}: {model.ByteSize() / 1e6:.2f} MB,",
        *sorted({n.op_type for n in model.graph.node}),
    )


if __name__ == "__main__":
    main()
