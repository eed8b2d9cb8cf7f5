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
import agreement  # noqa: E402
import networks  # noqa: E402
import ort  # noqa: E402
import tap  # noqa: E402

SPREAD = 0.1
TIMEOUT = 180
ISAS = (None, "avx2", "sse41")


def environment(isa):
    env = dict(os.environ)
    env.pop("UNETSEG_MAX_ISA", None)
    if isa:
        env["UNETSEG_MAX_ISA"] = isa
    return env


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
            worst = agreement.largest_difference(
                os.path.join(folder, "ours"), wanted
            )
            out.check(worst <= agreement.TOLERANCE, "%s %.2e" % (name, worst))


def check_case(out, args, server, case, folder):
    try:
        logits = agreement.load_reference(server, case, folder)
        for size in case.sizes:
            wanted = agreement.reference(server, case, size, logits, folder)
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
