# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of one convolution whose right mask a test can compute, and
pictures for them."""
import os

import numpy as np
from onnx import TensorProto, helper, save
from PIL import Image

GAIN = 24


def save_network(path):
    """Writes a network of any size: sigmoid (GAIN (red - green))."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["mask"]),
        ],
        "red",
        [info("x", TensorProto.FLOAT, [1, 3, "h", "w_"])],
        [info("mask", TensorProto.FLOAT, [1, 1, "h", "w_"])],
        [
            helper.make_tensor(
                "w", TensorProto.FLOAT, [1, 3, 1, 1], [GAIN, -GAIN, 0.0]
            )
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 7
    save(model, path)


class Place:
    """Holds a folder for tests of batches, with a network."""

    def __init__(self, folder):
        self.folder = folder
        self.model = self.path("red.onnx")
        save_network(self.model)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make(self, *names):
        """Makes a folder."""
        os.makedirs(self.path(*names))
        return self.path(*names)

    def words(self, source, out, *words):
        """Returns the arguments of a batch with one thread and one job."""
        return (
            *("batch", source, "-o", out, "--model", self.model),
            *("-t", "1", "-j", "1", *words),
        )


# A picture stored in this way is upright after its EXIF orientation is applied.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
EXIF_ORIENTATION = 0x112
BOX = (6, 4, 40, 30)
MOVE = 8


def pixels():
    """96x64 pixels of green with a red rectangle at BOX."""
    array = np.zeros((64, 96, 3), np.uint8)
    array[..., 1] = 200
    array[BOX[1] : BOX[3], BOX[0] : BOX[2]] = (220, 10, 10)
    return array


def save_turned(path, form, orientation):
    """Saves the picture rotated, as a camera does that is not held upright."""
    image = Image.fromarray(pixels())
    exif = image.getexif()
    exif[EXIF_ORIENTATION] = orientation
    stored = STORED[orientation]
    turned = image if stored is None else image.transpose(stored)
    turned.save(path, form, exif=exif, quality=95, lossless=True)


def save_gif(path, frames=1):
    """Saves an animated GIF. The rectangle moves by MOVE pixels in a frame."""
    images = [
        Image.fromarray(np.roll(pixels(), MOVE * i, axis=1))
        for i in range(frames)
    ]
    images[0].save(
        path, "GIF", save_all=True, append_images=images[1:], duration=100
    )


def check_box(mask, move=0):
    """Checks that the mask is upright and has the rectangle, moved to the
    right by so many pixels."""
    assert mask.shape == (64, 96), mask.shape
    ys, xs = np.nonzero(mask)
    box = xs.min() - move, ys.min(), xs.max() + 1 - move, ys.max() + 1
    assert np.abs(np.subtract(box, BOX)).max() <= 2, box


def save_thermal(network, picture):
    """Saves a network that finds pixels above a level of 16 bits, and a picture
    with an object 100 of 65535 steps above its surroundings. 8 bits do not
    tell the two apart. Returns the right mask."""
    info = helper.make_tensor_value_info
    level, gain = 51470 / 65535, 4e4
    graph = helper.make_graph(
        [
            helper.make_node("Sub", ["x", "level"], ["d"]),
            helper.make_node("Conv", ["d", "w"], ["c"]),
            helper.make_node("Sigmoid", ["c"], ["y"]),
        ],
        "thermal",
        [info("x", TensorProto.FLOAT, [1, 1, 64, 96])],
        [info("y", TensorProto.FLOAT, [1, 1, 64, 96])],
        [
            helper.make_tensor("level", TensorProto.FLOAT, [], [level]),
            helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 1, 1], [gain]),
        ],
    )
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset)
    model.ir_version = 7
    save(model, network)
    array = np.full((64, 96), 51420, np.uint16)
    array[16:48, 32:64] = 51520
    Image.fromarray(array).save(picture)
    return array > 51470
