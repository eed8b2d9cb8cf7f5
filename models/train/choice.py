# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chooses network, sizes and batch by the pictures, their number and the time."""
import math
import os
import time
from dataclasses import asdict, dataclass

import torch

import borders
import nets
import start as start_

HERE = os.path.dirname(os.path.abspath(__file__))
PERSON = os.path.join(os.path.dirname(HERE), "person.onnx")
FEW = 100  # pictures; the paper's network learned from 30
MANY = 2000  # pictures that train an encoder from nothing
LEAST_STEPS = 800  # in the time allowed, for a wider classic network
# How much longer a step takes with twice the channels (two threads, Zen 4: 3.1 to 3.6).
TWICE = 3.4
# AdamW's learning rates. The classic network starts from nothing and has
# normalisation, so that it bears a higher one.
RATES = {"classic": 3e-3, "mobile": 1e-3, "residual": 1e-3}
# Blocks whose weights a CPU does not train: a step takes a quarter less time.
STILL = 2
LARGEST = 512  # root of the pixels that a network of encoders sees at once


@dataclass
class Plan:
    """What is trained, and how. It is kept beside the checkpoints."""

    network: str
    kind: str
    channels: int
    classes: int
    side: int  # pictures with more than side x side pixels shrink; 0: none
    crop: tuple  # (height, width) of the input in training
    batch: int
    base: int
    depth: int
    rate: float
    borders: bool
    start: str
    still: int = 0  # blocks of the encoder that stay as they were

    def make(self):
        net = nets.make(
            self.network, self.channels, self.classes, self.base, self.depth
        )
        if self.still:
            net.enc.hold(self.still)
        return net

    def as_dict(self):
        return asdict(self)


def choose_kind(pictures, asked):
    if asked != "auto":
        return asked, "as asked"
    if pictures.is_grey:
        return "microscopy", "the pictures are grey (--kind x-ray for those)"
    return "photograph", "the pictures have colours (--kind aerial for maps)"


def choose_network(count, kind, asked, start):
    """Returns (name, reason)."""
    if asked != "auto":
        return asked, "as asked"
    if kind == "microscopy" and count <= FEW:
        return "classic", f"{count} pictures of microscopy"
    if count >= MANY and torch.cuda.is_available():
        return "residual", f"{count} pictures and a GPU"
    if os.path.exists(start):
        return "mobile", "its encoder starts from the person network"
    return "residual", f"there is no {start} to start from"


def middle(values):
    return sorted(values)[len(values) // 2]


def choose_depth(side):
    """Returns the number of poolings: the paper's four need pictures of 256 pixels."""
    return 4 if side >= 256 else 3 if side >= 96 else 2


def choose_borders(pictures, trained, channels):
    """Returns (whether gaps between objects get more weight, reason)."""
    step = -(-len(trained) // borders.LOOKED_AT)
    mode = "L" if channels == 1 else "RGB"
    share = borders.share_of_gaps(
        pictures.load(p, mode)[1] for p in trained[::step]
    )
    reason = f"{100 * share:.0f} % of the background are narrow gaps"
    if share > borders.MOST_GAPS:
        return False, f"no border weights, {reason}"
    return True, f"border weights, {reason}"


def measure_step(plan, device):
    """Returns the seconds of one step of a plan, the better of two."""
    net = plan.make().to(device)
    x = torch.rand(plan.batch, plan.channels, *plan.crop, device=device)
    best = math.inf
    for _ in range(2):
        clock = time.perf_counter()
        net(x).mean().backward()
        best = min(best, time.perf_counter() - clock)
    return best


def choose_crop(plan, width, height, gpu):
    """Sets crop and batch: about as many pixels a step as a machine does well."""
    net = plan.make()
    if plan.network == "classic":
        most = 388 if plan.depth == 4 else 256
        sides = min(height, most), min(width, most)
        pixels = 75_000
    else:
        most = 512 if gpu else 320
        sides = min(height, most), min(width, most)
        pixels = 4_000_000 if gpu else 650_000
    plan.crop = tuple(net.fit(s) for s in sides)
    area = (plan.crop[0] - net.lost) * (plan.crop[1] - net.lost)
    plan.batch = max(
        2 if plan.network != "classic" else 1, round(pixels / area)
    )
    plan.batch = min(plan.batch, 32 if gpu else 8)


def choose(pictures, trained, a, device):
    """Returns (Plan, reasons)."""
    count, why = len(trained), []
    kind, reason = choose_kind(pictures, a.kind)
    why.append(f"kind: {kind}, {reason}")
    start = a.start or PERSON
    network, reason = choose_network(count, kind, a.network, start)
    why.append(f"network: {network}, {reason}")
    grey = pictures.is_grey and network != "mobile"
    width = middle([p.width for p in trained])
    height = middle([p.height for p in trained])
    side = a.side
    if not side and network != "classic":
        side = min(LARGEST, round(math.sqrt(width * height)))
    if side and width * height > side**2:
        shrink = side / math.sqrt(width * height)
        width, height = round(width * shrink), round(height * shrink)
    why.append(f"pictures are trained at {width}x{height}")
    plan = Plan(
        network=network,
        kind=kind,
        channels=1 if grey else 3,
        classes=pictures.classes.count,
        side=side,
        crop=(0, 0),
        batch=1,
        base=a.base or 16,
        depth=choose_depth(min(width, height)),
        rate=a.rate or RATES[network],
        borders=False,
        start=start if network == "mobile" else a.start,
    )
    if network == "classic" and pictures.classes.has_background:
        plan.borders, reason = choose_borders(pictures, trained, plan.channels)
        why.append(reason)
    if network == "mobile" and plan.start and device.type != "cuda":
        plan.still = STILL
    if network == "classic" and a.start and not a.base:
        plan.base = start_.base_of(a.start)
        why.append(f"{plan.base} channels, as {a.start} has")
    choose_crop(plan, width, height, device.type == "cuda")
    plan.batch = a.batch or plan.batch
    if network == "classic" and not (a.base or a.steps or a.start):
        seconds = measure_step(plan, device)
        for base in (64, 32, 16, 8):
            steps = a.minutes * 60 / (seconds * TWICE ** math.log2(base / 16))
            if steps >= LEAST_STEPS or base == 8:
                break
        plan.base = base
        why.append(f"{base} channels: about {steps:.0f} steps in the time")
    h, w = plan.crop
    why.append(f"{plan.batch} crops of {w}x{h} a step")
    return plan, why
