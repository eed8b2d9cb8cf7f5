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
from onnx import TensorProto  # noqa: E402
from bars import F32, HEIGHT, WIDTH, columns, finder  # noqa: E402
from bars import node, refused, value, write  # noqa: E402
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


def flattened_output(path, order, tail, shape, dims, c):
    """Writes a network whose output is reshaped to a text of dimensions."""
    arrays = finder(None, "red", "blue") if c == 3 else finder("red")
    arrays["s"] = np.array(shape, np.int64)
    axis = -1 if order == "NHWC" or c == 1 else 1
    last = "t" if order == "NHWC" else "c"
    nodes = [
        node("Conv", "x w b", "c"),
        node("Transpose", "c", "t", perm=[0, 2, 3, 1]),
        node("Reshape", last + " s", "r"),
    ]
    attrs = {"axis": axis} if tail == "Softmax" else {}
    nodes += [node(tail, "r", "y", **attrs)]
    write(path, nodes, [value("x", dims)], [value("y", None)], arrays)


def flattened(path):
    """flattened outputs are unfolded by the input's size"""
    n, fixed = HEIGHT * WIDTH, [1, 3, HEIGHT, WIDTH]
    for order, shape, dims, c in (
        ("NHWC", (-1, n, 3), fixed, 3),
        ("NHWC", (1, -1, 3), [1, 3, "h", "w"], 3),
        ("NHWC", (1, 1, n, 3), fixed, 3),
        ("NHWC", (n, 3), fixed, 3),
        ("NCHW", (-1, 3, n), fixed, 3),
        ("NCHW", (-1, n), fixed, 1),
        ("NHWC", (-1, n, 1), fixed, 1),
        ("NHWC", (n,), fixed, 1),
    ):
        tail = "Softmax" if c == 3 else "Sigmoid"
        flattened_output(path, order, tail, shape, dims, c)
        found, messages = columns("model=" + path, "input-size=96x64", log="4")
        right = [0] * 5 + [1, 2] if c == 3 else [0] * 5 + [255, 0]
        assert found == right, (order, shape, found)
        assert messages.count("is flattened: unfolded") == 1, messages
        assert "64 rows of 96 pixels with %d channel" % c in messages, messages


def flattened_wrongly(path):
    """an output that fits no picture is refused with the way out"""
    flattened_output(path, "NHWC", "Sigmoid", (1, -1, 17), [1, 3, 64, 102], 1)
    message = refused("model=" + path)
    assert "output y (f32 1x384x17)" in message, message
    assert "export the network without the last Reshape" in message, message


def class_numbers(path):
    """an argmax or a comparison over one class gives a white mask"""
    image = [picture()]
    arrays = finder(None, "red")
    nodes = [
        node("Conv", "x w b", "c"),
        node("ArgMax", "c", "y", axis=1, keepdims=1),
    ]
    output = [value("y", [1, 1, HEIGHT, WIDTH], TensorProto.INT64)]
    write(path, nodes, image, output, arrays)
    assert columns("model=" + path)[0] == [0] * 5 + [255, 0]
    found, messages = columns("model=" + path, "labels=background,person,car")
    assert found == [0] * 5 + [255, 0], found
    assert messages.count("are 3 names") == 1, messages
    assert "there are 2 classes with the background" in messages, messages
    arrays = dict(finder("red"), z=np.array(0, np.float32))
    for dtype in (TensorProto.BOOL, TensorProto.FLOAT, TensorProto.UINT8):
        nodes = [
            node("Conv", "x w b", "c"),
            node("Greater", "c z", "g"),
            node("Cast", "g", "y", to=dtype),
        ]
        output = [value("y", [1, 1, HEIGHT, WIDTH], dtype)]
        write(path, nodes, image, output, arrays)
        assert columns("model=" + path)[0] == [0] * 5 + [255, 0], dtype


def argmax_of_several(path):
    """an argmax over four channels has four classes"""
    nodes = [
        node("Conv", "x w b", "c"),
        node("ArgMax", "c", "y", axis=1, keepdims=0),
    ]
    output = [value("y", [1, HEIGHT, WIDTH], TensorProto.INT64)]
    write(
        path, nodes, [picture()], output, finder(None, "red", "blue", "green")
    )
    assert columns("model=" + path)[0] == [0, 0, 0, 3, 0, 1, 2]


