#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a folder of typical recordings, good and bad: media.py FOLDER.

It writes what the installed GStreamer plugins can write and says what they
cannot. The picture is a real person's, from Debian's forensics-samples-files,
or a test pattern where that is not installed."""
import os
import struct
import subprocess
import sys

FILM = "/usr/share/forensics-samples/original-files/movie2/movie-hello.mp4"
FRAMES = 24
RATE = 12
SIZE = (96, 72)
SOUND = (
    "audiotestsrc num-buffers=20 samplesperbuffer=4410 volume=0.1 ! "
    "audio/x-raw,rate=44100,channels=2 ! audioconvert"
)

# Each name has the video elements between the raw frames and the muxer, the
# audio encoder or None, and the muxer.
VIDEOS = {
    "h264-aac.mp4": (
        "x264enc speed-preset=ultrafast key-int-max=6",
        "avenc_aac",
        "mp4mux",
    ),
    "h264-faststart.mp4": (
        "x264enc speed-preset=ultrafast",
        None,
        "mp4mux faststart=true",
    ),
    "h264-mp3.mkv": (
        "x264enc speed-preset=ultrafast key-int-max=6",
        "lamemp3enc",
        "matroskamux",
    ),
    "h264-b-frames.mkv": (
        "x264enc speed-preset=ultrafast bframes=2 "
        "b-adapt=false key-int-max=8",
        None,
        "matroskamux",
    ),
    "h264-ac3.ts": (
        "x264enc speed-preset=ultrafast ! h264parse",
        "avenc_ac3",
        "mpegtsmux",
    ),
    "h264-10 bit.mkv": (
        "video/x-raw,format=I420_10LE ! x264enc " "speed-preset=ultrafast",
        None,
        "matroskamux",
    ),
    "h265.mkv": (
        "x265enc speed-preset=ultrafast log-level=none ! h265parse",
        "flacenc",
        "matroskamux",
    ),
    "vp8-vorbis.webm": ("vp8enc deadline=1", "vorbisenc", "webmmux"),
    "vp9-opus.webm": (
        "vp9enc deadline=1 cpu-used=8",
        "audioresample ! opusenc",
        "webmmux",
    ),
    "av1.webm": (
        "av1enc cpu-used=8 usage-profile=realtime ! av1parse",
        None,
        "webmmux",
    ),
    "theora-vorbis.ogg": ("theoraenc", "vorbisenc", "oggmux"),
    "motion-jpeg.avi": ("jpegenc", "identity", "avimux"),
    "motion-jpeg.mov": ("jpegenc", None, "qtmux"),
    "mpeg4-mp2.avi": ("avenc_mpeg4", "twolamemp2enc", "avimux"),
    "mpeg2.ts": (
        "video/x-raw,framerate=25/1 ! mpeg2enc format=3 ! " "mpegvideoparse",
        "avenc_mp2 ! mpegaudioparse",
        "mpegtsmux",
    ),
    "mpeg1.mpg": ("video/x-raw,framerate=25/1 ! mpeg2enc", None, "mpegpsmux"),
    "flv1.flv": ("avenc_flv", None, "flvmux"),
    "wmv2.asf": ("avenc_wmv2", None, "asfmux"),
    "huffyuv.avi": ("video/x-raw,format=Y42B ! avenc_huffyuv", None, "avimux"),
    "ffv1-flac.mkv": ("avenc_ffv1", "flacenc", "matroskamux"),
    "prores.mov": (
        "video/x-raw,format=I422_10LE ! avenc_prores",
        None,
        "qtmux",
    ),
    "raw.mkv": ("video/x-raw,format=UYVY", None, "matroskamux"),
    "raw.y4m": ("video/x-raw,format=I420 ! y4menc", None, "identity"),
    "odd size.mkv": (
        "videoscale ! video/x-raw,width=91,height=67 ! vp8enc " "deadline=1",
        None,
        "matroskamux",
    ),
    "tiny.mkv": (
        "videoscale ! video/x-raw,width=9,height=7 ! avenc_ffv1",
        None,
        "matroskamux",
    ),
    "portrait.mp4": (
        "videoscale ! video/x-raw,width=54,height=96,"
        "pixel-aspect-ratio=1/1 ! x264enc "
        "speed-preset=ultrafast",
        None,
        "mp4mux",
    ),
    "anamorphic.mkv": (
        "capssetter caps=video/x-raw,"
        "pixel-aspect-ratio=4/3 ! x264enc "
        "speed-preset=ultrafast",
        None,
        "matroskamux",
    ),
    "rotated.mp4": ("x264enc speed-preset=ultrafast", None, "mp4mux"),
    "variable rate.mkv": (
        "vary ! x264enc speed-preset=ultrafast",
        None,
        "matroskamux",
    ),
    "variable rate b-frames.mp4": (
        "vary ! x264enc speed-preset=ultrafast "
        "bframes=2 b-adapt=false key-int-max=6",
        None,
        "mp4mux",
    ),
    "deep/er/in a folder.webm": ("vp8enc deadline=1", None, "webmmux"),
    "two\nlines.webm": ("vp8enc deadline=1", None, "webmmux"),
    "50%05d \"quoted\" 'name'.mkv": ("vp8enc deadline=1", None, "matroskamux"),
}
# Each picture has one frame.
PICTURES = {
    "picture.png": "pngenc snapshot=true",
    "photo.jpg": "jpegenc snapshot=true",
    "photo.webp": "webpenc ! identity eos-after=2",
}
# Number of frames where it is not FRAMES; None: the number is not checked.
COUNTS = {
    "mpeg1.mpg": None,
    "picture.png": 1,
    "photo.jpg": 1,
    "photo.webp": 1,
    "h264-ac3.ts": None,
    "variable rate b-frames.mp4": None,
    "mpeg2.ts": None,
    "av1.webm": None,
}
BAD = (
    "zero.mp4",
    "text.mp4",
    "noise.mkv",
    "no-index.mp4",
    "cut.mkv",
    "cut-fast.mp4",
    "sound.ogg",
    "broken.jpg",
    "no-frames.webm",
)


# The plugin is not needed to make and read media. Where it is built with
# sanitizers, other programs cannot load it.
PLAIN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("GST_")
}


def launch(words):
    done = subprocess.run(
        ["gst-launch-1.0", "-q", *words],
        env=PLAIN,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode == 0 and "ERROR" not in done.stderr, done.stderr


def have(description):
    """Returns whether every element of a part of a pipeline is installed."""
    names = {part.split()[0] for part in description.split(" ! ")} - {"vary"}
    return all(
        subprocess.run(
            ["gst-inspect-1.0", "--exists", name], env=PLAIN
        ).returncode
        == 0
        for name in names
        if "/" not in name
    )


def write_raw(path, source):
    """Writes FRAMES frames of I420, and returns whether the source had as many."""
    width, height = SIZE
    size = FRAMES * width * height * 3 // 2
    scale = (
        "! videoconvert ! videoscale add-borders=false ! "
        "video/x-raw,format=I420,width=%d,height=%d,"
        "pixel-aspect-ratio=1/1 ! filesink" % SIZE
    ).split()
    done = launch([*source, *scale, "location=" + path])[0]
    if not done or os.path.getsize(path) < size:
        return False
    os.truncate(path, size)
    return True


def make_raw(path):
    """Writes a ball that moves, which every encoder keeps whole."""
    source = (
        "videotestsrc pattern=ball num-buffers=%d ! "
        "video/x-raw,framerate=%d/1" % (FRAMES, RATE)
    )
    if not write_raw(path, source.split()):
        raise RuntimeError("no raw frames")


def make_person(path):
    """Writes a lossless video of a person, and returns whether it could."""
    film = (
        "filesrc location=%s ! decodebin ! "
        "videocrop left=110 top=82 right=914 bottom=446 ! videorate ! "
        "video/x-raw,framerate=%d/1 ! identity eos-after=%d"
        % (FILM, RATE, FRAMES + 1)
    )
    raw = path + ".raw"
    if not os.path.exists(FILM) or not write_raw(raw, film.split()):
        return False
    return make_video(path, raw, "avenc_ffv1", None, "matroskamux")[0]


def source(raw, rate=RATE):
    return [
        "filesrc",
        "location=" + raw,
        "blocksize=%d" % (SIZE[0] * SIZE[1] * 3 // 2),
        "!",
        "rawvideoparse",
        "format=i420",
        "width=%d" % SIZE[0],
        "height=%d" % SIZE[1],
        "framerate=%d/1" % rate,
        "!",
        "videoconvert",
        "!",
    ]


def varied_source(raw):
    """Returns a source whose frames come slower in the second half."""
    half = ["identity", "eos-after=%d" % (FRAMES // 2 + 1), "!", "all."]
    return [
        *source(raw, RATE),
        *half,
        *source(raw, 5),
        *half,
        "concat",
        "name=all",
        "!",
        "identity",
        "single-segment=true",
        "!",
        "capssetter",
        "caps=video/x-raw,framerate=0/1",
        "!",
    ]


def make_video(path, raw, video, audio, muxer):
    rate = (
        []
        if not video.startswith("video/x-raw,framerate")
        else "videorate ! videoconvert !".split()
    )
    begin = source(raw)
    if video.startswith("vary ! "):
        begin, video = varied_source(raw), video[7:]
    words = (
        begin + rate + video.split() + "! queue max-size-time=0 ! mux.".split()
    )
    if audio:
        words += (
            SOUND + " ! " + audio + " ! queue max-size-time=0 ! " "mux."
        ).split()
    return launch(
        words
        + muxer.split()
        + ["name=mux", "!", "filesink", "location=" + path]
    )


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def cut(path, source_path, part):
    with open(source_path, "rb") as f:
        data = f.read()
    write(path, data[: int(len(data) * part)])


def turn(path):
    """Rotates by 90 degrees in the track's header matrix, as telephones do."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(
        ">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, SIZE[1] << 16, 0, 1 << 30
    )
    write(path, data)


