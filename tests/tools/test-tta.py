#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that tta averages over the picture's reflections and rotations:
test-tta.py PROGRAM. Prints TAP."""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from place import Place  # noqa: E402
from program import bad, good  # noqa: E402
import tap  # noqa: E402

DATA = os.path.join(HERE, "..", "data")
FLIPS = [
    lambda x: x,
    lambda x: x[..., ::-1],
    lambda x: x[..., ::-1, :],
    lambda x: x[..., ::-1, ::-1],
]
# Two processes that measure may choose implementations that round otherwise.
STATIC = "--tuning", "static"
SYMMETRIES = FLIPS + [lambda x, f=f: np.swapaxes(f(x), -1, -2) for f in FLIPS]


def run(place, x, *words):
    """Returns the 'logits' of one run on a tensor, and the mask."""
    npy, out = place.path("t.npy"), place.path("t")
    np.save(npy, np.ascontiguousarray(x))
    good("run", place.unet, "--input", npy, "-o", out, *STATIC, *words)
    mask = np.asarray(Image.open(os.path.join(out, "logits.png")))
    return np.load(os.path.join(out, "logits.npy")), mask


def is_mean(place):
    """run --tta gives the mean of all variants; of rectangles, four"""
    x = place.picture[None]
    for picture, symmetries in ((x[..., :64], SYMMETRIES), (x, FLIPS)):
        got, _ = run(place, picture, "--tta")
        assert got.shape == picture[:, :1].shape
        plain = [run(place, f(picture))[0] for f in symmetries]
        back = [f(p) for f, p in zip(symmetries[:4], plain)]
        # The inverse of flips that are then transposed.
        back += [f(np.swapaxes(p, -1, -2)) for f, p in zip(FLIPS, plain[4:])]
        mean = np.mean(np.array(back, np.float64), 0)
        assert np.abs(got - mean).max() < 1e-6 * np.abs(mean).max()
        assert np.abs(got - plain[0]).max() > 1e-3


def flips_with_picture(place):
    """The mask of a flipped picture is the flipped mask, bit by bit"""
    x = place.picture[None]
    for picture, symmetries in ((x[..., :64], SYMMETRIES), (x, FLIPS)):
        wanted, mask = run(place, picture, "--tta")
        differs = False
        for f in symmetries[1::3]:
            got, flipped = run(place, f(picture), "--tta")
            assert np.array_equal(got, f(wanted))
            assert np.array_equal(flipped, f(mask))
            if not differs:
                plain, _ = run(place, f(picture))
                differs = not np.array_equal(plain, f(run(place, picture)[0]))
        assert differs  # without it they are not


def save_pictures(place, name):
    """Writes a picture of 64x64 in each of its eight variants."""
    folder = place.path(name)
    os.makedirs(folder)
    pixels = np.rint(place.picture[..., :64] * 255).astype(np.uint8)
    for i, f in enumerate(SYMMETRIES):
        image = np.ascontiguousarray(f(pixels).transpose(1, 2, 0))
        Image.fromarray(image).save(os.path.join(folder, "%d.png" % i))
    return folder


def in_batch(place):
    """batch --tta does so for every picture"""
    pictures, out = save_pictures(place, "pictures"), place.path("batch")
    words = ["--model", place.unet, "--to", "masks", "--input-size", "64x64"]
    words += ["--tta", "true", "--quiet"]
    good("batch", pictures, "-o", out, *words)
    masks = []
    for i in range(len(SYMMETRIES)):
        folder = os.path.join(out, "%d.png" % i, "masks")
        (name,) = os.listdir(folder)
        masks.append(np.asarray(Image.open(os.path.join(folder, name))))
    assert 0 < np.count_nonzero(masks[0]) < masks[0].size
    for f, mask in zip(SYMMETRIES, masks):
        assert np.array_equal(mask, f(masks[0]))


def in_eval(place):
    """eval --tta scores all variants of a picture alike"""
    pictures, masks = save_pictures(place, "images"), place.path("masks")
    os.makedirs(masks)
    truth = np.zeros((64, 64), np.uint8)
    truth[5:40, 10:30] = 255
    for i, f in enumerate(SYMMETRIES):
        image = Image.fromarray(np.ascontiguousarray(f(truth)))
        image.save(os.path.join(masks, "%d.png" % i))
    words = ["eval", place.unet, "--images", pictures, "--masks", masks]
    words += ["--size", "64x64", "--each", "--json", *STATIC]

    def scores(*more):
        each = json.loads(good(*words, *more))["each"]
        return [e["foreground_iou"] for e in each]

    averaged = scores("--tta")
    assert len(averaged) == 8 and len(set(averaged)) == 1, averaged
    assert len(set(scores())) > 1


def in_tiles(place):
    """Tiles are averaged by themselves"""
    x = (place.picture * 255).astype(np.uint8).transpose(1, 2, 0)
    image, out = place.path("large.png"), place.path("tiles")
    Image.fromarray(np.tile(x, (3, 2, 1))).save(image)
    words = ["run", place.unet, "--image", image, "--size", "64x64"]
    words += ["--fit", "tile", "-o", out, *STATIC]
    good(*words)
    plain = np.load(os.path.join(out, "logits.npy"))
    good(*words, "--tta")
    got = np.load(os.path.join(out, "logits.npy"))
    assert got.shape == plain.shape == (1, 1, 192, 192)
    assert 1e-3 < np.abs(got - plain).max() < 10 * plain.std()


def refused(place):
    """Networks with a memory, and class numbers, are refused"""
    image, out = place.path("p.png"), place.path("no")
    Image.new("RGB", (32, 32)).save(image)
    words = ["--image", image, "--size", "32x32", "--tta", "-o", out]
    memory = os.path.join(DATA, "memory.onnx")
    bad(1, "run", memory, *words, says="tta: a network with a memory")
    bad(
        1,
        "run",
        os.path.join(DATA, "classes.onnx"),
        "--set",
        "activation=argmax",
        *words,
        says="tta",
    )


def main():
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for function in (
            is_mean,
            flips_with_picture,
            in_batch,
            in_eval,
            in_tiles,
            refused,
        ):
            out.case(function, place)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
