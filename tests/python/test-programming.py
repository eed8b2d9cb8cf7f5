#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the examples of docs/programming.md: test-programming.py DOCUMENT
PROGRAM. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

DOCUMENT = os.path.abspath(sys.argv[1])
sys.argv[1:] = sys.argv[2:]
from introspection import model  # noqa: E402
from program import TIMEOUT, good  # noqa: E402

try:
    from PIL import Image
except ImportError:
    tap.skip_all("python3-pil is not installed for this Python")
with open(DOCUMENT, encoding="utf-8") as document:
    TEXT = document.read()


def blocks(language):
    """The blocks of the document in a language, as one text each."""
    return re.findall(r"^```%s\n(.*?)^```$" % language, TEXT, re.M | re.S)


def run(folder, *words):
    done = subprocess.run(
        words, cwd=folder, text=True, capture_output=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_c(folder):
    """The program in C is compiled by the document's line, and runs"""
    for name in ("cc", "pkg-config"):
        if not shutil.which(name):
            raise tap.Skip("there is no %s" % name)
    (program,) = blocks("c")
    with open(os.path.join(folder, "example.c"), "w") as file:
        file.write(program)
    (line,) = re.findall(r"^    (cc .*)$", TEXT, re.M)
    run(folder, "sh", "-c", line + " -Werror")
    wanted = r"a mask of \d+x\d+, 307200 bytes at the picture's size\n"
    assert re.fullmatch(wanted, run(folder, "./example"))
    out = run(folder, "./example", model("classes"))
    assert re.fullmatch(wanted, out), out
    done = subprocess.run(
        ["./example", "nowhere.onnx"],
        cwd=folder,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 1 and "nowhere.onnx" in done.stderr, done


def in_python(folder):
    """The lines in Python run one after the other"""
    shutil.copy(model("red-dynamic"), os.path.join(folder, "unet.onnx"))
    pictures = os.path.join(folder, "pictures")
    os.mkdir(pictures)
    Image.new("RGB", (64, 48), "red").save(os.path.join(pictures, "a.png"))
    good(
        *("batch", pictures, "-o", os.path.join(folder, "out"), "--quiet"),
        *("--to", "results", "--model", model("red")),
    )
    parts = blocks("python")
    assert len(parts) == 5, len(parts)
    found = run(folder, sys.executable, "-c", "\n".join(parts)).splitlines()
    for line, start in zip(
        found,
        (
            "['background', 'person'] (",
            "['background', 'foreground'] [0.485, 0.456, 0.406]",
            "(1, 1, 64, 64) output",
            "['background', 'person'] ",
            "foreground 3072 (32, 32)",
        ),
    ):
        assert line.startswith(start), found
    assert len(found) == 5, found


if __name__ == "__main__":
    results = tap.Tap()
    with tempfile.TemporaryDirectory() as place:
        results.case(in_c, place)
        results.case(in_python, place)
    sys.exit(results.done())
