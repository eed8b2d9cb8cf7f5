#!/usr/bin/env python3
"""Writes a checkpoint as ONNX (opset 13): `image` 1x3xHxW in 0..1 -> `mask` 1x1xHxW in 0..1.

H and W are free, in multiples of 32. The file says how to feed it in metadata_props.
"""
import argparse
import os
import sys

import cv2
import numpy as np
import torch

import metrics
from equalize import equalize
from net import MULTIPLE, Net, trained

sys.path.append(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train")
)
import onnxfile  # noqa: E402

# how pixels become the input and what the output is, in the words of UnetContract;
# the shape follows the frame's, with about the area of 288x288
CONTRACT = {
    "input": "image",
    "output": "mask",
    "layout": "nchw",
    "color-order": "rgb",
    "scale": "0.00392156862745098",
    "mean": "0,0,0",
    "std": "1,1,1",
    "fit": "stretch",
    "input-size": "288",
    "multiple": str(MULTIPLE),
    "activation": "none",
    "labels": "background,person",
}


class Mask(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.sigmoid(self.net(x))


def read_pictures(folder):
    out = []
    for name in sorted(os.listdir(folder)):
        image = cv2.imread(os.path.join(folder, name))
        h, w = metrics.shape_for(*image.shape[:2], 288)
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)[
            :, :, ::-1
        ]
        out.append(
            torch.from_numpy(np.ascontiguousarray(image))
            .permute(2, 0, 1)[None]
            .float()
            / 255
        )
    return out


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("checkpoint", metavar="CHECKPOINT")
    p.add_argument("out", metavar="OUT.onnx")
    p.add_argument(
        "--half", action="store_true", help="store the weights as fp16"
    )
    p.add_argument(
        "--plain",
        action="store_true",
        help="the first network's shape (CHECKPOINT may be its .onnx)",
    )
    p.add_argument(
        "--pictures",
        metavar="DIR",
        help="equalize the channels for int8, by ranges of training photos",
    )
    p.add_argument("--fixed", metavar="HxW", help="fix the input shape")
    p.add_argument("--version", default="1", help="written into the file")
    a = p.parse_args()
    net = trained(a.checkpoint, a.plain)
    if a.pictures and not isinstance(net, Net):
        p.error(
            "--pictures is for the mobile design: others have normalisation, which export folds in"
        )
    if a.pictures:
        print(
            f"equalized: masks differ by {equalize(net, read_pictures(a.pictures)):.1e} at most"
        )
    h, w = (int(v) for v in a.fixed.split("x")) if a.fixed else (256, 256)
    model = onnxfile.write(
        Mask(net),
        (1, 3, h, w),
        a.out,
        CONTRACT,
        "person",
        None if a.fixed else onnxfile.axes_of(False),
        a.half,
        a.version,
    )
    print(*sorted({n.op_type for n in model.graph.node}))


if __name__ == "__main__":
    main()
