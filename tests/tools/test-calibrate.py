#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests which layers 'unetseg calibrate' keeps in f32, by the built-in model:
test-calibrate.py PROGRAM. Prints TAP."""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("lib", "networks"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import networks  # noqa: E402
from program import good  # noqa: E402
import tap  # noqa: E402

MODEL = os.path.join(HERE, "..", "..", "models", "person.onnx")


def save_pictures(folder):
    os.mkdir(folder)
    for i in range(3):
        pixels = networks.maker.picture(3, 96, 128, seed=i) * 255
        image = Image.fromarray(pixels.astype(np.uint8).transpose(1, 2, 0))
        image.save(os.path.join(folder, "%d.png" % i))


def calibrate(pictures, size, *words):
    """Returns the difference that is left, and the layers in f32."""
    out = pictures + ".ranges"
    text = good(
        *("calibrate", MODEL, pictures, "-o", out, "--size", size),
        *("--tuning", "static"),
        *words
    )
    layers = re.search(r"(\d+) layers? in f32", text)
    return float(re.search(r"differ from f32 by ([\d.]+) ", text).group(1)), (
        int(layers.group(1)) if layers else 0
    )


def nearer(pictures):
    """Layers in f32 bring the masks nearer, or stay in int8"""
    for size in ("64x64", "128x96"):
        plain, none = calibrate(
            pictures, size, "--max-difference", "1", "--min-iou", "0"
        )
        least, layers = calibrate(pictures, size, "--max-difference", "1e-9")
        print("# %s: %g, %g with %d layers" % (size, plain, least, layers))
        assert none == 0
        assert least < plain if layers else least == plain


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        pictures = os.path.join(folder, "pictures")
        save_pictures(pictures)
        out.case(nearer, pictures)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
