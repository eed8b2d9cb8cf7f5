#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The loop round a drawing tool: picks frames to label, and takes corrected ones back.

`pick` runs a network on frames of recordings, or on pictures, and takes those that it
is least sure of and that differ most. It writes them to TODO, each with a first mask, as
LabelMe or CVAT opens them. `take` moves the corrected ones to IMAGES and MASKS, from
which train.py goes on. Needs NumPy, Pillow, the unetseg program and, for recordings,
gst-launch-1.0.
"""
import argparse
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import needs  # noqa: E402

needs.check("label.py", "numpy", "PIL")
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import caller  # noqa: E402
import drawings  # noqa: E402
import masks  # noqa: E402
import progress  # noqa: E402
from masks import MaskError, open_picture  # noqa: E402

FEATURE = 8  # rows and columns to which a picture shrinks, to compare it


# ---- frames -----------------------------------------------------------------


def read_frames(path, every, folder):
    """Writes a frame of each `every` seconds of a recording into a new folder, and
    returns [(name, file)].

    A name has the milliseconds, so that it means one frame whatever `every` is.
    """
    os.makedirs(folder)
    stem = os.path.splitext(os.path.basename(path))[0]
    rate = f"{every.denominator}/{every.numerator}"
    words = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!"]
    words += ["decodebin", "!", "videoconvert", "!", "videorate", "!"]
    words += [f"video/x-raw,framerate={rate},format=RGB", "!", "pngenc", "!"]
    words += ["multifilesink", "location=" + os.path.join(folder, "%07d.png")]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise MaskError(f"{path}: {done.stderr.strip()}")
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "*.png")))
    return [
        (f"{stem}-at-{round(1000 * n * every):07}", frame)
        for n, frame in enumerate(found)
    ]


def list_candidates(paths, every, folder):
    """Returns [(name, file)] of the pictures and frames to choose from."""
    found = []
    for n, path in enumerate(paths):
        if os.path.isdir(path):
            for name, file in masks.list_pictures(path).items():
                found.append((name.replace(os.sep, "_"), file))
        elif path.lower().endswith(masks.PICTURES):
            name = os.path.splitext(os.path.basename(path))[0]
            found.append((name, path))
        else:
            frames = os.path.join(folder, f"recording-{n}")
            found += read_frames(path, every, frames)
    if not found:
        raise MaskError("there are no frames")
    return found


def free_name(name, taken):
    """Returns a name that no picture has: NAME, NAME~2, NAME~3, …"""
    free, n = name, 1
    while free in taken:
        n += 1
        free = f"{name}~{n}"
    return free


# ---- the network ------------------------------------------------------------


class Network:
    """A network that the program runs, and its labels, the background first."""

    def __init__(self, program, model):
        self.program, self.model = program, model
        said = caller.call(program, "inspect", model)
        line = next(n for n in said.splitlines() if n.startswith("contract"))
        fields = dict(
            part.split("=", 1)
            for part in line.split(" ", 1)[1].split(" ")
            if "=" in part
        )
        text = line.split(" labels=", 1)[1] if " labels=" in line else ""
        text = text.split(" state=")[0].split(" constants=")[0]
        self.labels = text.split(",") if text else ["background", "foreground"]
        self.has_ground = fields.get("background") != "none"
        if not self.has_ground:
            self.labels = ["background"] + self.labels

    def run(self, path, folder):
        """Returns probabilities C x H x W of a picture, at the network's size."""
        words = ("run", self.model, "--image", path, "-o", folder)
        caller.call(self.program, *words, "--tuning", "static")
        outputs = sorted(glob.glob(os.path.join(folder, "*.npy")))
        named = [o for o in outputs if os.path.basename(o) == "mask.npy"]
        p = np.load((named or outputs)[0])[0].astype(np.float32)
        if len(p) == 1:
            p = np.concatenate([1 - p, p])
        return p


def sureness(p):
    """Returns how far the most probable class is before the second, on average."""
    top = np.partition(p, -2, axis=0)
    return float((top[-1] - top[-2]).mean())


