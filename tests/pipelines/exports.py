#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests networks as exporters write them: exports.py. Prints TAP.

The element must find the right bars of a test picture, or say in one message
what the network is and which property or export option helps."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from bars import HEIGHT, WIDTH, columns, finder  # noqa: E402
from bars import node, value, write  # noqa: E402
import tap  # noqa: E402


def picture(n=1):
    return value("x", [n, 3, HEIGHT, WIDTH])


def training_mode(path):
    """batch normalisation in training mode is named in a warning"""
    arrays = finder("red")
    one = np.ones(1, np.float32)
    arrays.update(g=one * 20, z=one * 0, m=one * 9, v=one * 9)
    for opset, attrs, outputs in ((9, {}, 5), (15, {"training_mode": 1}, 3)):
        names = "n" + "".join(" o%d" % i for i in range(1, outputs))
        nodes = [
            node("Conv", "x w b", "c"),
            node("BatchNormalization", "c g z m v", names, name="bn", **attrs),
            node("Sigmoid", "n", "y"),
        ]
        outputs = [value("y", [1, 1, HEIGHT, WIDTH])]
        write(path, nodes, [picture()], outputs, arrays, opset)
        # The logits are 30, -10, -50, and others below 0: above the mean of
        # the picture are the bars that are above 0, and some that are not.
        found, messages = columns("model=" + path)
        assert found[5] == 255 and found[2] == 0, found
        assert (
            messages.count("exported in training mode: 1 Batch") == 1
        ), messages
        assert "model.eval()" in messages and "'bn'" in messages, messages


CASES = (training_mode,)


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        for function in CASES:
            out.case(function, os.path.join(folder, "net.onnx"))
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
