# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists the networks that tests and benchmarks run: those of make-networks.py,
the built-in model and the files in an optional folder ../shared/models."""
import filecmp
import glob
import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import onnx

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MAKER = os.path.join(HERE, "make-networks.py")

_spec = importlib.util.spec_from_file_location("make_networks", MAKER)
maker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(maker)


class Unknown(Exception):
    """No network has that name."""


class Case:
    """A model file with its picture input and the sizes to run it at."""

    def __init__(self, name, path, input_name, dims, sizes, timed):
        self.name, self.path, self.input = name, path, input_name
        self.dims, self.sizes, self.timed = dims.split(","), sizes, timed

    def tensor(self, size):
        """Returns a picture for a size ROWSxCOLUMNS."""
        height, width = (int(n) for n in size.split("x"))
        channels = int(next(d for d in self.dims[1:] if d not in "HW"))
        picture = maker.picture(channels, height, width, seed=7)[None]
        if self.dims[1] == "H":
            picture = picture.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(picture)


def make(folder, names=None):
    """Makes networks that are missing. All take about 45 s and 500 MB."""
    command = [sys.executable, MAKER, folder]
    if names is not None:
        if not names:
            return
        command += ["--only", ",".join(names)]
    # The progress of the maker must not be in the output of the tests.
    subprocess.run(command, check=True, stdout=sys.stderr)


def made_case(folder, name):
    with open(os.path.join(folder, "networks.json"), encoding="utf-8") as f:
        entry = json.load(f)[name]
    return Case(
        name,
        os.path.join(folder, name + ".onnx"),
        entry["input"],
        entry["dims"],
        entry["sizes"],
        entry["timed"],
    )


def file_case(path, name=None, size=None):
    """Returns the case of any model file. Its first input of rank 4 is the
    picture."""
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    picture = next(
        v
        for v in graph.input
        if v.name not in weights and len(v.type.tensor_type.shape.dim) == 4
    )
    have = [d.dim_value for d in picture.type.tensor_type.shape.dim]
    nhwc = have[3] in (1, 3) and have[1] not in (1, 3)
    rows, columns = (1, 2) if nhwc else (2, 3)
    channels = have[3 if nhwc else 1]
    if not size:
        size = "%dx%d" % (have[rows] or 256, have[columns] or 256)
    dims = "1,H,W,%d" if nhwc else "1,%d,H,W"
    return Case(
        name or os.path.basename(path),
        path,
        picture.name,
        dims % channels,
        [size],
        size,
    )


def extra_cases():
    """Returns the built-in model and those in ../shared/models."""
    built_in = os.path.join(ROOT, "models", "person.onnx")
    cases = [file_case(built_in, "person")] if os.path.exists(built_in) else []
    # Small networks by exporters of today, which tests/zoo/keep.py makes.
    kept = os.path.join(ROOT, "tests", "data", "zoo", "*.onnx")
    for path in sorted(glob.glob(kept)):
        cases.append(file_case(path))
        cases[-1].timed = None
    shared = os.path.join(os.path.dirname(ROOT), "shared", "models", "*.onnx")
    return cases + [
        file_case(path)
        for path in sorted(glob.glob(shared))
        if not any(
            filecmp.cmp(path, case.path, shallow=False) for case in cases
        )
    ]


def all_cases(folder):
    make(folder)
    return [made_case(folder, name) for name in maker.NETWORKS] + extra_cases()


def to_time(folder, wanted=None):
    """Returns cases for benchmarks; a wanted PATH@WxH is any model file."""
    if wanted is None:
        return [case for case in all_cases(folder) if case.timed]
    extra = {case.name: case for case in extra_cases()}
    make(folder, [name for name in wanted if name in maker.NETWORKS])
    cases = []
    for name in wanted:
        path, _, size = name.partition("@")
        if name in maker.NETWORKS:
            cases.append(made_case(folder, name))
        elif name in extra:
            cases.append(extra[name])
        elif os.path.exists(path):
            width, _, height = size.partition("x")
            cases.append(
                file_case(path, size=size and "%sx%s" % (height, width))
            )
        else:
            raise Unknown("no network and no file is called %s" % name)
    return cases
