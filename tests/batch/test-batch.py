#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests batches of mixed recordings: test-batch.py PROGRAM. Prints TAP.

UNETSEG_BATCH_FULL=1 kills the batch ten times instead of three.
UNETSEG_BATCH_FEW=1, for slow builds, kills it once and uses fewer inputs."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import media  # noqa: E402
import tap  # noqa: E402
from common import coco_decode, copy_plan, events  # noqa: E402
from common import png_classes, same_masks  # noqa: E402
from program import PROGRAM, call, good, start  # noqa: E402

FULL = os.environ.get("UNETSEG_BATCH_FULL")
FEW = os.environ.get("UNETSEG_BATCH_FEW")
WHAT = ("--to", "masks,results", "-t", "1", "-j", "2", "--patience", "100")


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.media = self.path("media")
        self.good, self.bad = media.make(self.media, FEW)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def reference(self, name):
        return self.path("reference", name)


def complete(place):
    """Every good recording is complete, every bad one reported"""
    done = call(
        "batch",
        place.media,
        "-o",
        place.path("reference"),
        "--json",
        "--to",
        "overlay,masks,results,report",
        *WHAT[2:]
    )
    assert done.returncode == 1, (done.returncode, done.stderr)
    ends = {e["name"]: e for e in events(done.stdout) if e["event"] == "end"}
    for name, frames in place.good.items():
        end = ends[name.replace("\n", "\\n")]
        assert end["status"] == "done", end
        assert frames is None or end["frames"] == frames, (frames, end)
        folder = place.reference(name)
        assert len(os.listdir(folder + "/masks")) == end["frames"], end
        with open(folder + "/manifest.json", encoding="utf-8") as f:
            manifest = json.load(f)
        assert manifest["frames"] == end["frames"] and manifest["plan"]
        assert any(f.startswith("overlay.") for f in os.listdir(folder))
    for name in place.bad:
        end = ends[name]
        assert end["status"] != "done" and end["reason"], end
    assert ends["notes.txt"]["status"] == "skipped", ends["notes.txt"]
    assert ends["cut.mkv"]["status"] == "short", ends["cut.mkv"]
    summary = events(done.stdout)[-1]
    assert summary["done"] == len(place.good), summary


def numbers(place):
    """Areas, boxes, centroids and RLE agree with each other"""
    import numpy as np

    person, out = place.path("person.mkv"), place.path("person")
    if not media.make_person(person):
        raise tap.Skip("no recording of a person")
    good("batch", person, "-o", out, *WHAT)
    seen = 0
    for folder in [
        os.path.join(out, "person.mkv"),
        *(place.reference(name) for name in list(place.good)[:6]),
    ]:
        with open(folder + "/results.jsonl") as f:
            lines = [json.loads(line) for line in f]
        assert [line["frame"] for line in lines] == list(range(len(lines)))
        for line in lines:
            x, y, w, h = line["rect"]
            for thing in line["objects"]:
                rows, columns = thing["segmentation"]["size"]
                mask = coco_decode(thing["segmentation"])
                ys, xs = np.nonzero(mask)
                sx, sy = w / columns, h / rows
                np.testing.assert_allclose(
                    thing["area"], len(xs) * sx * sy, rtol=1e-6
                )
                np.testing.assert_allclose(
                    thing["bbox"],
                    [
                        x + xs.min() * sx,
                        y + ys.min() * sy,
                        (np.ptp(xs) + 1) * sx,
                        (np.ptp(ys) + 1) * sy,
                    ],
                    rtol=1e-6,
                )
                np.testing.assert_allclose(
                    thing["centroid"],
                    [x + (xs.mean() + 0.5) * sx, y + (ys.mean() + 0.5) * sy],
                    rtol=1e-6,
                )
                seen += 1
    assert seen >= media.FRAMES, seen


