#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the examples of pipelines/python: test-examples.py FOLDER PICTURE.
PICTURE is docs/images/demo.jpg, which has a person. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402
from introspection import Unetseg, model, pull  # noqa: E402
import numpy as np  # noqa: E402

try:
    from PIL import Image
except ImportError:
    tap.skip_all("python3-pil is not installed for this Python")
FOLDER, STRIP = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path.insert(0, FOLDER)
import contours  # noqa: E402

# Seconds until an example that hangs fails the test.
TIMEOUT = 200


def run(name, *words):
    return subprocess.run(
        [sys.executable, os.path.join(FOLDER, name), *words],
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
    )


def save_person(folder):
    path = os.path.join(folder, "person.png")
    Image.open(STRIP).convert("RGB").crop((454, 0, 670, 168)).save(path)
    return path


# ---- masks ------------------------------------------------------------------


def masks(folder):
    """masks.py prints the part of each class for every frame"""
    source = "filesrc location=%s ! decodebin ! imagefreeze num-buffers=3"
    done = run("masks.py", source % save_person(folder))
    assert done.returncode == 0 and not done.stderr, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 3, done.stdout
    for line in lines:
        assert line[::2] == ["background", "person", "age"], line
        assert 0.2 < float(line[3]) < 0.8 and line[5] == "0", line
        assert abs(float(line[1]) + float(line[3]) - 1) < 0.002, line


def no_camera(_folder):
    """masks.py ends with the reason where there is no source"""
    done = run("masks.py", "filesrc location=/nowhere/at.all ! decodebin")
    assert done.returncode == 1 and "not found" in done.stderr, done.stderr


def analytics(_folder):
    """analytics.py reads the same masks from GStreamer's own metadata"""
    if not os.environ.get("UNETSEG_HAS_ANALYTICS"):
        raise tap.Skip("the elements are built without GStreamer's analytics")
    try:
        import analytics
    except ValueError as missing:
        raise tap.Skip(str(missing))
    for sample in pull(
        "videotestsrc num-buffers=2 ! video/x-raw,width=160,height=120 ! "
        "unetseg output=none model=%s ! appsink name=out" % model("classes")
    ):
        buffer = sample.get_buffer()
        (wanted,) = Unetseg.read_masks(buffer)
        ((mask, names, rectangle),) = analytics.read_segmentations(buffer)
        assert np.array_equal(mask, wanted.class_map) and mask.any()
        assert names == dict(enumerate(wanted.labels)), names
        assert tuple(rectangle) == wanted.rectangle, rectangle
    source = "videotestsrc num-buffers=2 ! video/x-raw,width=160,height=120"
    done = run("analytics.py", source)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert len(done.stdout.splitlines()) == 2, done.stdout


# ---- contours ---------------------------------------------------------------


def redraw(lines, shape):
    """What the outlines enclose, by their sides that are vertical."""
    flips = np.zeros((shape[0], shape[1] + 1), int)
    for line in lines:
        for (x0, y0), (x1, y1) in zip(line, np.roll(line, -1, 0)):
            assert (x0 == x1) != (y0 == y1), line
            if x0 == x1:
                flips[min(y0, y1) : max(y0, y1), x0] ^= 1
    return flips.cumsum(1)[:, :-1] % 2 == 1


def outlines(_folder):
    """find_contours() encloses exactly the pixels that are inside"""
    random = np.random.RandomState(4)
    for _ in range(200):
        shape = random.randint(1, 30, 2)
        inside = random.rand(*shape) < random.rand()
        lines = contours.find_contours(inside)
        assert np.array_equal(redraw(lines, shape), inside)
        assert sum(map(contours.area, lines)) == inside.sum()
        for line in lines:
            steps = np.sign(np.roll(line, -1, 0) - line)
            assert (steps != np.roll(steps, 1, 0)).any(1).all(), line
    ring = np.ones((5, 6), bool)
    ring[2, 2:4] = False
    outer, hole = contours.find_contours(ring)
    assert outer.tolist() == [[0, 0], [6, 0], [6, 5], [0, 5]], outer
    assert contours.area(hole) == -2 and len(hole) == 4, hole
    diagonal = contours.find_contours(np.eye(3, dtype=bool))
    assert len(diagonal) == 3
    assert contours.find_contours(np.zeros((4, 4), bool)) == []


def contours_of_picture(folder):
    """contours.py prints the outlines of each class in the picture's pixels"""
    path = os.path.join(folder, "colours.png")
    picture = np.zeros((128, 256, 3), np.uint8)
    picture[32:64, 64:128, 0] = 255
    picture[32:96, 160:224, 2] = 255
    Image.fromarray(picture).save(path)
    done = run("contours.py", path, model("classes"))
    assert done.returncode == 0 and not done.stderr, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["red", "blue"], done.stdout
    wanted = ((64, 32, 128, 64), (160, 32, 224, 96))
    for line, (x0, y0, x1, y1) in zip(lines, wanted):
        points = np.array([point.split(",") for point in line[3:]], float)
        assert len(points) == int(line[2])
        box = [*points.min(0), *points.max(0)]
        assert np.abs(np.subtract(box, (x0, y0, x1, y1))).max() <= 1.5, box
        assert abs(float(line[1]) / ((x1 - x0) * (y1 - y0)) - 1) < 0.1, line


# ---- notebook ---------------------------------------------------------------


def notebook(folder):
    """The notebook segments pictures, trains on the masks, and runs the result"""
    name = os.path.join(FOLDER, "segment-and-train.ipynb")
    with open(name, encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    assert os.path.getsize(name) < 20000
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(cells) >= 5 and not any(cell["outputs"] for cell in cells)
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise tap.Skip("python3-onnx is not installed for this Python")
    # Jupyter starts in the folder of the notebook, and so do the cells here.
    program = "\n".join("".join(cell["source"]) for cell in cells)
    program += "\nprint('IOU', iou, student.get_model().get_n_parameters())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=FOLDER,
        env=dict(os.environ, TMPDIR=folder),
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    assert "['background', 'person']" in done.stdout, done.stdout
    iou, weights = done.stdout.splitlines()[-1].split()[1:]
    assert 0.5 < float(iou) <= 1 and int(weights) > 600, done.stdout


if __name__ == "__main__":
    results = tap.Tap()
    with tempfile.TemporaryDirectory() as place:
        for case in (
            masks,
            no_camera,
            analytics,
            outlines,
            contours_of_picture,
            notebook,
        ):
            results.case(case, place)
    sys.exit(results.done())