def class_plane(p, network, size):
    """Returns class numbers at the picture's size; 0 is the background."""
    planes = [
        np.asarray(Image.fromarray(q).resize(size, Image.BILINEAR)) for q in p
    ]
    return np.argmax(planes, 0) + (not network.has_ground)


def features(image):
    """Returns what pictures are compared by: their coarse colours."""
    small = np.asarray(image.resize((FEATURE, FEATURE), Image.BOX), np.float32)
    return small.ravel() / 255


def pick(unsure, vectors, known, count):
    """Returns the indices of pictures in the order in which to label them.

    Each is the one with the largest product of how unsure the network is and how far
    it is from the nearest that is chosen or known. One that equals those is left out.
    """
    vectors = np.asarray(vectors)
    away = np.full(len(vectors), np.inf)
    for v in known:
        away = np.minimum(away, np.linalg.norm(vectors - v, axis=1))
    chosen = []
    while len(chosen) < min(count, len(vectors)):
        gain = np.asarray(unsure) * np.minimum(away, 1e3)
        gain[away == 0] = -1
        if gain.max() < 0:
            break
        chosen.append(int(np.argmax(gain)))
        away = np.minimum(
            away, np.linalg.norm(vectors - vectors[chosen[-1]], axis=1)
        )
    return chosen


# ---- commands ---------------------------------------------------------------


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def command_pick(a):
    program = caller.find_program(a.program)
    if program is None:
        raise MaskError("unetseg is not here (--program)")
    network = Network(program, a.model)
    os.makedirs(a.todo, exist_ok=True)
    known, taken = [], set()
    for folder in a.known + [a.todo]:
        for name, path in masks.list_pictures(folder).items():
            known.append(features(open_picture(path)))
            taken.add(name)
    with tempfile.TemporaryDirectory(prefix="unetseg-label.") as folder:
        found = list_candidates(a.source, a.every, folder)
        rows, line = [], progress.Line()
        for n, (_, path) in enumerate(found):
            image = open_picture(path)
            p = network.run(path, os.path.join(folder, "out"))
            plane = class_plane(p, network, image.size).astype(np.uint8)
            rows.append((1 - sureness(p), features(image), image, plane))
            line.show(f"{n + 1} of {len(found)} frames", n + 1 == len(found))
        chosen = pick(
            [r[0] for r in rows], [r[1] for r in rows], known, a.count
        )
        pages = []
        for i in chosen:
            name = free_name(found[i][0], taken)
            taken.add(name)
            print(f"{name}: unsure {rows[i][0]:.3f}")
            pages.append((name, *rows[i][2:]))
    if not pages:
        raise MaskError(f"{a.todo} or --known has all of these frames")
    write_pages(a, pages, network.labels)


def read_first(todo):
    """Returns {page: digest} of the first masks in TODO, before any correction."""
    path = os.path.join(todo, ".first")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_pages(a, pages, labels):
    """Writes pictures and first masks, and remembers how the masks were. Pages that
    an earlier run wrote stay, with their corrections."""
    first = read_first(a.todo)
    for name, image, plane in pages:
        image.save(os.path.join(a.todo, name + ".png"))
        if a.form == "labelme":
            shapes = drawings.shapes_of(plane, labels, a.tolerance)
            path = os.path.join(a.todo, name + ".json")
            drawings.write_labelme(path, name + ".png", image.size, shapes)
            first[name + ".json"] = digest(path)
    if a.form == "cvat":
        path = os.path.join(a.todo, "annotations.xml")
        table = [(n + ".png", i.size, plane) for n, i, plane in pages]
        drawings.write_cvat(path, table, labels)
    with open(os.path.join(a.todo, ".first"), "w", encoding="utf-8") as f:
        json.dump(first, f)
    print(f"{len(pages)} pictures in {a.todo}: correct their outlines")


def put_labelme(path, plane, labels, image):
    stem = os.path.splitext(path)[0]
    shapes = drawings.shapes_of(plane, labels, 0, 1)
    name = os.path.basename(stem) + ".png"
    drawings.write_labelme(stem + ".json", name, image.size, shapes)


