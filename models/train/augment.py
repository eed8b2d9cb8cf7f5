# SPDX-License-Identifier: LGPL-2.1-or-later
"""Samples of pictures for training, changed as pictures of their kind differ."""
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from masks import IGNORE


PLACES = 64  # of a class in a picture, of which a sample shows one


@dataclass
class Kind:
    """How pictures of a kind differ. Angles are in degrees, `elastic` in pixels."""

    turns: bool  # by quarters: there is no top
    flip: bool  # mirrored from left to right
    angle: float
    scale: tuple
    elastic: float  # deviation of displacements on a 3x3 grid (the paper's 3.1)
    tone: float  # deviation of contrast, brightness and gamma
    color: float  # deviation of each channel's gain, as white balance does
    noise: float  # largest deviation of noise, of 1


KINDS = {
    "photograph": Kind(False, True, 6, (0.5, 1.6), 0, 0.15, 0.06, 0.03),
    "microscopy": Kind(True, True, 15, (0.8, 1.25), 10, 0.15, 0.03, 0.03),
    "aerial": Kind(True, True, 15, (0.7, 1.4), 0, 0.15, 0.06, 0.03),
    # left and right differ in a body
    "x-ray": Kind(False, False, 8, (0.8, 1.25), 6, 0.15, 0, 0.03),
}


def displacement(rng, height, width, deviation, grid=3):
    """Returns 2 x H x W: normal displacements on a coarse grid, cubic between."""
    coarse = torch.tensor(
        [rng.gauss(0, deviation) for _ in range(2 * grid * grid)]
    )
    return F.interpolate(
        coarse.reshape(1, 2, grid, grid),
        (height, width),
        mode="bicubic",
        align_corners=True,
    )[0]


def mirror(at, size):
    """Returns coordinates inside of 0..size-1, mirrored at the borders."""
    period = 2 * max(1, size - 1)
    at = torch.remainder(at, period)
    return torch.minimum(at, period - at)


def grid_of(rng, kind, side, size, scale, seen=None):
    """Returns (x, y) in the picture for each pixel of a sample.

    `side` is (height, width) of the sample, `size` that of the picture. `seen` is a
    (row, column) of the picture that the sample shows somewhere.
    """
    h, w = side
    angle = math.radians(
        rng.uniform(-kind.angle, kind.angle)
        + (rng.choice((0, 90, 180, 270)) if kind.turns else 0)
    )
    c, s = math.cos(angle) / scale, math.sin(angle) / scale
    y, x = torch.meshgrid(
        torch.arange(h) - (h - 1) / 2,
        torch.arange(w) - (w - 1) / 2,
        indexing="ij",
    )
    if kind.flip and rng.random() < 0.5:
        x = -x
    # the sample's middle; a sample larger than the picture has it about in the middle
    middle = []
    for axis, (have, need) in enumerate(zip(size, (h / scale, w / scale))):
        free = max((have - need) / 2, have * 0.1)
        off = rng.uniform(-free, free)
        if seen:
            off = seen[axis] - (have - 1) / 2 + rng.uniform(-need, need) * 0.4
            off = min(free, max(-free, off))
        middle.append((have - 1) / 2 + off)
    at = torch.stack([c * x - s * y + middle[1], s * x + c * y + middle[0]])
    if kind.elastic:
        at = at + displacement(rng, h, w, kind.elastic)
    return mirror(at[0], size[1]), mirror(at[1], size[0])


def plain_grid_of(rng, kind, side, size, seen=None):
    """Returns (x, y) of whole pixels: the picture turned by quarters and mirrored alone.

    Pixels between others are means, which have less noise than the pictures that a
    network gets in use.
    """
    kind = replace(kind, angle=0, elastic=0)
    return tuple(
        torch.floor(at + 0.5) for at in grid_of(rng, kind, side, size, 1, seen)
    )


def pick(plane, x, y, mode):
    """Samples a C x H x W plane of bytes; only the part that is needed is widened."""
    x0, y0 = int(x.min()), int(y.min())
    x1, y1 = int(x.max()) + 2, int(y.max()) + 2
    part = plane[:, y0:y1, x0:x1].float()
    h, w = part.shape[1:]
    at = torch.stack(
        [
            (x - x0) * (2 / max(1, w - 1)) - 1,
            (y - y0) * (2 / max(1, h - 1)) - 1,
        ],
        -1,
    )
    return F.grid_sample(
        part[None], at[None], mode, "border", align_corners=True
    )[0]


