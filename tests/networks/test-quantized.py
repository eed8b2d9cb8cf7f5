#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares networks in 8 bits with ONNX Runtime on the same file.

    test-quantized.py PROGRAM FOLDER

quantize.py makes the copies. Where a sum lies halfway between two bytes, each
library rounds its own way, and the difference goes on through the network. So
both results are compared with that of the network in f32, as probabilities.
Ours may lie a quarter farther from it than ONNX Runtime's, plus 0.002.

The built-in network, which is trained, is also compared on a photograph with
the exact result of the file: ONNX Runtime without optimisations computes it
step by step in f32. Rounding all activations to 8 bits moves that result by
some distance from the network in f32. Ours rounds fewer activations, and some
the other way. It must lie no farther from the file's result than that distance.

Without VNNI, instructions add two products in 16 bits. Our weights then have 7
bits, so the file is compared with 7 bits as well. ONNX Runtime's own 8-bit
kernels are no measure there, because their sums saturate. Prints TAP.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "bench"))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402
import dialects  # noqa: E402
import networks  # noqa: E402
import ort  # noqa: E402
import tap  # noqa: E402

MAKER = os.path.join(HERE, "quantize.py")
SHEET = os.path.join(ROOT, "docs", "images", "demo.jpg")
MADE = {
    "unet-8": "144x176",
    "unet-bilinear-align": "97x131",
    "mobilenetv2-unet": "96x160",
}


def photograph(index, size=288):
    """Returns one of the frames that the demo's sheet shows unchanged."""
    sheet = Image.open(SHEET).convert("RGB")
    side = sheet.width // 6
    frame = sheet.crop((side * index, 0, side * (index + 1), sheet.height))
    frame = frame.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(frame, np.float32).transpose(2, 0, 1)[None] / 255


def probabilities(folder, name):
    x = np.load(os.path.join(folder, name + ".npy")).astype(np.float64)
    if x.min() >= 0 and x.max() <= 1:
        return x
    if x.shape[1] == 1:
        return 1 / (1 + np.exp(-x))
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def has_vnni():
    """Returns whether the processor multiplies bytes without 16-bit sums."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = f.read().split()
    return "avx512_vnni" in flags or "avx_vnni" in flags


def seven_bits(path, out):
    """Writes a copy whose weights are whole numbers of 64ths of the largest one
    of their output channel."""
    model = onnx.load(path)
    tensors = {t.name: t for t in model.graph.initializer}
    for node in model.graph.node:
        weights = tensors.get(node.input[0]) if node.input else None
        if node.op_type != "DequantizeLinear" or weights is None:
            continue
        q = numpy_helper.to_array(weights)
        if q.dtype != np.int8:
            continue
        scale = numpy_helper.to_array(tensors[node.input[1]])
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        rows = np.moveaxis(q.astype(np.float64), axis, 0)
        rows = rows.reshape(len(rows), -1)
        most = np.maximum(np.abs(rows).max(1), 1)
        shape = [-1 if i == axis else 1 for i in range(q.ndim)]
        step = most / 64
        weights.CopyFrom(
            numpy_helper.from_array(
                np.rint(q / step.reshape(shape)).astype(np.int8), weights.name
            )
        )
        tensors[node.input[1]].CopyFrom(
            numpy_helper.from_array(
                (scale * step).astype(np.float32), node.input[1]
            )
        )
    onnx.save(model, out)


class Place:
    """Holds a folder with inputs and results."""

    def __init__(self, args, server, folder):
        self.program, self.server, self.folder = args.program, server, folder

    def input(self, name, array):
        path = os.path.join(self.folder, name + ".npy")
        np.save(path, array)
        return path

    def theirs(self, model, case, path, optimisations="all"):
        self.server.ask("load", model, 2, optimisations)
        self.server.ask("input", case.input, path)
        self.server.ask("run", 1)
        name = self.server.ask("save", self.folder)[1]
        return name, probabilities(self.folder, name)

    def ours(self, model, case, path, name, isa=None):
        env = dict(os.environ)
        if isa:
            env.update(UNETSEG_MAX_ISA=isa)
        out = os.path.join(self.folder, "ours")
        subprocess.run(
            [
                self.program,
                "run",
                model,
                "--input",
                case.input + "=" + path,
                "--precision",
                "int8",  # even if the program prefers f32
                "--tuning",
                "static",
                "-o",
                out,
            ],
            check=True,
            env=env,
            stdout=subprocess.DEVNULL,
        )
        return probabilities(out, name)


def check_meaning(out, place, case, path, ours, truth, isa):
    """Compares ours with the file's exact result, in 7 or 8 bits."""
    copy = os.path.join(place.folder, "copy.onnx")
    bits = 8 if has_vnni() and isa is None else 7
    if bits == 7:
        seven_bits(copy, os.path.join(place.folder, "copy7.onnx"))
        copy = os.path.join(place.folder, "copy7.onnx")
    exact = place.theirs(copy, case, path, "disabled")[1]
    allowed = np.abs(exact - truth).mean()
    error = np.abs(ours - exact).mean()
    out.check(
        error <= allowed,
        "%s %s, weights of %d bits: %.4f from the file's result, "
        "%.4f allowed" % (case.name, isa or "all", bits, error, allowed),
    )


