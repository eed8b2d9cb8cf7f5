# SPDX-License-Identifier: LGPL-2.1-or-later
"""Weights of pixels for narrow gaps between objects (Ronneberger et al. 2015, section 3)."""
import numpy as np

from masks import IGNORE

W0, SIGMA = 10.0, 5.0  # as the paper has them, in pixels
REACH = 15  # pixels; two objects at that distance each weigh e^-18
# Part of the background. Above it, weights of gaps only draw them wider.
MOST_GAPS = 0.5
LOOKED_AT = 4  # pictures


def find_objects(inside):
    """Numbers the objects of a mask from 1; 0 is outside. Corners do not connect."""
    h, w = inside.shape
    padded = np.pad(inside, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    row, start = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    parent = list(range(len(row)))

    def root(n):
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    firsts = np.searchsorted(row, np.arange(h + 1))
    for y in range(1, h):
        a, b = firsts[y - 1], firsts[y]
        while a < firsts[y] and b < firsts[y + 1]:
            if start[a] < end[b] and start[b] < end[a]:
                parent[root(b)] = root(a)
            if end[a] < end[b]:
                a += 1
            else:
                b += 1
    numbers, ids = {}, np.zeros((h, w), np.int32)
    for n in range(len(row)):
        value = numbers.setdefault(root(n), len(numbers) + 1)
        ids[row[n], start[n] : end[n]] = value
    return ids


def border_weights(inside):
    """Returns what the weight map adds to 1: W0 where two objects all but touch."""
    ids = find_objects(inside)
    h, w = ids.shape
    first = np.full((h, w), np.inf, np.float32)
    second, nearest = first.copy(), np.zeros_like(ids)
    around = np.pad(ids, REACH)
    offsets = [
        (y * y + x * x, y, x)
        for y in range(-REACH, REACH + 1)
        for x in range(-REACH, REACH + 1)
        if y * y + x * x <= REACH * REACH
    ]
    for square, y, x in sorted(offsets):
        seen = around[REACH + y : REACH + y + h, REACH + x : REACH + x + w]
        new = (seen > 0) & (nearest == 0)
        nearest[new] = seen[new]
        first[new] = square**0.5
        other = (seen > 0) & (seen != nearest) & np.isinf(second)
        second[other] = square**0.5
    gap = np.exp(-((first + second) ** 2) / (2 * SIGMA**2))
    return (W0 * gap * ~inside).astype(np.float32)


def share_of_gaps(planes):
    """Returns the part of the background whose weight the map at least doubles."""
    gaps = background = 0
    for plane in planes:
        outside = plane == 0
        added = border_weights(~outside & (plane != IGNORE))
        gaps += ((added > 1) & outside).sum()
        background += outside.sum()
    return gaps / max(1, background)
