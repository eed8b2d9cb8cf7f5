#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-operators.py PROGRAM [WORD]: compares networks around one operator with ONNX
Runtime. They have what the ONNX project's tests lack: equations of every kind,
groups, indices that the network computes, and sizes that only the picture
tells. WORD: runs the cases whose names have it. The largest difference must be at most 1e-4 of the largest value."""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("bench", "lib"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
import ort  # noqa: E402
import tap  # noqa: E402

DIMS = [2, 6, 8, 10]
TOLERANCE = 1e-4
CAPS = ("", "sse41")
# Two operands with the same axes, bcij; d, e and k are other axes of the second.
EQUATIONS = (
    "bcij,bcij->bij",
    "bcij,bdij->bcd",
    "bcij,bkij->bijck",
    "bcij,bcik->bcjk",
    "bcij,bckj->bkic",
    "bcij,dkij->bcdk",
    "b...j,b...j->b...",
    "bcij,bcij",
    "bcij,bcij->",
    "bcij,bcij,bcij->ci",
    "bcij->jb",
    "...ij->...ji",
)


class Network:
    """A network over x of DIMS that ends in the operator under test."""

    def __init__(
        self, opset, *nodes, open_size=False, functions=(), **constants
    ):
        self.nodes, self.opset, self.functions = nodes, opset, functions
        self.dims = DIMS[:2] + ["h", "w"] if open_size else DIMS
        self.constants = [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in constants.items()
        ]

    def save(self, path):
        output = self.nodes[-1].output[0]
        graph = helper.make_graph(
            self.nodes,
            "operator",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.dims)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        domains = [("", self.opset)] + [("own", 1)] * bool(self.functions)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*d) for d in domains],
            functions=self.functions,
        )
        model.ir_version = 8
        with open(path, "wb") as f:
            f.write(model.SerializeToString())


def node(op, inputs, output="y", **attributes):
    # Two spaces leave an input out.
    return helper.make_node(op, inputs.split(" "), output.split(), **attributes)


def floats(*values):
    return np.array(values, np.float32)


def einsums():
    for equation in EQUATIONS:
        operands = equation.split("->")[0].split(",")
        second = {"bdij": 1, "bkij": 1, "bcik": 3, "bckj": 2}
        axis = second.get(operands[1] if len(operands) > 1 else "")
        prepare, constants = [node("Tanh", "x", "t")], {}
        # Another number of entries on the axis that is its own.
        if axis is not None:
            prepare.append(node("Slice", "t from to axes", "s"))
            constants = {
                name: np.array([value])
                for name, value in (("from", 1), ("to", 4), ("axes", axis))
            }
        names = ["x", "s" if axis is not None else "t", "x"][: len(operands)]
        yield "Einsum " + equation, Network(
            13,
            *prepare,
            node("Einsum", " ".join(names), equation=equation),
            **constants,
        )


def groups():
    rng = np.random.default_rng(3)
    # ONNX Runtime takes the scale of each group only in operator set 18.
    for opset, n, count in ((18, 3, 3), (21, 3, 6), (21, 1, 6), (21, 6, 6)):
        for open_size in (False, True):
            yield "GroupNormalization set %d, %d groups%s" % (
                opset,
                n,
                ", open size" if open_size else "",
            ), Network(
                opset,
                node("Relu", "x", "r"),
                node("GroupNormalization", "r s b", num_groups=n),
                open_size=open_size,
                s=rng.random(count, np.float32) + 0.5,
                b=rng.random(count, np.float32),
            )


def samples():
    rng = np.random.default_rng(5)
    grid = rng.uniform(-1.6, 1.6, (2, 7, 9, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (0, 1):
                yield "GridSample %s %s %d" % (
                    mode,
                    padding,
                    corners,
                ), Network(
                    16,
                    node(
                        "GridSample",
                        "x g",
                        mode=mode,
                        padding_mode=padding,
                        align_corners=corners,
                    ),
                    g=grid,
                )

    volume = rng.uniform(-1.4, 1.4, (2, 3, 4, 5, 3)).astype(np.float32)
    for padding in ("zeros", "border", "reflection"):
        yield "GridSample of a volume, %s" % padding, Network(
            20,
            node("Reshape", "x shape", "v"),
            node("GridSample", "v g", padding_mode=padding),
            shape=np.array([2, 3, 2, 8, 10]),
            g=volume,
        )


def indices():
    """Indices that the network computes itself."""
    for axis in (1, 3):
        for largest in (0, 1):
            name = "axis %d, %s" % (axis, "largest" if largest else "least")
            top = dict(axis=axis, largest=largest, sorted=1)
            k = np.array([3])
            yield "TopK, " + name, Network(
                13, node("TopK", "x k", "y i", **top), k=k
            )
            yield "GatherElements, " + name, Network(
                13,
                node("TopK", "x k", "v i", **top),
                node("Tanh", "x", "t"),
                node("GatherElements", "t i", axis=axis),
                k=k,
            )
            yield "ScatterElements, " + name, Network(
                18,
                node("TopK", "x k", "v i", **top),
                node("Tanh", "x", "t"),
                node("ScatterElements", "t i v", axis=axis, reduction="max"),
                k=k,
            )
    yield "ScatterND", Network(
        16,
        node("Gather", "x first", "u", axis=0),
        node("ScatterND", "x i u", reduction="add"),
        first=np.array([0, 1]),
        i=np.array([[1], [0]]),
    )
    yield "GatherND", Network(
        13,
        node("GatherND", "x i", batch_dims=1),
        i=np.array([[[0, 3], [5, 7]], [[-1, -8], [2, 0]]]),
    )
    yield "CumSum", Network(
        14,
        node("CumSum", "x axis", exclusive=1, reverse=1),
        axis=np.array(-1),
    )
    yield "Trilu", Network(14, node("Trilu", "x k", upper=0), k=np.array(2))
    yield "Mod", Network(
        13, node("Mod", "x m", fmod=1), m=floats(0.3, -0.2).reshape(2, 1, 1, 1)
    )
    yield "OneHot", Network(
        13,
        node("ArgMax", "x", "i", axis=1, keepdims=0),
        node("OneHot", "i n v", axis=1),
        n=np.array(6),
        v=floats(0, 1),
    )


def refers(made, name, to):
    """Lets an attribute of a function's node take that of the call."""
    made.attribute.append(
        onnx.AttributeProto(
            name=name, ref_attr_name=to, type=onnx.AttributeProto.FLOAT
        )
    )
    return made


