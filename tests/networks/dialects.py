# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converts a network to the other dialects that quantisers write: operators
over bytes, and ranges that are found at run time."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

OWN = "com.microsoft"
POSTFIX = "/bytes"


def weights_of(graph):
    return {t.name: numpy_helper.to_array(t) for t in graph.initializer}


def replace_weight(graph, name, array):
    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(array, name))


def tidy(model):
    """Drops nodes and weights that are not used."""
    graph, dropped = model.graph, True
    while dropped:
        used = {n for node in graph.node for n in node.input}
        used |= {o.name for o in graph.output}
        dead = [n for n in graph.node if not used & set(n.output)]
        for node in dead:
            graph.node.remove(node)
        dropped = bool(dead)
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
    if not any(s.domain == OWN for s in model.opset_import):
        model.opset_import.append(helper.make_opsetid(OWN, 1))
    return model


# ---- seven bits -----------------------------------------------------------


def reduce_range(model):
    """Reduces weights to 7 bits, so that no processor's sums of products of
    bytes saturate on the way (ONNX Runtime's `reduce_range`)."""
    graph = model.graph
    have = weights_of(graph)
    done = set()
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in have:
            continue
        for name, factor in ((node.input[0], 0.5), (node.input[1], 2)):
            if name in done:
                continue
            done.add(name)
            array = have[name]
            new = (
                array * factor
                if array.dtype.kind == "f"
                else np.rint(array * factor)
            )
            replace_weight(graph, name, new.astype(array.dtype))
    return model


# ---- operators over bytes ----------------------------------------------


class Operators:
    """Converts QDQ to QLinearConv and similar operators."""

    def __init__(self, model):
        self.graph = model.graph
        self.weights = weights_of(self.graph)
        self.makers = {n: node for node in self.graph.node for n in node.output}

    def readers(self, name):
        return [n for n in self.graph.node if name in n.input]

    def operand(self, name):
        """Returns the inputs of the DequantizeLinear before it, or None."""
        maker = self.makers.get(name)
        if maker is None or maker.op_type != "DequantizeLinear":
            return None
        return list(maker.input)

    def rounding(self, name):
        """Returns the only reader if it is a QuantizeLinear, perhaps behind a
        Relu that its zero point makes needless."""
        readers = self.readers(name)
        if len(readers) != 1:
            return None
        if readers[0].op_type == "Relu":
            after = self.rounding(readers[0].output[0])
            zero = after and self.weights[after.input[2]]
            return after if after and zero == 0 else None
        return readers[0] if readers[0].op_type == "QuantizeLinear" else None

    def convert(self, node):
        """Returns the node that replaces it, or None."""
        last = self.rounding(node.output[0])
        parts = [self.operand(n) for n in node.input]
        if last is None or None in parts:
            return None
        attributes = {
            a.name: helper.get_attribute_value(a) for a in node.attribute
        }
        out = last.input[1:3]
        if node.op_type == "Conv":
            inputs = parts[0] + parts[1] + list(out)
            inputs += [parts[2][0]] if len(parts) > 2 else []
            return helper.make_node(
                "QLinearConv", inputs, last.output, **attributes
            )
        if node.op_type == "Concat":
            return helper.make_node(
                "QLinearConcat",
                list(out) + sum(parts, []),
                last.output,
                domain=OWN,
                **attributes
            )
        if node.op_type in ("Add", "Mul"):
            return helper.make_node(
                "QLinear" + node.op_type,
                sum(parts, []) + list(out),
                last.output,
                domain=OWN,
            )
        if node.op_type == "GlobalAveragePool":
            return helper.make_node(
                "QLinearGlobalAveragePool",
                parts[0] + list(out),
                last.output,
                domain=OWN,
            )
        same = list(out) == parts[0][1:]
        if node.op_type == "MaxPool" and same:
            return helper.make_node(
                "MaxPool", parts[0][:1], last.output, **attributes
            )
        return None


def operators(qdq):
    model = onnx.ModelProto()
    model.CopyFrom(qdq)
    graph = model.graph
    self = Operators(model)
    for node in list(graph.node):
        new = self.convert(node)
        if new is None:
            continue
        at = next(
            i
            for i, n in enumerate(graph.node)
            if list(n.output) == list(new.output)
        )
        graph.node.remove(graph.node[at])
        graph.node.insert(at, new)
    return tidy(model)


# ---- dynamic ranges -------------------------------------------------------


def dynamic(original):
    """Finds scales at run time, as `quantize_dynamic` writes it."""
    model = onnx.ModelProto()
    model.CopyFrom(original)
    graph, nodes, known = model.graph, [], {}
    have = weights_of(graph)

    def add(name, array):
        graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] not in have:
            nodes.append(node)
            continue
        x, base = node.input[0], node.output[0] + POSTFIX
        if x not in known:
            known[x] = [x + POSTFIX + s for s in ("/q", "/scale", "/zero")]
            nodes.append(
                helper.make_node("DynamicQuantizeLinear", [x], known[x])
            )
        w = have[node.input[1]]
        scale = np.float32(np.abs(w).max() / 63)
        q = add(base + "/w", np.rint(w / scale).astype(np.int8))
        zero = add(base + "/z", np.int8(0))
        attributes = {
            a.name: helper.get_attribute_value(a) for a in node.attribute
        }
        last = base + "/y" if len(node.input) > 2 else node.output[0]
        nodes += [
            helper.make_node(
                "ConvInteger",
                [known[x][0], q, known[x][2], zero],
                [base + "/i"],
                **attributes
            ),
            helper.make_node("Cast", [base + "/i"], [base + "/f"], to=1),
            helper.make_node(
                "Mul", [known[x][1], add(base + "/s", scale)], [base + "/t"]
            ),
            helper.make_node("Mul", [base + "/f", base + "/t"], [last]),
        ]
        if len(node.input) > 2:
            bias = have[node.input[2]].reshape(1, -1, 1, 1)
            nodes.append(
                helper.make_node(
                    "Add", [last, add(base + "/b", bias)], node.output
                )
            )
    del graph.node[:]
    graph.node.extend(nodes)
    return tidy(model)