def tone(x, rng, kind):
    """Changes light, colours and noise of a C x H x W picture in 0..1."""
    x = (x - 0.5) * math.exp(rng.gauss(0, kind.tone)) + 0.5
    x = x + rng.gauss(0, kind.tone / 3)
    if kind.color and x.shape[0] == 3:
        gains = [math.exp(rng.gauss(0, kind.color)) for _ in range(3)]
        x = x * torch.tensor(gains)[:, None, None]
        grey = x.mean(0, keepdim=True)
        x = grey + (x - grey) * math.exp(rng.gauss(0, 3 * kind.color))
    x = x.clamp(0, 1) ** math.exp(rng.gauss(0, kind.tone))
    if rng.random() < 0.5:
        x = x + torch.randn_like(x) * rng.uniform(0, kind.noise)
    return x.clamp(0, 1)


class Sampler:
    """Endless batches of (pictures, channels, weights) of a set.

    `lost` rows and columns are cut off of channels and weights, as the network does.
    Half of the samples show a place of a class that is drawn with equal chance, so
    that a rare one is seen often enough. `plain` is the share of samples whose pixels are
    those of the pictures; worker processes see a change of it.
    """

    def __init__(self, pictures, kind, side, lost, seed, borders=False):
        self.set, self.kind, self.side = pictures, KINDS[kind], side
        self.lost, self.borders, self.weights = lost, borders, {}
        self.rng, self.homes = random.Random(seed), {}
        self.plain = torch.zeros(1).share_memory_()
        torch.manual_seed(seed)

    def start(self, trained, mode):
        self.trained, self.mode = trained, mode
        for p in trained:
            _, plane = self.set.load(p, mode)
            for channel in np.unique(plane):
                if channel == IGNORE:
                    continue
                at = np.flatnonzero(plane == channel)
                places = [
                    divmod(int(self.rng.choice(at)), plane.shape[1])
                    for _ in range(PLACES)
                ]
                self.homes.setdefault(int(channel), []).append((p, places))

    def border(self, picture, plane):
        """Returns the weights of narrow gaps between objects, and keeps them."""
        if picture.name not in self.weights:
            from borders import border_weights

            inside = (plane != 0) & (plane != IGNORE)
            w = border_weights(inside).astype(np.float16)
            self.weights[picture.name] = torch.from_numpy(w)
        return self.weights[picture.name]

    def sample(self):
        rng, kind = self.rng, self.kind
        picture, seen = rng.choice(self.trained), None
        if rng.random() < 0.5:
            homes = self.homes[rng.choice(sorted(self.homes))]
            picture, places = rng.choice(homes)
            seen = rng.choice(places)
        image, plane = self.set.load(picture, self.mode)
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
        if rng.random() < self.plain.item():
            x, y = plain_grid_of(rng, kind, self.side, plane.shape, seen)
            out = pick(pixels, x, y, "nearest") / 255
            return (out, *self.truth(picture, plane, x, y))
        low, high = kind.scale
        scale = math.exp(rng.uniform(math.log(low), math.log(high)))
        x, y = grid_of(rng, kind, self.side, plane.shape, scale, seen)
        out = tone(pick(pixels, x, y, "bilinear") / 255, rng, kind)
        return (out, *self.truth(picture, plane, x, y))

    def truth(self, picture, plane, x, y):
        """Returns (channels, weights) of the part of a sample that the network keeps."""
        e = self.lost // 2
        h, w = self.side
        x, y = x[e : h - e, e : w - e], y[e : h - e, e : w - e]
        truth = torch.from_numpy(np.ascontiguousarray(plane))[None]
        classes = pick(truth, x, y, "nearest")[0].round().long()
        weight = torch.ones(classes.shape)
        if self.borders:
            border = self.border(picture, plane)[None]
            weight = weight + pick(border, x, y, "bilinear")[0]
        return classes, weight

    def batch(self, count):
        return [
            torch.stack(v) for v in zip(*(self.sample() for _ in range(count)))
        ]
