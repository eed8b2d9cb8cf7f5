#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests batches with files that are damaged, hostile or oddly named:
test-damaged.py PROGRAM [NO-THREADS [FOLDER]]. Prints TAP.

NO-THREADS is a library to preload; FOLDER has the plugin that stalls."""
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
import media  # noqa: E402
import red  # noqa: E402
import tap  # noqa: E402
from common import events  # noqa: E402
from program import PROGRAM, bad, call, good  # noqa: E402
from red import Place  # noqa: E402

DEEP = "[" * 200000


def picture(path):
    Image.fromarray(red.pixels()).save(path, "PNG")


def recording(path):
    """Writes a recording of two seconds in which every frame is a keyframe."""
    done, said = media.launch(
        (
            "videotestsrc num-buffers=20 ! video/x-raw,width=96,height=64,"
            "framerate=10/1 ! jpegenc ! matroskamux ! filesink"
        ).split()
        + ["location=" + path]
    )
    assert done, said


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def refuse(status, says, words):
    """Asserts that the program exits with this status and a message."""
    done = call(*words)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert says in done.stderr, done.stderr


# ---- JSON -------------------------------------------------------------------


def deep_json(place):
    """JSON that is nested 200,000 levels deep does not crash --resume"""
    source, out = place.make("deep"), place.path("deep out")
    picture(source + "/a.png")
    words = place.words(source, out, "--resume")
    good(*words)
    for name in ("a.png/manifest.json", "a.png/.report/timeline.json"):
        write(os.path.join(out, name), DEEP)
        done = call(*words)
        assert done.returncode == 0, (name, done.returncode, done.stderr)
    for name in ("plan.json", "batch.json"):
        path = os.path.join(out, ".unetseg", name)
        with open(path, encoding="utf-8") as f:
            kept = f.read()
        write(path, DEEP)
        refuse(3, name + ": JSON that is nested too deeply", words)
        write(path, kept)
    good(*words)


def segments(place, name):
    source, out = place.make(name), place.path(name + " out")
    recording(source + "/a.mkv")
    what = ("--segment", "1", "--to", "masks,results,report")
    good(*place.words(source, out, *what))
    return out, os.path.join(out, ".unetseg", "segments", "a.mkv")


def deep_join(place):
    """JSON that is nested too deeply does not crash join"""
    out, parts = segments(place, "deep join")
    list_path = os.path.join(out, ".unetseg", "batch.json")
    with open(list_path, encoding="utf-8") as f:
        kept = f.read()
    write(list_path, DEEP)
    refuse(1, "batch.json: JSON that is nested too deeply", ("join", out))
    write(list_path, kept)
    write(parts + "/00000/.report/timeline.json", DEEP)
    manifest = parts + "/00001/manifest.json"
    with open(manifest, encoding="utf-8") as f:
        kept = f.read()
    write(manifest, DEEP)
    refuse(1, "segment 2 of 2 is not done", ("join", out))
    write(manifest, kept)
    good("join", out)


def hostile_list(place):
    """A list of inputs cannot name places outside of the batch"""
    out, _ = segments(place, "hostile")
    path = os.path.join(out, ".unetseg", "batch.json")
    whole = read(path)
    for change in (
        {"name": "../../evil"},
        {"name": "/evil"},
        {"name": ""},
        {"segments": 4000000000},
        {"segments": -1},
        {"segment": 7},
        {"uri": 5},
    ):
        items = [dict(item) for item in whole["items"]]
        items[0].update(change)
        write(path, json.dumps(dict(whole, items=items)))
        refuse(1, "batch.json: item", ("join", out))


def results_lines(place):
    """join names results that are cut or have lines that are no frames"""
    out, parts = segments(place, "lines")
    path = parts + "/00000/results.jsonl"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for damaged in (text[: len(text) // 2], "[]\n" + text, "\n" + text):
        write(path, damaged)
        refuse(1, "results.jsonl: line", ("join", out))
    write(path, text)
    good("join", out)
    with open(out + "/a.mkv/results.jsonl", encoding="utf-8") as f:
        frames = [json.loads(line)["frame"] for line in f]
    assert frames == list(range(20)), frames


def plan_messages(place):
    """A damaged plan causes a message with its name and the fault"""
    source, out = place.make("plan"), place.path("plan out")
    picture(source + "/a.png")
    words = place.words(source, out, "--resume")
    good(*words)
    path = os.path.join(out, ".unetseg", "plan.json")
    plan = read(path)
    with open(path, "wb") as f:
        f.write(b'{"model":"\xff\xfe"}')
    refuse(3, path + ": not UTF-8 text", words)
    for threads in (-1, 4294967295, "four", 1.5):
        write(path, json.dumps(dict(plan, threads=threads)))
        refuse(3, path + ": the threads are not a number", words)
    write(path, json.dumps(plan) + "[]")
    refuse(3, path + ": more than one JSON value", words)
    write(path, json.dumps(dict(plan, shapes={"1x1": 4})))
    refuse(3, path + ": the hash of a shape", words)
    write(path, "")
    refuse(3, path + ": an empty file", words)


# ---- names ------------------------------------------------------------------


def names(place):
    """No input takes the place of the report or of another input"""
    one, two = place.make("names"), place.make("names 2")
    odd = ("report.html", "clip", "clip.part", "deep/report.html/x.png")
    for name in odd + ("report.html.d/y.png",):
        os.makedirs(os.path.dirname(os.path.join(one, name)), exist_ok=True)
        picture(os.path.join(one, name))
    os.makedirs(two + "/clip")
    picture(two + "/clip/z.png")
    os.rename(one + "/report.html.d", two + "/report.html")
    out = place.path("names out")
    words = place.words(one, out, two, "--to", "masks,report", "--json")
    done = call(*words)
    assert done.returncode == 0, done.stderr
    ends = [e for e in events(done.stdout) if e["event"] == "end"]
    assert len(ends) == 6, ends
    for end in ends:
        mask = os.path.join(out, end["name"], "masks/000000.png")
        assert os.path.isfile(mask), mask
    with open(out + "/report.html", encoding="utf-8") as f:
        page = f.read()
    assert all(e["name"] in page for e in ends), page
    again = call(*words, "--resume")
    ends = [e for e in events(again.stdout) if e["event"] == "end"]
    assert all(e["known"] for e in ends), ends


def report_fails(place):
    """A report that cannot be written is an error, also for join"""
    source, out = place.make("report"), place.make("report out")
    picture(source + "/a.png")
    os.makedirs(out + "/report.html/in the way")
    refuse(1, "the report cannot be written", place.words(source, out))
    assert os.path.isdir(out + "/a.png")
    out, _ = segments(place, "report join")
    os.remove(out + "/report.html")
    os.makedirs(out + "/report.html/in the way")
    refuse(1, "the report cannot be written", ("join", out))


def empty_name(place):
    """An empty name of an input is a wrong command line"""
    out = place.path("never")
    bad(2, *place.words("", out), says="the name of an input is empty")
    assert not os.path.exists(out)


def links(place):
    """Links are followed inside of the inputs, others with --follow-links"""
    source, outside = place.make("links"), place.make("outside")
    os.makedirs(source + "/deep")
    picture(outside + "/secret.png")
    picture(source + "/deep/a.png")
    os.symlink("deep/a.png", source + "/inside.png")
    os.symlink("../outside/secret.png", source + "/out.png")
    os.symlink("../outside", source + "/out")
    os.symlink(source, source + "/deep/circle")
    found = {"deep/a.png", "inside.png"}
    for name, option, says in (
        ("links out", (), "2 links"),
        ("links all", ("--follow-links",), ""),
    ):
        out = place.path(name)
        done = call(*place.words(source, out, "--to", "masks", *option))
        assert done.returncode == 0 and says in done.stderr, done.stderr
        made = {
            os.path.relpath(root, out)
            for root, _, files in os.walk(out)
            if "manifest.json" in files
        }
        assert made == found, made
        found |= {"out.png", "out/secret.png"}


# ---- pictures ---------------------------------------------------------------


def chunk(kind, data):
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def save_cut(path, form, part, size=(640, 480)):
    """Saves a part of a picture with noise, so that every row has data."""
    rng = np.random.default_rng(3)
    image = Image.fromarray(rng.integers(0, 255, (*size[::-1], 3), np.uint8))
    image.save(path, form)
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data[: int(len(data) * part)])


def truncated(place):
    """Pictures that are cut have the status short and keep their outputs"""
    source, out = place.make("cut"), place.path("cut out")
    save_cut(source + "/cut.jpg", "JPEG", 0.18)
    save_cut(source + "/whole.jpg", "JPEG", 1)
    save_cut(source + "/whole.png", "PNG", 1)
    done = call(*place.words(source, out, "--json"))
    assert done.returncode == 1, done.stderr
    ends = {e["name"]: e for e in events(done.stdout) if e["event"] == "end"}
    assert ends["whole.jpg"]["status"] == "done", ends
    assert ends["whole.png"]["status"] == "done", ends
    end = ends["cut.jpg"]
    assert end["status"] == "short" and "ends before" in end["reason"], end
    assert os.path.isfile(out + "/cut.jpg/overlay.png")
    assert read(out + "/cut.jpg/manifest.json")["status"] == "short"


def cut_gif(place):
    """A GIF that is cut is refused or incomplete"""
    source, out = place.make("cut gif"), place.path("cut gif out")
    parts = (0.01, 0.1, 0.5, 0.9, 0.9999)
    for part in parts:
        save_cut("%s/%s.gif" % (source, part), "GIF", part)
    save_cut(source + "/last.gif", "GIF", 1 - 1e-9)  # without its last byte
    done = call(*place.words(source, out, "--json"))
    assert done.returncode == 1, (done.returncode, done.stderr)
    ends = [e for e in events(done.stdout) if e["event"] == "end"]
    assert len(ends) == len(parts) + 1, ends
    for end in ends:
        if end["name"] == "last.gif":
            assert end["status"] in ("short", "failed"), end
            continue
        assert end["status"] == "failed", end
        assert end["reason"] == "the file ends before the picture does", end


def gifs(place):
    """A GIF ends, and an animated one has all of its frames"""
    if not media.have("avdemux_gif ! avdec_gif"):
        raise tap.Skip("gstreamer1.0-libav is not installed")
    source, out = place.make("gifs"), place.path("gifs out")
    frames = {"still.gif": 1, "two.gif": 2, "moving.gif": 6}
    for name, n in frames.items():
        red.save_gif(os.path.join(source, name), n)
    begin = time.monotonic()
    done = call(*place.words(source, out, "--to", "overlay,masks", "--json"))
    assert done.returncode == 0, (done.returncode, done.stdout)
    assert time.monotonic() - begin < 60, time.monotonic() - begin
    ends = [e for e in events(done.stdout) if e["event"] == "end"]
    for end in ends:
        assert end["frames"] == frames[end["name"]], end
        for i in range(end["frames"]):
            path = os.path.join(out, end["name"], "masks/%06d.png" % i)
            red.check_box(np.array(Image.open(path)), red.MOVE * i)
    assert len(ends) == len(frames), ends
    assert os.path.isfile(out + "/still.gif/overlay.png")
    assert os.path.isfile(out + "/moving.gif/overlay.mkv")


def stalls(place):
    """A decoder that stalls costs seconds, and its file is named"""
    if len(sys.argv) < 4:
        raise tap.Skip("the plugin that stalls is not built")
    source, out = place.make("stalls"), place.path("stalls out")
    for n in (0, 3):
        write("%s/%d.stall" % (source, n), "STALL%d" % n)
    begin = time.monotonic()
    done = call(
        *place.words(source, out, "--json"), env=stall_environment(place)
    )
    seconds = time.monotonic() - begin
    ends = {e["name"]: e for e in events(done.stdout) if e["event"] == "end"}
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert seconds < 60, seconds
    assert ends["0.stall"]["status"] == "failed", ends
    assert ends["3.stall"]["status"] == "short", ends
    assert ends["3.stall"]["frames"] == 3, ends
    assert "its decoder stalls" in ends["3.stall"]["reason"], ends
    assert os.path.isfile(out + "/3.stall/results.jsonl")
    done = call(
        *("run", place.model, "--image", source + "/0.stall"),
        *("-o", place.path("stall")),
        env=stall_environment(place),
    )
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "0.stall: its decoder stalls" in done.stderr, done.stderr


def stall_environment(place):
    """Returns an environment in which GStreamer has the plugin that stalls."""
    folders = (os.environ["GST_PLUGIN_PATH"], os.path.abspath(sys.argv[3]))
    return dict(
        os.environ,
        GST_PLUGIN_PATH=os.pathsep.join(folders),
        GST_REGISTRY=place.path("registry.bin"),
    )


def claimed(place):
    """A PNG that claims a size and holds nothing is not decoded"""
    source, out = place.make("claimed"), place.path("claimed out")
    with open(source + "/large.png", "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n")
        f.write(
            chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
        )
        f.write(chunk(b"IDAT", zlib.compress(b"")))
        f.write(chunk(b"IEND", b""))
    done = call(*place.words(source, out, "--json"))
    end = [e for e in events(done.stdout) if e["event"] == "end"][0]
    assert done.returncode == 1 and end["status"] == "failed", end
    assert "too short for 30000x30000" in end["reason"], end


def orientations(place):
    """Pictures are upright with each EXIF orientation, in three formats"""
    source, out = place.make("exif"), place.path("exif out")
    forms = {"jpg": "JPEG", "png": "PNG", "webp": "WebP"}
    for value in red.STORED:
        for suffix, form in forms.items():
            if form != "WebP" or media.have("webpdec"):
                path = "%s/%d.%s" % (source, value, suffix)
                red.save_turned(path, form, value)
    good(*place.words(source, out, "--to", "masks"))
    for name in os.listdir(source):
        path = os.path.join(out, name, "masks/000000.png")
        red.check_box(np.array(Image.open(path)))


# ---- threads ----------------------------------------------------------------


def no_threads(place):
    """A system without threads gives a message"""
    if len(sys.argv) < 3:
        raise tap.Skip("no library to preload")
    source, out = place.make("threads"), place.path("threads out")
    picture(source + "/a.png")
    preload = os.path.abspath(sys.argv[2])
    # GLib needs one thread for signal handlers and aborts without it.
    env = dict(os.environ, LD_PRELOAD=preload, THREADS="1")
    done = subprocess.run(
        [PROGRAM, *place.words(source, out)],
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert "no thread for the batch" in done.stderr, done.stderr
    done = subprocess.run(
        [PROGRAM, "inspect", place.model, "-t", "1", "--tuning", "static"],
        env=dict(env, THREADS="0"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)


def main():
    # A crash must not leave a core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    test = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for case in (
            deep_json,
            deep_join,
            hostile_list,
            results_lines,
            plan_messages,
            names,
            report_fails,
            empty_name,
            links,
            truncated,
            cut_gif,
            gifs,
            stalls,
            claimed,
            orientations,
            no_threads,
        ):
            test.case(case, place)
    return test.done()


if __name__ == "__main__":
    sys.exit(main())
