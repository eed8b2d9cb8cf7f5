#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program as its users call it: test-program.py PROGRAM. Prints TAP."""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "networks"))
import numpy as np  # noqa: E402
from onnx import TensorProto, helper, save  # noqa: E402
from PIL import Image  # noqa: E402
import networks  # noqa: E402
import red  # noqa: E402
from program import bad, call, good  # noqa: E402
import tap  # noqa: E402

COMMANDS = ("run", "inspect", "bench", "eval")


class Place:
    """A folder to work in, with a small network."""

    def __init__(self, folder):
        self.folder = folder
        networks.make(folder, ["unet-8"])
        self.unet = self.path("unet-8.onnx")
        self.picture = networks.maker.picture(3, 64, 96, seed=3)
        self.npy = self.path("x.npy")
        np.save(self.npy, self.picture[None])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)


def run_tensor(place, *words, npy=None, name="out"):
    """The 'logits' of one run."""
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


# ---- the command line -------------------------------------------------------


def help_texts(_):
    """Help of the program and of each command"""
    for words in (["--help"], ["-h"], ["help"]):
        text = good(*words)
        assert all(command in text for command in COMMANDS), text
    for command in COMMANDS:
        text = good(command, "--help")
        assert "Examples:" in text and "unetseg " + command in text, text
        assert "--precision" in text and "--size" in text, text
        assert good("help", command) == text


def version(_):
    """The version names the engine"""
    assert "oneDNN" in good("--version")


def usage_errors(place):
    """A wrong command line gives status 2 and one message"""
    for command in COMMANDS:
        bad(2, command, "--nonsense")
        bad(
            2, command, place.unet, place.unet, "-o", "x", "--image", "x"
        ) if command == "run" else bad(2, command, place.unet, place.unet)
    assert call().returncode == 2
    assert call("nonsense").returncode == 2
    assert "Exit status: 0" in good("--help") and "130" in good("--help")
    for size in (
        "64",
        "64x",
        "x64",
        "0x64",
        "-1x64",
        "64x64x3",
        "64 x64",
        "99999999999x64",
        "",
    ):
        bad(2, "bench", place.unet, "--size", size, says="--size")
    bad(2, "bench", place.unet, "--precision", "f31", says="f32")
    bad(2, "bench", place.unet, "--tuning", "lucky", says="measure")
    bad(2, "bench", place.unet, "--threads", "-1", says="--threads")
    bad(2, "bench", place.unet, "--seconds", "nan", says="--seconds")
    bad(2, "bench", place.unet, "--set", "mean", says="KEY=VALUE")
    for shape in (
        "input",
        "input=",
        "input=1x",
        "input=1x0",
        "=1x2",
        "input=1x1x1x1x1x1x1x1x1",
        "input=axb",
    ):
        bad(2, "bench", place.unet, "--shape", shape, says="--shape")


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


# ---- files that are not what they should be ---------------------------------


