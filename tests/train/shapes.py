#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures of shapes in noise, with their masks, to test and try training:
shapes.py FOLDER [COUNT [SEED]]"""
import os
import sys

import numpy as np
from PIL import Image

SIDE = 128
CONTRAST, NOISE = 60, 30  # of a shape and of a pixel, of 255


def ellipse(rng, x, y):
    """Returns where an ellipse of a random place, size and angle is."""
    cx, cy = rng.uniform(0.15 * SIDE, 0.85 * SIDE, 2)
    a, b = rng.uniform(0.1 * SIDE, 0.22 * SIDE, 2)
    t = rng.uniform(0, np.pi)
    u = (x - cx) * np.cos(t) + (y - cy) * np.sin(t)
    v = (y - cy) * np.cos(t) - (x - cx) * np.sin(t)
    return (u / a) ** 2 + (v / b) ** 2 < 1


def rectangle(rng, x, y):
    """Returns where a rectangle of a random place, size and angle is."""
    cx, cy = rng.uniform(0.15 * SIDE, 0.85 * SIDE, 2)
    a, b = rng.uniform(0.08 * SIDE, 0.2 * SIDE, 2)
    t = rng.uniform(0, np.pi)
    u = (x - cx) * np.cos(t) + (y - cy) * np.sin(t)
    v = (y - cy) * np.cos(t) - (x - cx) * np.sin(t)
    return (abs(u) < a) & (abs(v) < b)


def picture(rng):
    """Returns (grey picture, mask): two or three shapes on a slope of light."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = np.zeros((SIDE, SIDE), bool)
    for _ in range(rng.integers(2, 4)):
        inside |= rng.choice((ellipse, rectangle))(rng, x, y)
    slope = rng.uniform(-0.3, 0.3, 2)
    light = 90 + slope[0] * (x - SIDE / 2) + slope[1] * (y - SIDE / 2)
    light = light + CONTRAST * inside + rng.normal(0, NOISE, inside.shape)
    return np.clip(light, 0, 255).astype(np.uint8), inside


def save(folder, count, seed=7):
    """Writes FOLDER/images and FOLDER/masks, white on black."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        os.makedirs(os.path.join(folder, name))
    for n in range(count):
        grey, inside = picture(rng)
        name = f"shape-{n:02}.png"
        Image.fromarray(grey).save(os.path.join(folder, "images", name))
        white = Image.fromarray(inside.astype(np.uint8) * 255)
        white.save(os.path.join(folder, "masks", name))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    save(sys.argv[1], *map(int, sys.argv[2:] or ["30"]))
