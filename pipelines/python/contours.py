#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""contours.py PICTURE [MODEL]: prints the outlines of what a model finds.

A line for each outline: class, area in pixels of the picture, number of corners,
and the corners as x,y in pixels of the picture. It needs NumPy and no OpenCV;
find_contours() may be imported."""
import sys

import numpy


def find_edges(inside):
    """The sides of pixels that lie between inside and outside, as arrays of
    x0, y0, x1, y1. Inside lies on the right of each, looking from its start."""
    padded = numpy.pad(inside.astype(numpy.int8), 1)
    below = numpy.diff(padded, axis=0)[:, 1:-1]  # 1: inside begins here
    beside = numpy.diff(padded, axis=1)[1:-1]
    edges = []
    ys, xs = numpy.nonzero(below > 0)
    edges.append((xs, ys, xs + 1, ys))
    ys, xs = numpy.nonzero(below < 0)
    edges.append((xs + 1, ys, xs, ys))
    ys, xs = numpy.nonzero(beside > 0)
    edges.append((xs, ys + 1, xs, ys))
    ys, xs = numpy.nonzero(beside < 0)
    edges.append((xs, ys, xs, ys + 1))
    return numpy.hstack([numpy.stack(edge) for edge in edges]).T


def follow(edges):
    """Joins edges to closed lines. Where two lines touch, each turns right, so
    that pixels that touch at a corner are apart."""
    nexts = {}
    for x0, y0, x1, y1 in edges.tolist():
        nexts.setdefault((x0, y0), []).append((x1, y1))
    while nexts:
        first = at = min(nexts)  # a corner of one line only
        line, direction = [], None
        while not line or at != first:
            ends = nexts[at]
            end = ends[0]
            if len(ends) > 1:
                end = (at[0] - direction[1], at[1] + direction[0])
            ends.remove(end)
            if not ends:
                del nexts[at]
            step = (end[0] - at[0], end[1] - at[1])
            if step != direction:
                line.append(at)
            at, direction = end, step
        yield numpy.array(line)


def area(line):
    """The area inside of a line; below 0 for the border of a hole."""
    x, y = line.T
    return (x * numpy.roll(y, -1) - numpy.roll(x, -1) * y).sum() / 2


def find_contours(inside):
    """The outlines of an array of bool: a list of arrays of corners x, y on
    the grid between the pixels. Borders of holes run the other way."""
    return list(follow(find_edges(inside)))


def main(path, model=None):
    import gi

    gi.require_version("Unetseg", "1.0")
    from gi.repository import Unetseg
    from PIL import Image

    picture = numpy.array(Image.open(path).convert("RGB"))
    mask = Unetseg.Segmentation(model).segment(picture)
    class_map = mask.class_map
    x, y, width, height = mask.rectangle
    scale = numpy.array([width, height]) / class_map.shape[::-1]
    for number, label in list(enumerate(mask.labels))[1:]:
        for line in find_contours(class_map == number):
            line = line * scale + (x, y)
            corners = " ".join("%.1f,%.1f" % tuple(corner) for corner in line)
            print(label or number, "%.1f" % area(line), len(line), corners)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
