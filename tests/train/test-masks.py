#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests how models/train reads masks, finds classes and splits pictures:
test-masks.py. Prints TAP. Needs no PyTorch."""
import base64
import io
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = os.path.join(HERE, "..", "..", "models", "train")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, TRAIN)
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import borders  # noqa: E402
import flat  # noqa: E402
import masks  # noqa: E402
import outlines  # noqa: E402
import pictures  # noqa: E402
import tap  # noqa: E402

WIDTH, HEIGHT = 40, 30


class Place:
    """A folder with pictures a and b, and room for masks of each form."""

    def __init__(self, folder):
        self.folder = folder
        self.images = os.path.join(folder, "images")
        os.makedirs(self.images)
        for name in "ab":
            color = Image.new("RGB", (WIDTH, HEIGHT), "teal")
            color.save(os.path.join(self.images, name + ".jpg"))

    def path(self, *names):
        path = os.path.join(self.folder, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, text, *names):
        with open(self.path(*names), "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))


def area(*box):
    """Returns a mask of a box (left, top, right, bottom)."""
    plane = np.zeros((HEIGHT, WIDTH), np.uint8)
    plane[box[1] : box[3], box[0] : box[2]] = 1
    return plane


def same(found, wanted):
    wrong = np.count_nonzero(found != wanted)
    assert found.shape == wanted.shape and wrong == 0, wrong


def fails(text, function, *words):
    try:
        function(*words)
    except masks.MaskError as error:
        assert text in str(error), error
        return
    raise AssertionError("no error: " + text)


# ---- pictures of masks ------------------------------------------------------


def white_on_black(place):
    """White on black, with grey edges and as one bit"""
    plane = area(5, 5, 20, 20)
    grey = plane * 255
    grey[5, 5:8] = 100
    grey[6, 5:8] = 200
    for name, image in (
        ("smooth", Image.fromarray(grey)),
        ("bits", Image.fromarray(plane * 255).convert("1")),
    ):
        image.save(place.path(name, "a.png"))
        read = masks.read(place.path(name))
        assert read.form == "white on black", read.form
        wanted = plane.copy()
        if name == "smooth":
            wanted[5, 5:8] = 0
        same(read.read("a", WIDTH, HEIGHT), wanted)
        assert read.read("b", WIDTH, HEIGHT) is None


def class_numbers(place):
    """Class numbers with labels, an undecided class and 255"""
    plane = area(5, 5, 20, 20) * 2
    plane[0] = 3
    plane[1] = 255
    Image.fromarray(plane).save(place.path("numbers", "a.png"))
    place.write("0 sky\n1 car\n2 tree\n3 void\n", "numbers", "labels.txt")
    found = pictures.Set(place.images, place.path("numbers"))
    c = found.classes
    assert c.labels == ["sky", "tree"] and c.numbers == [0, 2], c
    assert not c.has_background and not c.is_binary
    assert [p.name for p in found.pictures] == ["a"]
    wanted = np.array(area(5, 5, 20, 20))
    wanted[:2] = masks.IGNORE
    same(found.load(found.pictures[0], "RGB")[1], wanted)
    few = ["sky", "car"]
    fails("2 labels", pictures.Set, place.images, place.path("numbers"), few)


def grey_levels(place):
    """Levels of grey stand for classes in their order"""
    plane = area(0, 0, 10, 10) * 60 + area(20, 0, 30, 10) * 120
    Image.fromarray(plane).save(place.path("levels", "a.png"))
    read = masks.read(place.path("levels"))
    assert "0, 60, 120" in read.form, read.form
    wanted = area(0, 0, 10, 10) + area(20, 0, 30, 10) * 2
    same(read.read("a", WIDTH, HEIGHT), wanted)


def palette(place):
    """A palette gives numbers and colours"""
    image = Image.fromarray(area(3, 4, 9, 9), "P")
    image.putpalette([0, 0, 0, 200, 10, 20] + [0] * 762)
    image.save(place.path("palette", "a.png"))
    c = pictures.Set(
        place.images, place.path("palette"), ["bg", "leaf"]
    ).classes
    assert c.labels == ["bg", "leaf"] and c.is_binary
    assert c.colors == [None, "#c80a14"], c.colors


def colors(place):
    """Colours are classes, in the order of labels.txt"""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[area(2, 2, 9, 9) > 0] = (128, 64, 128)
    rgb[area(20, 2, 29, 9) > 0] = (0, 0, 192)
    Image.fromarray(rgb).save(place.path("colors", "a.png"))
    text = "0 0 0 background\n0 0 192 car\n128 64 128\troad\n"
    place.write(text, "colors", "labels.txt")
    c = pictures.Set(place.images, place.path("colors")).classes
    assert c.labels == ["background", "car", "road"], c.labels
    assert c.colors == [None, "#0000c0", "#804080"], c.colors
    plane = masks.read(place.path("colors")).read("a", WIDTH, HEIGHT)
    same(plane, area(20, 2, 29, 9) + area(2, 2, 9, 9) * 2)


def no_masks(place):
    """Photographs, other sizes and empty folders are no masks"""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(noise).save(place.path("photo", "a.png"))
    fails("colours: no mask", masks.read, place.path("photo"))
    Image.fromarray(area(1, 1, 5, 5)[:, :20]).save(place.path("half", "a.png"))
    half = masks.read(place.path("half"))
    fails("20x30 pixels", half.read, "a", WIDTH, HEIGHT)
    os.makedirs(place.path("empty"))
    fails("neither", masks.read, place.path("empty"))
    fails("there is no", masks.read, place.path("nowhere"))


# ---- outlines ---------------------------------------------------------------


def labelme(place):
    """LabelMe: polygons, rectangles, circles, masks and what has no area"""
    bits = io.BytesIO()
    Image.fromarray(np.ones((3, 4), bool)).save(bits, "PNG")
    data = base64.b64encode(bits.getvalue()).decode()

    def shape(label, kind, points, **more):
        return dict(label=label, shape_type=kind, points=points, **more)

    triangle = [[0, 0], [10, 0], [0, 10]]
    page = {
        "imageWidth": WIDTH,
        "imageHeight": HEIGHT,
        "shapes": [
            shape("car", "rectangle", [[20, 5], [30, 15]]),
            shape("_background_", "rectangle", [[22, 7], [24, 9]]),
            shape("ant", "polygon", triangle),
            shape("car", "mask", [[35, 20], [38, 22]], mask=data),
            shape("ignore", "circle", [[10, 20], [10, 24]]),
            shape("ant", "line", [[0, 0], [5, 5]]),
        ],
    }
    place.write(page, "labelme", "a.json")
    read = masks.read(place.path("labelme"))
    assert read.names == ["background", "ant", "car"], read.names
    assert read.notes == ["1 line left out: no area"], read.notes
    wanted = area(20, 5, 30, 15) * 2
    wanted[7:9, 22:24] = 0
    wanted[20:23, 35:39] = 2
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    wanted[x + y < 10] = 1
    found = read.read("a", WIDTH, HEIGHT)
    circle = found == masks.IGNORE
    assert abs(circle.sum() - np.pi * 16) < 4, circle.sum()
    same(np.where(circle, 0, found), wanted)
    large = read.read("a", 2 * WIDTH, 2 * HEIGHT)
    same(large[::2, ::2], found)


def compress(counts):
    """Returns run lengths as rleToString () of COCO's API writes them."""
    text = ""
    for i, value in enumerate(counts):
        value -= counts[i - 2] if i > 2 else 0
        more = True
        while more:
            c = value & 31
            value >>= 5
            more = value != -1 if c & 16 else value != 0
            text += chr((c | 32 if more else c) + 48)
    return text


