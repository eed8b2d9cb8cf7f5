#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests unetseg eval against NumPy and Pillow: test-eval.py PROGRAM. Prints
TAP."""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import program  # noqa: E402
import red  # noqa: E402
import tap  # noqa: E402

TOLERANCE = 0.002
CLASSES = os.path.join(HERE, "..", "data", "classes.onnx")
MEASURES = (
    "foreground_iou",
    "miou",
    "boundary_iou",
    "false_area",
    "unsure",
    "holes",
    "islands",
)
COUNTED = ("holes", "islands")


def good(*words):
    return program.good("eval", *words)


def bad(status, says, *words):
    program.bad(status, "eval", *words, says=says)


def ellipse(width, height, x, y, a, b):
    """Returns a field, positive in an ellipse and about 1 in its middle."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return 1 - np.hypot((columns / width - x) / a, (rows / height - y) / b)


def save_picture(folder, name, inside, rng):
    h, w = inside.shape
    picture = rng.integers(90, 110, (h, w, 3)).astype(np.float64)
    picture[..., 0] += np.clip(300 * inside, -60, 60)
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(
        os.path.join(folder, "images", name + ".png")
    )


def save_mask(folder, name, mask):
    Image.fromarray(mask).convert("1").save(
        os.path.join(folder, "masks", name + ".png")
    )


def make_pictures(folder):
    """Makes two pictures with a person, one without a mask, one with a black
    mask."""
    rng = np.random.default_rng(5)
    for name in ("images", "masks"):
        os.makedirs(os.path.join(folder, name))
    wide = ellipse(640, 424, 0.5, 0.55, 0.3, 0.4)
    save_picture(folder, "wide", wide, rng)
    save_mask(folder, "wide", ellipse(640, 424, 0.53, 0.5, 0.28, 0.4) > 0)
    tall = np.maximum(
        ellipse(300, 500, 0.4, 0.3, 0.2, 0.2),
        ellipse(300, 500, 0.5, 0.8, 0.4, 0.4),
    )
    save_picture(folder, "tall", tall, rng)
    save_mask(folder, "tall", ellipse(300, 500, 0.5, 0.75, 0.35, 0.45) > 0)
    save_picture(folder, "nobody", ellipse(320, 240, 0.2, 0.2, 0.1, 0.1), rng)
    save_picture(folder, "black", ellipse(240, 320, 0.8, 0.8, 0.3, 0.2), rng)
    save_mask(folder, "black", np.zeros((320, 240), bool))


# ---- what it should say -----------------------------------------------------


def shares(n, m):
    """Returns the share of each of n pixels in each of m, of equal extent."""
    at = np.arange(m)[:, None] * n / m
    here = np.arange(n)
    part = np.minimum(here + 1, at + n / m) - np.maximum(here, at)
    return np.maximum(part, 0) * m / n


def find(picture, size):
    """Averages the picture down, runs the network, interpolates the result."""
    rows, columns = (
        shares(n, m) for n, m in zip(picture.size[::-1], size[::-1])
    )
    small = np.einsum(
        "yh,hwc,xw->yxc",
        rows,
        np.asarray(picture) / 255.0,
        columns,
        optimize=True,
    )
    logit = red.GAIN * (small[..., 0] - small[..., 1])
    probability = Image.fromarray((1 / (1 + np.exp(-logit))).astype("f"))
    return np.asarray(probability.resize(picture.size, Image.BILINEAR))


def iou(a, b):
    return (a & b).sum() / (a | b).sum() if (a | b).any() else 1.0


def band(mask, reach):
    """Returns the pixels at most @reach from the outline, by brute force."""
    h, w = mask.shape
    padded = np.pad(mask, reach)
    inner = np.ones_like(mask)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            inner &= padded[y : y + h, x : x + w]
    return mask & ~inner


def count_wrong_parts(found, truth, steps):
    """Counts connected parts of found, walked by @steps, that truth lacks."""
    left = set(zip(*np.nonzero(found)))
    count = 0
    while left:
        part, edge = [], [left.pop()]
        while edge:
            y, x = edge.pop()
            part.append((y, x))
            for dy, dx in steps:
                if (y + dy, x + dx) in left:
                    left.remove((y + dy, x + dx))
                    edge.append((y + dy, x + dx))
        count += not any(truth[at] for at in part)
    return count


STRAIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def score(probability, truth):
    found = probability > 0.5
    always = {
        "unsure": ((probability > 0.2) & (probability < 0.8)).mean(),
        "islands": count_wrong_parts(found, truth, STRAIGHT + DIAGONAL),
    }
    if not truth.any():
        return {"false_area": found.mean(), **always}
    reach = max(1, round(0.02 * np.hypot(*truth.shape)))
    fore = iou(found, truth)
    return {
        "foreground_iou": fore,
        "miou": (fore + iou(~found, ~truth)) / 2,
        "boundary_iou": iou(band(found, reach), band(truth, reach)),
        "holes": count_wrong_parts(~found, ~truth, STRAIGHT),
        **always,
    }


