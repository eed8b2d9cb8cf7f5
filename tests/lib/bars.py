# SPDX-License-Identifier: LGPL-2.1-or-later
"""Colour bars as frames, small networks that find their colours, and the masks
that the element `unetseg` makes of them."""
import os
import subprocess
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIZE = HEIGHT, WIDTH = 64, 96
# The seven bars from left to right.
BARS = ("white", "yellow", "cyan", "green", "magenta", "red", "blue")
F32 = TensorProto.FLOAT

# Weights that are above 20 for full red, green and blue alone. One bias, -10,
# makes the logit of every other bar negative.
ONLY = {
    "red": (40, -80, -80),
    "green": (-80, 40, -80),
    "blue": (-80, -80, 40),
}


def node(op, inputs, outputs, **attrs):
    return helper.make_node(op, inputs.split(), outputs.split(), **attrs)


def value(name, dims, dtype=F32):
    return helper.make_tensor_value_info(name, dtype, dims)


def finder(*colours):
    """Returns weight and bias of a 1x1 convolution with a channel for each
    colour; None gives a channel of zeros."""
    weights = [ONLY[c] if c else (0, 0, 0) for c in colours]
    bias = [-10 if c else 0 for c in colours]
    return {
        "w": np.array(weights, np.float32).reshape(-1, 3, 1, 1),
        "b": np.array(bias, np.float32),
    }


def write(path, nodes, inputs, outputs, arrays, opset=13):
    tensors = [
        numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()
    ]
    graph = helper.make_graph(nodes, "bars", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 7
    save(model, path)


def launch(*properties, log="0"):
    """Runs three frames of bars through the element. Returns the bytes of their
    masks, and what gst-launch-1.0 prints."""
    frames = "video/x-raw,format=RGB,width=%d,height=%d" % (WIDTH, HEIGHT)
    with tempfile.NamedTemporaryFile() as masks:
        command = (
            "gst-launch-1.0 videotestsrc num-buffers=3 pattern=smpte ! %s ! "
            "unetseg %s output=mask ! filesink location=%s"
            % (frames, " ".join(properties), masks.name)
        )
        env = dict(os.environ, GST_DEBUG="unetseg:" + log)
        done = subprocess.run(
            command.split(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            env=dict(env, GST_DEBUG_NO_COLOR="1", LC_ALL="C"),
        )
        return masks.read(), done.stdout.decode()


def columns(*properties, log="0"):
    """Returns the value of each bar in the element's mask, and the messages."""
    mask, messages = launch(*properties, log=log)
    assert len(mask) == 3 * WIDTH * HEIGHT, messages
    rows = np.frombuffer(mask, np.uint8)[: WIDTH * HEIGHT].reshape(SIZE)
    return [
        int(rows[20, (2 * i + 1) * WIDTH // 14]) for i in range(7)
    ], messages


def refused(*properties):
    """Returns the one error of the element, which refuses the model."""
    mask, messages = launch(*properties)
    errors = [
        line
        for line in messages.splitlines()
        if line.startswith("ERROR: from") and "unetseg0: " in line
    ]
    assert not mask and len(errors) == 1, messages
    return errors[0].split("unetseg0: ")[1]
