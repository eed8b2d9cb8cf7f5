# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the frames of a WebM file, and the alpha beside them."""
import struct

EBML, SEGMENT, SEEK_HEAD, SEEK = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB
SEEK_ID, SEEK_POSITION = 0x53AB, 0x53AC
TRACKS, ENTRY, NUMBER, TYPE, VIDEO = 0x1654AE6B, 0xAE, 0xD7, 0x83, 0xE0
ALPHA_MODE, MAX_ADDITION = 0x53C0, 0x55EE
CLUSTER, TIME, SIMPLE, GROUP, BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
ADDITIONS, MORE, ADD_ID, ADDITIONAL = 0x75A1, 0xA6, 0xEE, 0xA5
REFERENCE = 0xFB
CUES, POINT, POSITIONS, CUE_CLUSTER = 0x1C53BB6B, 0xBB, 0xB7, 0xF1
CUE_TIME = 0xB3
COLOUR, MASTERING, LIGHT = 0x55B0, 0x55D0, (0x55BC, 0x55BD)


def children(data, start=0, end=None):
    """Yields the number, the content and the position of each element."""
    end = len(data) if end is None else end
    at = start
    while at < end:
        first = at
        n = 9 - data[at].bit_length()
        name = int.from_bytes(data[at : at + n], "big")
        at += n
        n = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + n], "big") & ((1 << 7 * n) - 1)
        at += n
        assert at + size <= end, "an element is longer than its parent"
        yield name, data[at : at + size], first - start
        at += size


def one(data, name):
    """Returns the content of the only element of that number."""
    found = [content for n, content, _ in children(data) if n == name]
    assert len(found) == 1, (hex(name), len(found))
    return found[0]


def number(data, name):
    return int.from_bytes(one(data, name), "big")


def video_track(tracks):
    return [c for n, c, _ in children(tracks) if number(c, TYPE) == 1][0]


def mastering(path):
    """Returns what the video says of the display that it was mastered on, and
    of the light of its frames."""
    with open(path, "rb") as f:
        tracks = one(one(f.read(), SEGMENT), TRACKS)
    colour = one(one(video_track(tracks), VIDEO), COLOUR)
    display = [
        struct.unpack(">d", content)[0]
        for _, content, _ in children(one(colour, MASTERING))
    ]
    return display, [number(colour, name) for name in LIGHT]


class File:
    """`frames` has (time in ms, packet, alpha packet, key) of the video."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        assert [n for n, _, _ in children(data)] == [EBML, SEGMENT]
        self.segment = one(data, SEGMENT)
        self.parts = {
            at: (name, content) for name, content, at in children(self.segment)
        }
        tracks = [c for n, c in self.parts.values() if n == TRACKS][0]
        self.video = video_track(tracks)
        self.track = number(self.video, NUMBER)
        self.frames = []
        for name, content in self.parts.values():
            if name == CLUSTER:
                self.read_cluster(content)

    def read_cluster(self, cluster):
        start = number(cluster, TIME)
        for name, content, _ in children(cluster):
            if name == SIMPLE:
                assert content[0] & 0x7F != self.track, "no room for alpha"
            if name != GROUP:
                continue
            block = one(content, BLOCK)
            if block[0] & 0x7F != self.track:
                continue
            more = one(one(content, ADDITIONS), MORE)
            assert number(more, ADD_ID) == 1
            time = start + int.from_bytes(block[1:3], "big", signed=True)
            key = all(n != REFERENCE for n, _, _ in children(content))
            self.frames.append((time, block[4:], one(more, ADDITIONAL), key))

    def cues(self):
        """Returns the time of each cue and of the cluster that it names."""
        points = []
        for name, content in self.parts.values():
            for n, point, _ in children(content) if name == CUES else ():
                at = number(one(point, POSITIONS), CUE_CLUSTER)
                assert self.parts[at][0] == CLUSTER, at
                points.append(
                    (number(point, CUE_TIME), number(self.parts[at][1], TIME))
                )
        return points

    def seeks(self):
        """Returns the numbers that the seek head names, and what is there."""
        head = [c for n, c in self.parts.values() if n == SEEK_HEAD][0]
        return [
            (number(c, SEEK_ID), self.parts[number(c, SEEK_POSITION)][0])
            for n, c, _ in children(head)
        ]
