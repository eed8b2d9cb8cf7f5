#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests models/membrane through the program: test-membrane.py PROGRAM. Prints
TAP."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from PIL import Image, ImageFilter  # noqa: E402
from program import good  # noqa: E402
import tap  # noqa: E402

MODEL = os.path.join(ROOT, "models", "membrane", "membrane.onnx")
SECTIONS = os.path.join(
    os.path.dirname(ROOT), "shared", "data", "membrane", "train"
)


def find(image, folder):
    """Returns where the program finds membranes, at the picture's size."""
    words = ("--threads", "1", "--tuning", "static")
    said = good("run", MODEL, "--image", image, "-o", folder, *words)
    assert "tiles of" in said, said
    mask = np.array(Image.open(os.path.join(folder, "mask.png")))
    assert mask.shape == Image.open(image).size[::-1], mask.shape
    return mask > 127


def drawn(folder):
    """Dark lines between bright cells are membranes"""
    rng = np.random.default_rng(2)
    h, w = 300, 700
    y, x = np.mgrid[:h, :w]
    seeds = rng.uniform(0, 1, (90, 2)) * (w, h)
    d = np.sort(
        np.hypot(x[..., None] - seeds[:, 0], y[..., None] - seeds[:, 1]), -1
    )
    walls = d[..., 1] - d[..., 0] < 5
    grey = np.where(walls, 70, 170) + rng.normal(0, 12, (h, w))
    image = os.path.join(folder, "cells.png")
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(1)
    ).save(image)
    found = find(image, os.path.join(folder, "drawn"))
    assert (found & walls).sum() > 0.8 * walls.sum(), (found & walls).sum()
    assert (found & ~walls).mean() < 0.3, (found & ~walls).mean()


def section(folder):
    """A section that the model was not trained on has few wrong pixels"""
    image = os.path.join(SECTIONS, "image", "27.png")
    label = np.array(Image.open(os.path.join(SECTIONS, "label", "27.png")))
    wrong = find(image, os.path.join(folder, "section")) != (label < 128)
    assert wrong.mean() < 0.1, wrong.mean()


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        out.case(drawn, folder)
        if os.path.isdir(SECTIONS):
            out.case(section, folder)
        else:
            out.skip("A section that it never saw", "no " + SECTIONS)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
