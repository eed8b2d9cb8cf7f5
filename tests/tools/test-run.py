#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests the command run: test-run.py PROGRAM. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "networks"))
import numpy as np  # noqa: E402
from onnx import TensorProto, helper, save  # noqa: E402
from PIL import Image  # noqa: E402
import bars  # noqa: E402
import networks  # noqa: E402
from place import Place, save_conv  # noqa: E402
import red  # noqa: E402
from program import bad, good  # noqa: E402
import tap  # noqa: E402


def run_tensor(place, *words, npy=None, name="out"):
    """Returns the 'logits' of one run."""
    out = place.path(name)
    good(
        "run",
        place.unet,
        "--input",
        "input=" + (npy or place.npy),
        "-o",
        out,
        *words
    )
    return np.load(os.path.join(out, "logits.npy"))


def run_usage(place):
    """run says what is missing"""
    out = place.path("never")
    bad(2, "run", place.unet, "--input", place.npy, says="-o")
    bad(2, "run", place.unet, "-o", out, says="--image")
    bad(
        2,
        "run",
        place.unet,
        "-o",
        out,
        "--input",
        "nobody=" + place.npy,
        says="'input'",
    )
    bad(
        2,
        "run",
        place.unet,
        "-o",
        out,
        "--input",
        place.npy,
        "--threshold",
        "2",
        says="--threshold",
    )
    bad(
        2,
        "run",
        place.unet,
        "-o",
        out,
        "--input",
        place.npy,
        "--size",
        "64x64",
        says="--size",
    )
    assert not os.path.exists(out)


def run_shapes(place):
    """run writes each output as .npy; tuning changes only the rounding"""
    measured = run_tensor(place, "--tuning", "measure")
    assert measured.shape == (1, 1, 64, 96) and measured.dtype == np.float32
    assert measured.std() > 0.1
    for tuning in ("static", "reference"):
        other = run_tensor(place, "--tuning", tuning)
        assert np.abs(other - measured).max() < 1e-4 * np.abs(measured).max()
    first = run_tensor(place, "--tuning", "static")
    assert np.array_equal(first, run_tensor(place, "--tuning", "static"))
    assert np.array_equal(first, run_tensor(place))  # it is the default


def run_types(place):
    """Tensors of other types and orders are converted"""

    def run(npy):
        return run_tensor(place, "--tuning", "static", npy=npy)

    wanted = run(place.npy)
    for name, value in (
        ("f64", place.picture[None].astype(np.float64)),
        ("order", np.asfortranarray(place.picture[None])),
    ):
        path = place.path(name + ".npy")
        np.save(path, value)
        assert np.array_equal(run(path), wanted), name
    path = place.path("u8.npy")
    bytes_ = (place.picture[None] * 255).astype(np.uint8)
    np.save(path, bytes_)
    got = run(path)
    np.save(path, bytes_.astype(np.float32))
    assert np.array_equal(got, run(path))


def run_names(place):
    """Names of outputs cannot leave the folder or hide each other"""
    model, out = place.path("names.onnx"), place.path("names")
    save_conv(model, "../../evil", "a/b:0", "a:b/0", ".hidden")
    good("run", model, "--input", place.npy, "-o", out)
    have = sorted(name for name in os.listdir(out) if name.endswith(".npy"))
    assert have == sorted(
        ["_._.._evil.npy", "a_b_0.npy", "a_b_0-2.npy", "_hidden.npy"]
    ), have


def run_picture(place):
    """A picture goes through the contract and comes out as a PNG mask"""
    pixels = np.rint(place.picture * 255).astype(np.uint8)
    image = place.path("picture.png")
    Image.fromarray(pixels.transpose(1, 2, 0)).save(image)
    npy, out = place.path("pixels.npy"), place.path("picture")
    np.save(npy, pixels[None].astype(np.float32) / 255)
    wanted = run_tensor(place, npy=npy)
    good("run", place.unet, "--image", image, "--size", "96x64", "-o", out)
    got = np.load(os.path.join(out, "logits.npy"))
    assert np.abs(got - wanted).max() < 1e-3 * np.abs(wanted).max()
    mask = Image.open(os.path.join(out, "logits.png"))
    assert mask.mode == "L" and mask.size == (96, 64)
    probability = 255 / (1 + np.exp(-got[0, 0].astype(np.float64)))
    assert np.abs(np.array(mask) - probability).max() < 1.01


