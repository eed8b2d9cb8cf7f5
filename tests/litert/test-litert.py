#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares LiteRT files with LiteRT: test-litert.py PROGRAM FOLDER. Prints TAP.

FOLDER has files that make-cases.py made, with LiteRT's results. Where Python
has PyPI's ai-edge-litert, all of its cases are made anew and compared: the
Python that UNETSEG_LITERT names, else this one.
"""
import glob
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from program import bad, good  # noqa: E402
import tap  # noqa: E402

CAPS = ("", "avx2", "avx512", "avx512_vnni")
# Sums in another order, as parts of an output's largest number.
TOLERANCE = 1e-5
# 8-bit numbers may round to the other side in each layer: two steps of the
# output on average.
QUANTIZED = 2 / 256


def file_name(name):
    """The file that `unetseg run` writes for an output."""
    kept = "abcdefghijklmnopqrstuvwxyz0123456789._-"
    return "".join(c if c.lower() in kept else "_" for c in name) + ".npy"


def run(path, x, names, precision, cap, folder):
    """Returns the outputs of one run."""
    picture = os.path.join(folder, "x.npy")
    np.save(picture, x)
    words = ["--input", "%s=%s" % (names[0], picture), "-o", folder]
    env = {k: v for k, v in os.environ.items() if k != "UNETSEG_MAX_ISA"}
    env.update({"UNETSEG_MAX_ISA": cap} if cap else {})
    good("run", path, *words, "-p", precision, "-t", "1", env=env)
    return [np.load(os.path.join(folder, file_name(n))) for n in names[1:]]


def difference(path, precision, cap):
    """Returns the largest and the mean difference of all outputs."""
    folder, name = os.path.split(path[: -len("tflite")] + "npz")
    with np.load(os.path.join(folder, "results", name)) as kept:
        x, names = kept["x"], kept["names"]
        wanted = [kept[str(i)] for i in range(len(names) - 1)]
    largest, mean = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for i, ours in enumerate(run(path, x, names, precision, cap, folder)):
            theirs = wanted[i]
            assert ours.shape == theirs.shape, (i, ours.shape, theirs.shape)
            error = np.abs(ours.astype(float) - theirs)
            part = error.max() / max(np.abs(theirs).max(), 1e-9)
            assert np.isfinite(part), i
            if os.environ.get("UNETSEG_TEST_VERBOSE"):
                print("# output %d %s: %.2g" % (i, theirs.shape, part))
            largest, mean = max(largest, part), max(mean, error.mean())
    return largest, mean


def is_quantized(path):
    return "int8" in os.path.basename(path)


def check(results, path, origin, caps):
    precisions = ("f32", "int8") if is_quantized(path) else ("f32",)
    for cap, precision in itertools.product(caps, precisions):
        title = "%s of %s, %s, %s" % (
            os.path.basename(path),
            origin,
            precision,
            cap or "no cap",
        )
        try:
            largest, mean = difference(path, precision, cap)
        except AssertionError as error:
            results.check(False, title, str(error))
            continue
        ok = mean <= QUANTIZED if is_quantized(path) else largest <= TOLERANCE
        results.check(ok, title, "off by %.3g, mean %.3g" % (largest, mean))


# What the program says of the files in refused/.
REFUSALS = {
    "operator": "operator 0 (SEGMENT_SUM), which makes 't1': operator is not",
    "flex": "(FlexErf), which makes 't1': it is an operator of TensorFlow",
    "custom": "(MyOperator), which makes 't1': this custom operator is not",
    "boxes": "the network finds boxes and makes no mask",
    "int16": "input 'x': element type int16 is not supported; convert",
    "fused-tanh": "make the activation a layer of its own",
}


def refuse(folder):
    """Files that are not supported are refused, with a reason"""
    for name, reason in REFUSALS.items():
        path = os.path.join(folder, "refused", name + ".tflite")
        bad(1, "inspect", path, says=reason)


def refuse_damaged(folder):
    """Files that are cut short or damaged are refused"""
    with open(os.path.join(folder, "halves.tflite"), "rb") as f:
        whole = f.read()
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "model.onnx")
        for size in (8, 20, 100, len(whole) // 2, len(whole) - 40):
            with open(path, "wb") as f:
                f.write(whole[:size])
            bad(1, "inspect", path, says="LiteRT file is cut short or damaged")
        # The identifier counts, and not the name.
        with open(path, "wb") as f:
            f.write(whole)
        good("inspect", path)


def describe(folder):
    """Metadata of a file set samples and labels"""
    path = os.path.join(folder, "described", "samples-labels.tflite")
    contract = json.loads(good("inspect", path, "--json"))["contract"]
    assert contract["mean"] == contract["std"] == [0.5] * 3, contract
    assert contract["labels"] == ["sky", "road  paved", "car"], contract
    path = os.path.join(folder, "keras-dilated-f16.tflite")
    contract = json.loads(good("inspect", path, "--json"))["contract"]
    assert contract["mean"] == [0] * 3, contract
    assert contract["labels"] == ["background", "foreground"], contract


def python():
    """A Python that has LiteRT, or None."""
    own = os.environ.get("UNETSEG_LITERT")
    if own:
        return own
    return (
        sys.executable if importlib.util.find_spec("ai_edge_litert") else None
    )


def main():
    results = tap.Tap()
    results.case(refuse, sys.argv[2])
    results.case(refuse_damaged, sys.argv[2])
    results.case(describe, sys.argv[2])
    for path in sorted(glob.glob(os.path.join(sys.argv[2], "*.tflite"))):
        check(results, path, "the tests", CAPS if is_quantized(path) else ("",))
    if not python():
        results.skip("all operators", "Python has no ai-edge-litert")
        return results.done()
    with tempfile.TemporaryDirectory() as folder:
        maker = os.path.join(HERE, "make-cases.py")
        subprocess.run(
            [python(), maker, folder],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for path in sorted(glob.glob(os.path.join(folder, "*.tflite"))):
            check(results, path, "LiteRT", CAPS)
    return results.done()


if __name__ == "__main__":
    sys.exit(main())