def check(out, place, case, calibration, path, trained):
    copy = os.path.join(place.folder, "copy.onnx")
    subprocess.run(
        [sys.executable, MAKER, case.path, copy]
        + calibration
        + ["--program", place.program],
        check=True,
    )
    name, truth = place.theirs(case.path, case, path)
    theirs = place.theirs(copy, case, path)[1]
    allowed = 1.25 * np.abs(theirs - truth).mean() + 0.002
    for isa in (None, "avx2"):
        ours = place.ours(copy, case, path, name, isa)
        error = np.abs(ours - truth).mean()
        # Without VNNI the weights have seven bits.
        limit = allowed * (2 if isa else 1)
        out.check(
            error <= limit,
            "%s %s: %.4f from f32, %.4f allowed"
            % (case.name, isa or "all", error, limit),
        )
        if trained:
            check_meaning(out, place, case, path, ours, truth, isa)
    return name, truth, allowed


def check_operators(out, place, case, path, name, truth, allowed):
    """QLinearConv and similar operators must be as exact in int8."""
    other = os.path.join(place.folder, "operators.onnx")
    onnx.save(
        dialects.operators(onnx.load(os.path.join(place.folder, "copy.onnx"))),
        other,
    )
    error = np.abs(place.ours(other, case, path, name) - truth).mean()
    out.check(
        error <= allowed,
        "%s, operators over bytes: %.4f from f32, "
        "%.4f allowed" % (case.name, error, allowed),
    )
    rows, columns = MADE[case.name].split("x")
    done = subprocess.run(
        [
            place.program,
            "inspect",
            other,
            "--precision",
            "int8",  # even if masks of random weights differ
            "--tuning",
            "static",
            "--size",
            columns + "x" + rows,
            "--json",
        ],
        check=True,
        text=True,
        capture_output=True,
    )
    left = [
        layer["op"]
        for layer in json.loads(done.stdout)["layers"]
        if "Linear" in layer["op"]
    ]
    out.check(
        not left,
        "%s: nothing is rounded step by step" % case.name,
        " ".join(left),
    )


def run_all(args, server, out):
    models = os.environ.get("UNETSEG_NETWORKS") or args.folder
    cases = networks.to_time(models, list(MADE))
    with tempfile.TemporaryDirectory() as folder:
        place = Place(args, server, folder)
        for case in cases:
            path = place.input("input", case.tensor(MADE[case.name]))
            check_operators(
                out,
                place,
                case,
                path,
                *check(out, place, case, [path], path, False)
            )
        frames = [place.input("frame%d" % i, photograph(i)) for i in (0, 2, 4)]
        check(
            out,
            place,
            networks.file_case(
                os.path.join(ROOT, "models", "person.onnx"), "person"
            ),
            frames[:2],
            frames[2],
            True,
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("program")
    parser.add_argument("folder")
    args = parser.parse_args()
    try:
        runtime = ort.install()
    except ort.Missing as error:
        tap.skip_all(error)
    out = tap.Tap()
    with ort.server(runtime) as server:
        run_all(args, server, out)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