def wanted(folder, sizes):
    rows = {}
    for name, size in sizes.items():
        picture = Image.open(os.path.join(folder, "images", name + ".png"))
        mask = os.path.join(folder, "masks", name + ".png")
        truth = np.zeros(picture.size[::-1], bool)
        if os.path.exists(mask):
            truth = np.array(Image.open(mask).convert("L")) > 127
        rows[name] = score(find(picture, size), truth)
    return rows


# ---- cases ------------------------------------------------------------------


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.model = os.path.join(folder, "red.onnx")
        self.images = os.path.join(folder, "images")
        self.masks = os.path.join(folder, "masks")
        red.save_network(self.model)
        make_pictures(folder)

    def ask(self, *words):
        return json.loads(
            good(
                self.model,
                "--images",
                self.images,
                "--masks",
                self.masks,
                "--json",
                *words
            )
        )


def compare(place, result, sizes):
    rows = wanted(place.folder, sizes)
    each = {os.path.splitext(r["name"])[0]: r for r in result["each"]}
    assert set(each) == set(rows), each
    for name, row in rows.items():
        assert set(each[name]) == {"name", *row}, each[name]
        for measure, value in row.items():
            assert abs(each[name][measure] - value) < TOLERANCE, (
                name,
                measure,
                each[name][measure],
                value,
            )
    for measure in MEASURES:
        mean = np.mean([r[measure] for r in rows.values() if measure in r])
        assert abs(result[measure] - mean) < TOLERANCE, (measure, mean, result)
        assert measure in COUNTED or 0.003 < mean < 0.97, (
            measure,
            mean,
            result,
        )


def open_sizes(place):
    """Pictures get input shapes near their own, and the means agree"""
    result = place.ask("--each")
    assert result["pictures"] == 2 and result["empty_pictures"] == 2
    assert result["holes"] > 1 and result["islands"] > 1, result
    compare(
        place,
        result,
        {
            "wide": (320, 224),
            "tall": (192, 320),
            "nobody": (288, 224),
            "black": (224, 288),
        },
    )


def one_size(place):
    """With --size pictures are stretched, and the means agree"""
    result = place.ask("--each", "--size", "128x96")
    compare(
        place,
        result,
        dict.fromkeys(("wide", "tall", "nobody", "black"), (128, 96)),
    )


def without_masks(place):
    """Without masks only the false area is printed"""
    result = json.loads(good(place.model, "--images", place.images, "--json"))
    assert result["pictures"] == 0 and result["empty_pictures"] == 4
    assert all(result[m] is None for m in MEASURES[:3]), result
    assert 0.05 < result["false_area"] < 0.5, result


def thresholds(place):
    """A higher threshold finds less"""
    areas = [
        json.loads(
            good(
                place.model,
                "--images",
                place.images,
                "--json",
                "--threshold",
                t,
            )
        )["false_area"]
        for t in ("0.05", "0.5", "0.95")
    ]
    assert areas[0] > areas[1] > areas[2] > 0, areas


def as_text(place):
    """The text has the same means"""
    result = place.ask()
    text = good(place.model, "-i", place.images, "-m", place.masks)
    lines = dict(line.split()[:2] for line in text.splitlines())
    means = {m: "%.4f" % result[m] for m in MEASURES}
    assert lines == {**means, "poor": str(result["poor"])}, text


def frames(place):
    """Poor pictures and jumps of the area are counted"""
    folder = os.path.join(place.folder, "frames")
    for name in ("images", "masks"):
        os.makedirs(os.path.join(folder, name))
    rng = np.random.default_rng(8)
    # the area changes by 3, 8 and 3 % of the larger one; the last truth differs
    for i, width in enumerate((0.3, 0.309, 0.336, 0.347)):
        inside = ellipse(320, 240, 0.5, 0.5, width, 0.4)
        save_picture(folder, str(i), inside, rng)
        mask = ellipse(320, 240, 0.6 if i == 3 else 0.5, 0.5, width, 0.4)
        save_mask(folder, str(i), mask > 0)
    words = [place.model, "-i", folder + "/images", "-m", folder + "/masks"]
    words += ["--size", "320x240"]
    said = json.loads(good(*words, "--json", "--frames"))
    assert said["area_jumps"] == 1 and said["poor"] == 1, said
    assert "area_jumps" not in json.loads(good(*words, "--json"))
    assert "area_jumps     1\n" in good(*words, "--frames")
    bad(2, "--frames", *words, "--frames", "--classes")