def coco(place):
    """COCO: polygons, both run lengths, crowds, and small on large"""
    flat = area(1, 2, 4, 6).T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    size = [HEIGHT, WIDTH]

    def annotate(category, segmentation, size_of, **more):
        return dict(
            image_id=9,
            category_id=category,
            segmentation=segmentation,
            area=size_of,
            **more
        )

    page = {
        "images": [
            {"id": 9, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": [
            annotate(3, [[12, 12, 16, 12, 16, 16, 12, 16]], 16),
            annotate(1, [[10, 10, 20, 10, 20, 20, 10, 20]], 100),
            annotate(3, {"counts": counts, "size": size}, 12),
        ],
    }
    place.write(page, "coco", "instances.json")
    read = masks.read(place.path("coco"))
    assert read.names == ["background", "dog", "cat"], read.names
    wanted = area(10, 10, 20, 20) + area(12, 12, 16, 16) + area(1, 2, 4, 6) * 2
    same(read.read("a", WIDTH, HEIGHT), wanted)
    page["annotations"][2]["segmentation"]["counts"] = compress(counts)
    place.write(page, "coco", "instances.json")
    read = masks.read(place.path("coco"))
    same(read.read("a", WIDTH, HEIGHT), wanted)


def cvat(place):
    """CVAT: boxes, polygons and masks in the order of their depth"""
    text = """<annotations><meta><task><labels>
<label><name>leaf</name></label><label><name>root</name></label>
</labels></task></meta>
<image id="0" name="a.jpg" width="40" height="30">
<box label="root" xtl="12" ytl="12" xbr="16" ybr="16" z_order="2"/>
<polygon label="leaf" points="10,10;20,10;20,20;10,20" z_order="1"/>
<mask label="root" rle="1,2,3" left="30" top="4" width="3" height="2" z_order="0"/>
<polyline label="root" points="1,1;5,5"/>
</image></annotations>"""
    place.write(text, "cvat", "annotations.xml")
    read = masks.read(place.path("cvat"))
    assert read.names == ["background", "leaf", "root"], read.names
    assert read.notes == ["1 polyline left out: no area"], read.notes
    wanted = area(10, 10, 20, 20) + area(12, 12, 16, 16)
    wanted[4, 31:33] = 2
    same(read.read("a", WIDTH, HEIGHT), wanted)


def traces(place):
    """Outlines of random masks fill to the same masks, with holes"""
    rng = np.random.default_rng(3)
    for _ in range(20):
        mask = rng.random((HEIGHT, WIDTH)) < rng.uniform(0.2, 0.8)
        found = np.zeros_like(mask)
        for line in outlines.trace(mask, 0):
            found ^= outlines.fill(line, HEIGHT, WIDTH)
        same(found, mask)
    y, x = np.mgrid[:100, :120]
    disk = np.hypot(x - 60, y - 50) < 40
    (line,) = outlines.trace(disk, 1)
    wrong = outlines.fill(line, 100, 120) != disk
    assert len(line) < 50 and wrong.mean() < 0.02, (len(line), wrong.mean())


# ---- weights and the split --------------------------------------------------


def gaps(place):
    """A narrow gap is heavy as the paper's formula has it, a wide one is not"""
    inside = np.zeros((40, 60), bool)
    inside[5:35, 5:20] = inside[5:35, 23:40] = True
    w = borders.border_weights(inside)
    # the middle of the gap is 2 pixels from both
    expected = borders.W0 * np.exp(-(4**2) / (2 * borders.SIGMA**2))
    assert abs(w[20, 21] - expected) < 1e-3, (w[20, 21], expected)
    assert w[inside].max() == 0 and w[20, 55] == 0
    # most of this background is wide, and most of the other one is gaps
    assert borders.share_of_gaps([inside]) < 0.3
    y, x = np.mgrid[15:105, 15:105]
    assert borders.share_of_gaps([(x % 30 > 2) & (y % 30 > 2)]) > 0.8
    ids = borders.find_objects(inside | (np.arange(60) < 1))
    assert len(np.unique(ids)) == 4, np.unique(ids)
    u = np.zeros((9, 9), bool)
    u[:, 1] = u[:, 7] = u[8, 1:8] = True
    assert borders.find_objects(u).max() == 1


def sources(place):
    """Neighbours stay on one side of the split"""
    clips = ["%s_%03d" % (c, n) for c in "abcdefgh" for n in range(10)]
    trained, kept, _ = pictures.split(clips)
    assert not {n[0] for n in trained} & {n[0] for n in kept}
    assert 0.1 < len(kept) / len(clips) < 0.35, len(kept)
    trained, kept, _ = pictures.split(["cell-%02d" % n for n in range(30)])
    assert kept == ["cell-%02d" % n for n in range(24, 30)], kept
    trained, kept, _ = pictures.split(["train_1", "val_1", "train_2"])
    assert kept == ["val_1"], kept
    fails("0 of 2", pictures.split, ["a1", "a2"], "x*")
    more = ["cell-%02d" % n for n in range(40)]
    trained, now = pictures.split_again(more, more[24:30], more[:24])
    assert set(more[24:30]) < set(now) and not set(now) & set(trained)
    assert set(more[:24]) <= set(trained) and len(now) > 6, now


def flatness(place):
    """A training is flat where neither IoU nor loss moves, or the IoU for long"""
    rising = [0.1 + 0.03 * n for n in range(20)]
    level = rising[:12] + [rising[11]] * 8
    falling = [1 - 0.04 * n for n in range(20)]
    still = falling[:12] + [falling[11]] * 8
    assert not flat.is_flat(rising, falling)
    assert not flat.is_flat(level[:11], still[:11]), "too few"
    assert flat.is_flat(level, still)
    assert not flat.is_flat(level, falling), "the loss still falls"
    assert flat.is_flat(rising[:6] + [0.2] * 8, falling[:14]), "by heart"
    # the IoU may dip while weights and statistics move
    assert not flat.is_flat(rising[:9] + [0.2] * 3, falling[:12]), "a dip"


def refused(path, images, says):
    try:
        pictures.Set(images, path)
    except masks.MaskError as e:
        assert says in str(e), e
        return
    assert False, says + " was read"


def damaged(place):
    """A damaged picture, mask, outline or list of names is named"""
    for name in "ab":
        plane = Image.fromarray(255 * area(2, 2, 9, 9))
        plane.save(place.path("white", name + ".png"))
        place.write("", "empty", name + ".png")
    white = place.path("white")
    assert len(pictures.Set(place.images, white).pictures) == 2
    refused(place.path("empty"), place.images, "a.png cannot be read")
    place.write("no picture", "broken", "a.jpg")
    refused(white, place.path("broken"), "a.jpg cannot be read")
    place.write('{"shapes": [', "cut", "a.json")
    refused(place.path("cut"), place.images, "a.json cannot be read")
    shape = {"points": [[1, 1], [3, 3], [1, 3]], "shape_type": "polygon"}
    place.write({"shapes": [shape]}, "bare", "a.json")
    refused(place.path("bare"), place.images, "a.json has no 'label'")
    place.write("<annotations><image", "cut.xml")
    refused(place.path("cut.xml"), place.images, "cut.xml cannot be read")
    text = "<annotations><image name='a.jpg' width='40' height='30'>"
    text += "<polygon label='leaf' points='1,1;2'/></image></annotations>"
    place.write(text, "odd.xml")
    refused(place.path("odd.xml"), place.images, "a leaf of a cannot be read")
    with open(
        place.path("white", "labels.txt"), "w", encoding="utf-8-sig"
    ) as f:
        f.write("background\ncell\n")
    classes = pictures.Set(place.images, white).classes
    assert classes.labels == ["background", "cell"], classes.labels
    with open(place.path("white", "labels.txt"), "wb") as f:
        f.write("background".encode("utf-16"))
    refused(white, place.images, "labels.txt cannot be read")


def modules(_):
    """A program whose modules are missing says how to install them"""
    for name, wanted in (("train", "python3-torch"), ("label", "python3-pil")):
        script = os.path.join(TRAIN, name + ".py")
        done = subprocess.run(
            [sys.executable, "-B", "-S", script, "--help"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done.stdout
        assert done.stderr.startswith(name + ".py: "), done.stderr
        assert "apt install" in done.stderr, done.stderr
        assert wanted in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


def main():
    out = tap.Tap()
    for case in (
        white_on_black,
        class_numbers,
        grey_levels,
        palette,
        colors,
        no_masks,
        labelme,
        coco,
        cvat,
        traces,
        gaps,
        sources,
        flatness,
        damaged,
        modules,
    ):
        with tempfile.TemporaryDirectory() as folder:
            out.case(case, Place(folder))
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
