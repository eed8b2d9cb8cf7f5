# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outlines and run lengths of drawing tools, as masks.

A pixel belongs to an outline if its centre is inside, by the even-odd rule. Coordinates
are those of LabelMe, CVAT and COCO: 0 is the left or upper edge of the first pixel.
"""
import base64
import io
import math

import numpy as np
from PIL import Image


def fill(points, height, width):
    """Returns a boolean mask of the pixels whose centres are inside a polygon."""
    p = np.asarray(points, np.float64).reshape(-1, 2)
    inside = np.zeros((height, width), bool)
    if len(p) < 3:
        return inside
    toggles = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(p, np.roll(p, -1, 0)):
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        # rows whose centre is at or below the upper end and above the lower
        first = max(0, math.ceil(y0 - 0.5))
        last = min(height, math.ceil(y1 - 0.5))
        if first >= last:
            continue
        rows = np.arange(first, last)
        x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
        np.add.at(toggles, (rows, columns), 1)
    return (np.cumsum(toggles[:, :width], 1) & 1).astype(bool)


def box(x0, y0, x1, y1):
    """Returns the corners of a rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def ellipse(x, y, a, b, steps=90):
    """Returns the outline of an ellipse round (x, y) with the half axes a and b."""
    t = np.arange(steps) * (2 * math.pi / steps)
    return np.stack([x + a * np.cos(t), y + b * np.sin(t)], -1)


def embedded(data, x, y, height, width):
    """Returns the mask of a picture in base64, which starts at (x, y)."""
    part = np.array(Image.open(io.BytesIO(base64.b64decode(data)))) > 0
    inside = np.zeros((height, width), bool)
    y, x = int(round(y)), int(round(x))
    target = inside[y : y + part.shape[0], x : x + part.shape[1]]
    target[:] = part[: target.shape[0], : target.shape[1]]
    return inside


def run_lengths(text):
    """Returns the run lengths that COCO's compressed form stands for."""
    counts, at = [], 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            c = ord(text[at]) - 48
            value |= (c & 31) << shift
            more = bool(c & 32)
            at += 1
            shift += 5
            if not more and c & 16:
                value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
    return counts


def expand(counts, height, width, by_columns=True):
    """Returns the mask of run lengths that begin with the background.

    COCO counts along columns, CVAT along rows.
    """
    if isinstance(counts, str):
        counts = run_lengths(counts)
    flat = np.repeat(np.arange(len(counts)) & 1, counts).astype(bool)
    if len(flat) != height * width:
        raise ValueError(
            f"run lengths of {len(flat)} pixels for a mask of {width}x{height}"
        )
    if by_columns:
        return flat.reshape(width, height).T
    return flat.reshape(height, width)


def trace(mask, tolerance=1.0):
    """Returns the outlines of a mask as polygons [(x, y), ...] on pixel edges.

    Corners that lie within `tolerance` pixels of a straight line are left out
    (Douglas and Peucker 1973). A hole is an outline of its own: `fill` of all
    of them together by the even-odd rule gives the mask.
    """
    m = np.pad(mask.astype(bool), 1)
    follow = {}

    def add(ys, xs, start, end):
        for y, x in zip(ys.tolist(), xs.tolist()):
            a = (x + start[0] - 1, y + start[1] - 1)
            b = (x + end[0] - 1, y + end[1] - 1)
            follow.setdefault(a, []).append(b)

    # edges with the inside on their right
    add(*np.nonzero(m[1:-1] & ~m[:-2]), (0, 1), (1, 1))
    add(*np.nonzero(m[1:-1] & ~m[2:]), (1, 2), (0, 2))
    add(*np.nonzero(m[:, 1:-1] & ~m[:, :-2]), (1, 1), (1, 0))
    add(*np.nonzero(m[:, 1:-1] & ~m[:, 2:]), (2, 0), (2, 1))
    polygons = []
    while follow:
        start = at = next(iter(follow))
        line, before = [start], None
        while True:
            ends = follow[at]
            # Two regions that touch at a corner keep separate outlines.
            after = ends.pop(choose_turn(before, at, ends))
            if not ends:
                del follow[at]
            before, at = at, after
            if at == start:
                break
            line.append(at)
        polygons.append(simplify(line, tolerance))
    return polygons


def choose_turn(before, at, ends):
    """Returns the index of the end that turns right from the line before."""
    if before is None or len(ends) == 1:
        return 0
    dx, dy = at[0] - before[0], at[1] - before[1]
    turns = [dx * (e[1] - at[1]) - dy * (e[0] - at[0]) for e in ends]
    return int(np.argmax(turns))


def simplify(line, tolerance):
    """Returns the closed line with the corners that its shape needs."""
    p = np.asarray(line, np.float64)
    far = int(np.argmax(((p - p[0]) ** 2).sum(1)))
    closed = np.concatenate([p, p[:1]])
    keep = np.zeros(len(closed), bool)
    keep[[0, far]] = True
    stack = [(0, far), (far, len(closed) - 1)]
    while stack:
        a, b = stack.pop()
        if b - a < 2:
            continue
        d = closed[b] - closed[a]
        between = closed[a + 1 : b] - closed[a]
        length = math.hypot(*d)
        if length:
            away = np.abs(between[:, 0] * d[1] - between[:, 1] * d[0]) / length
        else:
            away = np.hypot(*between.T)
        n = int(np.argmax(away))
        if away[n] > tolerance:
            keep[a + 1 + n] = True
            stack += [(a, a + 1 + n), (a + 1 + n, b)]
    return [tuple(float(v) for v in q) for q in closed[:-1][keep[:-1]]]