def pictures(place):
    """Mask pictures are palettes of the recording's upright size"""
    for name in ("rotated.mp4", "odd size.mkv", "portrait.mp4"):
        if name not in place.good:
            continue
        with open(place.reference(name) + "/manifest.json") as f:
            manifest = json.load(f)
        image, classes = png_classes(
            place.reference(name) + "/masks/000000.png"
        )
        assert image.mode == "P"
        assert image.size == (manifest["width"], manifest["height"])
        assert set(classes) <= {0, 1}, classes
        if name == "rotated.mp4":
            assert manifest["width"] < manifest["height"], manifest


def report(place):
    """The report names every recording and needs no other file"""
    with open(place.path("reference", "report.html"), encoding="utf-8") as f:
        page = f.read()
    for name in place.good:
        shown = (
            name.replace("&", "&amp;")
            .replace('"', "&quot;")
            .replace("'", "&apos;")
        )
        assert shown in page or shown.replace("&apos;", "&#39;") in page, name
    assert "data:image/jpeg;base64," in page and "<polyline" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "not alone"


def resume(place):
    """No recording is done twice unless it has changed"""
    words = (
        "batch",
        place.media,
        "-o",
        place.path("reference"),
        "--json",
        "--to",
        "overlay,masks,results,report",
        *WHAT[2:],
    )
    assert call(*words).returncode == 2, "neither --resume nor --overwrite"
    first = min(place.good)
    os.utime(os.path.join(place.media, first))
    done = call(*words, "--resume")
    ends = [e for e in events(done.stdout) if e["event"] == "end"]
    again = [e["name"] for e in ends if not e["known"]]
    assert again == [first.replace("\n", "\\n")], again


def killed(place):
    """A batch that is killed and resumed has the same masks to the byte"""
    out = place.path("killed")
    copy_plan(place.path("reference"), out)
    words = ("batch", place.media, "-o", out, *WHAT)
    dice = random.Random(6)
    for _ in range(10 if FULL else 1 if FEW else 3):
        process = start(*words, "--resume")
        time.sleep(dice.uniform(0.3, 3 if FULL else 2))
        process.kill()
        process.wait()
    done = call(*words, "--resume", "--json")
    assert done.returncode == 1, (done.returncode, done.stderr)
    for name in place.good:
        same_masks(place.reference(name), os.path.join(out, name))
    assert not os.listdir(os.path.join(out, ".unetseg", "work"))


def sharded(place):
    """Joined shards of segments have the same masks to the byte"""
    out = place.path("shards")
    copy_plan(place.path("reference"), out)
    words = (
        "batch",
        place.media,
        "-o",
        out,
        "--segment",
        "1",
        "--to",
        "overlay,masks,results",
        *WHAT[2:],
    )
    running = [start(*words, "--shard", "%d/2" % k) for k in (1, 2)]
    ends = [process.wait() for process in running]
    assert set(ends) <= {0, 1}, ends
    with open(os.path.join(out, ".unetseg", "batch.json")) as f:
        cut = {
            item["name"]
            for item in json.load(f)["items"]
            if item.get("segments")
        }
    assert cut, "nothing was cut"
    good("join", out)
    for name in place.good:
        same_masks(place.reference(name), os.path.join(out, name))
    assert "variable rate b-frames.mp4" in cut | set(media.VIDEOS) - set(
        place.good
    ), cut
    for name in [n for n in cut & set(place.good) if "b-frames" in n]:
        same_times(place.reference(name), os.path.join(out, name))


