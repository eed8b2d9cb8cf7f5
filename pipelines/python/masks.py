#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""masks.py [SOURCE]: prints the masks of a camera as NumPy has them.

SOURCE is a part of a pipeline that gives frames; v4l2src by default, or for
example "videotestsrc num-buffers=30". Stop it with Ctrl-C."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("Unetseg", "1.0")
from gi.repository import Gst, Unetseg  # noqa: E402

Gst.init(None)
source = sys.argv[1] if len(sys.argv) > 1 else "v4l2src"
pipeline = Gst.parse_launch(
    source + " ! videoconvert ! unetseg output=none ! appsink name=masks"
)
sink, bus = pipeline.get_by_name("masks"), pipeline.get_bus()
pipeline.set_state(Gst.State.PLAYING)
message = None
while not message and not sink.get_property("eos"):
    sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
    for mask in Unetseg.read_masks(sample.get_buffer()) if sample else ():
        class_map = mask.class_map  # H x W, uint8; 0 is the background
        for number, label in enumerate(mask.labels):
            print(label, "%.3f" % (class_map == number).mean(), end="  ")
        print("age", mask.age_frames, flush=True)
    message = bus.pop_filtered(Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if message:
    sys.exit(message.parse_error()[0].message)
