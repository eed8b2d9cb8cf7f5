#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests the program as users call it: test-program.py PROGRAM. Prints TAP."""
import configparser
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from place import Place, save_conv  # noqa: E402
from program import TIMEOUT, bad, call, good, start  # noqa: E402
import tap  # noqa: E402

COMMANDS = ("run", "inspect", "bench", "doctor", "eval")


# ---- the command line -------------------------------------------------------


def help_texts(_):
    """Help of the program and of each command"""
    for words in (["--help"], ["-h"], ["help"]):
        text = good(*words)
        assert all(command in text for command in COMMANDS), text
    for command in COMMANDS:
        text = good(command, "--help")
        assert "Examples:" in text and "unetseg " + command in text, text
        assert "--precision" in text and "--size" in text, text
        assert good("help", command) == text


def version(_):
    """The version names the engine"""
    assert "oneDNN" in good("--version")


def usage_errors(place):
    """A wrong command line gives status 2 and one message"""
    for command in COMMANDS:
        bad(2, command, "--nonsense")
        bad(
            2, command, place.unet, place.unet, "-o", "x", "--image", "x"
        ) if command == "run" else bad(2, command, place.unet, place.unet)
    assert call().returncode == 2
    assert call("nonsense").returncode == 2
    assert "Exit status: 0" in good("--help") and "130" in good("--help")
    for size in (
        "64",
        "64x",
        "x64",
        "0x64",
        "-1x64",
        "64x64x3",
        "64 x64",
        "99999999999x64",
        "",
    ):
        bad(2, "bench", place.unet, "--size", size, says="--size")
    bad(2, "bench", place.unet, "--precision", "f31", says="f32")
    bad(2, "bench", place.unet, "--tuning", "lucky", says="measure")
    bad(2, "bench", place.unet, "--threads", "-1", says="--threads")
    bad(2, "bench", place.unet, "--seconds", "nan", says="--seconds")
    bad(2, "bench", place.unet, "--set", "mean", says="KEY=VALUE")
    for shape in (
        "input",
        "input=",
        "input=1x",
        "input=1x0",
        "=1x2",
        "input=1x1x1x1x1x1x1x1x1",
        "input=axb",
    ):
        bad(2, "bench", place.unet, "--shape", shape, says="--shape")


def full_output(place):
    """Output that cannot be written gives status 1 and says so"""
    if not os.path.exists("/dev/full"):
        raise tap.Skip("there is no /dev/full")
    for words in (
        ("--version",),
        ("--help",),
        ("inspect", place.unet, "--json"),
    ):
        with open("/dev/full", "w") as full:
            done = start(*words, stdout=full, stderr=subprocess.PIPE)
            text = done.communicate(timeout=TIMEOUT)[1]
        assert done.returncode == 1, (words, done.returncode, text)
        assert text.startswith("unetseg: the standard output"), text
        assert len(text.splitlines()) == 1, text


# ---- files that are not what they should be ---------------------------------


