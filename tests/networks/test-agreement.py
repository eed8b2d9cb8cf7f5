#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares every network's outputs with ONNX Runtime's, as a user of the
program gets them. The largest difference must be at most 1e-4 of the largest
logit. Where the network has a sigmoid or softmax inside, ONNX Runtime also
returns the logits. A difference of probabilities then counts as that of the
logits behind it.

    test-agreement.py PROGRAM FOLDER [--quick] [--only NAME,…]

FOLDER keeps the networks that make-networks.py makes; the environment variable
UNETSEG_NETWORKS names another one. Each size runs with all instructions that
this processor has, and again capped at AVX2 and at SSE4.1. Prints TAP, one line
a case.
"""
import argparse
import json
import os
import shutil
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
import networks  # noqa: E402
import ort  # noqa: E402
import tap  # noqa: E402

TOLERANCE = 1e-4
SPREAD = 0.1
TIMEOUT = 180
# dp = p (1 - p) dz for a sigmoid, at most twice that for a softmax.
SLOPES = {"Sigmoid": 1, "Softmax": 2}
MOVES = ("Identity", "Transpose", "Reshape")
ISAS = (None, "avx2", "sse41")


def environment(isa):
    env = dict(os.environ)
    env.pop("UNETSEG_MAX_ISA", None)
    if isa:
        env["UNETSEG_MAX_ISA"] = isa
    return env


def file_of(folder, name):
    safe = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name
    )
    return os.path.join(folder, safe + ".npy")


def activations(model):
    """Returns for each output of a sigmoid or softmax that operator and the
    name of the logits before it."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found = {}
    for output in model.graph.output:
        node = makers.get(output.name)
        while node is not None and node.op_type in MOVES:
            node = makers.get(node.input[0])
        if node is not None and node.op_type in SLOPES:
            found[output.name] = node.op_type, node.input[0]
    return found


def load_reference(server, case, folder):
    """Makes the server return logits as well. Returns activations()."""
    model = onnx.load(case.path)
    logits = activations(model)
    if not logits:
        server.ask("load", case.path, 2)
        return logits
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in sorted({name for _, name in logits.values()})
    )
    twin = os.path.join(folder, "twin.onnx")
    onnx.save(model, twin)
    server.ask("load", twin, 2)
    return logits


class Wanted:
    """Holds an output of ONNX Runtime and the largest of its logits."""

    def __init__(self, value, activation=None, logits=None):
        self.value = value
        self.slope = SLOPES.get(activation)
        self.largest = float(np.abs(logits if activation else value).max())

    def difference(self, ours):
        """Returns the largest difference, relative to the largest logit."""
        if ours.shape != self.value.shape or ours.dtype != self.value.dtype:
            return np.inf
        p = self.value.astype(np.float64)
        error = np.abs(ours - p)
        if self.slope:
            # exp() itself is off by up to 1e-6.
            error = np.maximum(error - 1e-6, 0) / np.maximum(
                self.slope * p * (1 - p), 1e-9
            )
        worst = error.max() / self.largest
        return worst if np.isfinite(worst) else np.inf


def reference(server, case, size, logits, folder):
    """Returns the Wanted of each output of the model."""
    path = os.path.join(folder, "input.npy")
    np.save(path, case.tensor(size))
    server.ask("input", case.input, path)
    server.ask("run", 1)
    names = server.ask("save", folder)[1:]
    values = {name: np.load(file_of(folder, name)) for name in names}
    inner = {name for _, name in logits.values()}
    wanted = {}
    for name in names:
        if name in logits:
            activation, before = logits[name]
            wanted[name] = Wanted(values[name], activation, values[before])
        elif name not in inner:
            wanted[name] = Wanted(values[name])
    return wanted


def run_program(program, case, folder, isa, tuning):
    """Returns None, or a text about the fault."""
    out = os.path.join(folder, "ours")
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(
        [
            program,
            "run",
            case.path,
            "--input",
            "%s=%s" % (case.input, os.path.join(folder, "input.npy")),
            "--tuning",
            tuning,
            "--threads",
            "2",
            "-o",
            out,
        ],
        env=environment(isa),
        timeout=TIMEOUT,
        text=True,
        capture_output=True,
    )
    if done.returncode == 0:
        return None
    return done.stderr.strip() or "exit status %d" % done.returncode


def largest_difference(folder, wanted):
    """Returns the largest difference of all outputs."""
    return max(
        one.difference(np.load(file_of(os.path.join(folder, "ours"), name)))
        for name, one in wanted.items()
    )


def probabilities(name, value):
    if name != "logits":
        return value
    if value.shape[1] == 1:
        return 1 / (1 + np.exp(-value))
    e = np.exp(value - value.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def check_spread(out, case, size, wanted):
    """Fails if all outputs are alike, since they would agree with anything."""
    name, one = next(iter(wanted.items()))
    spread = probabilities(name, one.value).std()
    out.check(
        spread >= SPREAD,
        "%s %s: probabilities spread %.3f" % (case.name, size, spread),
    )


def tunings(isa, first):
    """Returns the ways to choose kernels. Only the first size measures."""
    return ("measure", "static") if first and isa is None else ("static",)


def check_size(out, args, case, size, wanted, folder):
    first = size == case.sizes[0]
    if first and case.name in networks.maker.NETWORKS:
        check_spread(out, case, size, wanted)
    for isa in ISAS[:1] if args.quick else ISAS:
        for tuning in tunings(isa, first):
            name = "%-36s %9s %-5s %-7s" % (
                case.name,
                size,
                isa or "all",
                tuning,
            )
            wrong = run_program(args.program, case, folder, isa, tuning)
            if wrong:
                out.check(False, name, wrong)
                continue
            worst = largest_difference(folder, wanted)
            out.check(worst <= TOLERANCE, "%s %.2e" % (name, worst))


def check_case(out, args, server, case, folder):
    try:
        logits = load_reference(server, case, folder)
        for size in case.sizes:
            wanted = reference(server, case, size, logits, folder)
            check_size(out, args, case, size, wanted, folder)
    except (
        ort.Failed,
        subprocess.TimeoutExpired,
        OSError,
        ValueError,
    ) as error:
        out.check(False, case.name, error)


def check_isa(out, args, case):
    """Checks that the limit on instructions has reached oneDNN."""
    done = subprocess.run(
        [
            args.program,
            "inspect",
            case.path,
            "--size",
            "64x64",
            "--json",
            "--tuning",
            "static",
        ],
        env=environment("sse41"),
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    impls = {layer["impl"] for layer in json.loads(done.stdout)["layers"]}
    jit = [impl for impl in impls if "avx" in impl]
    out.check(not jit, "oneDNN held to SSE4.1 uses no AVX", " ".join(jit))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small files only, without limits on the ISA",
    )
    parser.add_argument("--only", help="names with commas")
    return parser.parse_args()


def choose(args):
    folder = os.environ.get("UNETSEG_NETWORKS") or args.folder
    cases = networks.all_cases(folder)
    if args.only:
        cases = [c for c in cases if c.name in args.only.split(",")]
    if args.quick:
        cases = [c for c in cases if os.path.getsize(c.path) < 16e6]
    return cases


def main():
    args = parse()
    try:
        runtime = ort.install()
    except ort.Missing as error:
        tap.skip_all(error)
    cases, out = choose(args), tap.Tap()
    with ort.server(runtime) as server, tempfile.TemporaryDirectory() as folder:
        for case in cases:
            check_case(out, args, server, case, folder)
    if not args.quick:
        check_isa(out, args, cases[0])
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
