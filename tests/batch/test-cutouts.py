#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests the cut-outs of batches: test-cutouts.py PROGRAM. Prints TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import media  # noqa: E402
import red  # noqa: E402
import tap  # noqa: E402
import webm  # noqa: E402
from common import copy_plan  # noqa: E402
from program import bad, good  # noqa: E402

try:
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError):
    tap.skip_all("python3-gi or gir1.2-gstreamer-1.0 is not installed")

FRAMES, RATE, WIDTH, HEIGHT = 130, 30, 96, 64
KEY = 60  # frames from one key frame to the next
FILES = {
    "prores": "cutout.mov",
    "vp9": "cutout.webm",
    "vp8": "cutout.webm",
    "ffv1": "cutout.mkv",
}
# Errors of lossy alpha, of 255: the mean, and of 99 % of the pixels.
MEAN, MOST = 1.5, 24


class Place:
    """Has the cut-outs of a recording in which a red ball moves on green."""

    def __init__(self, folder):
        self.folder = folder
        self.model = self.path("red.onnx")
        red.save_network(self.model)
        self.film = self.path("film.mp4")
        done, said = media.launch(
            (
                "videotestsrc num-buffers=%d pattern=ball "
                "foreground-color=0xffff0000 background-color=0xff00c000 ! "
                "video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1 ! "
                "x264enc ! queue ! mp4mux name=m ! filesink location=%s "
                "audiotestsrc num-buffers=186 ! audioconvert ! avenc_aac ! "
                "queue ! m." % (FRAMES, WIDTH, HEIGHT, RATE, self.film)
            ).split()
        )
        assert done, said
        self.reference = self.make("ffv1")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def batch(self, out, *words):
        return good(
            *("batch", self.film, "-o", out, "-t", "1", "-j", "1"),
            *("--model", self.model, *words),
        )

    def make(self, codec, *words):
        """Returns the path of a cut-out, and makes it once."""
        out = self.path("out-" + codec)
        if not os.path.exists(out):
            if codec != "ffv1":
                copy_plan(self.path("out-ffv1"), out)
            self.batch(out, "--to", "overlay,cutout:" + codec)
        return os.path.join(out, "film.mp4", FILES[codec])

    def alpha(self):
        """Returns alpha of every frame, from the lossless cut-out."""
        frames = decode(self.reference, "A420")
        return frames[:, -WIDTH * HEIGHT :].reshape(-1, HEIGHT, WIDTH)


