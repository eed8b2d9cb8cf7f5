#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/fuzz/seeds: small files from which a fuzzer starts."""

import io
import json
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

FOLDER = (
    sys.argv[1]
    if len(sys.argv) > 1
    else os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds")
)
RNG = np.random.default_rng(1)
# Each number of a document becomes each of these values, which have another
# type or are out of range.
ODD = (-1, 2**32 - 1, 2**63 - 1, 1e300, "four", None, True, [], {})


def write(kind, name, data):
    path = os.path.join(FOLDER, kind)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def weights(name, *shape):
    data = RNG.standard_normal(shape).astype(np.float32)
    return numpy_helper.from_array(data, name)


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name, *values):
    return numpy_helper.from_array(np.array(values, np.float32), name)


def bytes_of(name, dtype, *values):
    return numpy_helper.from_array(np.array(values, dtype), name)


def model(
    name,
    nodes,
    inits=(),
    shape=(1, 3, 8, 8),
    opset=13,
    metadata=None,
    functions=(),
):
    """Writes a model whose last node gives y; x is the picture."""
    y = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)],
        list(inits),
    )
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)]
        + [helper.make_opsetid("own", 1)] * bool(functions),
        functions=functions,
    )
    proto.ir_version = 8 if functions else 7
    if metadata:
        helper.set_model_props(proto, metadata)
    write("model", name + ".onnx", proto.SerializeToString())


def node(op, inputs, output="y", **attributes):
    return helper.make_node(
        op, inputs.split(","), output.split(","), **attributes
    )


