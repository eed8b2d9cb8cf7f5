#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every network's outputs beside ONNX Runtime's, as a user of the program
gets them: the largest difference must be below 1e-4 of the largest value.

    test-agreement.py PROGRAM FOLDER [--quick] [--only NAME,…]

FOLDER keeps the networks that make-networks.py makes; the environment
variable UNETSEG_NETWORKS names another one. Each size runs with whatever
this processor has, and again with oneDNN held to AVX2 and to SSE4.1.
Prints TAP, one line a case.
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
sys.path.insert(0, os.path.join(HERE, '..', 'bench'))
sys.path.insert(0, os.path.join(HERE, '..', 'tools'))
import numpy as np  # noqa: E402
import networks  # noqa: E402
import ort  # noqa: E402
import tap  # noqa: E402

TOLERANCE = 1e-4
SPREAD = .1
TIMEOUT = 180
ISAS = (None, 'AVX2', 'SSE41')


def environment(isa):
    env = dict(os.environ)
    # oneDNN 2.6 as Debian builds it reads the old name.
    for name in ('ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA'):
        env.pop(name, None)
        if isa:
            env[name] = isa
    return env


def file_of(folder, name):
    safe = ''.join(c if c.isascii() and (c.isalnum() or c in '._-') else '_'
                   for c in name)
    return os.path.join(folder, safe + '.npy')


def reference(server, case, size, folder):
    """Names and values of ONNX Runtime's outputs."""
    path = os.path.join(folder, 'input.npy')
    np.save(path, case.tensor(size))
    server.ask('input', case.input, path)
    server.ask('run', 1)
    names = server.ask('save', folder)[1:]
    return {name: np.load(file_of(folder, name)) for name in names}


def run_program(program, case, folder, isa, tuning):
    """None, or what went wrong."""
    out = os.path.join(folder, 'ours')
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(
        [program, 'run', case.path, '--input',
         '%s=%s' % (case.input, os.path.join(folder, 'input.npy')),
         '--tuning', tuning, '--threads', '2', '-o', out],
        env=environment(isa), timeout=TIMEOUT, text=True, capture_output=True)
    if done.returncode == 0:
        return None
    return done.stderr.strip() or 'exit status %d' % done.returncode


def largest_difference(folder, wanted):
    """Relative to each output's largest value; NaN counts as infinite."""
    worst = 0.
    for name, value in wanted.items():
        ours = np.load(file_of(os.path.join(folder, 'ours'), name))
        if ours.shape != value.shape or ours.dtype != value.dtype:
            return np.inf
        scale = np.abs(value).max()
        difference = np.abs(ours.astype(np.float64) - value).max() / scale
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
    return worst


def probabilities(name, value):
    if name != 'logits':
        return value
    if value.shape[1] == 1:
        return 1 / (1 + np.exp(-value))
    e = np.exp(value - value.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def check_spread(out, case, size, wanted):
    """A network whose outputs are all alike would agree with anything."""
    name, value = next(iter(wanted.items()))
    spread = probabilities(name, value).std()
    out.check(spread >= SPREAD, '%s %s: probabilities spread %.3f'
              % (case.name, size, spread))


def tunings(isa, first):
    """Ways to choose implementations: measured ones on the first size."""
    return ('measure', 'static') if first and isa is None else ('static',)


def check_size(out, args, server, case, size, folder):
    wanted = reference(server, case, size, folder)
    first = size == case.sizes[0]
    if first and case.name in networks.maker.NETWORKS:
        check_spread(out, case, size, wanted)
    for isa in ISAS[:1] if args.quick else ISAS:
        for tuning in tunings(isa, first):
            name = '%-36s %9s %-5s %-7s' % (case.name, size, isa or 'all',
                                            tuning)
            wrong = run_program(args.program, case, folder, isa, tuning)
            if wrong:
                out.check(False, name, wrong)
                continue
            worst = largest_difference(folder, wanted)
            out.check(worst <= TOLERANCE, '%s %.2e' % (name, worst))


def check_case(out, args, server, case, folder):
    try:
        server.ask('load', case.path, 2)
        for size in case.sizes:
            check_size(out, args, server, case, size, folder)
    except (ort.Failed, subprocess.TimeoutExpired, OSError,
            ValueError) as error:
        out.check(False, case.name, error)


def check_isa(out, args, case):
    """The limit on instructions must have reached oneDNN."""
    done = subprocess.run(
        [args.program, 'inspect', case.path, '--size', '64x64', '--json',
         '--tuning', 'static'], env=environment('SSE41'), text=True,
        capture_output=True, timeout=TIMEOUT)
    impls = {layer['impl'] for layer in json.loads(done.stdout)['layers']}
    jit = [impl for impl in impls if 'avx' in impl]
    out.check(not jit, 'oneDNN held to SSE4.1 uses no AVX', ' '.join(jit))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('folder')
    parser.add_argument('--quick', action='store_true',
                        help='small files only, without limits on the ISA')
    parser.add_argument('--only', help='names with commas')
    return parser.parse_args()


def choose(args):
    folder = os.environ.get('UNETSEG_NETWORKS') or args.folder
    cases = networks.all_cases(folder)
    if args.only:
        cases = [c for c in cases if c.name in args.only.split(',')]
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
    with ort.server(runtime) as server, \
            tempfile.TemporaryDirectory() as folder:
        for case in cases:
            check_case(out, args, server, case, folder)
    if not args.quick:
        check_isa(out, args, cases[0])
    return out.done()


if __name__ == '__main__':
    sys.exit(main())
