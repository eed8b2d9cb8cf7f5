# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network of one convolution whose right mask a test can compute."""
from onnx import TensorProto, helper, save

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
