# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes LiteRT files and LiteRT's results: make-cases.py FOLDER [NAME…]

Run it with a Python that has PyPI's ai-edge-litert. It writes NAME.tflite and
results/NAME.npz, which has the input x, the outputs 0, 1, … as floats, and the
names of both. In refused/ are files that are not supported. With --results FILE… it adds the results to files that exist.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np  # noqa: E402
from ai_edge_litert.interpreter import (  # noqa: E402
    Interpreter,
    OpResolverType,
)
import cases  # noqa: E402


def as_floats(array, detail):
    """Values of a quantised tensor."""
    scale, zero = detail["quantization"]
    return (
        np.float32(scale) * (array.astype(np.int32) - zero) if scale else array
    )


def picture(shape, dtype):
    values = np.random.default_rng(5).normal(size=shape)
    if dtype == np.float32:
        return values.astype(dtype)
    low = np.iinfo(dtype).min
    return (np.clip(values * 60 + 128, 0, 255) + low).astype(dtype)


def results(data, x=None):
    """Returns names, the input and the outputs of one run by LiteRT."""
    # Its own kernels, without delegates of another arithmetic.
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=data, experimental_op_resolver_type=kernels, num_threads=1
    )
    detail = interpreter.get_input_details()[0]
    if -1 in detail["shape_signature"]:
        shape = [
            9 + i if n < 0 else n
            for i, n in enumerate(detail["shape_signature"])
        ]
        shape[0] = 1
        interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    x = picture(detail["shape"], detail["dtype"]) if x is None else x
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    names = [detail["name"], *(o["name"] for o in outputs)]
    values = [as_floats(interpreter.get_tensor(o["index"]), o) for o in outputs]
    return names, x, values


def write(path, data, names, x, outputs):
    with open(path + ".tflite", "wb") as f:
        f.write(data)
    folder, name = os.path.split(path)
    folder = os.path.join(folder, "results")
    os.makedirs(folder, exist_ok=True)
    numbered = {str(i): y for i, y in enumerate(outputs)}
    np.savez_compressed(
        os.path.join(folder, name + ".npz"), x=x, names=names, **numbered
    )


def main():
    if sys.argv[1] == "--results":
        for path in sys.argv[2:]:
            with open(path, "rb") as f:
                data = f.read()
            write(os.path.splitext(path)[0], data, *results(data))
        return
    os.makedirs(sys.argv[1], exist_ok=True)
    for name in sys.argv[2:] or cases.CASES:
        file = cases.CASES[name]()
        data = file.bytes()
        if name == "media-pipe":
            x = picture([1, 4, 6, 4], np.float32)
            outputs = cases.media_pipe_results(file, x)
            tensors = [file.tensors[i] for i in file.inputs + file.outputs]
            found = [t.name for t in tensors], x, outputs
        else:
            found = results(data)
        write(os.path.join(sys.argv[1], name), data, *found)
    if not sys.argv[2:]:
        folder = os.path.join(sys.argv[1], "refused")
        os.makedirs(folder, exist_ok=True)
        for name, make in cases.REFUSED.items():
            with open(os.path.join(folder, name + ".tflite"), "wb") as f:
                f.write(make().bytes())
        folder = os.path.join(sys.argv[1], "described")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "samples-labels.tflite"), "wb") as f:
            f.write(cases.described())


if __name__ == "__main__":
    main()