def put_picture(path, plane, white):
    if white:
        plane = (plane > 0).astype(np.uint8) * 255
    Image.fromarray(plane).save(path)


def command_take(a):
    """Moves pictures whose mask was changed. MASKS keep their form."""
    done = masks.read(a.todo)
    old = masks.read(a.masks)
    first = read_first(a.todo)
    names, form = number_names(done, old, a.masks)
    there = masks.list_pictures(a.images)
    count = left = 0
    for stem, path in masks.list_pictures(a.todo).items():
        page = os.path.join(a.todo, stem + ".json")
        same = os.path.exists(page) and digest(page) == first.get(
            stem + ".json"
        )
        image = open_picture(path)
        plane = done.read(stem, *image.size)
        if plane is None or (same and not a.all):
            left += 1
            continue
        if stem in there:
            raise MaskError(
                f"{a.images} has another picture {stem}: rename one"
            )
        # numbers of the labels here become those of MASKS
        table = np.full(256, masks.IGNORE, np.uint8)
        for number, name in enumerate(done.names):
            table[number] = names[name]
        plane = table[plane]
        target = os.path.join(a.masks, stem + ".png")
        if form == "LabelMe outlines":
            put_labelme(target, plane, old.names, image)
        else:
            put_picture(target, plane, form == "white on black")
        shutil.move(path, os.path.join(a.images, os.path.basename(path)))
        if os.path.exists(page):
            os.remove(page)
        count += 1
    print(
        f"{count} pictures taken, {left} left: their outlines were not changed"
    )


def number_names(done, old, path):
    """Returns ({name: number in MASKS}, form of MASKS)."""
    form = old.form
    allowed = ("LabelMe outlines", "white on black", "class numbers")
    if form not in allowed and not form.startswith("palettes"):
        raise MaskError(f"{path}: masks as {form} are not added to")
    if form == "white on black":
        return {n: min(i, 1) for i, n in enumerate(done.names)}, form
    if form == "LabelMe outlines":
        new = [n for n in done.names if n not in old.names]
        old.names += new
        return {n: old.names.index(n) for n in done.names}, form
    if not old.names:
        raise MaskError(
            f"{path} has no labels.txt with the names of the numbers"
        )
    numbers = {"background": 0}
    numbers.update({n: i for i, n in enumerate(old.names)})
    strange = [n for n in done.names if n not in numbers]
    if strange:
        raise MaskError(f"labels.txt of {path} has no {strange[0]}")
    return numbers, form


def seconds(text):
    """Reads a time above 0, to the millisecond."""
    every = Fraction(str(float(text))).limit_denominator(1000)
    if every <= 0:
        raise ValueError
    return every


def number(text):
    """Reads a number of at least 1."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True)
    c = commands.add_parser("pick", help="choose frames, with first masks")
    c.add_argument("source", nargs="+", metavar="RECORDING|FOLDER")
    c.add_argument("-m", "--model", required=True, metavar="MY.onnx")
    c.add_argument("-o", "--todo", required=True, metavar="TODO")
    c.add_argument("-n", "--count", type=number, default=20)
    c.add_argument("--every", type=seconds, default="1", metavar="SECONDS")
    c.add_argument(
        "--known",
        action="append",
        default=[],
        metavar="IMAGES",
        help="a folder that is labelled already",
    )
    c.add_argument("--form", choices=("labelme", "cvat"), default="labelme")
    c.add_argument("--tolerance", type=float, default=1, metavar="PIXELS")
    c.add_argument("--program", help="the unetseg program")
    c.set_defaults(run=command_pick)
    c = commands.add_parser("take", help="take corrected masks")
    c.add_argument("todo", metavar="TODO")
    c.add_argument("images", metavar="IMAGES")
    c.add_argument("masks", metavar="MASKS")
    c.add_argument(
        "--all", action="store_true", help="also those that were right at once"
    )
    c.set_defaults(run=command_take)
    a = p.parse_args()
    a.run(a)


if __name__ == "__main__":
    try:
        main()
    except (MaskError, caller.ProgramError) as e:
        sys.exit(f"label.py: {e}")
