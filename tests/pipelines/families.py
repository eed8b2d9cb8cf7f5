#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""families.py MODELS.md: runs every line of its table of known families.

Each family gets a small network with that family's input, scale and output,
which detects one of two similar colours. With the guide's properties `unetseg`
must find that colour and not the other. Prints TAP."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# One colour is foreground, the other is not. They are so close that a wrong
# mean, scale or channel order misjudges at least one of them.
FOUND, OTHER = (150, 110, 70), (138, 104, 90)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = ((0.5,) * 3, (0.5,) * 3)
SINET = ((126.91 / 255, 111.25 / 255, 102.89 / 255), (66.36, 62.82, 62.93))


class Family:
    """Holds the contract of a family in the terms of its source."""

    def __init__(
        self,
        size=(64, 96),
        mean=(0,) * 3,
        std=(1,) * 3,
        bgr=False,
        nhwc=False,
        by_max=False,
        channels=1,
        inside=None,
        crop=0,
        nhwc_output=False,
        outputs=1,
        is_open=False,
        gray=False,
    ):
        vars(self).update({k: v for k, v in locals().items() if k != "self"})

    def normalised(self, rgb):
        x = np.array(rgb, np.float64)
        if self.gray:
            return np.array([x @ (0.299, 0.587, 0.114) / 255])
        x = x / (x.max() if self.by_max else 255)
        x = (x - self.mean) / self.std
        return x[::-1] if self.bgr else x

    def plane(self):
        """Returns weights and bias of a logit that is 4 for FOUND, -4 for
        OTHER."""
        a, b = self.normalised(FOUND), self.normalised(OTHER)
        w = 8 * (a - b) / ((a - b) @ (a - b))
        return w, -w @ (a + b) / 2

    def write(self, path):
        w, b = self.plane()
        h, wd = ("h", "w") if self.is_open else self.size
        n = len(w)
        shape = [1, h, wd, n] if self.nhwc else [1, n, h, wd]
        weights, bias = w.reshape(1, n, 1, 1), np.array([b])
        if self.channels == 2:
            weights = np.concatenate([-weights / 2, weights / 2])
            bias = np.array([-b / 2, b / 2])
        init = [
            numpy_helper.from_array(weights.astype("f"), "weights"),
            numpy_helper.from_array(bias.astype("f"), "bias"),
        ]
        graph = helper.make_graph(
            list(self.nodes(init)),
            "family",
            [helper.make_tensor_value_info("in", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(f"out{i}", self.out_type(), None)
                for i in range(self.outputs)
            ],
            init,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 13)]
        )
        model.ir_version = 7
        onnx.save(onnx.shape_inference.infer_shapes(model), path)

    def out_type(self):
        return (
            TensorProto.INT64 if self.inside == "ArgMax" else TensorProto.FLOAT
        )

    def nodes(self, init):
        at = "in"
        if self.nhwc:
            yield helper.make_node(
                "Transpose", [at], ["chw"], perm=[0, 3, 1, 2]
            )
            at = "chw"
        yield helper.make_node("Conv", [at, "weights", "bias"], ["logits"])
        at = "logits"
        if self.crop:
            end = [self.size[0] - self.crop, self.size[1] - self.crop]
            for name, value in (
                ("starts", [self.crop] * 2),
                ("ends", end),
                ("axes", [2, 3]),
            ):
                init.append(
                    numpy_helper.from_array(np.array(value, np.int64), name)
                )
            yield helper.make_node(
                "Slice", [at, "starts", "ends", "axes"], ["cropped"]
            )
            at = "cropped"
        if self.inside:
            attributes = {"axis": 1} if self.inside != "Sigmoid" else {}
            yield helper.make_node(self.inside, [at], ["inner"], **attributes)
            at = "inner"
        if self.nhwc_output:
            yield helper.make_node(
                "Transpose", [at], ["hwc"], perm=[0, 2, 3, 1]
            )
            at = "hwc"
        for i in range(self.outputs):
            yield helper.make_node("Identity", [at], [f"out{i}"])


