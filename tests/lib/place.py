# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder to work in, with a small U-Net, for tests of the program."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "networks"))
import numpy as np  # noqa: E402
from onnx import TensorProto, helper, save  # noqa: E402
import networks  # noqa: E402


class Place:
    """A folder to work in, with a small network."""

    def __init__(self, folder):
        self.folder = folder
        networks.make(folder, ["unet-8"])
        self.unet = self.path("unet-8.onnx")
        self.picture = networks.maker.picture(3, 64, 96, seed=3)
        self.npy = self.path("x.npy")
        np.save(self.npy, self.picture[None])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)


def save_conv(path, *outputs):
    """Saves a 3x3 convolution, 3 to 8 channels, and copies of its output."""
    rng = np.random.RandomState(1)
    weights = [
        helper.make_tensor(
            name, TensorProto.FLOAT, shape, rng.randn(int(np.prod(shape)))
        )
        for name, shape in (("w", [8, 3, 3, 3]), ("b", [8]))
    ]
    nodes = [
        helper.make_node(
            "Conv", ["x", "w", "b"], [outputs[0]], pads=[1, 1, 1, 1]
        )
    ]
    nodes += [
        helper.make_node("Relu", [outputs[0]], [name]) for name in outputs[1:]
    ]
    graph = helper.make_graph(
        nodes,
        "conv",
        [
            helper.make_tensor_value_info(
                "x", TensorProto.FLOAT, [1, 3, "h", "w_"]
            )
        ],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [1, 8, "h", "w_"]
            )
            for name in outputs
        ],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 7
    save(model, path)