def int8(place):
    """int8 is calibrated with the pictures themselves"""
    result = place.ask("--precision", "int8")
    assert result["calibration"] == place.images, result
    assert result["precision_used"] == "int8", result
    text = good(
        place.model, "-i", place.images, "-m", place.masks, "-p", "int8"
    )
    assert "calibrated with 4 frames of " + place.images in text, text


def as_stored(place):
    """Pictures are upright by EXIF, and 16 bits stay 16 bits"""
    for name in ("odd/images", "odd/masks"):
        os.makedirs(os.path.join(place.folder, name))
    odd = os.path.join(place.folder, "odd")
    model = os.path.join(odd, "thermal.onnx")
    words = ("--images", odd + "/images", "--masks", odd + "/masks", "--json")
    truth = red.save_thermal(model, odd + "/images/a.png")
    save_mask(odd, "a", truth)
    assert json.loads(good(model, *words))["foreground_iou"] == 1
    for value in red.STORED:
        red.save_turned(odd + "/images/a.png", "PNG", value)
        box = np.zeros((64, 96), bool)
        box[red.BOX[1] : red.BOX[3], red.BOX[0] : red.BOX[2]] = True
        save_mask(odd, "a", box)
        result = json.loads(good(place.model, *words))
        assert result["foreground_iou"] > 0.9, (value, result)


def wrong_masks(place):
    """A folder without a mask for any picture is an error"""
    words = (place.model, "--images", place.images, "--masks")
    bad(1, "no such folder", *words, place.folder + "/nowhere")
    bad(1, "no NAME.png", *words, place.images + "/..")


def numbers(place):
    """Classes are compared by the numbers of the network's channels"""
    folder = os.path.join(place.folder, "classes")
    for name in ("images", "masks"):
        os.makedirs(os.path.join(folder, name))
    rng = np.random.default_rng(6)
    pure = np.uint8([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    found, truth = [], []
    for name in ("a", "b", "none"):
        # edges of classes are smoothed: blocks have few
        blocks = rng.integers(0, 4, (4, 6)).astype(np.uint8)
        found.append(np.kron(blocks, np.ones((16, 16), np.uint8)))
        wrong = rng.random((64, 96)) < 0.3
        other = rng.choice(np.uint8([0, 1, 2, 3, 255]), (64, 96))
        truth.append(np.where(wrong, other, found[-1]))
        path = os.path.join(folder, "%s", name + ".png")
        Image.fromarray(pure[found[-1]]).save(path % "images")
        if name != "none":
            Image.fromarray(truth[-1]).save(path % "masks")
    f, t = np.ravel(found[:2]), np.ravel(truth[:2])
    f, t = f[t != 255], t[t != 255]
    ious = [iou(f == n, t == n) for n in range(4)]
    words = [CLASSES, "--images", folder + "/images", "--classes"]
    words += ["--size", "96x64", "--masks"]
    for more, first, labels in (
        ([], 0, ["background", "red", "green", "blue"]),
        (["--set=background=none", "--set=labels=a,b,c,d"], 1, list("abcd")),
    ):
        said = json.loads(good(*words, folder + "/masks", "--json", *more))
        each = said["classes"]
        assert [c["class"] for c in each] == list(range(first, first + 4))
        assert [c["label"] for c in each] == labels, each
        for c, wanted in zip(each, ious):
            assert abs(c["iou"] - wanted) < TOLERANCE, (each, ious)
        assert abs(said["miou"] - np.mean(ious)) < TOLERANCE, said
        assert abs(said["pixel_error"] - (f != t).mean()) < TOLERANCE, said
    text = good(*words, folder + "/masks")
    assert "miou              %.4f\n" % said["miou"] in text, text
    bad(1, "8 bits of grey", *words, folder + "/images")
    bad(2, "--masks", *words[:-1])


def errors(place):
    """Errors of folders and pictures are reported"""
    bad(2, "--images", place.model)
    bad(1, "nowhere", place.model, "--images", place.folder + "/nowhere")
    empty = os.path.join(place.folder, "empty")
    os.makedirs(os.path.join(empty, "images"))
    os.makedirs(os.path.join(empty, "masks"))
    bad(1, "no pictures", place.model, "--images", empty)
    save_picture(
        empty,
        "a",
        ellipse(64, 64, 0.5, 0.5, 0.3, 0.3),
        np.random.default_rng(1),
    )
    save_mask(empty, "a", np.ones((64, 65), bool))
    bad(
        1,
        "a.png",
        place.model,
        "--images",
        empty + "/images",
        "--masks",
        empty + "/masks",
    )
    with open(empty + "/images/b.jpg", "w") as f:
        f.write("no picture\n")
    bad(1, "b.jpg", place.model, "--images", empty + "/images")


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for case in (
            open_sizes,
            one_size,
            without_masks,
            thresholds,
            as_text,
            frames,
            int8,
            as_stored,
            wrong_masks,
            numbers,
            errors,
        ):
            out.case(case, place)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