def make_models():
    w = weights("w", 4, 3, 3, 3)
    model("conv", [node("Conv", "x,w", pads=[1, 1, 1, 1])], [w])
    model(
        "conv-same",
        [
            node(
                "Conv",
                "x,w",
                auto_pad="SAME_UPPER",
                strides=[2, 2],
                dilations=[1, 1],
            )
        ],
        [w],
    )
    model(
        "conv-groups",
        [node("Conv", "x,w", group=3)],
        [weights("w", 3, 1, 3, 3)],
        shape=(1, 3, "h", "w"),
    )
    model(
        "transposed",
        [node("ConvTranspose", "x,w", strides=[2, 2], output_padding=[1, 1])],
        [weights("w", 3, 2, 3, 3)],
    )
    model(
        "batch-norm",
        [
            node("Conv", "x,w", "c"),
            node("BatchNormalization", "c,s,b,m,v", "n"),
            node("Relu", "n"),
        ],
        [
            w,
            weights("s", 4),
            weights("b", 4),
            weights("m", 4),
            floats("v", 1, 2, 3, 4),
        ],
    )
    model(
        "instance-norm",
        [node("InstanceNormalization", "x,s,b")],
        [weights("s", 3), weights("b", 3)],
    )
    model(
        "layer-norm",
        [node("LayerNormalization", "x,s,b", axis=-1)],
        [weights("s", 8), weights("b", 8)],
        opset=17,
    )
    model(
        "pools",
        [
            node(
                "MaxPool",
                "x",
                "p",
                kernel_shape=[2, 2],
                strides=[2, 2],
                ceil_mode=1,
            ),
            node(
                "AveragePool",
                "p",
                "q",
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
                count_include_pad=1,
            ),
            node("GlobalAveragePool", "q"),
        ],
    )
    for mode in "nearest", "linear", "cubic":
        model(
            "resize-" + mode,
            [
                node(
                    "Resize",
                    "x,,s",
                    mode=mode,
                    coordinate_transformation_mode="half_pixel",
                )
            ],
            [floats("s", 1, 1, 2, 2)],
        )
    model(
        "resize-sizes",
        [
            node(
                "Resize",
                "x,,,n",
                mode="linear",
                coordinate_transformation_mode="align_corners",
            )
        ],
        [ints("n", 1, 3, 5, 7)],
    )
    model(
        "skip",
        [
            node("Conv", "x,w", "c", pads=[1, 1, 1, 1]),
            node("Concat", "x,c", "d", axis=1),
            node("Slice", "d,a,b,e", "f"),
            node("Add", "f,f", "g"),
            node("Pad", "g,p", mode="reflect"),
        ],
        [
            w,
            ints("a", 1, 1),
            ints("b", 7, 7),
            ints("e", 2, 3),
            ints("p", 0, 0, 1, 1, 0, 0, 1, 1),
        ],
    )
    model(
        "shapes",
        [
            node("Shape", "x", "s"),
            node("Gather", "s,i", "n", axis=0),
            node("Concat", "n,m", "r", axis=0),
            node("Reshape", "x,r", "z"),
            node("Transpose", "z", perm=[1, 0]),
        ],
        [ints("i", 0), ints("m", -1)],
        shape=("n", 3, "h", "w"),
    )
    model(
        "range",
        [
            node("ConstantOfShape", "s", "c"),
            node("Range", "a,b,d", "r"),
            node("Cast", "r", "f", to=1),
            node("Mul", "f,c", "m"),
            node("Expand", "m,e", "n"),
            node("Add", "x,n"),
        ],
        [
            ints("s", 8),
            numpy_helper.from_array(np.int64(0), "a"),
            numpy_helper.from_array(np.int64(8), "b"),
            numpy_helper.from_array(np.int64(1), "d"),
            ints("e", 1, 1, 1, 8),
        ],
    )
    model(
        "matmul",
        [node("MatMul", "x,w", "m"), node("Softmax", "m", axis=1)],
        [weights("w", 8, 5)],
    )
    model(
        "gemm",
        [node("Flatten", "x", "f"), node("Gemm", "f,w,b", transB=1)],
        [weights("w", 2, 192), weights("b", 2)],
    )
    model(
        "reduce",
        [
            node("ReduceMean", "x", "m", axes=[2, 3]),
            node("Sub", "x,m", "d"),
            node("ArgMax", "d", "a", axis=1),
            node("Cast", "a", to=1),
        ],
    )
    model(
        "depth-to-space",
        [
            node("DepthToSpace", "x", "d", blocksize=2),
            node("SpaceToDepth", "d", blocksize=2),
        ],
        shape=(1, 8, 4, 4),
    )
    model(
        "shuffle",
        [
            node("Reshape", "x,a", "r"),
            node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]),
            node("Reshape", "t,b"),
        ],
        [ints("a", 1, 2, 2, 4, 4), ints("b", 1, 4, 4, 4)],
        shape=(1, 4, 4, 4),
    )
    model(
        "gates",
        [
            node("HardSigmoid", "x", "h"),
            node("Mul", "x,h", "m"),
            node("Clip", "m,l,u", "c"),
            node("PRelu", "c,s", "p"),
            node("Where", "q,p,x"),
        ],
        [
            numpy_helper.from_array(np.float32(0), "l"),
            numpy_helper.from_array(np.float32(6), "u"),
            weights("s", 3, 1, 1),
            numpy_helper.from_array(np.array([True, False] * 4), "q"),
        ],
    )
    model(
        "split",
        [
            node("Split", "x,n", "a,b", axis=2),
            node("Max", "a,b", "c"),
            node("Squeeze", "c,z", "d"),
            node("Unsqueeze", "d,z"),
        ],
        [ints("n", 4, 4), ints("z", 0)],
    )
    model(
        "qdq",
        [
            node("QuantizeLinear", "x,s,z", "q"),
            node("DequantizeLinear", "q,s,z", "d"),
            node("DequantizeLinear", "w,t", "v", axis=0),
            node("Conv", "d,v"),
        ],
        [
            floats("s", 0.1),
            bytes_of("z", np.uint8, 3),
            floats("t", 1, 2, 3, 4),
            numpy_helper.from_array(
                RNG.integers(-9, 9, (4, 3, 1, 1)).astype(np.int8), "w"
            ),
        ],
    )
    model(
        "upsample",
        [node("Upsample", "x", mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])],
        opset=7,
    )
    model(
        "broadcast",
        [node("Add", "x,w", axis=1, broadcast=1)],
        [weights("w", 3)],
        opset=6,
    )
    model(
        "metadata",
        [node("Sigmoid", "x")],
        metadata={
            "unetseg.mean": "0.5",
            "unetseg.std": "1/4",
            "unetseg.scale": "1/255",
            "unetseg.labels": "none,one",
            "unetseg.fit": "letterbox",
        },
    )
    half = numpy_helper.from_array(
        np.array([1, 2, 3], np.float16).reshape(3, 1, 1), "w"
    )
    model("half", [node("Mul", "x,w")], [half])
    # These operators work on bytes.
    scale = [
        numpy_helper.from_array(np.float32(0.02), "s"),
        numpy_helper.from_array(np.uint8(128), "z"),
    ]
    wq = bytes_of("w", np.int8, *range(-54, 54))
    wq.dims[:] = [4, 3, 3, 3]
    ws, wz = floats("v", 0.1, 0.2, 0.3, 0.4), bytes_of("u", np.int8, 0, 0, 0, 0)
    bias = numpy_helper.from_array(np.arange(4, dtype=np.int32), "b")
    model(
        "qlinear",
        [
            node("QuantizeLinear", "x,s,z", "q"),
            node("QLinearConv", "q,s,z,w,v,u,s,z,b", "c", pads=[1, 1, 1, 1]),
            node(
                "QLinearConcat",
                "s,z,q,s,z,c,s,z",
                "d",
                axis=1,
                domain="com.microsoft",
            ),
            node("QLinearSigmoid", "d,s,z,s,z", "e", domain="com.microsoft"),
            node("QLinearAdd", "d,s,z,e,s,z,s,z", "f", domain="com.microsoft"),
            node("DequantizeLinear", "f,s,z"),
        ],
        scale + [wq, ws, wz, bias],
    )
    model(
        "integers",
        [
            node("DynamicQuantizeLinear", "x", "q,s,z"),
            node("ConvInteger", "q,w,z,u", "c", pads=[1, 1, 1, 1]),
            node("Cast", "c", "f", to=1),
            node("Mul", "f,s", "m"),
            node("Relu", "m"),
        ],
        [wq, wz],
    )
    model(
        "matrices",
        [
            node("QuantizeLinear", "x,s,z", "q"),
            node("QLinearMatMul", "q,s,z,q,s,z,s,z", "m"),
            node("MatMulInteger", "m,q,z,z", "i"),
            node("Cast", "i", to=1),
        ],
        scale,
    )
    make_subgraphs()
    make_newer_operators()