def independent_classes(path):
    """a sigmoid for each class needs no channel for the background"""
    image, output = [picture()], [value("y", [1, 3, HEIGHT, WIDTH])]
    nodes = [node("Conv", "x w b", "c"), node("Sigmoid", "c", "y")]
    write(path, nodes, image, output, finder("red", "blue", "green"))
    model = "model=" + path
    right = [0, 0, 0, 3, 0, 1, 2]
    found, messages = columns(model, log="4")
    assert found == right, found
    assert messages.count("has a sigmoid for each of 3 channels") == 1, messages
    for labels in ("road,car,tree", "nothing,road,car,tree"):
        found, messages = columns(model, "labels=" + labels)
        assert found == right and "WARNING" not in messages, messages
    found, messages = columns(model, "labels=road,car,tree,sky,sea")
    assert found == right, found
    assert "are 5 names" in messages and "4 names" in messages, messages
    first = columns(model, "background-channel=first")[0]
    assert first == [0, 0, 0, 2, 0, 0, 1], first
    last = columns(model, "background-channel=last")[0]
    assert last == [0, 0, 0, 0, 0, 1, 2], last
    # Logits, with the sigmoid as a property.
    write(path, nodes[:1], image, [value("c", None)], finder("red", "blue"))
    found = columns(model, "activation=sigmoid")[0]
    assert found == [0, 0, 0, 0, 0, 1, 2], found


def typed_input(path, dtype, nhwc):
    """Writes a network whose picture input has another type than f32."""
    dims = [1, HEIGHT, WIDTH, 3] if nhwc else [1, 3, HEIGHT, WIDTH]
    arrays = dict(finder("red"), k=np.array(1 / 255, np.float32))
    nodes = [node("Cast", "x", "f", to=F32)]
    if dtype == TensorProto.INT8:  # as quantisers write it
        nodes = [node("DequantizeLinear", "x one z", "f")]
        arrays["one"] = np.array(1, np.float32)
        arrays["z"] = np.array(-128, np.int8)
    if dtype in (TensorProto.FLOAT16, TensorProto.DOUBLE):
        arrays["k"] = np.array(1, np.float32)
    nodes += [
        node(
            "Transpose", "f", "t", perm=[0, 3, 1, 2] if nhwc else [0, 1, 2, 3]
        ),
        node("Mul", "t k", "m"),
        node("Conv", "m w b", "c"),
        node("Sigmoid", "c", "y"),
    ]
    output = [value("y", [1, 1, HEIGHT, WIDTH])]
    write(path, nodes, [value("x", dims, dtype)], output, arrays)


def input_types(path):
    """inputs of bytes, other integers and floats are fed"""
    for name in ("UINT8", "INT8", "INT32", "INT64", "FLOAT16", "DOUBLE"):
        for nhwc in (False, True):
            typed_input(path, getattr(TensorProto, name), nhwc)
            found, messages = columns("model=" + path, log="4")
            assert found == [0] * 5 + [255, 0], (name, nhwc, found)
            if "INT" in name:
                assert messages.count("samples of 0 to 255 become") == 1, name
            tiled = columns("model=" + path, "fit=tile")[0]
            assert tiled == found, (name, nhwc, tiled)
    typed_input(path, TensorProto.UINT8, True)
    # Bytes of 0 and 1 are all below the logit of 0.
    dark = columns("model=" + path, "scale=0.00392156862745098")[0]
    assert dark == [0] * 7, dark
    typed_input(path, TensorProto.BOOL, False)
    message = refused("model=" + path)
    assert (
        "input 'x' takes no picture" in message and "bool" in message
    ), message


def batches(path):
    """a network for batches of eight runs with one picture"""
    arrays, dims = finder(None, "red", "blue"), [8, 3, HEIGHT, WIDTH]
    nodes = [node("Conv", "x w b", "c"), node("Softmax", "c", "s", axis=1)]
    right = [0] * 5 + [1, 2]
    write(path, nodes, [value("x", dims)], [value("s", dims)], arrays)
    found, messages = columns("model=" + path, log="4")
    assert found == right and "WARNING: from" not in messages, messages
    assert messages.count("of 8 pictures; it runs with one") == 1, messages
    # Reshapes that hold the batch keep it, also where they flatten the mask.
    n = HEIGHT * WIDTH
    for shape in (dims, [8, 3, n], [8 * n, 3]):
        arrays["s1"] = np.array(shape, np.int64)
        arrays["s0"] = np.array([8, 3 * n], np.int64)
        arrays["s2"] = np.array(dims, np.int64)
        last = [
            node("Reshape", "s s0", "r"),
            node("Reshape", "r s2", "q"),
            node("Transpose", "q", "t", perm=[0, 2, 3, 1]),
            node("Reshape", "t s1" if len(shape) == 2 else "q s1", "y"),
        ]
        output = [value("y", shape)]
        write(path, nodes + last, [value("x", dims)], output, arrays)
        found, messages = columns("model=" + path)
        assert found == right, (shape, found)
        assert messages.count("as the first of 8") == 1, messages
        assert "with batch 1" in messages, messages


