#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests pictures in the formats that people have, and folders of them:
test-pictures.py PROGRAM. Prints TAP."""
import base64
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import media  # noqa: E402
import red  # noqa: E402
import tap  # noqa: E402
from common import copy_plan, events, same_masks  # noqa: E402
from program import bad, call, good  # noqa: E402
from red import Place  # noqa: E402


# The picture of red.py.
AVIF = (
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscg"
    "AAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQA"
    "AAEAAQAAAAEAAAETAAAATgAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2"
    "xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAYAAAAEAAAAAQcGl4aQAAAAAD"
    "CAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQ"
    "QBAoMEAAAAVm1kYXQSAAoJGBlv/tEBDQaEMj9EmPDwzKBBBBPKAAABAN1MbbCqO4KWJXzA"
    "BYOBu4fzx39sHItSpN2ELfMVLLizf1NvsuYP1yPgBwWeqx/8OYA="
)


def mask_of(out, name):
    return np.array(Image.open(os.path.join(out, name, "masks/000000.png")))


def ends_of(done):
    return {e["name"]: e for e in events(done.stdout) if e["event"] == "end"}


def plugin_file(name):
    """Returns the path of a plugin of GStreamer."""
    text = subprocess.run(
        ["gst-inspect-1.0", name], capture_output=True, text=True
    ).stdout
    return re.search(r"Filename\s+(\S+)", text).group(1)


def save_cmyk(path):
    Image.fromarray(red.pixels()).convert("CMYK").save(path, quality=95)


# ---- formats ----------------------------------------------------------------


def cmyk(place):
    """JPEG in CMYK is read by batch, run, eval and calibrate"""
    if not media.have("gdkpixbufdec"):
        raise tap.Skip("gdkpixbufdec is not installed")
    source, out = place.make("cmyk"), place.path("cmyk out")
    image = source + "/a.jpg"
    save_cmyk(image)
    done = call(*place.words(source, out, "--to", "masks,overlay", "--json"))
    assert done.returncode == 0, (done.returncode, done.stdout)
    assert ends_of(done)["a.jpg"]["frames"] == 1, done.stdout
    red.check_box(mask_of(out, "a.jpg"))
    assert Image.open(out + "/a.jpg/overlay.png").size == (96, 64)
    run = place.path("cmyk run")
    good(
        *("run", place.model, "--image", image, "-o", run),
        *("--tuning", "static"),
    )
    mask = Image.open(run + "/mask.png").resize((96, 64))
    red.check_box(np.array(mask) > 127)
    masks = place.make("cmyk masks")
    right = np.zeros((64, 96), np.uint8)
    right[red.BOX[1] : red.BOX[3], red.BOX[0] : red.BOX[2]] = 255
    Image.fromarray(right).save(masks + "/a.png")
    said = good(
        *("eval", place.model, "--images", source, "--masks", masks),
        *("--tuning", "static"),
    )
    assert float(said.split("foreground_iou")[1].split()[0]) > 0.85, said
    good("calibrate", place.model, image, "-o", place.path("cmyk.cal"))


def no_cmyk(place):
    """Without a decoder of CMYK the message names its package"""
    image = place.path("no-cmyk.jpg")
    save_cmyk(image)
    env = dict(os.environ, GST_REGISTRY=place.path("none.bin"))
    env["GST_PLUGIN_SYSTEM_PATH"] = place.make("plugins")
    folder = os.path.dirname(plugin_file("coreelements"))
    for name in ("coreelements", "app", "videoconvertscale", "videoconvert"):
        plugin = os.path.join(folder, "libgst%s.so" % name)
        if os.path.isfile(plugin):
            os.symlink(plugin, place.path("plugins", "libgst%s.so" % name))
    bad(
        *(1, "run", place.model, "--image", image, "-o", place.path("never")),
        says="(apt install gstreamer1.0-plugins-good)",
        env=env,
    )


def uncommon(place):
    """TIFF and BMP of several reads are read, TIFF with 16 bits"""
    if not media.have("avdec_tiff ! avdec_bmp"):
        raise tap.Skip("gstreamer1.0-libav is not installed")
    source, out = place.make("uncommon"), place.path("uncommon out")
    picture = Image.fromarray(red.pixels())
    picture.save(source + "/a.tiff")
    picture.save(source + "/b.bmp")
    picture.save(source + "/c.tiff", compression="tiff_lzw")
    for value in red.STORED:
        red.save_turned("%s/%d.tiff" % (source, value), "TIFF", value)
    good(*place.words(source, out, "--to", "masks"))
    for name in os.listdir(source):
        red.check_box(mask_of(out, name))
    model, image = place.path("thermal.onnx"), place.path("thermal.tiff")
    right = red.save_thermal(model, image)
    run = place.path("thermal run")
    good("run", model, "--image", image, "-o", run, "--tuning", "static")
    assert np.array_equal(np.array(Image.open(run + "/y.png")) > 127, right)


def avif(place):
    """AVIF is read, or the message names the package of its decoder"""
    if not media.have("gdkpixbufdec"):
        raise tap.Skip("gdkpixbufdec is not installed")
    source, out = place.make("avif"), place.path("avif out")
    image = source + "/a.avif"
    with open(image, "wb") as f:
        f.write(base64.b64decode(AVIF))
    hint = "(apt install libavif-gdk-pixbuf)"
    done = call(*place.words(source, out, "--to", "masks", "--json"))
    end = ends_of(done)["a.avif"]
    if end["status"] == "failed":
        assert hint in end["reason"], end
    else:
        red.check_box(mask_of(out, "a.avif"))
    bad(
        *(1, "run", place.model, "--image", image, "-o", place.path("none")),
        says=hint,
        env=dict(os.environ, GDK_PIXBUF_MODULE_FILE=place.path("no-loader")),
    )


def animated(place):
    """Of animations that no element decodes, the batch says so"""
    source, out = place.make("animated"), place.path("animated out")
    images = [Image.fromarray(red.pixels())]
    images.append(Image.fromarray(np.roll(red.pixels(), 8, axis=1)))
    for name in ("a.png", "b.webp"):
        images[0].save(
            os.path.join(source, name),
            **dict(save_all=True, append_images=images[1:], duration=100),
        )
    done = call(*place.words(source, out, "--to", "masks", "--json"))
    assert done.returncode == 1, (done.returncode, done.stdout)
    ends = ends_of(done)
    assert ends["a.png"]["status"] == "short", ends
    assert "first picture" in ends["a.png"]["reason"], ends
    red.check_box(mask_of(out, "a.png"))
    assert ends["b.webp"]["status"] == "failed", ends
    assert "animated WebP" in ends["b.webp"]["reason"], ends


# ---- many pictures ----------------------------------------------------------


def second_picture(place):
    """A second picture at the end of a JPEG is left out, as phones add one"""
    source, out = place.make("second"), place.path("second out")
    red.save_turned(source + "/a.jpg", "JPEG", 1)
    other = Image.fromarray(np.zeros((64, 96, 3), np.uint8))
    other.save(place.path("other.jpg"))
    with open(source + "/a.jpg", "rb") as f:
        first = f.read()
    with open(place.path("other.jpg"), "rb") as f:
        first += f.read()
    with open(source + "/b.jpg", "wb") as f:
        f.write(first)
    done = call(*place.words(source, out, "--to", "masks,results", "--json"))
    assert done.returncode == 0, (done.returncode, done.stdout)
    assert [e["frames"] for e in ends_of(done).values()] == [1, 1], done.stdout
    assert os.listdir(out + "/b.jpg/masks") == ["000000.png"]
    same_masks(out + "/a.jpg", out + "/b.jpg")


def save_several(source):
    """Saves pictures of which each differs from the one before."""
    rng = np.random.RandomState(5)
    sizes = ((96, 64), (96, 64), (64, 96), (130, 70), (96, 64), (31, 47))
    for i, (width, height) in enumerate(sizes * 2):
        array = rng.randint(0, 256, (height, width, 3), np.uint8)
        name = "%s/%02d.%s" % (source, i, "png" if i % 5 == 3 else "jpg")
        Image.fromarray(array).save(name)
    for value in (6, 8, 6):
        red.save_turned("%s/t%d.jpg" % (source, value), "JPEG", value)
    Image.fromarray(red.pixels()).convert("L").save(source + "/grey.jpg")


def independent(place):
    """Pictures of a folder have the masks that each has alone"""
    source, out = place.make("several"), place.path("several out")
    save_several(source)
    # These would carry a mask over to the next frame of a recording.
    held = ("--temporal", "on", "--interval", "3")
    to = ("--to", "masks,results,overlay,cutout,mask,report", *held)
    good(*place.words(source, out, *to))
    names = sorted(os.listdir(source))
    for name in names:
        alone = place.path("alone " + name)
        copy_plan(out, alone)
        good(*place.words(os.path.join(source, name), alone, *to, "--resume"))
        same_masks(os.path.join(out, name), os.path.join(alone, name))
        for picture in ("overlay.png", "cutout.png", "mask.png"):
            a, b = (
                np.array(Image.open(os.path.join(top, name, picture)))
                for top in (out, alone)
            )
            assert np.array_equal(a, b), (name, picture)
    assert len(names) > 12, names


def damaged_between(place):
    """A damaged picture fails between others, which have their masks"""
    source, out = place.make("between"), place.path("between out")
    for i in range(5):
        red.save_turned("%s/%d.png" % (source, i), "PNG", 1)
    # Whole by its chunks, but its data is not of zlib.
    with open(source + "/2.png", "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"IDAT") + 4
    data[at : at + 20] = b"x" * 20
    with open(source + "/2.png", "wb") as f:
        f.write(data)
    done = call(*place.words(source, out, "--to", "masks", "--json"))
    assert done.returncode == 1, (done.returncode, done.stdout)
    ends = ends_of(done)
    for i in range(5):
        name = "%d.png" % i
        if i == 2:
            assert ends[name]["status"] == "failed", ends
            assert "cannot be decoded" in ends[name]["reason"], ends
        else:
            assert ends[name]["status"] == "done", ends
            red.check_box(mask_of(out, name))


def main():
    test = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for case in (
            cmyk,
            no_cmyk,
            uncommon,
            avif,
            animated,
            second_picture,
            independent,
            damaged_between,
        ):
            test.case(case, place)
    return test.done()


if __name__ == "__main__":
    sys.exit(main())