def subgraph(inputs, outputs, *nodes):
    def values(names):
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in names.split(",")
            if name
        ]

    return helper.make_graph(nodes, "g", values(inputs), values(outputs))


def make_subgraphs():
    """Branches of shapes and of values, one in the other, and loops."""
    inner = node(
        "If",
        "d",
        "t",
        then_branch=subgraph("", "a", node("Relu", "r", "a")),
        else_branch=subgraph("", "b", node("Neg", "x", "b")),
    )
    model(
        "branches",
        [
            node("Abs", "x", "r"),
            node("Shape", "r", "s"),
            node("Size", "s", "n"),
            node("Equal", "n,four", "c"),
            node("ReduceMax", "x", "m", keepdims=0),
            node("Greater", "m,zero", "d"),
            node(
                "If",
                "c",
                then_branch=subgraph("", "u", inner, node("Exp", "t", "u")),
                else_branch=subgraph("", "v", node("Identity", "x", "v")),
            ),
        ],
        [
            numpy_helper.from_array(np.int64(4), "four"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    body = subgraph(
        "i,c,v",
        "d,w,a",
        node("Less", "i,two", "d"),
        node("Add", "v,x", "w"),
        node("Relu", "w", "a"),
    )
    step = subgraph(
        "p,q", "o,k", node("Add", "p,q", "o"), node("Mul", "o,o", "k")
    )
    model(
        "loops",
        [
            node("Loop", "n,t,x", "l,all", body=body),
            node("ReduceSum", "all,z", "e", keepdims=0),
            node("Add", "e,l", "f"),
            node(
                "Scan",
                "begin,f",
                "last,y",
                body=step,
                num_scan_inputs=1,
                scan_input_axes=[3],
                scan_output_axes=[-1],
                scan_output_directions=[1],
            ),
        ],
        [
            numpy_helper.from_array(np.int64(5), "n"),
            numpy_helper.from_array(np.int64(2), "two"),
            numpy_helper.from_array(np.array(True), "t"),
            ints("z", 0),
            weights("begin", 1, 3, 8),
        ],
    )
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    half = helper.make_function(
        "own", "Half", ["a"], ["b"], [node("Mul", "a,a", "b")], sets
    )
    choose = helper.make_function(
        "own",
        "Choose",
        ["a", "c"],
        ["b"],
        [
            node(
                "If",
                "c",
                "b",
                then_branch=subgraph(
                    "", "t", node("Half", "a", "t", domain="own")
                ),
                else_branch=subgraph("", "e", node("Neg", "a", "e")),
            )
        ],
        sets,
    )
    model(
        "function-with-branches",
        [node("Choose", "x,c", domain="own")],
        [numpy_helper.from_array(np.array(True), "c")],
        opset=17,
        functions=[choose, half],
    )


def make_newer_operators():
    model(
        "deformable",
        [
            node("Conv", "x,wo", "o", pads=[1, 1, 1, 1]),
            node("Conv", "x,wm", "m", pads=[1, 1, 1, 1]),
            node(
                "DeformConv",
                "x,w,o,b,m",
                pads=[1, 1, 1, 1],
                offset_group=3,
            ),
        ],
        [
            weights("w", 2, 3, 3, 3),
            weights("b", 2),
            weights("wo", 54, 3, 3, 3),
            weights("wm", 27, 3, 3, 3),
        ],
        opset=19,
    )
    model(
        "regions",
        [
            node("MaxPool", "x", "p,i", kernel_shape=[2, 2], strides=[2, 2]),
            node("MaxUnpool", "p,i", "u", kernel_shape=[2, 2], strides=[2, 2]),
            node("CenterCropPad", "u,size", "c", axes=[2, 3]),
            node(
                "RoiAlign",
                "c,boxes,of",
                "r",
                output_height=2,
                output_width=3,
                spatial_scale=0.5,
            ),
            node("Reshape", "r,columns", "f"),
            node("Col2Im", "f,image,block", "g", pads=[0, 1, 0, 1]),
            node("LpPool", "g", kernel_shape=[2, 2], p=3),
        ],
        [
            ints("size", 6, 11),
            numpy_helper.from_array(
                np.array([[0, 1, 9, 8], [2, 2, 30, 3]], np.float32), "boxes"
            ),
            ints("of", 0, 0),
            ints("columns", 1, 6, 6),
            ints("image", 3, 2),
            ints("block", 2, 1),
        ],
        opset=18,
    )
    model(
        "attention",
        [
            node("RMSNormalization", "x,s", "n"),
            node("RotaryEmbedding", "n,c,t,i", "r", interleaved=1),
            node("Attention", "r,r,x,mask", "y,k", scale=0.5),
        ],
        [
            weights("s", 8),
            weights("c", 9, 4),
            weights("t", 9, 4),
            numpy_helper.from_array(np.arange(8).reshape(1, 8), "i"),
            weights("mask", 8, 8),
        ],
        opset=23,
    )
    model(
        "selected",
        [
            node("NonZero", "b", "n"),
            node("Transpose", "n", "t"),
            node("GatherND", "x,t", "g"),
            node("Unique", "g2", "u,f,v,k"),
            node("Compress", "v,d", "e", axis=0),
            node("Gather", "g,e", axis=0),
        ],
        [
            numpy_helper.from_array(np.ones((1, 2, 2)), "b"),
            floats("g2", 3, 1, 3, 2),
            numpy_helper.from_array(np.array([True, False, True]), "d"),
        ],
    )


def make_npy():
    for name, array in {
        "float": np.arange(6, dtype=np.float32).reshape(2, 3),
        "half": np.arange(4, dtype=np.float16),
        "double": np.array(2.5),
        "bool": np.array([True, False]),
        "int": np.arange(8).reshape(2, 2, 2),
        "empty": np.zeros((0, 3)),
        "fortran": np.asfortranarray(
            np.arange(12, dtype=np.uint8).reshape(3, 4)
        ),
    }.items():
        file = io.BytesIO()
        np.save(file, array)
        write("npy", name + ".npy", file.getvalue())
    file = io.BytesIO()
    np.lib.format.write_array(file, np.arange(3, dtype=np.int8), version=(2, 0))
    write("npy", "version-2.npy", file.getvalue())


def make_texts():
    write(
        "modelinfo",
        "plain.modelinfo",
        """[modelinfo]
version=1.0
group-id=street

[input]
id=picture
dims=1,3,256,256
dir=input
type=float32
ranges=-1.0,1.0

[unetseg]
color-order=bgr
mean=0.485,0.456,0.406
std=0.229,0.224,0.225
fit=crop
labels=sky,road
""",
    )
    write(
        "modelinfo",
        "ranges.modelinfo",
        "[input]\nranges=0,255;-1,1;0,1;\n[unetseg]\ninput-size=320x240\n",
    )
    write(
        "modelinfo",
        "bad.modelinfo",
        "[input]\nranges=1,1\n[unetseg]\nfoo=\\s\\n\\q\n",
    )
    write("colors", "plain.txt", "red,#00ff00,#80ffffff")
    write("colors", "named.txt", "road=gray,car=#80ff0040,2=transparent")
    write("colors", "hex.txt", "0x112233,0x44556677,=,3=navy")
    write(
        "contract",
        "imagenet.txt",
        """scale=1/255
mean=0.485,0.456,0.406
std=0.229,0.224,0.225
color-order=rgb
layout=nchw
""",
    )
    write(
        "contract",
        "sizes.txt",
        """input-size=320x240
multiple=64
fit=letterbox
foreground-class=1
invert=true
labels=none,person
activation=softmax
divide-by-max=yes
input=x
output=y
""",
    )
    write(
        "contract",
        "bad.txt",
        """mean=1/0
std=0,0,0
input-size=99999999x1
foreground-class=-7
scale=nan
activation=
""",
    )


def make_batches():
    """Makes files of a batch: whole ones, and ones with each odd value in
    turn."""
    item = {
        "name": "clips/a.mkv",
        "uri": "file:///clips/a.mkv",
        "listed": 1,
        "size": 12345,
        "mtime": 1700000000000000,
    }
    parts = [
        dict(item, segment=i, segments=2, begin=b, end=e)
        for i, (b, e) in enumerate(((-1, 10**9), (10**9, -1)))
    ]
    items = {"identity": "to=masks", "items": [dict(item, name="b"), *parts]}
    entry = dict(
        item,
        segment=0,
        segments=2,
        first=0,
        next=10**9,
        batch="to=masks",
        shape="96x64 par 1/1 threads 1",
        plan="0123abcd",
        status="short",
        reason="ended after 1.0 of 2.0 s",
        frames=10,
        seconds=0.25,
        width=96,
        height=64,
        duration=2 * 10**9,
        outputs=[
            {"name": "masks", "files": 10, "bytes": 4321},
            {"name": "results.jsonl", "bytes": 99},
        ],
    )
    plan = {
        "model": "0123abcd",
        "engine": "oneDNN 2.6.3",
        "cpu": "GenuineIntel 6 85",
        "threads": 2,
        "shapes": {"96x64 par 1/1 threads 2": "4567ef"},
        "tuning": "",
    }
    timeline = [
        {"class": 1, "label": "person", "area": [0, 0.5, 1]},
        {"class": 7, "area": [0.125]},
    ]
    for kind, name, whole in (
        ("item-list", "batch", items),
        ("manifest", "manifest", entry),
        ("plan", "plan", plan),
        ("timeline", "timeline", timeline),
    ):
        write(kind, name + ".json", json.dumps(whole))
        write(kind, "deep.json", "[" * 3000)
        for value in ODD:
            odd = value if kind != "timeline" else [{"class": value}]
            write(kind, "odd-%s.json" % ODD.index(value), json.dumps(odd))
    for i, value in enumerate(ODD):
        write(
            "manifest",
            "frames-%d.json" % i,
            json.dumps(dict(entry, frames=value)),
        )
        write(
            "plan", "threads-%d.json" % i, json.dumps(dict(plan, threads=value))
        )
        changed = dict(items, items=[dict(parts[0], segments=value), parts[1]])
        write("item-list", "segments-%d.json" % i, json.dumps(changed))
    for i, name in enumerate(("../x", "/x", "", "a//b", "a%2F..%2F..%2Fb")):
        changed = dict(items, items=[dict(item, name=name)])
        write("item-list", "name-%d.json" % i, json.dumps(changed))
    line = '{"frame":%d,"time":0.5,"width":96,"height":64,"objects":[]}\n'
    write("results", "two.jsonl", line % 0 + line % 1)
    write("results", "cut.jsonl", (line % 0)[:20])
    write("results", "empty-line.jsonl", line % 3 + "\n")


def box(name, data):
    return (len(data) + 8).to_bytes(4, "big") + name + data


def make_pictures():
    """Makes pictures in each format that is read, with an orientation, and
    cut."""
    image = Image.fromarray(RNG.integers(0, 255, (9, 12, 3)).astype(np.uint8))
    exif = image.getexif()
    exif[0x112] = 6
    for suffix, form in (
        ("jpg", "JPEG"),
        ("png", "PNG"),
        ("webp", "WebP"),
        ("gif", "GIF"),
        ("tiff", "TIFF"),
    ):
        file = io.BytesIO()
        image.save(file, form, **({} if form == "GIF" else {"exif": exif}))
        data = file.getvalue()
        write("picture-header", "whole." + suffix, data)
        write("picture-header", "cut." + suffix, data[: len(data) * 2 // 3])
    file = io.BytesIO()
    image.save(file, "JPEG", progressive=True)
    write("picture-header", "progressive.jpg", file.getvalue())
    file = io.BytesIO()
    image.save(file, "BMP")
    write("picture-header", "whole.bmp", file.getvalue())
    sizes = b"".join(
        (20).to_bytes(4, "big") + b"ispe" + bytes(4) + size.to_bytes(8, "big")
        for size in (9 << 32 | 12, 3 << 32 | 4)
    )
    brands = b"mif1" + bytes(4) + b"mif1avif"
    write("picture-header", "sizes.avif", box(b"ftyp", brands) + sizes)


def make_newer_models():
    numbers = [ints("k", 2), ints("i", 0, 1), weights("g", 1, 5, 5, 2)]
    model(
        "indices",
        [
            node("TopK", "x,k", "v,j", axis=2),
            node("ScatterElements", "x,j,v", "t", axis=2, reduction="add"),
            node("CumSum", "t,one", "u"),
            node("Einsum", "u,t", "e", equation="bcij,bkij->bck"),
            node("GridSample", "x,g", "w", mode="bicubic"),
            node("GatherElements", "e,j0", "y", axis=1),
        ],
        [
            *numbers,
            ints("one", 1),
            numpy_helper.from_array(np.zeros((1, 2, 3), np.int64), "j0"),
        ],
        opset=18,
    )


make_models()
make_npy()
make_texts()
make_batches()
make_pictures()
make_newer_models()