def overlay_times(folder):
    """Returns when each overlay frame is shown, relative to the first."""
    (path,) = (
        os.path.join(folder, name)
        for name in os.listdir(folder)
        if name.startswith("overlay.")
    )
    done = subprocess.run(
        [
            "gst-launch-1.0",
            "-v",
            "filesrc",
            "location=" + path,
            "!",
            "qtdemux" if path.endswith(("mp4", "mov")) else "matroskademux",
            "name=in",
            "in.video_0",
            "!",
            "decodebin",
            "!",
            "fakesink",
            "silent=false",
        ],
        env=media.PLAIN,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    times = [
        float(a) * 3600 + float(b) * 60 + float(c)
        for a, b, c in re.findall(
            r"chain .*pts: (\d+):(\d+):([\d.]+)", done.stdout
        )
    ]
    return [time - times[0] for time in times]


def same_times(a, b):
    """Asserts equal times to the millisecond, Matroska's resolution."""
    one, other = overlay_times(a), overlay_times(b)
    with open(a + "/results.jsonl", encoding="utf-8") as f:
        assert len(one) == len(f.readlines()), one
    assert (
        len(one) == len(other)
        and max(abs(x - y) for x, y in zip(one, other)) < 0.0021
    ), (a, one, other)


def interrupted(place):
    """SIGINT closes containers so that they play"""
    long = place.path("long.mkv")
    assert media.launch(
        (
            "videotestsrc num-buffers=3000 ! video/x-raw,width=96,height=72 ! "
            "jpegenc ! matroskamux ! filesink"
        ).split()
        + ["location=" + long]
    )[0]
    out = place.path("interrupted")
    process = start(
        "batch",
        long,
        "-o",
        out,
        "--to",
        "overlay:ffv1",
        "--json",
        "-t",
        "1",
        "-j",
        "1",
        stdout=subprocess.PIPE,
    )
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["frames"] > 20:
            break
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    assert process.wait() == 130, process.returncode
    part = os.path.join(out, "long.mkv.part", "overlay.mkv")
    done, said = media.launch(
        ["filesrc", "location=" + part, "!", "decodebin", "!", "fakesink"]
    )
    assert done, said
    assert not os.path.exists(os.path.join(out, "long.mkv"))


def disk_full(place):
    """A full disk stops the batch with a message"""
    out = place.path("full")
    os.makedirs(out)
    done = subprocess.run(
        [
            "unshare",
            "-rm",
            "sh",
            "-c",
            'mount -t tmpfs -o size=200k none "$1" '
            '|| exit 77; shift; exec "$@"',
            "sh",
            out,
            PROGRAM,
            "batch",
            place.media,
            "-o",
            out,
            "--to",
            "cutout:ffv1",
            "-t",
            "1",
            "-j",
            "2",
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if (
        done.returncode in (1, 77)
        and "mount" in done.stderr
        or "unshare" in done.stderr
    ):
        raise tap.Skip("no file system of a given size can be made here")
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert "space" in done.stderr.lower(), done.stderr


def usage(place):
    """A wrong command line gives status 2 and a reason"""
    for words, says in (
        (("batch",), "-o FOLDER is missing"),
        (("batch", "-o", "x"), "no inputs"),
        (("batch", "x", "-o", "x", "--to", "pie"), "overlay"),
        (("batch", "x", "-o", "x", "--to", "mask:pie"), "ffv1, h264"),
        (("batch", "x", "-o", "x", "--shard", "3/2"), "--shard"),
        (("batch", "x", "-o", "x", "--threshold", "7"), "--threshold"),
        (("batch", "x", "-o", "x", "--activation", "pie"), "--activation"),
        (("batch", "x", "-o", "x", "--jobs", "many"), "--jobs"),
        (("join",), "folder"),
    ):
        done = call(*words)
        assert done.returncode == 2, (words, done.returncode, done.stderr)
        assert says in done.stderr, (words, done.stderr)
    preset = place.path("preset")
    with open(preset, "w") as f:
        f.write("[batch]\nto=results\njobs=1\n[unetseg]\nthreshold=0.25\n")
    picture = os.path.join(place.media, "picture.png")
    out = place.path("preset-out")
    good("batch", picture, "-o", out, "--preset", preset, "--threshold", ".75")
    with open(os.path.join(out, ".unetseg", "batch.json")) as f:
        assert "threshold=.75" in json.load(f)["identity"]
    assert os.listdir(os.path.join(out, "picture.png")) != []


def main():
    test = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        test.note(
            "%d good and %d bad inputs" % (len(place.good), len(place.bad))
        )
        for case in (
            complete,
            numbers,
            pictures,
            report,
            resume,
            killed,
            sharded,
            interrupted,
            usage,
            disk_full,
        ):
            test.case(case, place)
    return test.done()


if __name__ == "__main__":
    sys.exit(main())