def bad_models(place):
    """A model that is missing, cut short or no model is named"""
    with open(place.unet, "rb") as f:
        whole = f.read()
    files = {
        "missing.onnx": None,
        "empty.onnx": b"",
        "text.onnx": b"This is no model.\n" * 100,
        "half.onnx": whole[: len(whole) // 2],
        "start.onnx": whole[:100],
    }
    for name, data in files.items():
        path = place.path(name) if data is None else place.write(name, data)
        for command in ("inspect", "bench"):
            bad(1, command, path, says=name)
    bad(1, "inspect", place.folder, says=place.folder)


def bad_tensors(place):
    """A tensor that is no .npy file or does not fit is named"""
    with open(place.npy, "rb") as f:
        whole = f.read()
    files = {
        "missing.npy": None,
        "empty.npy": b"",
        "text.npy": b"0.1 0.2 0.3\n",
        "half.npy": whole[: len(whole) // 2],
        "more.npy": whole + b"\0",
        "huge.npy": whole.replace(b"(1, 3, 64, 96)", b"(9, 9, 9e9, 9)"),
    }
    for name, data in files.items():
        path = place.path(name) if data is None else place.write(name, data)
        bad(
            1,
            "run",
            place.unet,
            "--input",
            path,
            "-o",
            place.path("o"),
            says=name,
        )
    for shape in ((3, 64, 96), (1, 4, 64, 96), (1, 3, 64, 97), (1, 3, 0, 96)):
        path = place.path("shape.npy")
        np.save(path, np.zeros(shape, np.float32))
        bad(1, "run", place.unet, "--input", path, "-o", place.path("o"))


def bad_pictures(place):
    """A picture that cannot be decoded is named"""
    text = place.write("text.png", b"no picture\n" * 50)
    for path in (text, place.path("none.png")):
        bad(
            1,
            "run",
            "person",
            "--image",
            path,
            "-o",
            place.path("o"),
            says=os.path.basename(path),
        )


def bad_folder(place):
    """A folder that cannot be made is named"""
    bad(
        1,
        "run",
        place.unet,
        "--input",
        place.npy,
        "-o",
        "/dev/null/x",
        says="/dev/null/x",
    )


def contract_errors(place):
    """A contract that the model cannot keep is refused"""
    bad(1, "inspect", place.unet, "--set", "nonsense=1", says="nonsense")
    bad(1, "inspect", place.unet, "--set", "output=nobody", says="nobody")


# ---- bench and inspect ------------------------------------------------------


def bench_json(place):
    """bench --json holds the documented keys"""
    result = json.loads(
        good(
            "bench",
            place.unet,
            "--size",
            "96x64",
            "--json",
            "--seconds",
            "0.2",
            "--threads",
            "1",
        )
    )
    assert result["model"] == place.unet
    assert result["threads"] == 1 and result["precision"] == "auto"
    assert result["precision_used"] == "f32"
    assert result["shapes"] == {"input": "1x3x64x96"}
    assert "oneDNN" in result["onednn"]
    assert 0 < result["min_ms"] <= result["median_ms"] <= result["p95_ms"]
    assert result["runs"] >= 3 and result["create_ms"] > 0
    assert result["arena_bytes"] >= result["live_bytes"] > 0
    rate = result["gflop"] / result["median_ms"] * 1e3
    assert abs(result["gflops"] / rate - 1) < 1e-6
    assert abs(result["fps"] * result["median_ms"] / 1e3 - 1) < 1e-6


def bench_text(place):
    """bench prints its result as text; the built-in model is the default"""
    text = good("bench", "--seconds", "0.1")
    assert "median" in text and "frames/s" in text, text
    assert (
        good("bench", "person", "--seconds", "0").split("median")[0]
        == text.split("median")[0]
    )


def doctor(place):
    """doctor names versions, plugins and a rate, and fails without element"""
    text = good("doctor", place.unet, "--threads", "1")
    for word in ("GStreamer", "processor", "element     unetseg", "frames/s"):
        assert word in text, text
    empty = place.path("no-plugins")
    os.makedirs(empty)
    done = call(
        "doctor",
        place.unet,
        env=dict(
            os.environ,
            GST_PLUGIN_PATH="",
            GST_PLUGIN_SYSTEM_PATH=empty,
            GST_REGISTRY=os.path.join(empty, "registry.bin"),
        ),
    )
    assert done.returncode == 1, done
    assert "unetseg is not found" in done.stdout, done.stdout
    assert "apt install gstreamer1.0-plugins-good" in done.stdout, done.stdout
    all_of_them = "install     sudo apt install gstreamer1.0-plugins-base "
    assert all_of_them in done.stdout, done.stdout


def used(text):
    """Returns the instruction sets that doctor says are used."""
    line = [line for line in text.splitlines() if line.strip()[:5] == "uses "]
    assert len(line) == 1, text
    return line[0].split()[1:]


def doctor_hints(place):
    """doctor says what is used, what is blocked and what to type next"""
    words = ("doctor", place.unet, "--threads", "1")
    programs = place.path("programs")
    os.makedirs(programs)
    window = place.write("programs/unetseg-camera", b"#!/bin/sh\n")
    os.chmod(window, 0o755)
    path = programs + os.pathsep + os.environ["PATH"]
    text = good(*words, env=dict(os.environ, PATH=path))
    for line in ("unetseg-camera", "unetseg-live", "unetseg run", "batch"):
        assert line in text.split("Try next:")[1], text
    if os.uname().machine == "x86_64":
        assert used(text)[0] == "sse41", text
        capped = dict(os.environ, UNETSEG_MAX_ISA="sse41")
        text = good(*words, env=capped)
        assert used(text) == ["sse41"], text
        assert "UNETSEG_MAX_ISA=sse41 limits" in text, text


def doctor_blocked(place):
    """doctor names a plugin that GStreamer cannot load"""
    folder = place.path("blocked")
    os.makedirs(folder)
    broken = place.write("blocked/libgstunetseg.so", b"no library\n")
    env = dict(
        os.environ,
        GST_PLUGIN_PATH=folder,
        GST_REGISTRY=os.path.join(folder, "registry.bin"),
    )
    # The process that finds the fault remembers it for the next one.
    env.pop("GST_REGISTRY_FORK", None)
    for _ in range(2):
        done = call("doctor", place.unet, "--threads", "1", env=env)
    assert done.returncode == 1, done
    assert broken + " cannot be loaded" in done.stdout, done.stdout


def bench_built_in(place):
    """The built-in model runs in int8 with its own calibration"""
    ranges = configparser.ConfigParser()
    ranges.read(os.path.join(HERE, "..", "..", "models", "person.ranges"))
    own = ranges.getint("calibration", "frames")
    assert own != 3, "the two calibrations have as many frames"
    for options, frames in ([], own), (["--min-iou", "0.5"], 3):
        result = json.loads(
            good("bench", "--json", "--seconds", "0", "-p", "int8", *options)
        )
        assert result["calibration_frames"] == frames, result


def bench_shape(place):
    """Shapes of inputs can be given one by one"""
    result = json.loads(
        good(
            "bench",
            place.unet,
            "--json",
            "--seconds",
            "0",
            "--shape",
            "input=1x3x32x48",
        )
    )
    assert result["shapes"] == {"input": "1x3x32x48"}


def inspect_json(place):
    """inspect --json holds contract, tensors, layers and sums"""
    result = json.loads(
        good(
            "inspect",
            place.unet,
            "--size",
            "96x64",
            "--json",
            "--set",
            "activation=sigmoid",
        )
    )
    assert result["inputs"] == [
        {
            "name": "input",
            "type": "f32",
            "shape": [1, 3, 64, 96],
            "shape_in_file": [1, 3, -1, -1],
        }
    ]
    assert result["outputs"][0]["shape"] == [1, 1, 64, 96]
    contract = result["contract"]
    assert contract["input"] == "input" and contract["output"] == "logits"
    assert contract["layout"] == "nchw"
    assert contract["activation"] == "sigmoid"
    layers = result["layers"]
    assert len(layers) >= 20
    keys = {
        "name",
        "op",
        "shape",
        "impl",
        "layout",
        "kind",
        "flops",
        "bytes",
        "ms",
        "gflops",
        "roof_ms",
    }
    assert all(set(layer) == keys for layer in layers), layers[0]
    assert {layer["kind"] for layer in layers} <= {"compute", "reorder", "copy"}
    flops = sum(layer["flops"] for layer in layers)
    assert flops >= result["gflop"] * 1e9 * 0.99, (flops, result["gflop"])
    sums = result["compute_ms"] + result["reorders_ms"] + result["copies_ms"]
    assert abs(sums - sum(layer["ms"] for layer in layers)) < 1e-6
    assert result["run_ms"] <= sums + result["idle_ms"] + 1e-6
    assert result["machine"]["peak_gflops"] > 0
    assert all(layer["roof_ms"] > 0 for layer in layers if layer["flops"])


def known_work(place):
    """Parameters and operations of a convolution are right"""
    path = place.path("conv.onnx")
    save_conv(path, "y")
    result = json.loads(good("inspect", path, "--size", "40x20", "--json"))
    assert result["parameters"] == 8 * 3 * 3 * 3 + 8
    assert abs(result["gflop"] - 2e-9 * 8 * 27 * 800) < 1e-12


def inspect_text(place):
    """inspect prints a line for everything it should tell"""
    text = good("inspect", place.unet, "--size", "96x64")
    for word in (
        "contract",
        "input",
        "output",
        "parameters",
        "work",
        "arena",
        "machine",
        "reorders",
        "copies",
        "idle",
        "implementation",
    ):
        assert any(
            line.split()[:1] == [word] or word in line.split()
            for line in text.splitlines()
        ), (word, text)


CASES = (
    help_texts,
    version,
    usage_errors,
    full_output,
    bad_models,
    bad_tensors,
    bad_pictures,
    bad_folder,
    contract_errors,
    bench_json,
    bench_text,
    doctor,
    doctor_hints,
    doctor_blocked,
    bench_built_in,
    bench_shape,
    inspect_json,
    known_work,
    inspect_text,
)


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for function in CASES:
            out.case(function, place)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
