#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests masks in Python: test-masks.py PROGRAM. Prints TAP."""
import gc
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402
from introspection import GLib, Unetseg, model, pull, still  # noqa: E402
import numpy as np  # noqa: E402

try:
    from PIL import Image
except ImportError:
    tap.skip_all("python3-pil is not installed for this Python")
from program import good  # noqa: E402

# Outside of live streams it neither refines nor smooths.
ELEMENT = "unetseg name=s output=none threads=1 precision=f32"


def make_picture(width, height, seed=1):
    """Random colours in large squares."""
    random = np.random.RandomState(seed)
    small = random.randint(0, 2, (height // 8 + 1, width // 8 + 1, 3)) * 215
    large = small.repeat(8, 0).repeat(8, 1)[:height, :width]
    return np.ascontiguousarray(large + 20, np.uint8)


def same(a, b):
    """Whether two masks are the same."""
    return (
        np.array_equal(a.class_map, b.class_map)
        and np.array_equal(a.probability, b.probability)
        and a.rectangle == b.rectangle
    )


# ---- pictures ---------------------------------------------------------------


def like_program(folder):
    """Masks are those of `unetseg run`, at both sizes"""
    for name in ("red", "classes", "valid", "gated", "unet-same"):
        picture = make_picture(150, 110)
        path = os.path.join(folder, name + ".png")
        Image.fromarray(picture).save(path)
        out = os.path.join(folder, name)
        words = "--threads 1 --precision f32 --tuning static".split()
        good("run", model(name), "--image", path, "-o", out, *words)
        mask = Unetseg.Segmentation(model(name), still()).segment(picture)
        several = mask.get_classes().get_n_classes() > 2
        small = mask.class_map if several else mask.probability
        wanted = np.array(Image.open(os.path.join(out, "output.png")))
        assert np.array_equal(small, wanted), name
        large = np.array(Image.open(os.path.join(out, "output.picture.png")))
        assert np.array_equal(mask.at_size(150, 110), large), name
        assert len(np.unique(large)) > 1, name


def options_of_the_contract(folder):
    """Keyword arguments are fields of the contract, as for --set"""
    picture = make_picture(96, 96, 3)
    path = os.path.join(folder, "square.png")
    Image.fromarray(picture).save(path)
    out = os.path.join(folder, "fields")
    words = "--threads 1 --precision f32 --tuning static".split()
    words += ["--set", "mean=0.4,0.3,0.2", "--set", "invert=true"]
    words += ["--set", "fit=tile"]
    good("run", model("unet-same"), "--image", path, "-o", out, *words)
    segmentation = Unetseg.Segmentation(
        model("unet-same"),
        still(),
        mean=(0.4, 0.3, 0.2),
        invert=True,
        fit="tile",
    )
    contract = segmentation.get_contract()
    assert contract.invert and contract.fit == Unetseg.Fit.TILE
    wanted = np.array(Image.open(os.path.join(out, "output.png")))
    assert np.array_equal(segmentation.segment(picture).probability, wanted)


def layouts(_folder):
    """Views of arrays are read where they lie, and others are copied"""
    segmentation = Unetseg.Segmentation(model("classes"), still())
    large = make_picture(201, 99)
    for view in (
        large[10:90, 20:97],
        large[::3],
        large[:, ::2],
        large[::-1],
        large[:, ::-1],
        large.transpose(1, 0, 2),
        np.asfortranarray(large),
    ):
        wanted = segmentation.segment(np.array(view, order="C"))
        assert same(segmentation.segment(view), wanted), view.strides
    wanted = segmentation.segment(large)
    bgr = np.ascontiguousarray(large[..., ::-1])
    assert same(segmentation.segment(bgr, format="BGR"), wanted)
    alpha = np.dstack([large, np.full(large.shape[:2], 7, np.uint8)])
    assert same(segmentation.segment(alpha, format="RGBx"), wanted)
    grey = Unetseg.Segmentation(model("unet-same"), still())
    assert same(
        grey.segment(large[..., 0]),
        grey.segment(np.ascontiguousarray(large[..., :1])),
    )


def bad_pictures(_folder):
    """Pictures that are none raise"""
    segmentation = Unetseg.Segmentation(model("red"), still())
    for wrong, kind in (
        (np.zeros((4, 4, 3)), TypeError),
        (np.zeros((4, 4, 3), np.int8), TypeError),
        (np.zeros(12, np.uint8), TypeError),
        (np.zeros((1, 4, 4, 3), np.uint8), TypeError),
        (np.zeros((4, 4, 5), np.uint8), ValueError),
        (np.zeros((0, 4, 3), np.uint8), ValueError),
        (np.zeros((4, 0, 3), np.uint8), ValueError),
        (np.zeros((1, 40000), np.uint8), GLib.Error),
    ):
        try:
            segmentation.segment(wrong)
            assert False, wrong.shape
        except kind:
            pass
    for name, code in (("None", "UNSUPPORTED"), ("RGBA", "SHAPE")):
        try:
            segmentation.segment(np.zeros((4, 4, 3), np.uint8), format=name)
            assert False, name
        except GLib.Error as error:
            assert error.matches(
                Unetseg.error_quark(), getattr(Unetseg.Error, code)
            ), error
    mask = segmentation.segment(make_picture(64, 64))
    try:
        mask.at_size(0, 4)
        assert False, "a picture without columns"
    except ValueError:
        pass


# ---- buffers ----------------------------------------------------------------


def masks_of_ball(fields):
    """The masks of four frames, of which every other one is inferred; those are
    compared with the masks of the public call."""
    masks = []
    segmentation = Unetseg.Segmentation(model("red-dynamic"), still())
    for sample in pull(
        "videotestsrc num-buffers=4 pattern=ball ! "
        "video/x-raw,format=RGB,width=160,height=120,framerate=10/1 ! "
        + ELEMENT
        + " interval=2 model=%s %s ! appsink name=out"
        % (model("red-dynamic"), fields)
    ):
        (mask,) = Unetseg.read_masks(sample.get_buffer())
        own = segmentation.segment(sample)
        if mask.age_frames == 0:
            assert np.array_equal(mask.class_map, own.class_map)
            assert mask.rectangle == own.rectangle
        masks.append(mask)
    return masks


def of_buffers(_folder):
    """Masks of buffers are those of the element, and outlive the buffer"""
    masks = masks_of_ball("carry=false")
    gc.collect()
    assert [mask.age_frames for mask in masks] == [0, 1, 0, 1]
    assert [mask.age for mask in masks] == [0, 10**8, 0, 10**8]
    assert not any(mask.carried for mask in masks)
    assert masks[0].labels == ["background", "foreground"], masks[0].labels
    assert masks[0].rectangle == (0, 0, 160, 120)
    assert masks[0].get_classes().get_model() == model("red-dynamic")
    assert all(mask.class_map.any() for mask in masks)
    assert np.array_equal(masks[1].class_map, masks[0].class_map)
    assert not np.array_equal(masks[2].class_map, masks[0].class_map)
    assert [mask.carried for mask in masks_of_ball("carry=true")] == [
        False,
        True,
        False,
        True,
    ]
    (plain,) = pull("videotestsrc num-buffers=1 ! appsink name=out")
    assert Unetseg.read_masks(plain.get_buffer()) == []


def several_models(_folder):
    """A buffer has one mask for each element"""
    for sample in pull(
        "videotestsrc num-buffers=1 ! video/x-raw,format=RGB ! "
        + ELEMENT
        + " model=%s ! unetseg output=none model=%s ! appsink name=out"
        % (model("red"), model("classes"))
    ):
        masks = Unetseg.read_masks(sample.get_buffer())
    assert [mask.get_classes().get_n_classes() for mask in masks] == [2, 4]
    assert masks[1].labels == ["background", "red", "green", "blue"]


# ---- batches ----------------------------------------------------------------


def encode(mask):
    """COCO's counts of a mask, compressed as maskApi.c has it."""
    counts, value = [], False
    for pixel in mask.T.ravel():
        if not counts or pixel != value:
            counts += [0] if not counts and pixel else []
            counts.append(0)
            value = pixel
        counts[-1] += 1
    text = ""
    for i, count in enumerate(counts):
        x = count - (counts[i - 2] if i > 2 else 0)
        more = True
        while more:
            bits = x & 0x1F
            x >>= 5
            more = x != -1 if bits & 0x10 else x != 0
            text += chr(48 + (bits | 0x20 if more else bits))
    return counts, text


def run_lengths(_folder):
    """decode_rle() reads what COCO's tools write"""
    random = np.random.RandomState(2)
    shapes = [(1, 1), (1, 70), (70, 1), (37, 53), (300, 200)]
    for rows, columns in shapes:
        for density in (0, 0.002, 0.5, 1):
            mask = random.rand(rows, columns) < density
            counts, text = encode(mask)
            for form in (counts, text, text.encode()):
                found = Unetseg.decode_rle(
                    {"size": [rows, columns], "counts": form}
                )
                assert found.dtype == bool and np.array_equal(found, mask)
    # The example of pycocotools' documentation has this form.
    assert Unetseg.decode_rle(
        {"size": [2, 3], "counts": [1, 2, 3]}
    ).tolist() == [
        [False, True, False],
        [True, False, False],
    ]
    for wrong in ([1, 2], [7], [-1, 7], [], "", "1"):
        try:
            Unetseg.decode_rle({"size": [2, 3], "counts": wrong})
            assert False, wrong
        except ValueError:
            pass


def batch_results(folder):
    """read_results() reads the masks of a batch"""
    source = os.path.join(folder, "pictures")
    os.mkdir(source)
    picture = make_picture(120, 80, 5)
    Image.fromarray(picture).save(os.path.join(source, "a.png"))
    out = os.path.join(folder, "batch")
    good(
        "batch", source, "-o", out, "--to", "results",
        "--model", model("classes"), "--quiet",
    )  # fmt: skip
    frames = list(
        Unetseg.read_results(os.path.join(out, "a.png", "results.jsonl"))
    )
    assert len(frames) == 1 and frames[0]["width"] == 120
    wanted = Unetseg.Segmentation(model("classes"), still()).segment(picture)
    found = np.zeros_like(wanted.class_map)
    for item in frames[0]["objects"]:
        assert item["label"] == wanted.labels[item["class"]]
        pixel = 120 * 80 / found.size
        assert abs(item["area"] - item["mask"].sum() * pixel) < 1e-6
        found[item["mask"]] = item["class"]
    assert np.array_equal(found, wanted.class_map)
    assert sorted(np.unique(found)) == [0, 1, 2, 3]


if __name__ == "__main__":
    results = tap.Tap()
    with tempfile.TemporaryDirectory() as place:
        for case in (
            like_program,
            options_of_the_contract,
            layouts,
            bad_pictures,
            of_buffers,
            several_models,
            run_lengths,
            batch_results,
        ):
            results.case(case, place)
    sys.exit(results.done())
