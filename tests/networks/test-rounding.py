#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares networks that round their activations to bytes, in three dialects,
with ONNX Runtime without its optimisations.

    test-rounding.py PROGRAM FOLDER

The libraries add floats in different orders. A sum that lies within rounding of
the middle between two bytes may become the other byte. That changes about ten
of the bytes that are made of it, so that two runs of a deep network differ,
however exact each layer is. So each layer gets ONNX Runtime's own bytes and
must make the same ones of them, except for a few on an edge. The result of a
whole network must be nearer to ONNX Runtime's than that is to the same network
in floats.
Prints TAP, one line a case.
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "bench"))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import helper  # noqa: E402
import dialects  # noqa: E402
import networks  # noqa: E402
import ort  # noqa: E402
import quantize  # noqa: E402
import tap  # noqa: E402

NETWORKS = "unet-8", "unet-add", "mobilenetv2-unet"
# A sum of products of floats is off by some 1e-6 of a range of 255 steps,
# 5e-4 of a step, on either side of each middle.
SHARE = 1e-3
# This limits the error of floats that are not rounded to bytes afterwards.
TOLERANCE = 1e-4
TIMEOUT = 120


def file_of(folder, name):
    safe = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name
    )
    return os.path.join(folder, safe + ".npy")


ROUNDING = {
    "QuantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearConcat",
    "QLinearAdd",
    "QLinearMul",
    "QLinearGlobalAveragePool",
}


def roundings(model):
    """Returns the names of the outputs of rounding nodes, in order."""
    return [
        n
        for node in model.graph.node
        if node.op_type in ROUNDING
        for n in node.output
    ]


def copy(model):
    other = onnx.ModelProto()
    other.CopyFrom(model)
    return other


def type_of(array):
    return {
        np.dtype(np.uint8): onnx.TensorProto.UINT8,
        np.dtype(np.float32): onnx.TensorProto.FLOAT,
    }[array.dtype]


def with_outputs(model, names):
    """Returns a copy of the model that outputs the bytes as well."""
    model = copy(model)
    for name in names:
        kind = (
            onnx.TensorProto.FLOAT
            if name.endswith("/scale")
            else onnx.TensorProto.UINT8
        )
        model.graph.output.append(
            helper.make_tensor_value_info(name, kind, None)
        )
    return model


def in_parts(model, values):
    """Returns a copy in which the readers of a byte read an input instead."""
    model = copy(model)
    for name, array in values.items():
        for node in model.graph.node:
            for i, read in enumerate(node.input):
                if read == name:
                    node.input[i] = name + "/given"
        model.graph.input.append(
            helper.make_tensor_value_info(
                name + "/given", type_of(array), array.shape
            )
        )
    return model


class Pair:
    """Runs the same file through ONNX Runtime and through the program."""

    def __init__(self, args, server, folder, case):
        self.args, self.server, self.case = args, server, case
        self.folder = folder
        self.input = os.path.join(folder, "input.npy")
        np.save(self.input, case.tensor(case.sizes[0]))

    def theirs(self, model):
        path = os.path.join(self.folder, "model.onnx")
        onnx.save(model, path)
        self.server.ask("load", path, 2, "disabled")
        self.server.ask("input", self.case.input, self.input)
        self.server.ask("run", 1)
        names = self.server.ask("save", self.folder)[1:]
        return {n: np.load(file_of(self.folder, n)) for n in names}

    def ours(self, model, given):
        path = os.path.join(self.folder, "model.onnx")
        out = os.path.join(self.folder, "ours")
        onnx.save(model, path)
        command = [
            self.args.program,
            "run",
            path,
            "--tuning",
            "static",
            "--precision",
            "f32",
            "-o",
            out,
            "--input",
            "%s=%s" % (self.case.input, self.input),
        ]
        for name, array in given.items():
            file = file_of(self.folder, name + "/given")
            np.save(file, array)
            command += ["--input", "%s/given=%s" % (name, file)]
        done = subprocess.run(
            command, timeout=TIMEOUT, text=True, capture_output=True
        )
        if done.returncode:
            raise ort.Failed(done.stderr.strip())
        return {
            o.name: np.load(file_of(out, o.name)) for o in model.graph.output
        }


def steps(a, b):
    return np.abs(a.astype(np.int32) - b.astype(np.int32))


def check_layers(out, name, wanted, got):
    shares, worst, scales = [0], 0, 0
    for tensor, value in wanted.items():
        if value.dtype != np.uint8:
            scales = max(scales, np.abs(got[tensor] / value - 1).max())
            continue
        apart = steps(value, got[tensor])
        # In a small layer one byte may lie on an edge.
        shares.append(max((apart > 0).sum() - 1, 0) / apart.size)
        worst = max(worst, apart.max())
    out.check(
        max(shares) <= SHARE and worst <= 1 and scales <= TOLERANCE,
        "%s, layer by layer: at most %.1e of %d layers"
        % (name, max(shares), len(shares) - 1)
        + "' bytes differ, by %d; scales by %.1e" % (worst, scales),
    )


def check_results(out, name, results, exact, wanted, parts, whole):
    for result in results:
        last = np.abs(parts[result] - wanted[result]).max()
        last /= np.abs(wanted[result]).max()
        out.check(
            last <= TOLERANCE,
            "%s, behind the last bytes: %s differs "
            "by %.1e" % (name, result, last),
        )
        ours = np.abs(whole[result] - wanted[result]).mean()
        theirs = np.abs(wanted[result] - exact[result]).mean()
        out.check(
            0 < theirs and ours < theirs,
            "%s, as a whole: %s differs "
            "by %.2f of what bytes do to it" % (name, result, ours / theirs),
        )


def check_dialect(out, pair, name, model, exact):
    results = [o.name for o in model.graph.output]
    names = roundings(model)
    wanted = pair.theirs(with_outputs(model, names))
    given = {n: wanted[n] for n in names}
    parts = pair.ours(in_parts(with_outputs(model, names), given), given)
    whole = pair.ours(model, {})
    check_layers(out, name, given, parts)
    check_results(out, name, results, exact, wanted, parts, whole)


def check_case(out, args, server, case, folder):
    pair = Pair(args, server, folder, case)
    original = onnx.load(case.path)
    exact = pair.theirs(original)
    qdq = quantize.quantize(
        onnx.load(case.path),
        argparse.Namespace(
            program=args.program, inputs=[pair.input], percentile=99.99
        ),
    )
    qdq = dialects.reduce_range(qdq)
    for dialect, model in (
        ("operators", dialects.operators(qdq)),
        ("dynamic", dialects.dynamic(original)),
        ("qdq", qdq),
    ):
        check_dialect(out, pair, "%s, %s" % (case.name, dialect), model, exact)


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
    folder = os.environ.get("UNETSEG_NETWORKS") or args.folder
    networks.make(folder, NETWORKS)
    out = tap.Tap()
    with ort.server(runtime) as server:
        for name in NETWORKS:
            with tempfile.TemporaryDirectory() as scratch:
                check_case(
                    out, args, server, networks.made_case(folder, name), scratch
                )
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
