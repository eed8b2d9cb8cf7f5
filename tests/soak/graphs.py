#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""graphs.py PROGRAM SECONDS SEED: compares random networks with ONNX Runtime in
f32, bf16 and int8, under every cap of instructions that this processor has.

f32 may differ by 1e-4 of the largest value. bf16 may differ by half a step of
its 8 bits for each layer, on average. In int8 a quantised copy may be twice as
far from the floats as by ONNX Runtime, since both round at random and the
networks are small. Without VNNI, where weights have 7 bits, it may be twice
that. Prints each difference with the seed of the network. SECONDS 0 runs only
the network of SEED."""
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("bench", "networks"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
import ort  # noqa: E402

CAPS = "", "sse41", "avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16"
VNNI = "", "avx2_vnni", "avx512_vnni", "avx512_bf16"
QUANTIZE = os.path.join(HERE, "..", "networks", "quantize.py")


class Maker:
    """Makes a network of successive layers, with branches that rejoin."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.n = [], [], 0
        self.channels = int(self.rng.integers(1, 5))
        self.size = self.rng.integers(9, 40, 2).tolist()
        self.dims = [1, self.channels, *self.size]
        self.value = "x"
        self.past = []

    def draw(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def weight(self, *dims):
        name = "w%d" % len(self.weights)
        size = np.sqrt(3 / max(1, np.prod(dims[1:])))
        data = self.rng.uniform(-size, size, dims).astype(np.float32)
        self.weights.append(numpy_helper.from_array(data, name))
        return name

    def node(self, op, *inputs, **attributes):
        self.n += 1
        name = "v%d" % self.n
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def conv(self):
        k, stride, d = self.draw(1, 5), self.draw(1, 2), self.draw(1, 2)
        groups = [g for g in (1, 1, 2, 3, 5) if self.channels % g == 0]
        group = groups[self.draw(0, len(groups) - 1)]
        if self.draw(0, 4) == 0:
            group = self.channels
        out = group * self.draw(1, max(1, 40 // group))
        pad = d * (k // 2)
        self.value = self.node(
            "Conv",
            self.value,
            self.weight(out, self.channels // group, k, k),
            self.weight(out),
            kernel_shape=[k, k],
            strides=[stride] * 2,
            dilations=[d, d],
            pads=[pad] * 4,
            group=group,
        )
        span = (k - 1) * d + 1
        self.size = [(s + 2 * pad - span) // stride + 1 for s in self.size]
        self.channels = out

    def transposed(self):
        k, stride = self.draw(1, 4), self.draw(1, 3)
        if max(self.size) * stride > 90:
            return
        out, more = self.draw(1, 24), self.draw(0, stride - 1)
        self.value = self.node(
            "ConvTranspose",
            self.value,
            self.weight(self.channels, out, k, k),
            self.weight(out),
            kernel_shape=[k, k],
            strides=[stride] * 2,
            output_padding=[more, more],
        )
        self.size = [(s - 1) * stride + k + more for s in self.size]
        self.channels = out

    def pool(self):
        if min(self.size) < 4:
            return
        op = ("MaxPool", "AveragePool")[self.draw(0, 1)]
        k, stride = self.draw(2, 3), self.draw(1, 2)
        self.value = self.node(
            op, self.value, kernel_shape=[k, k], strides=[stride] * 2
        )
        self.size = [(s - k) // stride + 1 for s in self.size]

    def activation(self):
        op = ("Relu", "Relu", "LeakyRelu", "Sigmoid", "Tanh")[self.draw(0, 4)]
        self.value = self.node(op, self.value)

    def join(self):
        """Adds or concatenates the result of another layer."""
        before, channels = self.value, self.channels
        other = self.node(
            "Conv",
            before,
            self.weight(channels, channels, 3, 3),
            self.weight(channels),
            kernel_shape=[3, 3],
            pads=[1] * 4,
        )
        if self.draw(0, 1):
            self.value = self.node("Add", other, before)
        elif channels < 64:
            self.value = self.node("Concat", before, other, axis=1)
            self.channels *= 2

    def model(self):
        layers = self.conv, self.transposed, self.pool, self.activation
        for i in range(self.draw(2, 8)):
            kind = self.draw(0, 9)
            (self.conv if kind < 4 else (*layers, self.join)[kind - 5])()
        # A layer of its own makes the output.
        out = self.node(
            "Conv",
            self.value,
            self.weight(3, self.channels, 1, 1),
            self.weight(3),
            kernel_shape=[1, 1],
        )
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.dims)],
            [
                helper.make_tensor_value_info(
                    out, TensorProto.FLOAT, list("nchw")
                )
            ],
            self.weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 13)]
        )
        model.ir_version = 7
        return model


class Place:
    def __init__(self, program, server, folder):
        self.program, self.server, self.folder = program, server, folder
        self.input = self.path("x.npy")
        self.cases = self.wrong = self.unoptimised = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def load(self, model):
        """Loads a network into ONNX Runtime. Version 1.30 loses an input of
        some quantised networks while it optimises them."""
        try:
            self.server.ask("load", self.path(model), 1)
        except ort.Failed:
            self.server.ask("load", self.path(model), 1, "disabled")
            self.unoptimised += 1

    def theirs(self, model):
        self.load(model)
        self.server.ask("input", "x", self.input)
        self.server.ask("run", 1)
        name = self.server.ask("save", self.folder)[1]
        return np.load(self.path(name + ".npy")).astype(np.float64)

    def ours(self, model, precision, cap):
        out = self.path("ours")
        env = dict(os.environ, UNETSEG_MAX_ISA=cap)
        if not cap:
            del env["UNETSEG_MAX_ISA"]
        words = "run", self.path(model), "--input", "x=" + self.input
        done = subprocess.run(
            [self.program, *words, "-p", precision, "-t", "2"]
            + ["--tuning", "static", "-o", out],
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise ValueError(
                done.stderr.strip() or "ends by %d" % done.returncode
            )
        name = [f for f in os.listdir(out) if f.endswith(".npy")][0]
        value = np.load(os.path.join(out, name)).astype(np.float64)
        os.remove(os.path.join(out, name))
        return value

    def check(self, seed, what, allowed, measure):
        self.cases += 1
        try:
            error = measure()
        except (ValueError, IndexError, subprocess.TimeoutExpired) as problem:
            self.wrong += 1
            print("seed %d, %s: %s" % (seed, what, problem), flush=True)
            return
        if not error <= allowed:
            self.wrong += 1
            text = "seed %d, %s: %.3g, %.3g allowed"
            print(text % (seed, what, error, allowed), flush=True)


def caps(program):
    """Returns the caps that this processor has, and "" for no cap."""
    tester = os.path.join(os.path.dirname(program), "..", "tests", "under-cap")
    found = [""]
    for cap in CAPS[1:]:
        env = dict(os.environ, UNETSEG_MAX_ISA=cap)
        if subprocess.run([tester, "/bin/true"], env=env).returncode == 0:
            found.append(cap)
    return found


def check_network(place, seed, here):
    maker = Maker(seed)
    model = maker.model()
    onnx.save(model, place.path("f.onnx"))
    rng = np.random.default_rng(seed)
    np.save(place.input, rng.random(maker.dims, np.float32) * 2 - 1)
    truth = place.theirs("f.onnx")
    largest, layers = max(np.abs(truth).max(), 0.1), len(model.graph.node)
    for cap in here:
        place.check(
            seed,
            "f32 " + cap,
            1e-4,
            lambda: np.abs(place.ours("f.onnx", "f32", cap) - truth).max()
            / largest,
        )
    place.check(
        seed,
        "bf16",
        layers / 512,
        lambda: np.abs(place.ours("f.onnx", "bf16", "") - truth).mean()
        / largest,
    )
    quantised(place, seed, here, truth, largest)


def quantised(place, seed, here, truth, largest):
    done = subprocess.run(
        [sys.executable, QUANTIZE, place.path("f.onnx"), place.path("q.onnx")]
        + [place.input, "--program", place.program],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        place.check(seed, "quantize: " + done.stderr[-300:], -1, lambda: 0)
        return
    allowed = 2 * np.abs(place.theirs("q.onnx") - truth).mean()
    for cap in here:
        place.check(
            seed,
            "int8 " + cap,
            (allowed + 0.002 * largest) * (1 if cap in VNNI else 2),
            lambda: np.abs(place.ours("q.onnx", "int8", cap) - truth).mean(),
        )


def main():
    program, seconds = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    seed, here = int(sys.argv[3]), caps(program)
    try:
        runtime = ort.install()
    except ort.Missing as missing:
        print("skipped: %s" % missing)
        return 77
    end, networks = time.monotonic() + seconds, 0
    with ort.server(runtime) as server, tempfile.TemporaryDirectory() as folder:
        place = Place(program, server, folder)
        while networks == 0 or time.monotonic() < end:
            check_network(place, seed + networks, here)
            networks += 1
    print(
        "%d networks under %d caps, %d not optimised by the other runtime:"
        " %d cases, %d wrong"
        % (networks, len(here), place.unoptimised, place.cases, place.wrong)
    )
    return 1 if place.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