def functions():
    """A function that calls another one, with an attribute and an input that
    calls leave out."""
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    inner = helper.make_function(
        "own",
        "Leak",
        ["a", "least"],
        ["b"],
        [
            refers(node("LeakyRelu", "a", "t"), "alpha", "slope"),
            node("Clip", "t least", "b"),
        ],
        sets,
        ["slope"],
    )
    outer = helper.make_function(
        "own",
        "Twice",
        ["a", "least"],
        ["b", "spare"],
        [
            node("Leak", "a least", "t", domain="own", slope=0.25),
            node("Leak", "t", "b", domain="own", slope=0.5),
            node("Neg", "t", "spare"),
        ],
        sets,
    )
    yield "functions", Network(
        17,
        node("Twice", "x least", "t s", domain="own"),
        node("Twice", "t", "u v", domain="own"),
        node("Add", "s u"),
        functions=[outer, inner],
        least=np.float32(-0.1),
    )


def norms():
    scale = np.linspace(0.5, 1.5, 10, dtype=np.float32)
    for open_size in (False, True):
        yield "RMSNormalization%s" % (", open size" * open_size), Network(
            23,
            node("RMSNormalization", "x s", epsilon=1e-3),
            open_size=open_size,
            s=scale,
        )
    yield "RMSNormalization, two axes", Network(
        23,
        node("RMSNormalization", "x s", axis=2),
        s=np.outer(scale[:8], scale),
    )
    for p in (1, 2):
        yield "LpNormalization %d" % p, Network(
            13, node("LpNormalization", "x", axis=1, p=p)
        )
    yield "MeanVarianceNormalization", Network(
        13, node("MeanVarianceNormalization", "x")
    )
    for p in (1, 2, 3):
        yield "LpPool %d" % p, Network(
            18,
            node(
                "LpPool",
                "x",
                kernel_shape=[3, 2],
                strides=[2, 1],
                p=p,
                pads=[1, 0, 1, 1],
            ),
        )
        yield "GlobalLpPool %d" % p, Network(13, node("GlobalLpPool", "x", p=p))
    yield "Swish", Network(24, node("Swish", "x", alpha=1.5))


