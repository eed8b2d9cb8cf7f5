# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes networks as ONNX files that say how the element feeds them, and reads them."""
import inspect
import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper

OPSET, IR_VERSION = 13, 7


def halve(model):
    """Stores weights as fp16, each followed by a Cast; small constants stay as they are."""
    casts = []
    for t in model.graph.initializer:
        value = numpy_helper.to_array(t)
        if t.data_type != onnx.TensorProto.FLOAT or value.size < 256:
            continue
        name = t.name
        if abs(value).max() > 65504:
            raise SystemExit(f"{name} has values that fp16 does not hold")
        t.CopyFrom(
            numpy_helper.from_array(value.astype("float16"), name + ".half")
        )
        casts.append(
            onnx.helper.make_node(
                "Cast", [name + ".half"], [name], name=name + ".cast", to=1
            )
        )
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def axes_of(shrinks):
    """Returns open heights and widths. `shrinks`: the mask has fewer than the picture."""
    return {
        n: {2: "height" + s, 3: "width" + s}
        for n, s in (("image", ""), ("mask", "_out" if shrinks else ""))
    }


def write(net, shape, path, contract, name, axes=None, half=True, version="1"):
    """Writes `net` with the input `image` of that shape and the output `mask`.

    `contract` goes into metadata_props, in the words of UnetContract. The file is
    replaced at once. Returns the model.
    """
    words = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        words["dynamo"] = False
    torch.onnx.export(
        net.eval(),
        torch.rand(*shape),
        path + ".new",
        opset_version=OPSET,
        input_names=["image"],
        output_names=["mask"],
        dynamic_axes=axes,
        **words,
    )
    model = onnx.load(path + ".new")
    if half:
        halve(model)
    model.ir_version = IR_VERSION
    model.graph.name = name
    model.producer_name, model.producer_version = "unetseg", version
    for key, value in contract.items():
        model.metadata_props.add(key="unetseg." + key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path + ".new")
    os.replace(path + ".new", path)
    print(f"{path}: {model.ByteSize() / 1e6:.2f} MB", flush=True)
    return model


def read_weights(path):
    """Returns ({name: tensor}, [(weight, bias or None) of each convolution in order],
    (mean, deviation) of what the first one is given, or None)."""
    model = onnx.load(path)
    graph, state = model.graph, {}
    for t in graph.initializer:
        name = t.name[: -len(".half")] if t.name.endswith(".half") else t.name
        a = numpy_helper.to_array(t).astype(np.float32)
        state[name] = torch.from_numpy(a.copy())
    order, normal = [], None
    words = {p.key: p.value for p in model.metadata_props}
    mean, std = (words.get("unetseg." + k) for k in ("mean", "std"))
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            if not order and node.input[0] == graph.input[0].name and mean:
                normal = float(mean.split(",")[0]), float(std.split(",")[0])
            tensors = [state.get(n) for n in node.input[1:]]
            order.append((tensors[0], tensors[1] if len(tensors) > 1 else None))
    return state, order, normal
