#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""documents.py FILE…: runs every whole gst-launch-1.0 command of the documents.

A command with an ellipsis is only a part and is left out. A test picture of
640x480 replaces the camera, a file made here replaces a recording, and a PNG
file replaces the screen. Every part of the pictures that come out must show
something. Prints TAP."""
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import tap  # noqa: E402

FRAMES = 15
CAMERA = (
    f"videotestsrc is-live=true pattern=ball num-buffers={FRAMES} ! "
    "video/x-raw,width=640,height=480,framerate=30/1"
)
SCREEN = "pngenc ! multifilesink location=shown-%04d.png"
# These replace elements that need a camera, a screen or another machine. The
# other elements of the command run as the document has them.
STAND_INS = (
    ("v4l2src", CAMERA),
    ("autovideosink", SCREEN),
    ("udpsrc", "udpsrc num-buffers=0"),
    (
        "videotestsrc pattern=snow",
        f"videotestsrc pattern=snow num-buffers={3 * FRAMES}",
    ),
)


def commands(text):
    """Yields the whole commands of a document, each in one line."""
    text = re.sub(r"\\\n\s*", "", text)
    for line in re.findall(r"^    (gst-launch-1\.0 .*)$", text, re.M):
        if "…" not in line:
            yield line.split("    #")[0]


def record(name):
    """Makes a recording of that name in a format that cameras use."""
    mux, coder = (
        ("mp4mux", "x264enc")
        if name.endswith("mp4")
        else (
            "webmmux",
            "vp8enc deadline=1",
        )
    )
    run(
        f"gst-launch-1.0 videotestsrc pattern=ball num-buffers={FRAMES} ! "
        f"video/x-raw,width=160,height=120 ! {coder} ! {mux} ! "
        f"filesink location={name}"
    )


def run(command):
    said = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        text=True,
    )
    assert said.returncode == 0, said.stdout
    assert "WARNING" not in said.stdout, said.stdout


def bare_parts(path):
    """Counts sixteenths of the picture with a compositor's chequered ground."""
    picture = np.array(Image.open(path).convert("RGB"))
    h, w = picture.shape[0] // 4, picture.shape[1] // 4
    parts = (
        picture[y : y + h, x : x + w].reshape(-1, 3)
        for y in range(0, 4 * h, h)
        for x in range(0, 4 * w, w)
    )
    return sum(is_chequered(np.unique(part, axis=0)) for part in parts)


def is_chequered(colours):
    """Returns whether there are two colours, both grey."""
    return len(colours) == 2 and not np.ptp(colours, axis=1).any()


def check(command):
    for name in re.findall(r"location=(in\.\w+)", command):
        record(name)
    for old in glob.glob("*.png"):
        os.remove(old)
    done = command
    for word, instead in STAND_INS:
        done = done.replace(word, instead)
    run(done)
    if "udpsrc" in command or command.endswith("fakesink"):
        return  # it shows no picture
    pictures = sorted(glob.glob("*.png"))
    assert pictures, "nothing was shown"
    assert (
        bare_parts(pictures[len(pictures) // 2]) == 0
    ), "a part of the picture is bare"


def main(paths):
    results = tap.Tap()
    for path in paths:
        with open(path, encoding="utf-8") as document:
            found = list(commands(document.read()))
        for command in found:
            check.__doc__ = f"{os.path.basename(path)}: {command[:60]}"
            with tempfile.TemporaryDirectory() as folder:
                os.chdir(folder)
                results.case(check, command)
                os.chdir(HERE)
        results.check(bool(found), f"{os.path.basename(path)} has commands")
    return results.done()


if __name__ == "__main__":
    sys.exit(main([os.path.abspath(path) for path in sys.argv[1:]]))
