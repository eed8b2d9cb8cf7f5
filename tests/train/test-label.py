#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests models/train/label.py, the loop round a drawing tool: test-label.py
PROGRAM. Prints TAP. Needs no PyTorch."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = os.path.join(HERE, "..", "..", "models", "train")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, TRAIN)
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import drawings  # noqa: E402
import label  # noqa: E402
import masks  # noqa: E402
import program  # noqa: E402
import red  # noqa: E402
import tap  # noqa: E402

WIDTH, HEIGHT = 96, 64


class Place:
    """Pictures with a red box, sure and unsure, and a network that finds red."""

    def __init__(self, folder):
        self.folder = folder
        self.model = self.path("red.onnx")
        red.save_network(self.model)
        for name in ("frames", "images", "masks"):
            os.makedirs(self.path(name))
        # two alike that are unsure, one that is unsure and blue, one sure
        for name, color, ground in (
            ("alike-1", (104, 100, 90), (100, 100, 90)),
            ("alike-2", (104, 100, 90), (100, 100, 91)),
            ("blue", (104, 100, 250), (100, 100, 250)),
            ("sure", (250, 100, 90), (20, 100, 90)),
        ):
            image = Image.new("RGB", (WIDTH, HEIGHT), ground)
            image.paste(color, (30, 20, 60, 40))
            image.save(self.path("frames", name + ".png"))
        Image.new("RGB", (WIDTH, HEIGHT)).save(self.path("images", "old.png"))
        white = Image.new("L", (WIDTH, HEIGHT))
        white.paste(255, (5, 5, 20, 20))
        white.save(self.path("masks", "old.png"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *words, status=0):
        script = os.path.join(TRAIN, "label.py")
        done = subprocess.run(
            ["/usr/bin/python3", "-B", script, *words],
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    def pick(self, todo, *words, sources=("frames",), status=0):
        words = ("-o", self.path(todo), "--program", program.PROGRAM, *words)
        found = [self.path(source) for source in sources]
        words = (*found, "-m", self.model, *words)
        return self.run("pick", *words, status=status)


def numbers(rng, count):
    """Returns a plane of class numbers in blocks, with islands in holes."""
    small = rng.integers(0, count, (HEIGHT // 4, WIDTH // 4))
    return np.kron(small, np.ones((4, 4))).astype(np.uint8)


def forms(place):
    """Masks of several classes with holes come back from LabelMe and CVAT"""
    rng = np.random.default_rng(4)
    labels = ["background", "leaf", "root", "soil"]
    for n in range(5):
        plane = numbers(rng, 4)
        shapes = drawings.shapes_of(plane, labels, 0, 1)
        folder = place.path("forms%d" % n)
        os.makedirs(folder)
        path = os.path.join(folder, "a.json")
        drawings.write_labelme(path, "a.png", (WIDTH, HEIGHT), shapes)
        read = masks.read(folder)
        assert read.names == labels, read.names
        assert (read.read("a", WIDTH, HEIGHT) == plane).all()
        page = ("a.png", (WIDTH, HEIGHT), plane)
        drawings.write_cvat(folder + ".xml", [page], labels)
        read = masks.read(folder + ".xml")
        assert read.names == labels, read.names
        assert (read.read("a", WIDTH, HEIGHT) == plane).all()


def different(place):
    """Frames that are unsure and unlike the others come first"""
    said = place.pick("todo", "-n", "2")
    chosen = sorted(
        line.split(":")[0] for line in said.splitlines() if "unsure" in line
    )
    assert chosen[1] == "blue" and chosen[0].startswith("alike"), said
    assert label.pick([1, 1, 0.1], [[0], [9], [5]], [np.array([0.0])], 2) == [
        1,
        2,
    ]


def first_masks(place):
    """LabelMe's page has the outlines that the network found"""
    place.pick("all", "-n", "4")
    found = masks.read(place.path("all"))
    wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
    wanted[20:40, 30:60] = 1
    wrong = found.read("sure", WIDTH, HEIGHT) != wanted
    # the network halves the picture: edges are soft
    assert wrong.mean() < 0.05, wrong.mean()
    with open(place.path("all", "sure.json")) as f:
        page = json.load(f)
    assert page["imagePath"] == "sure.png" and page["imageHeight"] == HEIGHT


def taken(place):
    """Corrected outlines become masks, and the others stay"""
    path = place.path("all", "sure.json")
    with open(path) as f:
        page = json.load(f)
    page["shapes"] = page["shapes"][:1]
    page["shapes"][0]["points"] = [[10, 10], [50, 10], [50, 30], [10, 30]]
    with open(path, "w") as f:
        json.dump(page, f)
    words = [place.path(n) for n in ("all", "images", "masks")]
    said = place.run("take", *words)
    assert "1 pictures taken, 3 left" in said, said
    assert os.path.exists(place.path("images", "sure.png"))
    assert not os.path.exists(path)
    mask = np.array(Image.open(place.path("masks", "sure.png")))
    wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
    wanted[10:30, 10:50] = 255
    assert (mask == wanted).all()
    Image.new("RGB", (WIDTH, HEIGHT)).save(place.path("images", "blue.png"))
    said = place.run("take", *words, "--all", status=1)
    assert "another picture blue" in said, said
    os.remove(place.path("images", "blue.png"))
    assert "pictures taken, 0 left" in place.run("take", *words, "--all")
    names = sorted(os.listdir(place.path("masks")))
    wanted = ["alike-1", "alike-2", "blue", "old", "sure"]
    assert names == [n + ".png" for n in wanted], names


def again(place):
    """A second choice adds to the first one and keeps its corrections"""
    place.pick("more", "-n", "1")
    page = [n for n in os.listdir(place.path("more")) if n.endswith(".json")]
    path = place.path("more", page[0])
    with open(path, "a") as f:
        f.write("\n")
    place.pick("more", "-n", "9")
    with open(path) as f:
        assert f.read().endswith("\n"), "the corrected page was written again"
    pages = [n for n in os.listdir(place.path("more")) if n.endswith(".json")]
    assert len(pages) == 4, pages
    said = place.pick("more", "-n", "9", status=1)
    assert "has all of these frames" in said, said
    for name in ("own", "own-masks"):
        os.makedirs(place.path(name))
    white = Image.new("L", (WIDTH, HEIGHT))
    white.paste(255, (5, 5, 20, 20))
    white.save(place.path("own-masks", "old.png"))
    words = [place.path(n) for n in ("more", "own", "own-masks")]
    said = place.run("take", *words)
    assert "1 pictures taken, 3 left" in said, said


def again_cvat(place):
    """A second choice keeps the corrections in a file of CVAT"""
    path = place.path("cvat", "annotations.xml")
    place.pick("cvat", "-n", "1", "--form", "cvat")
    tree = ElementTree.parse(path)
    (image,) = tree.getroot().findall("image")
    image.set("corrected", "yes")
    tree.write(path)
    place.pick("cvat", "-n", "9", "--form", "cvat")
    images = ElementTree.parse(path).getroot().findall("image")
    assert [i.get("id") for i in images] == ["0", "1", "2", "3"]
    assert [i.get("corrected") for i in images] == ["yes"] + [None] * 3
    os.remove(place.path("cvat", images[0].get("name")))
    drawings.write_cvat(path, [], ["background", "foreground"])
    left = ElementTree.parse(path).getroot().findall("image")
    assert [i.get("id") for i in left] == ["1", "2", "3"]


def names(place):
    """Pictures of one name in two folders are both chosen"""
    for folder, color in (("left", (9, 9, 200)), ("right", (200, 9, 9))):
        os.makedirs(place.path(folder))
        image = Image.new("RGB", (WIDTH, HEIGHT), color)
        image.save(place.path(folder, "same.png"))
    place.pick("both", sources=("left", "right"))
    files = sorted(os.listdir(place.path("both")))
    assert [n for n in files if n.endswith(".png")] == [
        "same.png",
        "same~2.png",
    ], files
    pixels = {
        Image.open(place.path("both", n)).getpixel((0, 0))
        for n in ("same.png", "same~2.png")
    }
    assert pixels == {(9, 9, 200), (200, 9, 9)}, pixels


def recordings(place):
    """A recording gives a frame for each interval, however long that is"""
    for text in ("0", "-1", "nan", "inf", "x"):
        said = place.pick("none", "--every", text, status=2)
        assert "--every" in said, said
    assert "--count" in place.pick("none", "-n", "0", status=2)
    path = place.path("day.avi")
    line = "videotestsrc num-buffers=40 ! video/x-raw,width=32,height=32,"
    line += "framerate=10/1 ! jpegenc ! avimux ! filesink location=" + path
    if not shutil.which("gst-launch-1.0"):
        raise tap.Skip("gst-launch-1.0 is not here")
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
    # videorate repeats the last frame once more at the end
    wanted = ["day-at-0000000", "day-at-0001500", "day-at-0003000"]
    for every, wanted in (("3000", wanted[:1]), ("1.5", wanted)):
        frames = place.path("frames-" + every)
        found = label.read_frames(path, label.seconds(every), frames)
        assert [name for name, _ in found][: len(wanted)] == wanted, found
        assert len(found) <= len(wanted) + 1, found


CASES = (
    forms,
    different,
    first_masks,
    taken,
    again,
    again_cvat,
    names,
    recordings,
)


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for case in CASES:
            out.case(case, place)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