def decode(path, video_format):
    """Returns the frames of a file as rows of bytes."""
    demuxer = "qtdemux" if path.endswith(".mov") else "matroskademux"
    with tempfile.NamedTemporaryFile() as raw:
        done, said = media.launch(
            [
                *("filesrc", "location=" + path, "!"),
                *(demuxer, "!", "decodebin", "!"),
                *("videoconvert", "!"),
                *("video/x-raw,format=" + video_format, "!", "filesink"),
                "location=" + raw.name,
            ]
        )
        assert done, said
        data = np.fromfile(raw.name, np.uint8)
    if video_format == "A420":
        return data.reshape(-1, WIDTH * HEIGHT * 5 // 2)
    return data.reshape(FRAMES, -1)


def decode_packets(packets, name):
    """Returns the luma of packets of VP8 or VP9."""
    pipeline = Gst.parse_launch(
        "appsrc name=in format=time caps=video/x-%s ! %sdec ! "
        "video/x-raw,format=I420 ! appsink name=out sync=false" % (name, name)
    )
    source, sink = (pipeline.get_by_name(n) for n in ("in", "out"))
    pipeline.set_state(Gst.State.PLAYING)
    for i, packet in enumerate(packets):
        buffer = Gst.Buffer.new_wrapped(packet)
        buffer.pts = i * Gst.SECOND // RATE
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    frames = []
    while True:
        sample = sink.emit("try-pull-sample", 60 * Gst.SECOND)
        if sample is None:
            break
        buffer = sample.get_buffer()
        data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
        frames.append(data[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH))
    pipeline.set_state(Gst.State.NULL)
    return np.array(frames)


def sound_of(path):
    """Returns the media type of a file's sound, and its seconds."""
    pipeline = Gst.parse_launch(
        'uridecodebin uri="%s" name=d caps="audio/mpeg;audio/x-opus;'
        'audio/x-vorbis;audio/x-flac" expose-all-streams=false ! '
        "appsink name=out sync=false" % Gst.filename_to_uri(path)
    )
    sink = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    end, name = 0, None
    while True:
        sample = sink.emit("try-pull-sample", 60 * Gst.SECOND)
        if sample is None:
            break
        name = sample.get_caps().get_structure(0).get_name()
        end = max(end, sample.get_buffer().pts)
    pipeline.set_state(Gst.State.NULL)
    return name, end / Gst.SECOND


def require(codec):
    element = {"prores": "avenc_prores_ks"}.get(codec, codec + "enc")
    if codec != "ffv1" and not media.have(element):
        raise tap.Skip("%s is not installed" % element)


def sound(place):
    """Every container of a cut-out keeps the sound"""
    kept = {
        "prores": "audio/mpeg",
        "ffv1": "audio/mpeg",
        "vp9": ("audio/x-opus", "audio/x-vorbis"),
        "vp8": ("audio/x-opus", "audio/x-vorbis"),
    }
    for codec in FILES:
        require(codec)
        name, seconds = sound_of(place.make(codec))
        assert name in kept[codec], (codec, name)
        assert abs(seconds - FRAMES / RATE) < 0.2, (codec, seconds)
        overlay = os.path.join(
            os.path.dirname(place.make(codec)), "overlay.mp4"
        )
        name, seconds = sound_of(overlay)
        assert name == "audio/mpeg", (codec, name)
        assert abs(seconds - FRAMES / RATE) < 0.2, (codec, seconds)


def check_alpha(found, right, most=MOST):
    assert found.shape == right.shape, (found.shape, right.shape)
    difference = np.abs(found.astype(int) - right)
    assert difference.mean() < MEAN, difference.mean()
    assert np.quantile(difference, 0.99) < most, np.quantile(difference, 0.99)
    assert right.max() == 255 and right.min() == 0
    assert 0 < (right > 0).mean() < 0.9


def check_webm(place, codec):
    require(codec)
    path = place.make(codec)
    file = webm.File(path)
    assert webm.number(webm.one(file.video, webm.VIDEO), webm.ALPHA_MODE) == 1
    assert webm.number(file.video, webm.MAX_ADDITION) == 1
    assert len(file.frames) == FRAMES, len(file.frames)
    times = [time for time, _, _, _ in file.frames]
    assert np.abs(np.diff(times) - 1000 / RATE).max() <= 1, times
    check_alpha(
        decode_packets([alpha for _, _, alpha, _ in file.frames], codec),
        place.alpha(),
    )
    assert len(decode(path, "I420")) == FRAMES
    return file


def vp9(place):
    """A cut-out in VP9 has the alpha of the lossless one"""
    check_webm(place, "vp9")


def vp8(place):
    """A cut-out in VP8 has the alpha of the lossless one"""
    check_webm(place, "vp8")


def seekable(place):
    """Colours and alpha of WebM have the same key frames, and cues find them"""
    require("vp8")
    file = check_webm(place, "vp8")
    keys = [i for i, frame in enumerate(file.frames) if frame[3]]
    assert keys == list(range(0, FRAMES, KEY)), keys
    for i, (_, packet, alpha, key) in enumerate(file.frames):
        # The lowest bit of VP8's first byte is 0 in a key frame (RFC 6386).
        assert (packet[0] & 1 == 0) == key, i
        assert (alpha[0] & 1 == 0) == key, i
    cues = file.cues()
    assert len(cues) == len(keys), cues
    for time, cluster in cues:
        assert 0 <= time - cluster < 100, cues  # sound may come first
    assert file.seeks() == [
        (n, n) for n in (0x1549A966, webm.TRACKS, webm.CUES)
    ], file.seeks()


def prores(place):
    """ProRes 4444 has the alpha of the lossless cut-out"""
    require("prores")
    found = decode(place.make("prores"), "AYUV").reshape(-1, HEIGHT, WIDTH, 4)
    difference = np.abs(found[..., 0].astype(int) - place.alpha())
    assert difference.max() <= 1, difference.max()


def pictures(place):
    """A sequence of PNG has the alpha of the lossless cut-out"""
    from PIL import Image

    out = place.path("out-png")
    copy_plan(place.path("out-ffv1"), out)
    place.batch(out, "--to", "cutout:png")
    folder = os.path.join(out, "film.mp4", "cutout")
    names = sorted(os.listdir(folder))
    assert len(names) == FRAMES, len(names)
    right = place.alpha()
    for i in range(0, FRAMES, 13):
        image = Image.open(os.path.join(folder, names[i]))
        assert image.mode == "RGBA", image.mode
        assert (np.asarray(image)[..., 3] == right[i]).all(), i


def hidden(place):
    """Nothing of the background is left under an alpha of 0"""
    size = WIDTH * HEIGHT

    def planes(path):
        frames = decode(path, "A420")
        luma, alpha = frames[:, :size], frames[:, -size:]
        shape = (-1, HEIGHT, WIDTH)
        return luma.reshape(shape), alpha.reshape(shape)

    luma, alpha = planes(place.reference)
    # Beside what is seen there is its mean.
    seen = np.pad(alpha > 0, ((0, 0), (1, 1), (1, 1)))
    near = np.zeros(alpha.shape, bool)
    for y in range(3):
        for x in range(3):
            near |= seen[:, y : y + HEIGHT, x : x + WIDTH]
    assert (luma[~near] == 16).all(), np.unique(luma[~near])
    assert (luma[alpha == 255] > 16).all()
    out = place.path("out-kept")
    copy_plan(place.path("out-ffv1"), out)
    place.batch(out, "--to", "cutout:ffv1", "--clear-hidden=false")
    kept, same = planes(os.path.join(out, "film.mp4", "cutout.mkv"))
    assert (same == alpha).all()
    assert (kept[alpha > 0] == luma[alpha > 0]).all()
    assert (kept[~near] > 60).mean() > 0.9  # the green


def joined(place):
    """Segments of a cut-out in WebM are joined with their alpha and sound"""
    require("vp8")
    film = place.path("keys.mkv")
    done, said = media.launch(
        (
            "filesrc location=%s ! decodebin name=d d. ! videoconvert ! "
            "x264enc key-int-max=30 bframes=0 ! queue ! matroskamux name=m ! "
            "filesink location=%s d. ! queue ! audioconvert ! vorbisenc ! m."
            % (place.film, film)
        ).split()
    )
    assert done, said
    out = place.path("joined")
    good(
        *("batch", film, "-o", out, "-t", "1", "--model", place.model),
        *("--to", "cutout:vp8", "--segment", "2"),
    )
    good("join", out)
    path = os.path.join(out, "keys.mkv", "cutout.webm")
    file = webm.File(path)
    assert len(file.frames) == FRAMES, len(file.frames)
    alpha = decode_packets([a for _, _, a, _ in file.frames], "vp8")
    check_alpha(alpha, place.alpha(), 2 * MOST)  # H.264 encoded twice
    assert sound_of(path)[0] == "audio/x-vorbis"


def still(place):
    """VP9 keeps every frame of a recording that stands still"""
    require("vp9")
    film = place.path("still.mkv")
    done, said = media.launch(
        (
            "videotestsrc num-buffers=%d pattern=smpte ! video/x-raw,"
            "width=%d,height=%d,framerate=30/1 ! vp8enc deadline=1 ! "
            "matroskamux ! filesink location=%s" % (FRAMES, WIDTH, HEIGHT, film)
        ).split()
    )
    assert done, said
    out = place.path("still")
    good(
        *("batch", film, "-o", out, "-t", "1", "--model", place.model),
        *("--to", "cutout:vp9,overlay:vp9"),
    )
    folder = os.path.join(out, "still.mkv")
    assert len(webm.File(folder + "/cutout.webm").frames) == FRAMES
    assert len(decode(folder + "/overlay.mkv", "I420")) == FRAMES


PAGE = (
    """<body style="margin:0;background:#20c0ff">
<video preload=auto src="cutout.webm" style="width:%dpx"></video>"""
    % WIDTH
)


def browser(place):
    """Chromium shows the page where a cut-out is transparent"""
    from PIL import Image

    chromium = shutil.which("chromium")
    if chromium is None:
        raise tap.Skip("chromium is not installed")
    for codec in ("vp8", "vp9"):
        require(codec)
        folder = place.path("page-" + codec)
        os.mkdir(folder)
        shutil.copy(place.make(codec), folder)
        with open(folder + "/page.html", "w", encoding="utf-8") as f:
            f.write(PAGE)
        shot = folder + "/shot.png"
        subprocess.run(
            [
                *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--window-size=300,200", "--timeout=8000"),
                *("--user-data-dir=" + folder + "/profile",),
                *("--screenshot=" + shot, "file://" + folder + "/page.html"),
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )
        page = np.asarray(Image.open(shot).convert("RGB")).astype(int)
        alpha = place.alpha()[0]
        shown = page[:HEIGHT, :WIDTH]
        behind = np.abs(shown - (0x20, 0xC0, 0xFF)).max(-1)
        # Lossy alpha differs next to edges.
        wrong = (behind[alpha == 0] > 24).mean()
        assert wrong < 0.03, wrong
        # The ball is red.
        middle = np.median(shown[alpha == 255], axis=0)
        assert middle[0] > 200 and middle[1] < 60 > middle[2], middle


def messages(place):
    """Errors list the codecs, and name the package of a missing encoder"""
    bad(
        *(2, "batch", place.film, "-o", place.path("x"), "--to", "cutout:gif"),
        says="'cutout' can be prores, vp9, vp8, ffv1, png",
    )
    env = dict(os.environ, GST_PLUGIN_FEATURE_RANK="")
    folder = place.path("few-plugins")
    os.mkdir(folder)
    system = subprocess.run(
        ["gst-inspect-1.0", "vp9enc"], capture_output=True, text=True
    ).stdout
    file = [line for line in system.splitlines() if "Filename" in line]
    if not file:
        raise tap.Skip("vp9enc is not installed")
    path = file[0].split()[-1]
    for name in os.listdir(os.path.dirname(path)):
        source = os.path.join(os.path.dirname(path), name)
        if os.path.isfile(source) and source != path:
            os.symlink(source, os.path.join(folder, name))
    env.update(
        GST_PLUGIN_SYSTEM_PATH=folder, GST_REGISTRY=place.path("registry")
    )
    bad(
        *(3, "batch", place.film, "-q", "-o", place.path("y")),
        *("--to", "cutout:vp9", "--model", place.model),
        says="'vp9enc', which writes vp9, is not installed "
        "(apt install gstreamer1.0-plugins-good)",
        env=env,
    )


def mastered(place):
    """Outputs in HDR name the display that the recording was mastered on"""
    film, out = place.path("hdr.mkv"), place.path("hdr")
    done, said = media.launch(
        [
            *("videotestsrc", "num-buffers=5", "!"),
            "video/x-raw,format=I420_10LE,width=96,height=64,framerate=10/1,"
            "colorimetry=bt2100-pq,mastering-display-info=(string)34000:16000:"
            "13250:34500:7500:3000:15635:16450:10000000:50,"
            "content-light-level=(string)1000:400",
            *("! vp9enc deadline=1 ! matroskamux ! filesink").split(),
            "location=" + film,
        ]
    )
    assert done, said
    display, light = webm.mastering(film)
    assert len(display) == 10 and light == [1000, 400], (display, light)
    for codec, name in FILES.items():
        folder = os.path.join(out, codec)
        good(
            *("batch", film, "-o", folder, "-t", "1", "-j", "1", "--model"),
            *(place.model, "--to", "overlay,cutout:" + codec),
        )
        made = [os.path.join(folder, "hdr.mkv", "overlay.mkv")]
        # GStreamer has no place for it in QuickTime; VP8 has no HDR.
        if codec in ("vp9", "ffv1"):
            made.append(os.path.join(folder, "hdr.mkv", name))
        for path in made:
            found, found_light = webm.mastering(path)
            assert np.allclose(found, display, rtol=1e-3), (path, found)
            assert found_light == light, (path, found_light)


def init_gstreamer():
    """Initialises GStreamer without the plugin, which this process cannot load
    where it is built with sanitizers."""
    kept = {n: v for n, v in os.environ.items() if n.startswith("GST_")}
    for name in kept:
        del os.environ[name]
    Gst.init(None)
    os.environ.update(kept)


def main():
    init_gstreamer()
    test = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for case in (
            sound,
            vp9,
            vp8,
            seekable,
            prores,
            pictures,
            hidden,
            joined,
            still,
            browser,
            messages,
            mastered,
        ):
            test.case(case, place)
    return test.done()


if __name__ == "__main__":
    sys.exit(main())
