# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs OpenVINO by the line protocol of tests/bench/ort.mjs. Needs PyPI's
openvino and numpy."""
import sys
import time

import numpy as np
import openvino


class Server:
    def __init__(self):
        self.core, self.request, self.feeds = openvino.Core(), None, {}

    def load(self, path, threads):
        # The arithmetic of the others: by default it takes bf16 where it can.
        self.request, self.feeds = None, {}
        compiled = self.core.compile_model(
            path,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": int(threads),
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        self.request = compiled.create_infer_request()
        return "ok"

    def input(self, name, path):
        self.feeds[name] = np.load(path)
        return "ok"

    def run(self, count):
        times = []
        for _ in range(int(count)):
            start = time.perf_counter()
            self.request.infer(self.feeds)
            times.append("%.4f" % ((time.perf_counter() - start) * 1e3))
        return " ".join(times)


def main():
    server = Server()
    for line in sys.stdin:
        command, *args = line.split()
        if command == "quit":
            break
        try:
            print(getattr(server, command)(*args), flush=True)
        except Exception as error:  # the other side prints it
            print("error " + " ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    main()