class Recurrent(Family):
    """Has colours first, then alpha, and four states of open size."""

    def write(self, path):
        super().write(path)
        model = onnx.load(path)
        graph = model.graph
        first, second = list(graph.node)[-2:]
        first.op_type, first.output[0] = "Neg", "fgr"
        second.output[0] = "pha"
        for info, name in zip(graph.output, ("fgr", "pha")):
            info.name = name
        graph.node.append(helper.make_node("Shape", ["pha"], ["size"]))
        floats = helper.make_tensor_value_info
        for i in range(1, 5):
            graph.input.append(
                floats(
                    f"r{i}i",
                    TensorProto.FLOAT,
                    [1] + [f"{c}{i}" for c in "chw"],
                )
            )
            graph.output.append(
                floats(
                    f"r{i}o",
                    TensorProto.FLOAT,
                    [1] + [f"{c}{i}o" for c in "chw"],
                )
            )
            graph.node.extend(
                [
                    helper.make_node("Expand", [f"r{i}i", "size"], [f"e{i}"]),
                    helper.make_node("Add", [f"e{i}", "pha"], [f"s{i}"]),
                    helper.make_node(
                        "Mul", [f"s{i}", "downsample_ratio"], [f"r{i}o"]
                    ),
                ]
            )
        graph.input.append(floats("downsample_ratio", TensorProto.FLOAT, [1]))
        onnx.save(model, path)


FAMILIES = {
    "MediaPipe selfie": Family(
        (256, 256), nhwc=True, nhwc_output=True, inside="Sigmoid"
    ),
    "MediaPipe Meet": Family(
        (144, 256), nhwc=True, nhwc_output=True, channels=2
    ),
    "SINet": Family((320, 320), *SINET, bgr=True, channels=2, inside="Softmax"),
    "PP-HumanSeg with softmax": Family(
        (192, 192), *HALVES, channels=2, inside="Softmax"
    ),
    "PP-HumanSeg with argmax": Family(
        (144, 256), *HALVES, channels=2, inside="ArgMax"
    ),
    "MODNet": Family(None, *HALVES, inside="Sigmoid", is_open=True),
    "U²-Net": Family(
        (320, 320), *IMAGENET, by_max=True, inside="Sigmoid", outputs=7
    ),
    "ISNet": Family(
        (1024, 1024), (0.5,) * 3, by_max=True, inside="Sigmoid", outputs=2
    ),
    "milesial": Family(None, channels=2, is_open=True),
    "segmentation_models.pytorch": Family(None, *IMAGENET, is_open=True),
    "the 2015 U-Net": Family((572, 572), channels=2, crop=92, gray=True),
    "Robust Video Matting": Recurrent(
        None, inside="Sigmoid", outputs=2, is_open=True
    ),
    "PeopleSemSegNet": Family(
        (544, 960), *HALVES, channels=2, inside="ArgMax", nhwc_output=True
    ),
}


def table(path):
    """Yields (family, properties) of each row of the last table."""
    text = open(path, encoding="utf-8").read()
    rows = text[text.index("| model | properties |") :].splitlines()[2:]
    for row in rows:
        if not row.startswith("|"):
            break
        name, properties = row.strip("| ").split(" | ", 1)
        yield name, re.findall(r"`([^`]*)`", properties)[:1]


def finds(model, properties, rgb):
    """Returns whether unetseg draws over the middle of a picture of a
    colour."""
    r, g, b = rgb
    out = subprocess.run(
        [
            "gst-launch-1.0",
            "-q",
            "videotestsrc",
            "num-buffers=1",
            "pattern=solid-color",
            f"foreground-color={0xff000000 | r << 16 | g << 8 | b}",
            "!",
            "video/x-raw,format=RGB,width=160,height=96",
            "!",
            "unetseg",
            f"model={model}",
            "colors=blue",
            "opacity=1",
            *properties,
            "!",
            "fdsink",
            "fd=1",
        ],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    at = (48 * 160 + 80) * 3
    pixel = tuple(out[at : at + 3])
    if pixel not in ((0, 0, 255), rgb):
        raise ValueError(f"neither painted nor untouched: {pixel}")
    return pixel == (0, 0, 255)


def check(family, properties, folder):
    path = os.path.join(folder, "family.onnx")
    family.write(path)
    found, other = (finds(path, properties, c) for c in (FOUND, OTHER))
    return found and not other, f"found {found}, other {other}"


def main(guide):
    known = dict(FAMILIES)
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, cell in table(guide):
            number += 1
            key = next((k for k in known if name.startswith(k)), None)
            properties = cell[0].split() if cell else []
            try:
                ok, why = check(known.pop(key), properties, folder)
            except (KeyError, ValueError, subprocess.CalledProcessError) as e:
                ok, why = False, repr(e)
            print(f"{'' if ok else 'not '}ok {number} - {name}")
            if not ok:
                print(f"# {why}")
    for name in known:
        number += 1
        print(f"not ok {number} - {name} is in the guide")
    print(f"1..{number}")


if __name__ == "__main__":
    main(sys.argv[1])
