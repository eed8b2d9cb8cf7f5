# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library by introspection, for tests written in Python. Importing it skips
the test where a package is missing."""
import os

import tap

try:
    import gi
except ImportError:
    tap.skip_all("python3-gi is not installed for this Python")
try:
    import numpy  # noqa: F401
except ImportError:
    tap.skip_all("python3-numpy is not installed for this Python")
try:
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    gi.require_version("Unetseg", "1.0")
except ValueError as missing:
    tap.skip_all("%s" % missing)
from gi.repository import Gio, GLib, Gst, GstVideo, Unetseg  # noqa: E402,F401

Gst.init(None)
MODELS = os.environ.get("UNETSEG_TEST_MODELS", ".")


def model(name):
    """The path of a model of tests/data."""
    return os.path.join(MODELS, name + ".onnx")


def still(**fields):
    """Options whose results do not depend on measured times."""
    return Unetseg.SessionOptions(
        threads=1,
        precision=Unetseg.Precision.F32,
        tuning=Unetseg.Tuning.STATIC,
        **fields
    )


def pull(description):
    """Yields the samples of the appsink "out" of a pipeline until the end of
    the stream."""
    pipeline = Gst.parse_launch(description)
    sink, bus = pipeline.get_by_name("out"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while not sink.get_property("eos"):
            sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
            if sample is not None:
                yield sample
            message = bus.pop_filtered(Gst.MessageType.ERROR)
            assert message is None, message.parse_error()
    finally:
        pipeline.set_state(Gst.State.NULL)
