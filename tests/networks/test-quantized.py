#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks in 8 bits beside ONNX Runtime on the same file.

    test-quantized.py PROGRAM FOLDER

quantize.py makes the copies. Where a sum lies halfway between two bytes each
library rounds its own way, and what was rounded the other way goes on through
the network; so both results are compared with that of the network in f32, as
probabilities. Ours may lie a quarter farther from it than ONNX Runtime's, and
0.002. Of the built-in network, which is trained, on a photograph ours must also
lie within 0.01 of ONNX Runtime's on average. Prints TAP.
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
    """One of the frames that the demo's sheet shows as they were."""
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


class Place:
    """A folder with inputs and results."""

    def __init__(self, args, server, folder):
        self.program, self.server, self.folder = args.program, server, folder

    def input(self, name, array):
        path = os.path.join(self.folder, name + ".npy")
        np.save(path, array)
        return path

    def theirs(self, model, case, path):
        self.server.ask("load", model, 2)
        self.server.ask("input", case.input, path)
        self.server.ask("run", 1)
        name = self.server.ask("save", self.folder)[1]
        return name, probabilities(self.folder, name)

    def ours(self, model, case, path, name, isa=None):
        env = dict(os.environ)
        if isa:
            env.update(ONEDNN_MAX_CPU_ISA=isa, DNNL_MAX_CPU_ISA=isa)
        out = os.path.join(self.folder, "ours")
        subprocess.run(
            [
                self.program,
                "run",
                model,
                "--input",
                case.input + "=" + path,
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


def check(out, place, case, calibration, path, closest):
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
    for isa in (None, "AVX2"):
        ours = place.ours(copy, case, path, name, isa)
        error = np.abs(ours - truth).mean()
        # seven bits for weights without VNNI
        limit = allowed * (2 if isa else 1)
        out.check(
            error <= limit,
            "%s %s: %.4f from f32, %.4f allowed"
            % (case.name, isa or "all", error, limit),
        )
        apart = np.abs(ours - theirs).mean()
        if closest and not isa:
            out.check(
                apart <= closest, "%s: %.4f from theirs" % (case.name, apart)
            )
    return name, truth, allowed


def check_operators(out, place, case, path, name, truth, allowed):
    """QLinearConv and its kin: all of it in bytes, and as good."""
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
                *check(out, place, case, [path], path, None)
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
            0.01,
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