def make_bad(folder, raw):
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    write(at("zero.mp4"), b"")
    write(at("text.mp4"), b"To be or not to be a film.\n" * 200)
    write(
        at("noise.mkv"),
        bytes((i * i * 7919 + i // 3) % 251 for i in range(20000)),
    )
    write(at("notes.txt"), b"not a recording\n")
    cut(at("no-index.mp4"), at("h264-aac.mp4"), 0.6)
    cut(at("cut.mkv"), at("ffv1-flac.mkv"), 0.5)
    cut(at("cut-fast.mp4"), at("h264-faststart.mp4"), 0.5)
    cut(at("broken.jpg"), at("photo.jpg"), 0.1)
    launch(
        (SOUND + " ! vorbisenc ! oggmux ! filesink").split()
        + ["location=" + at("sound.ogg")]
    )
    launch(
        "videotestsrc num-buffers=0 ! vp8enc ! webmmux ! filesink".split()
        + ["location=" + at("no-frames.webm")]
    )
    if not os.path.exists(at("no-frames.webm")):
        write(at("no-frames.webm"), b"")


# The bad files are made from these, and these formats are the most difficult.
FEW = (
    "h264-aac.mp4",
    "h264-faststart.mp4",
    "ffv1-flac.mkv",
    "rotated.mp4",
    "variable rate b-frames.mp4",
    "photo.jpg",
    "picture.png",
)


def make(folder, few=False):
    """Returns {name: frames or None} of the good files, and the bad names."""
    os.makedirs(os.path.join(folder, "deep", "er"), exist_ok=True)
    raw = os.path.join(folder, ".raw")
    make_raw(raw)
    good = {}
    for name, (video, audio, muxer) in VIDEOS.items():
        if few and name not in FEW:
            continue
        path = os.path.join(folder, name)
        plain = os.path.join(folder, ".plain")  # gst-launch-1.0 can parse it
        if not all(have(part) for part in (video, audio or "identity", muxer)):
            print("# cannot write", repr(name), flush=True)
            continue
        done, said = make_video(plain, raw, video, audio, muxer)
        if done:
            os.rename(plain, path)
            good[name] = COUNTS.get(name, FRAMES)
        else:
            print("# could not write", repr(name), said[-300:], flush=True)
    for name, encoder in PICTURES.items():
        path = os.path.join(folder, name)
        if few and name not in FEW:
            continue
        if (
            have(encoder)
            and launch(
                source(raw)
                + encoder.split()
                + ["!", "filesink", "location=" + path]
            )[0]
        ):
            good[name] = 1
    if "rotated.mp4" in good:
        turn(os.path.join(folder, "rotated.mp4"))
    make_bad(folder, raw)
    os.remove(raw)
    return good, BAD


if __name__ == "__main__":
    good, bad = make(sys.argv[1])
    print("%d good, %d bad" % (len(good), len(bad)))