def bad_models(place):
    """A model that is missing, cut short or no model is named"""
    with open(place.unet, "rb") as f:
        whole = f.read()
    files = {
        "missing.onnx": None,
        "empty.onnx": b"",
        "text.onnx": b"This is no model.\n" * 100,
        "half.onnx": whole[: len(whole) // 2],
        "start.onnx": whole[:100],
    }
    for name, data in files.items():
        path = place.path(name) if data is None else place.write(name, data)
        for command in ("inspect", "bench"):
            bad(1, command, path, says=name)
    bad(1, "inspect", place.folder, says=place.folder)


def bad_tensors(place):
    """A tensor that is no .npy file or does not fit is named"""
    with open(place.npy, "rb") as f:
        whole = f.read()
    files = {
        "missing.npy": None,
        "empty.npy": b"",
        "text.npy": b"0.1 0.2 0.3\n",
        "half.npy": whole[: len(whole) // 2],
        "more.npy": whole + b"\0",
        "huge.npy": whole.replace(b"(1, 3, 64, 96)", b"(9, 9, 9e9, 9)"),
    }
    for name, data in files.items():
        path = place.path(name) if data is None else place.write(name, data)
        bad(
            1,
            "run",
            place.unet,
            "--input",
            path,
            "-o",
            place.path("o"),
            says=name,
        )
    for shape in ((3, 64, 96), (1, 4, 64, 96), (1, 3, 64, 97), (1, 3, 0, 96)):
        path = place.path("shape.npy")
        np.save(path, np.zeros(shape, np.float32))
        bad(1, "run", place.unet, "--input", path, "-o", place.path("o"))


def bad_pictures(place):
    """A picture that cannot be decoded is named"""
    text = place.write("text.png", b"no picture\n" * 50)
    for path in (text, place.path("none.png")):
        bad(
            1,
            "run",
            "person",
            "--image",
            path,
            "-o",
            place.path("o"),
            says=os.path.basename(path),
        )


def bad_folder(place):
    """A folder that cannot be made is named"""
    bad(
        1,
        "run",
        place.unet,
        "--input",
        place.npy,
        "-o",
        "/dev/null/x",
        says="/dev/null/x",
    )


def contract_errors(place):
    """A contract that the model cannot keep is refused"""
    bad(1, "inspect", place.unet, "--set", "nonsense=1", says="nonsense")
    bad(1, "inspect", place.unet, "--set", "output=nobody", says="nobody")


# ---- bench and inspect ------------------------------------------------------


def bench_json(place):
    """bench --json holds the documented keys"""
    result = json.loads(
        good(
            "bench",
            place.unet,
            "--size",
            "96x64",
            "--json",
            "--seconds",
            "0.2",
            "--threads",
            "1",
        )
    )
    assert result["model"] == place.unet
    assert result["threads"] == 1 and result["precision"] == "auto"
    assert result["precision_used"] == "f32"
    assert result["shapes"] == {"input": "1x3x64x96"}
    assert "oneDNN" in result["onednn"]
    assert 0 < result["min_ms"] <= result["median_ms"] <= result["p95_ms"]
    assert result["runs"] >= 3 and result["create_ms"] > 0
    assert result["arena_bytes"] >= result["live_bytes"] > 0
    rate = result["gflop"] / result["median_ms"] * 1e3
    assert abs(result["gflops"] / rate - 1) < 1e-6
    assert abs(result["fps"] * result["median_ms"] / 1e3 - 1) < 1e-6


def bench_text(place):
    """bench prints its result as text; the built-in model is the default"""
    text = good("bench", "--seconds", "0.1")
    assert "median" in text and "frames/s" in text, text
    assert (
        good("bench", "person", "--seconds", "0").split("median")[0]
        == text.split("median")[0]
    )


def bench_built_in(place):
    """The built-in model is computed in bytes as its own calibration says"""
    for options, frames in ([], 48), (["--min-iou", "0.5"], 3):
        result = json.loads(
            good("bench", "--json", "--seconds", "0", "-p", "int8", *options)
        )
        assert result["calibration_frames"] == frames, result


def bench_shape(place):
    """Shapes of inputs can be given one by one"""
    result = json.loads(
        good(
            "bench",
            place.unet,
            "--json",
            "--seconds",
            "0",
            "--shape",
            "input=1x3x32x48",
        )
    )
    assert result["shapes"] == {"input": "1x3x32x48"}


def inspect_json(place):
    """inspect --json holds contract, tensors, layers and sums"""
    result = json.loads(
        good(
            "inspect",
            place.unet,
            "--size",
            "96x64",
            "--json",
            "--set",
            "activation=sigmoid",
        )
    )
    assert result["inputs"] == [
        {
            "name": "input",
            "type": "f32",
            "shape": [1, 3, 64, 96],
            "shape_in_file": [1, 3, -1, -1],
        }
    ]
    assert result["outputs"][0]["shape"] == [1, 1, 64, 96]
    contract = result["contract"]
    assert contract["input"] == "input" and contract["output"] == "logits"
    assert contract["layout"] == "nchw"
    assert contract["activation"] == "sigmoid"
    layers = result["layers"]
    assert len(layers) >= 20
    keys = {
        "name",
        "op",
        "shape",
        "impl",
        "layout",
        "kind",
        "flops",
        "bytes",
        "ms",
        "gflops",
        "roof_ms",
    }
    assert all(set(layer) == keys for layer in layers), layers[0]
    assert {layer["kind"] for layer in layers} <= {"compute", "reorder", "copy"}
    flops = sum(layer["flops"] for layer in layers)
    assert flops >= result["gflop"] * 1e9 * 0.99, (flops, result["gflop"])
    sums = result["compute_ms"] + result["reorders_ms"] + result["copies_ms"]
    assert abs(sums - sum(layer["ms"] for layer in layers)) < 1e-6
    assert result["run_ms"] <= sums + result["idle_ms"] + 1e-6
    assert result["machine"]["peak_gflops"] > 0
    assert all(layer["roof_ms"] > 0 for layer in layers if layer["flops"])


def known_work(place):
    """Parameters and operations of a convolution are what they should be"""
    path = place.path("conv.onnx")
    save_conv(path, "y")
    result = json.loads(good("inspect", path, "--size", "40x20", "--json"))
    assert result["parameters"] == 8 * 3 * 3 * 3 + 8
    assert abs(result["gflop"] - 2e-9 * 8 * 27 * 800) < 1e-12


def inspect_text(place):
    """inspect prints a line for everything it should tell"""
    text = good("inspect", place.unet, "--size", "96x64")
    for word in (
        "contract",
        "input",
        "output",
        "parameters",
        "work",
        "arena",
        "machine",
        "reorders",
        "copies",
        "idle",
        "implementation",
    ):
        assert any(
            line.split()[:1] == [word] or word in line.split()
            for line in text.splitlines()
        ), (word, text)


# ---- run --------------------------------------------------------------------


def save_conv(path, *outputs):
    """A 3x3 convolution, 3 -> 8 channels, and copies of its output."""
    rng = np.random.RandomState(1)
    weights = [
        helper.make_tensor(
            name, TensorProto.FLOAT, shape, rng.randn(int(np.prod(shape)))
        )
        for name, shape in (("w", [8, 3, 3, 3]), ("b", [8]))
    ]
    nodes = [
        helper.make_node(
            "Conv", ["x", "w", "b"], [outputs[0]], pads=[1, 1, 1, 1]
        )
    ]
    nodes += [
        helper.make_node("Relu", [outputs[0]], [name]) for name in outputs[1:]
    ]
    graph = helper.make_graph(
        nodes,
        "conv",
        [
            helper.make_tensor_value_info(
                "x", TensorProto.FLOAT, [1, 3, "h", "w_"]
            )
        ],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [1, 8, "h", "w_"]
            )
            for name in outputs
        ],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 7
    save(model, path)


def run_shapes(place):
    """run writes each output as .npy; tuning changes only the rounding"""
    measured = run_tensor(place)
    assert measured.shape == (1, 1, 64, 96) and measured.dtype == np.float32
    assert measured.std() > 0.1
    for tuning in ("static", "reference"):
        other = run_tensor(place, "--tuning", tuning)
        assert np.abs(other - measured).max() < 1e-4 * np.abs(measured).max()
    first = run_tensor(place, "--tuning", "static")
    assert np.array_equal(first, run_tensor(place, "--tuning", "static"))


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
    """A picture times a number, both inputs, less a half."""
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


CASES = (
    help_texts,
    version,
    usage_errors,
    run_usage,
    bad_models,
    bad_tensors,
    bad_pictures,
    bad_folder,
    contract_errors,
    bench_json,
    bench_text,
    bench_built_in,
    bench_shape,
    inspect_json,
    known_work,
    inspect_text,
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
    run_built_in,
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
