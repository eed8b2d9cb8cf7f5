"""Sections with their cells, the paper's weights, and deformed samples of both."""
import os
import random

import cv2
import numpy as np

HELD_OUT = range(
    25, 30
)  # the end of the stack: only one of these borders a training section
W0, SIGMA = 10.0, 5.0  # of the border weights


def border_weights(cells):
    """Weight of each pixel (section 3): classes in balance, and narrow gaps between cells heavy."""
    count, ids = cv2.connectedComponents(cells.astype(np.uint8), connectivity=4)
    first = np.full(cells.shape, 1e4, np.float32)
    second = first.copy()
    for i in range(1, count):
        d = cv2.distanceTransform((ids != i).astype(np.uint8), cv2.DIST_L2, 5)
        second = np.minimum(second, np.maximum(first, d))
        first = np.minimum(first, d)
    share = cells.mean()
    balance = np.where(cells, 0.5 / share, 0.5 / (1 - share))
    return (
        balance
        + W0 * np.exp(-((first + second) ** 2) / (2 * SIGMA**2)) * ~cells
    ).astype(np.float32)


def load(folder, held_out):
    """[(name, picture, cells)]: grey bytes, and True inside of cells."""
    out = []
    for n in range(30):
        if (n in HELD_OUT) == held_out:
            image = cv2.imread(
                os.path.join(folder, "image", f"{n}.png"), cv2.IMREAD_GRAYSCALE
            )
            cells = (
                cv2.imread(
                    os.path.join(folder, "label", f"{n}.png"),
                    cv2.IMREAD_GRAYSCALE,
                )
                > 127
            )
            out.append((n, image, cells))
    return out


def displacement(size, rng, deviation=10.0, grid=3):
    """Smooth random displacement: normal on a coarse grid, cubic between (section 3.1)."""
    coarse = np.array(
        [rng.gauss(0, deviation) for _ in range(2 * grid * grid)], np.float32
    )
    return cv2.resize(
        coarse.reshape(grid, grid, 2),
        (size, size),
        interpolation=cv2.INTER_CUBIC,
    )


def tone(x, rng):
    x = (x - 0.5) * np.exp(rng.gauss(0, 0.15)) + 0.5 + rng.gauss(0, 0.05)
    return np.clip(x, 0, 1) ** np.exp(rng.gauss(0, 0.15))


class Sampler:
    """Deformed crops: pictures of `size` pixels, their membranes and weights less the lost border."""

    def __init__(self, sections, size, lost, seed):
        self.rng, self.size, self.edge = random.Random(seed), size, lost // 2
        self.sections = []
        for _, image, cells in sections:
            planes = (image, (~cells).astype(np.float32), border_weights(cells))
            # what lies beyond is mirrored
            self.sections.append(
                [np.pad(p, size // 2, "reflect") for p in planes]
            )

    def sample(self):
        rng, n, e = self.rng, self.size, self.edge
        planes = rng.choice(self.sections)
        side = planes[0].shape[0] - n
        # the output, not the input, is to cover the section evenly
        x, y = (
            rng.uniform(n / 2 - e, side + n / 2 + e) - n / 2 for _ in range(2)
        )
        x, y = (min(max(v, 0), side) for v in (x, y))
        angle = np.deg2rad(rng.choice((0, 90, 180, 270)) + rng.uniform(-15, 15))
        grid = (
            np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).astype(
                np.float32
            )
            - (n - 1) / 2
        )
        grid[..., 0] *= rng.choice((-1, 1))
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        turned = np.stack(
            [
                c * grid[..., 0] - s * grid[..., 1],
                s * grid[..., 0] + c * grid[..., 1],
            ],
            -1,
        )
        at = (
            turned
            + np.float32([x, y])
            + np.float32((n - 1) / 2)
            + displacement(n, rng)
        )
        image, mask, weight = (
            cv2.remap(
                p,
                at.astype(np.float32),
                None,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            for p in planes
        )
        inner = (slice(e, n - e),) * 2
        return (
            tone(image.astype(np.float32) / 255, rng).astype(np.float32),
            (mask > 0.5)[inner],
            weight[inner],
        )