def places():
    theta = np.array([[[0.9, 0.3, 0.1], [-0.2, 1.1, -0.1]]] * 2, np.float32)
    for corners in (0, 1):
        yield "AffineGrid %d" % corners, Network(
            20,
            node("AffineGrid", "theta size", "g", align_corners=corners),
            node("GridSample", "x g", align_corners=corners),
            theta=theta,
            size=np.array([2, 6, 5, 7]),
        )
    yield "AffineGrid of a map that the network computes", Network(
        20,
        node("ReduceMean", "x axes", "m", keepdims=0),
        node("Reshape", "m shape", "t"),
        node("AffineGrid", "t size", "g"),
        node("GridSample", "x g"),
        axes=np.array([2, 3]),
        shape=np.array([2, 2, 3]),
        size=np.array([2, 6, 5, 7]),
    )
    for open_size in (False, True):
        yield "CenterCropPad%s" % (", open size" * open_size), Network(
            18,
            node("Tanh", "x", "t"),
            node("CenterCropPad", "t size", axes=[3, 2]),
            open_size=open_size,
            size=np.array([7, 13]),
        )
    yield "Col2Im", Network(
        18,
        node("Reshape", "x shape", "r"),
        node("Col2Im", "r image block", pads=[0, 1, 0, 1], strides=[1, 2]),
        shape=np.array([2, 24, 20]),
        image=np.array([6, 6]),
        block=np.array([2, 2]),
    )
    yield "MaxUnpool", Network(
        13,
        node("MaxPool", "x", "p i", kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxUnpool", "p i", kernel_shape=[2, 2], strides=[2, 2]),
    )
    yield "ReverseSequence", Network(
        13,
        node("ReverseSequence", "x n", batch_axis=0, time_axis=1),
        n=np.array([4, 6]),
    )
    rois = np.array(
        [[1, 1, 7, 6], [0.5, 2, 3, 2.5], [-4, 0, 20, 5]], np.float32
    )
    for mode in ("avg", "max"):
        for ratio in (0, 2):
            yield "RoiAlign %s %d" % (mode, ratio), Network(
                16,
                node(
                    "RoiAlign",
                    "x rois of",
                    mode=mode,
                    sampling_ratio=ratio,
                    output_height=3,
                    output_width=2,
                    spatial_scale=0.75,
                ),
                rois=rois,
                of=np.array([0, 1, 1]),
            )


def deformations():
    """Offsets that the network computes, as in deformable layers."""
    rng = np.random.default_rng(7)

    def weights(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    for groups, of_offsets, masked in (
        (1, 1, False),
        (2, 3, True),
        (3, 1, True),
    ):
        taps = 6 * of_offsets
        inputs = "x w o"
        nodes = [node("Conv", "x wo", "o", strides=[1, 2], pads=[1, 1, 1, 0])]
        constants = dict(
            w=weights(6, 6 // groups, 3, 2),
            wo=weights(2 * taps, 6, 3, 2),
        )
        if masked:
            nodes.append(
                node("Conv", "x wm", "l", strides=[1, 2], pads=[1, 1, 1, 0])
            )
            nodes.append(node("Sigmoid", "l", "m"))
            inputs += " b m"
            constants.update(wm=weights(taps, 6, 3, 2), b=weights(6))
        for open_size in (False, True):
            yield "DeformConv, %d and %d groups%s" % (
                groups,
                of_offsets,
                ", open size" * open_size,
            ), Network(
                19,
                *nodes,
                node(
                    "DeformConv",
                    inputs,
                    group=groups,
                    offset_group=of_offsets,
                    strides=[1, 2],
                    pads=[1, 1, 1, 0],
                    kernel_shape=[3, 2],
                ),
                open_size=open_size,
                **constants,
            )


def attentions():
    rng = np.random.default_rng(9)

    def values(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    mask = values(8, 5)
    keys = dict(k=values(2, 6, 5, 10), v=values(2, 6, 5, 4))
    yield "Attention", Network(23, node("Attention", "x k v"), **keys)
    yield "Attention, mask and scale", Network(
        23, node("Attention", "x k v m", scale=0.5), m=mask, **keys
    )
    yield "Attention, boolean mask", Network(
        23, node("Attention", "x k v m"), m=mask > -0.8, **keys
    )
    yield "Attention, causal", Network(
        23, node("Attention", "x x v", is_causal=1), v=values(2, 6, 8, 4)
    )
    yield "Attention, softcap", Network(
        23, node("Attention", "x k v", softcap=0.7), **keys
    )
    yield "Attention, groups of heads", Network(
        23,
        node("Attention", "x k v"),
        k=values(2, 2, 5, 10),
        v=values(2, 2, 5, 4),
    )
    yield "Attention, past", Network(
        23,
        node("Attention", "x k v  pk pv", "t all values"),
        node("ReduceSum", "all", "s", keepdims=0),
        node("Add", "s t"),
        pk=values(2, 6, 3, 10),
        pv=values(2, 6, 3, 4),
        **keys,
    )
    flat = node("Reshape", "x shape", "q")
    for open_size in (False, True):
        yield "Attention of rank 3%s" % (", open size" * open_size), Network(
            23,
            flat,
            node("Attention", "q q q", q_num_heads=5, kv_num_heads=5),
            open_size=open_size,
            shape=np.array([2, 12, 40]),
        )
    for turns in (0, 1):
        for n in (0, 4):
            yield "RotaryEmbedding %d %d" % (turns, n), Network(
                23,
                node(
                    "RotaryEmbedding",
                    "x c s i",
                    interleaved=turns,
                    **(dict(rotary_embedding_dim=n, num_heads=6) if n else {}),
                ),
                c=values(20, (n or 10) // 2),
                s=values(20, (n or 10) // 2),
                i=np.arange(16).reshape(2, 8),
            )
    yield "RotaryEmbedding of rank 3", Network(
        23,
        flat,
        node("RotaryEmbedding", "q c s", num_heads=5),
        shape=np.array([2, 12, 40]),
        c=values(2, 12, 4),
        s=values(2, 12, 4),
    )


def subgraph(name, inputs, outputs, *nodes):
    """A sub-graph; inputs and outputs are texts of names."""
    return helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(
                i,
                {"i": TensorProto.INT64, "c": TensorProto.BOOL}.get(
                    i, TensorProto.FLOAT
                ),
                # ONNX Runtime wants to know that these are numbers.
                [] if i in ("i", "c") else None,
            )
            for i in inputs.split()
        ],
        [
            helper.make_tensor_value_info(
                o,
                TensorProto.BOOL if o == "d" else TensorProto.FLOAT,
                None,
            )
            for o in outputs.split()
        ],
    )


def branches(to, then, otherwise):
    return dict(
        then_branch=subgraph("then", "", to + "_then", *then),
        else_branch=subgraph("else", "", to + "_else", *otherwise),
    )


def conditions():
    """PyTorch's exporter asks for shapes, others for values."""
    for open_size in (False, True):
        for width in (10, 11):
            yield "If of a shape, %d%s" % (
                width,
                ", open size" if open_size else "",
            ), Network(
                13,
                node("Relu", "x", "r"),
                node("Shape", "r", "s"),
                node("Gather", "s last", "w", axis=0),
                node("Equal", "w width", "c"),
                node(
                    "If",
                    "c",
                    "t",
                    **branches(
                        "t",
                        [node("Transpose", "r", "t_then", perm=[0, 1, 3, 2])],
                        [node("ReduceMean", "r", "t_else", axes=[3])],
                    ),
                ),
                node("Neg", "t"),
                open_size=open_size,
                last=np.array(3),
                width=np.array(width),
            )
    for least in (-9, 9):
        inner = node(
            "If",
            "c",
            "t",
            **branches(
                "t",
                [node("Abs", "x", "t_then")],
                [node("Exp", "r", "t_else")],
            ),
        )
        yield "If of a value, nested, %d" % least, Network(
            13,
            node("ReduceMax", "x", "m", keepdims=0),
            node("Greater", "m least", "c"),
            node("Relu", "x", "r"),
            node(
                "If",
                "c",
                **branches(
                    "y",
                    [inner, node("Sin", "t", "y_then")],
                    [node("Identity", "x", "y_else")],
                ),
            ),
            least=np.float32(least),
        )


def loops():
    body = subgraph(
        "body",
        "i c v",
        "d n s",
        node("Identity", "c", "d"),
        node("Cast", "i", "f", to=TensorProto.FLOAT),
        node("Add", "v f", "a"),
        node("Tanh", "a", "n"),
        node("Mul", "n x", "s"),
    )
    for count in (1, 4):
        yield "Loop of %d" % count, Network(
            13,
            node("Loop", "count always x", "last all", body=body),
            node("ReduceSum", "all axis", "sum", keepdims=0),
            node("Add", "sum last"),
            count=np.array(count),
            always=np.array(True),
            axis=np.array([0]),
        )
    until = subgraph(
        "body",
        "i c v",
        "d n",
        node("Less", "i last", "d"),
        node("Cos", "v", "n"),
    )
    yield "Loop until a condition", Network(
        13,
        node("Shape", "x", "shape"),
        node("Gather", "shape first", "last", axis=0),
        node("Loop", " always x", body=until),
        first=np.array(0),
        always=np.array(True),
    )
    step = subgraph(
        "body",
        "v a",
        "n s",
        node("Add", "v a", "n"),
        node("Mul", "n z", "s"),
    )
    for back in (0, 1):
        yield "Scan, direction %d" % back, Network(
            13,
            node(
                "Scan",
                "z x",
                "last all",
                body=step,
                num_scan_inputs=1,
                scan_input_axes=[3],
                scan_input_directions=[back],
                scan_output_axes=[-1],
                scan_output_directions=[1 - back],
            ),
            node("Unsqueeze", "last axis", "wide"),
            node("Sub", "all wide"),
            open_size=bool(back),
            z=np.full((2, 6, 8), 0.25, np.float32),
            axis=np.array([3]),
        )


def subgraphs_in_functions():
    """A function whose sub-graph calls another one and has an attribute."""
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    inner = own("Half", node("Mul", "a a", "b"))
    leaky = refers(node("LeakyRelu", "t", "o_else"), "alpha", "slope")
    outer = helper.make_function(
        "own",
        "Choose",
        ["a", "c"],
        ["b"],
        [
            node("Neg", "a", "t"),
            node(
                "If",
                "c",
                "b",
                **branches(
                    "o", [node("Half", "t", "o_then", domain="own")], [leaky]
                ),
            ),
        ],
        sets,
        ["slope"],
    )
    for chosen in (True, False):
        yield "sub-graph in a function, %s" % chosen, Network(
            17,
            node("Choose", "x c", domain="own", slope=0.25),
            functions=[outer, inner],
            c=np.array(chosen),
        )


def own(name, *nodes, opset=17):
    sets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], ["b"], nodes, sets)


def refused():
    """Models, and what their messages say."""
    again = own("F0", node("F0", "a", "b", domain="own"))
    yield "a function that calls itself", [again], "or itself"
    # Each calls the next one four times, and the last has one node.
    many = [
        own(
            "F%d" % i,
            *(
                node("F%d" % (i + 1), "a", to, domain="own")
                for to in ("b", "c", "d", "e")
            ),
        )
        for i in range(12)
    ]
    last = own("F12", node("Relu", "a", "b"))
    yield "calls without end", many + [last], "more"
    wide = own("F1", node("Sum", " ".join(["a"] * 20000), "b"))
    calls = [node("F1", "a", "b%d" % i, domain="own") for i in range(1000)]
    yield "calls of a wide node", [own("F0", *calls), wide], "too much memory"
    later = own("F0", node("Relu", "a", "b"), opset=13)
    yield "another operator set", [later], "operator set"
    for word, body in (
        (
            "unfold",
            subgraph(
                "body",
                "i c",
                "d s",
                node("Identity", "c", "d"),
                node("Cast", "i", "s", to=1),
            ),
        ),
        ("unfold", subgraph("body", "i d", "d d")),
        ("missing", None),
    ):
        endless = node("Loop", "", "t", **({"body": body} if body else {}))
        yield "a Loop: " + word, [
            own("F0", endless, node("Relu", "a", "b"))
        ], word
    twice = own("F0", node("Relu", "a", "b"))
    yield "an overload", [twice, twice], "overloads"
    same = helper.make_function(
        "own", "F0", ["a"], ["a"], [], [helper.make_opsetid("", 17)]
    )
    yield "an input that is an output", [same], "is an output"


def check_refused(program, folder, functions, words):
    """Returns None, or what is wrong with the message."""
    path = os.path.join(folder, "n.onnx")
    Network(17, node("F0", "x", domain="own"), functions=functions).save(path)
    done = subprocess.run(
        [program, "inspect", path], capture_output=True, text=True, timeout=60
    )
    if done.returncode > 0 and words in done.stderr:
        return None
    return "status %d, %s" % (done.returncode, done.stderr.strip())


def compare(program, server, folder, network, cap):
    path, picture = (os.path.join(folder, n) for n in ("n.onnx", "x.npy"))
    network.save(path)
    rng = np.random.default_rng(1)
    # No two values are the same, so that an order is the only one.
    x = rng.permutation(int(np.prod(DIMS))).reshape(DIMS) / 480 - 1
    np.save(picture, x.astype(np.float32))
    server.ask("load", path, 1)
    server.ask("input", "x", picture)
    server.ask("run", 1)
    name = server.ask("save", folder)[1] + ".npy"
    theirs = np.load(os.path.join(folder, name))
    done = subprocess.run(
        [program, "run", path, "--input", "x=" + picture, "-o", folder + "/o"],
        env=dict(os.environ, **({"UNETSEG_MAX_ISA": cap} if cap else {})),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        return done.stderr.strip() or "ends by %d" % done.returncode
    ours = np.load(os.path.join(folder, "o", name))
    if ours.shape != theirs.shape:
        return "shape %s, theirs %s" % (ours.shape, theirs.shape)
    error = np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-9)
    return None if error <= TOLERANCE else "off by %.3g" % error


def main():
    program = os.path.abspath(sys.argv[1])
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    results = tap.Tap()
    try:
        runtime = ort.install()
    except ort.Missing as missing:
        print("1..0 # SKIP %s" % missing)
        return 0
    with ort.server(runtime) as server, tempfile.TemporaryDirectory() as folder:
        for cases, caps in (
            (einsums, CAPS),
            (groups, CAPS),
            (samples, CAPS),
            (indices, CAPS),
            (functions, CAPS),
            (norms, CAPS[:1]),
            (places, CAPS[:1]),
            (deformations, CAPS),
            (attentions, CAPS[:1]),
            (conditions, CAPS[:1]),
            (loops, CAPS[:1]),
            (subgraphs_in_functions, CAPS[:1]),
        ):
            for name, network in cases():
                for cap in caps if word in name else ():
                    wrong = compare(program, server, folder, network, cap)
                    results.check(not wrong, (name + " " + cap).strip(), wrong)
        for name, functions_of, words in refused():
            wrong = check_refused(program, folder, functions_of, words)
            results.check(not wrong, "refused: " + name, wrong)
    return results.done()


if __name__ == "__main__":
    sys.exit(main())
