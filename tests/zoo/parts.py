# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the three parts of the zoo's table for one file: its agreement with
ONNX Runtime, its times and its agreement in int8."""
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, room) for room in ("bench", "networks")]
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import agreement  # noqa: E402
import networks  # noqa: E402
import ort  # noqa: E402
import turns  # noqa: E402

# Pictures of a calibration, of which a third compares.
PICTURES = 6
THREADS = 2
# Least number of turns, and seconds that all turns take together at least.
ROUNDS, SECONDS = 3, 1
ERRORS = (ort.Failed, OSError, ValueError, StopIteration)


class Tools:
    """Holds the servers, the program and a scratch folder."""

    def __init__(self, ours, theirs, third, program, scratch):
        self.ours, self.theirs = ours, theirs
        self.third = third  # OpenVINO, or None
        self.program, self.scratch = program, scratch
        self.tensor = os.path.join(scratch, "input.npy")


def is_right(entry):
    return entry.get("difference", 1) <= agreement.TOLERANCE


def message(error):
    return " ".join(str(error).split())


def own_difference(tools, case, path, wanted):
    """Returns how far ONNX Runtime is from itself without optimisations, which
    tells rounding from an error."""
    folder = os.path.join(tools.scratch, "plain")
    os.makedirs(folder, exist_ok=True)
    tools.theirs.ask("load", path, THREADS, "disabled")
    tools.theirs.ask("input", case.input, tools.tensor)
    tools.theirs.ask("run", 1)
    tools.theirs.ask("save", folder)
    return float(agreement.largest_difference(folder, wanted))


def compare(tools, path):
    """Returns the largest difference from ONNX Runtime, or an error."""
    entry = {}
    try:
        case = networks.file_case(path)
        logits = agreement.load_reference(tools.theirs, case, tools.scratch)
        wanted = agreement.reference(
            tools.theirs, case, case.sizes[0], logits, tools.scratch
        )
        out = os.path.join(tools.scratch, "ours")
        os.makedirs(out, exist_ok=True)
        tools.ours.ask("load", path, THREADS, "f32")
        tools.ours.ask("input", case.input, tools.tensor)
        tools.ours.ask("run", 1)
        tools.ours.ask("save", out)
        entry["difference"] = float(agreement.largest_difference(out, wanted))
        entry["spread"] = float(next(iter(wanted.values())).value.std())
        if not is_right(entry):
            entry["ort_self"] = own_difference(tools, case, path, wanted)
    except ERRORS as error:
        entry["error"] = message(error)
    return entry


def measure(tools, path):
    """Returns the medians of runs that take turns, or an error."""
    entry = {}
    try:
        case = networks.file_case(path)
        np.save(tools.tensor, case.tensor(case.sizes[0]))
        servers, keys = [tools.ours, tools.theirs], ["ms", "ort_ms"]
        tools.ours.ask("load", path, THREADS, "f32")
        tools.theirs.ask("load", path, THREADS)
        for server in servers:
            server.ask("input", case.input, tools.tensor)
        if tools.third:
            try:
                tools.third.ask("load", path, THREADS)
                tools.third.ask("input", case.input, tools.tensor)
                tools.third.ask("run", 1)
                servers.append(tools.third)
                keys.append("openvino_ms")
            except ort.Failed as reason:
                entry["openvino_error"] = message(reason)[:200]
        times = turns.take_turns(servers, ROUNDS, SECONDS)
        entry.update(zip(keys, map(statistics.median, times)))
    except ERRORS as error:
        entry["time_error"] = message(error)
    return entry


def pictures(tools, side):
    """Returns a folder of pictures, which it makes once for each size."""
    folder = os.path.join(tools.scratch, "pictures%d" % side)
    if not os.path.exists(folder):
        os.makedirs(folder)
        for i in range(PICTURES):
            pixels = networks.maker.picture(3, side, side, 7 + i)
            bytes_ = np.rint(pixels.transpose(1, 2, 0) * 255).astype(np.uint8)
            Image.fromarray(bytes_).save(os.path.join(folder, "%d.png" % i))
    return folder


def calibrate(tools, path):
    """Returns what `unetseg calibrate` says of a network in int8."""
    side = int(networks.file_case(path).sizes[0].split("x")[0])
    result = os.path.join(tools.scratch, "calibration")
    done = subprocess.run(
        [tools.program, "calibrate", path, pictures(tools, side)]
        + ["-o", result, "-t", "1", "--tuning=static"],
        text=True,
        capture_output=True,
    )
    if done.returncode != 0:
        return {"int8_error": message(done.stderr)}
    with open(result, encoding="utf-8") as f:
        fields = dict(
            line.rstrip("\n").split("=", 1) for line in f if "=" in line
        )
    return {
        "int8_difference": float(fields["difference"]),
        "int8_iou": float(fields["iou"]),
        "int8_f32_layers": fields.get("f32-layers", "").count(";"),
    }
