#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""peer.py NAME

Runs OpenVINO, ncnn or LiteRT by the line protocol of ort.mjs, so that benchmarks
can take turns between it and this library:

    load MODEL THREADS     -> ok
    input NAME FILE.npy    -> ok
    run N                  -> ms ms …
    save FOLDER            -> ok NAME …
    quit

A command that fails answers `error MESSAGE`. The packages come from PyPI; peers.py
installs them. ncnn reads an ONNX file after pnnx has converted it. LiteRT reads
.tflite files only.
"""
import os
import subprocess
import sys
import tempfile
import time

import numpy as np


class OpenVino:
    """Arithmetic is f32, or int8 where the file has QuantizeLinear."""

    def load(self, path, threads):
        import openvino

        self.core = openvino.Core()
        self.model = self.core.read_model(path)
        self.threads, self.request = threads, None

    def input(self, name, tensor):
        self.model.reshape({name: list(tensor.shape)})
        compiled = self.core.compile_model(
            self.model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": self.threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
        self.request = compiled.create_infer_request()
        self.names = [
            (port.get_any_name() if port.get_names() else "output%d" % i)
            for i, port in enumerate(compiled.outputs)
        ]
        self.request.set_tensor(name, openvino_tensor(tensor))

    def run(self):
        self.request.infer()

    def outputs(self):
        return {
            name: np.array(self.request.get_output_tensor(i).data)
            for i, name in enumerate(self.names)
        }


def openvino_tensor(array):
    import openvino

    return openvino.Tensor(np.ascontiguousarray(array))


class Ncnn:
    """pnnx writes the network for one shape, so loading waits for the input."""

    def load(self, path, threads):
        self.path, self.threads = path, threads

    def input(self, name, tensor):
        import ncnn
        import pnnx

        with tempfile.TemporaryDirectory() as folder:
            binary = os.path.join(os.path.dirname(pnnx.__file__), "pnnx")
            network = os.path.join(folder, "network.onnx")
            os.symlink(os.path.abspath(self.path), network)
            shape = ",".join(str(d) for d in tensor.shape)
            done = subprocess.run(
                [binary, network, "inputshape=[%s]" % shape, "fp16=0"],
                cwd=folder,
                capture_output=True,
                text=True,
            )
            param = os.path.join(folder, "network.ncnn.param")
            if done.returncode or not os.path.exists(param):
                raise RuntimeError("pnnx cannot convert it")
            self.net = ncnn.Net()
            self.net.opt.num_threads = self.threads
            for option in ("fp16_storage", "fp16_packed", "fp16_arithmetic"):
                setattr(self.net.opt, "use_" + option, False)
            self.net.opt.use_bf16_storage = False
            if self.net.load_param(param) or self.net.load_model(
                param.replace(".param", ".bin")
            ):
                raise RuntimeError("ncnn cannot read it")
        self.mat = ncnn.Mat(np.ascontiguousarray(tensor[0])).clone()
        self.first = self.net.input_names()[0]
        self.result = {}

    def run(self):
        with self.net.create_extractor() as extractor:
            extractor.input(self.first, self.mat)
            for name in self.net.output_names():
                self.result[name] = extractor.extract(name)[1]

    def outputs(self):
        return {k: np.array(v)[None] for k, v in self.result.items()}


class LiteRt:
    """XNNPACK's kernels, which LiteRT takes by default."""

    def load(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        if not path.endswith(".tflite"):
            raise RuntimeError("it is no .tflite file")
        self.interpreter = Interpreter(model_path=path, num_threads=threads)
        self.interpreter.allocate_tensors()

    def input(self, name, tensor):
        for detail in self.interpreter.get_input_details():
            if detail["name"] == name or name == "":
                self.interpreter.set_tensor(detail["index"], tensor)

    def run(self):
        self.interpreter.invoke()

    def outputs(self):
        return {
            d["name"]: self.interpreter.get_tensor(d["index"])
            for d in self.interpreter.get_output_details()
        }


PEERS = {"openvino": OpenVino, "ncnn": Ncnn, "litert": LiteRt}


def timed(peer, n):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        peer.run()
        times.append("%.4f" % (1e3 * (time.perf_counter() - start)))
    return " ".join(times)


def save(peer, folder):
    names = []
    for name, value in peer.outputs().items():
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
        np.save(os.path.join(folder, safe + ".npy"), value)
        names.append(name.replace(" ", "_"))
    return " ".join(["ok"] + names)


def answer(peer, words):
    command, rest = words[0], words[1:]
    if command == "load":
        peer.load(rest[0], int(rest[1]))
        return "ok"
    if command == "input":
        peer.input(rest[0], np.load(rest[1]))
        return "ok"
    if command == "run":
        return timed(peer, int(rest[0]))
    if command == "save":
        return save(peer, rest[0])
    raise RuntimeError("no such command: " + command)


def main():
    peer = PEERS[sys.argv[1]]()
    # What the libraries print must not lie between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        words = line.split()
        if not words:
            continue
        if words[0] == "quit":
            break
        try:
            text = answer(peer, words)
        except Exception as error:  # whatever a peer raises is its answer
            text = "error " + " ".join(str(error).split())[:300]
        print(text, file=out, flush=True)


if __name__ == "__main__":
    main()