def other_inputs(path):
    """volumes, four bands and pointers are refused with the way out"""
    weights = {"w": np.zeros((2, 1, 3, 3, 3), np.float32)}
    nodes = [node("Conv", "x w", "y", pads=[1] * 6)]
    volume = [value("x", [1, 1, 16, HEIGHT, WIDTH])]
    write(path, nodes, volume, [value("y", None)], weights)
    message = refused("model=" + path)
    assert "5 dimensions (1x1x16x64x96), as volumes" in message, message
    assert "Export the network for pictures" in message, message
    weights = {"w": np.zeros((1, 4, 1, 1), np.float32)}
    nodes = [node("Conv", "x w", "y")]
    bands = [value("x", [1, 4, HEIGHT, WIDTH])]
    write(path, nodes, bands, [value("y", None)], weights)
    message = refused("model=" + path)
    assert "takes 4 channels" in message and "3 channels" in message, message
    with open(path, "w", encoding="ascii") as f:
        f.write("version https://git-lfs.github.com/spec/v1\n")
        f.write("oid sha256:%s\nsize 12345\n" % ("4" * 64))
    message = refused("model=" + path)
    assert "Git LFS pointer" in message and "git lfs pull" in message, message
    with open(path, "w", encoding="ascii") as f:
        f.write("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
    assert "a web page" in refused("model=" + path)


def several_outputs(path, outputs):
    """Writes a network whose outputs have these names and kinds: the mask of
    red, `small` for a mask of blue at half the size, or a number of channels
    of features."""
    arrays = dict(
        finder("red"),
        blue=finder("blue")["w"],
    )
    nodes, infos = [], []
    for name, kind in outputs:
        s = 2 if kind == "small" else 1
        weights = {"mask": "w b", "small": "blue b"}.get(kind, "f")
        channels = kind if isinstance(kind, int) else 1
        if channels > 1:
            arrays["f%d" % channels] = np.ones((channels, 3, 1, 1), np.float32)
            weights = "f%d" % channels
        nodes.append(node("Conv", "x " + weights, name, strides=[s, s]))
        infos.append(value(name, [1, channels, HEIGHT // s, WIDTH // s]))
    write(path, nodes, [picture()], infos, arrays)


def outputs_in_any_order(path):
    """the output that looks like the mask is taken, and the log says why"""
    red, model = [0] * 5 + [255, 0], "model=" + path
    for outputs in (
        [("d3", "small"), ("d0", "mask")],
        [("side_64", 64), ("out", "mask")],
        [("fgr", 3), ("pha", "mask")],
    ):
        several_outputs(path, outputs)
        found, messages = columns(model, log="4")
        assert found == red, (outputs, found)
        assert messages.count("looks more like the mask") == 1, messages
        assert "'%s' (96x64 pixels, 1 channel)" % outputs[1][0] in messages
        first = columns(model, "output-name=0", log="4")
        assert first[0] != red and "looks more" not in first[1], first
    # Nothing speaks against the first.
    for outputs in (
        [("d0", "mask"), ("d1", "small")],
        [("one", 3), ("two", "mask")],
        [("one", 64), ("two", "mask")],
    ):
        several_outputs(path, outputs)
        messages = columns(model, log="4")[1]
        assert "looks more" not in messages, messages
        assert "output=%s " % outputs[0][0] in messages, messages
    # As many labels as channels.
    several_outputs(path, [("one", 3), ("two", "mask")])
    assert columns(model, "labels=nothing,car")[0] == red


CASES = (
    training_mode,
    flattened,
    flattened_wrongly,
    class_numbers,
    argmax_of_several,
    independent_classes,
    input_types,
    batches,
    other_inputs,
    outputs_in_any_order,
)


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        for function in CASES:
            out.case(function, os.path.join(folder, "net.onnx"))
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
