#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""analytics.py [SOURCE]: prints the masks of a camera without anything of
unetseg: it knows only the analytics metadata of GStreamer 1.26.

SOURCE is as for masks.py; Debian's gir1.2-gst-plugins-bad-1.0 has the namespace
GstAnalytics. read_segmentations() may be imported."""
import sys

import gi
import numpy

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstAnalytics, GstVideo  # noqa: E402

RELATION = GstAnalytics.RelTypes.N_TO_N | GstAnalytics.RelTypes.RELATE_TO


def read_plane(buffer):
    """A picture in GRAY8 as an array of H x W, uint8."""
    meta = GstVideo.buffer_get_video_meta(buffer)
    data = numpy.frombuffer(
        buffer.extract_dup(meta.offset[0], meta.stride[0] * meta.height),
        numpy.uint8,
    )
    return data.reshape(meta.height, meta.stride[0])[:, : meta.width]


def read_names(relations, mask):
    """The names of a mask's regions, by their numbers."""
    names = {}
    for other in range(GstAnalytics.relation_get_length(relations)):
        found, classes = relations.get_cls_mtd(other)
        if not found or not relations.get_relation(mask.id, other) & RELATION:
            continue
        for index in range(min(mask.get_region_count(), classes.get_length())):
            name = GLib.quark_to_string(classes.get_quark(index))
            names[mask.get_region_id(index)] = name
    return names


def read_segmentations(buffer):
    """Yields a mask, H x W; the names of its regions; and the rectangle of the
    frame that it covers: x, y, width, height."""
    relations = GstAnalytics.buffer_get_analytics_relation_meta(buffer)
    length = GstAnalytics.relation_get_length(relations) if relations else 0
    for index in range(length):
        found, mask = relations.get_segmentation_mtd(index)
        if found:
            plane, *rectangle = mask.get_mask()
            yield read_plane(plane), read_names(relations, mask), rectangle


def main(source="v4l2src"):
    Gst.init(None)
    pipeline = Gst.parse_launch(
        source + " ! videoconvert ! unetseg output=none ! appsink name=masks"
    )
    sink, bus = pipeline.get_by_name("masks"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    message = None
    while not message and not sink.get_property("eos"):
        sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
        buffer = sample.get_buffer() if sample else Gst.Buffer()
        for mask, names, _rectangle in read_segmentations(buffer):
            for region, name in names.items():
                print(name, "%.3f" % (mask == region).mean(), end="  ")
            print(flush=True)
        message = bus.pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message:
        sys.exit(message.parse_error()[0].message)


if __name__ == "__main__":
    main(*sys.argv[1:])
