"""What the exporters share."""
import onnx
from onnx import numpy_helper


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