def save_gain(path):
    """Saves a network that weighs the channels of a picture times a number.
    Both are inputs."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "gain"], ["product"]),
            helper.make_node("Conv", ["product", "w"], ["y"]),
        ],
        "gain",
        [
            info("x", TensorProto.FLOAT, [1, 3, "h", "w_"]),
            info("gain", TensorProto.FLOAT, [1, 1, 1, 1]),
        ],
        [info("y", TensorProto.FLOAT, [1, 1, "h", "w_"])],
        [
            helper.make_tensor(
                "w", TensorProto.FLOAT, [1, 3, 1, 1], [1.0, -1.0, 0.5]
            )
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 7
    save(model, path)


def run_mixed(place):
    """A picture and a tensor feed one network"""
    model, out = place.path("gain.onnx"), place.path("gain")
    image, gain = place.path("mixed.png"), place.path("gain.npy")
    save_gain(model)
    pixels = np.rint(place.picture * 255).astype(np.uint8)
    Image.fromarray(pixels.transpose(1, 2, 0)).save(image)
    np.save(gain, np.full((1, 1, 1, 1), 3, np.float32))
    good(
        "run",
        model,
        "--image",
        image,
        "--size",
        "96x64",
        "--input",
        "gain=" + gain,
        "-o",
        out,
    )
    got = np.load(os.path.join(out, "y.npy"))
    red, green, blue = pixels / 255.0
    assert np.abs(got[0, 0] - 3 * (red - green + blue / 2)).max() < 1e-5
    for words in (
        ["--image", image],
        ["--input", "gain=" + gain, "--input", "y=" + gain],
    ):
        bad(2, "run", model, "-o", out, *words, says="--input")


def run_normalised(place):
    """Scale, mean, deviation and colour order of the contract are applied"""
    pixels = np.rint(place.picture * 255).astype(np.uint8)
    image = place.path("picture.png")
    Image.fromarray(pixels.transpose(1, 2, 0)).save(image)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    value = (pixels / 255.0 - mean[:, None, None]) / std[:, None, None]
    npy, out = place.path("normalised.npy"), place.path("normalised")
    np.save(npy, value[None, ::-1].astype(np.float32))
    wanted = run_tensor(place, npy=npy)
    good(
        "run",
        place.unet,
        "--image",
        image,
        "--size",
        "96x64",
        "-o",
        out,
        "--set",
        "mean=0.485,0.456,0.406",
        "--set",
        "std=0.229,0.224,0.225",
        "--set",
        "color-order=bgr",
    )
    got = np.load(os.path.join(out, "logits.npy"))
    assert np.abs(got - wanted).max() < 1e-3 * np.abs(wanted).max()


def run_classes(place):
    """Several classes give a class map in colours"""
    model, out = place.path("classes.onnx"), place.path("classes")
    image = place.path("photo.jpg")
    save_conv(model, "y")
    Image.fromarray(
        np.rint(place.picture * 255).astype(np.uint8).transpose(1, 2, 0)
    ).save(image)
    good(
        "run",
        model,
        "--image",
        image,
        "--size",
        "96x64",
        "--threshold",
        "0",
        "-o",
        out,
    )
    scores = np.load(os.path.join(out, "y.npy"))
    mask = Image.open(os.path.join(out, "y.png"))
    assert mask.mode == "P" and mask.size == (96, 64)
    assert np.mean(np.array(mask) == scores[0].argmax(0)) > 0.999


def run_sizes(place):
    """The mask is written at the network's size and at the picture's"""
    image, out = place.path("large.png"), place.path("sizes")
    pixels = np.rint(networks.maker.picture(3, 150, 200, seed=4) * 255)
    Image.fromarray(pixels.astype(np.uint8).transpose(1, 2, 0)).save(image)
    good("run", place.unet, "--image", image, "--size", "96x64", "-o", out)
    small = Image.open(os.path.join(out, "logits.png"))
    large = Image.open(os.path.join(out, "logits.picture.png"))
    assert small.size == (96, 64) and large.size == (200, 150)
    assert small.mode == large.mode == "L"
    wanted = np.array(small.resize(large.size, Image.BILINEAR), np.int16)
    assert np.abs(np.array(large) - wanted).max() <= 2
    model = place.path("sizes.onnx")
    save_conv(model, "y")
    good("run", model, "--image", image, "--size", "96x64", "-o", out)
    classes = Image.open(os.path.join(out, "y.picture.png"))
    assert classes.mode == "P" and classes.size == (200, 150)


def run_orientations(place):
    """A picture is upright with each EXIF orientation"""
    model, image = place.path("red.onnx"), place.path("turned.jpg")
    red.save_network(model)
    for value in red.STORED:
        red.save_turned(image, "JPEG", value)
        out = place.path("turned %d" % value)
        good("run", model, "--image", image, "-o", out, "--tuning", "static")
        mask = Image.open(os.path.join(out, "mask.picture.png"))
        red.check_box(np.array(mask) > 127)


def run_16_bit(place):
    """16 bits of a picture reach the network"""
    model, image = place.path("thermal.onnx"), place.path("thermal.png")
    out = place.path("thermal")
    truth = red.save_thermal(model, image)
    good("run", model, "--image", image, "-o", out, "--tuning", "static")
    found = np.load(os.path.join(out, "y.npy"))[0, 0]
    assert np.array_equal(found > 0.5, truth), found[[5, 32], [5, 48]]


def run_gif(place):
    """A GIF gives its first frame"""
    if not has_element("avdemux_gif"):
        raise tap.Skip("gstreamer1.0-libav is not installed")
    model, out = place.path("red.onnx"), place.path("gif")
    red.save_network(model)
    for frames in (1, 2, 6):
        image = place.path("%d.gif" % frames)
        red.save_gif(image, frames)
        begin = time.monotonic()
        good("run", model, "--image", image, "-o", out, "--tuning", "static")
        assert time.monotonic() - begin < 20, time.monotonic() - begin
        mask = Image.open(os.path.join(out, "mask.picture.png"))
        red.check_box(np.array(mask) > 127)


def has_element(name):
    return subprocess.run(["gst-inspect-1.0", "--exists", name]).returncode == 0


def run_built_in(place):
    """The built-in model finds no person in an empty picture"""
    image, out = place.path("grey.png"), place.path("person")
    Image.new("RGB", (320, 240), (128, 128, 128)).save(image)
    good("run", "--image", image, "-o", out)
    pngs = [name for name in os.listdir(out) if name.endswith(".png")]
    assert len(pngs) == 2, pngs
    for name in pngs:
        mask = np.array(Image.open(os.path.join(out, name)))
        assert (mask > 127).mean() < 0.2, (mask > 127).mean()


def run_no_decoder(place):
    """run names the Debian package of a missing decoder"""
    image = place.path("no-decoder.png")
    Image.new("RGB", (32, 24)).save(image)
    ranks = ",".join(
        name + ":NONE" for name in ("pngdec", "avdec_png", "gdkpixbufdec")
    )
    bad(
        1,
        "run",
        "--image",
        image,
        "-o",
        place.path("never"),
        says="PNG decoder (apt install gstreamer1.0-plugins-good)",
        env=dict(os.environ, GST_PLUGIN_FEATURE_RANK=ranks, LC_ALL="C.UTF-8"),
    )


def run_bytes(place):
    """run and eval feed a network that takes the picture as bytes"""
    net, out = place.path("bytes.onnx"), place.path("bytes")
    folder = place.path("bytes-pictures")
    arrays = dict(bars.finder("red"), k=np.array(1 / 255, np.float32))
    nodes = [
        bars.node("Cast", "x", "f", to=TensorProto.FLOAT),
        bars.node("Transpose", "f", "t", perm=[0, 3, 1, 2]),
        bars.node("Mul", "t k", "m"),
        bars.node("Conv", "m w b", "c"),
        bars.node("Sigmoid", "c", "y"),
    ]
    x = bars.value("x", ["n", 64, 96, 3], TensorProto.UINT8)
    bars.write(net, nodes, [x], [bars.value("y", None)], arrays)
    os.makedirs(os.path.join(folder, "masks"))
    Image.fromarray(red.pixels()).save(os.path.join(folder, "a.png"))
    picture = red.pixels()[..., 0] > 127
    Image.fromarray(picture).save(os.path.join(folder, "masks", "a.png"))
    good("run", net, "--image", os.path.join(folder, "a.png"), "-o", out)
    mask = np.load(os.path.join(out, "y.npy"))[0, 0]
    red.check_box(mask > 0.5)
    masks = os.path.join(folder, "masks")
    text = good("eval", net, "-i", folder, "-m", masks, "--json")
    assert json.loads(text)["foreground_iou"] == 1, text


CASES = (
    run_bytes,
    run_usage,
    run_shapes,
    run_types,
    run_names,
    run_picture,
    run_mixed,
    run_normalised,
    run_classes,
    run_sizes,
    run_orientations,
    run_16_bit,
    run_gif,
    run_built_in,
    run_no_decoder,
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
