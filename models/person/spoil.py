"""What the network should not fall for: clothes, things before people, furniture, blur, bars."""
import math

import cv2
import numpy as np

from views import extent, lerp, streak


def pattern(shape, rng, other):
    """A cloth: plain, striped, checked, speckled, printed, or cut from another picture."""
    h, w = shape
    colours = np.array(
        [[rng.randrange(256) for _ in range(3)] for _ in range(2)], np.float32
    )
    if rng.random() < 0.4:  # black, white, grey
        colours[0] = rng.choice((8, 20, 40, 128, 225, 245))
    kind = rng.randrange(6)
    if kind == 0:
        return np.full((h, w, 3), colours[0], np.uint8)
    if kind == 1 and other is not None:
        return cv2.resize(other, (w, h))
    y, x = np.mgrid[:h, :w].astype(np.float32)
    angle, period = rng.uniform(0, math.pi), rng.uniform(4, 40)
    a = x * math.cos(angle) + y * math.sin(angle)
    b = y * math.cos(angle) - x * math.sin(angle)
    if kind == 2:
        on = (a % period) < period * rng.uniform(0.2, 0.8)
    elif kind == 3:
        on = ((a % period) < period / 2) ^ ((b % period) < period / 2)
    elif kind == 4:
        small = np.empty(
            (max(2, int(h / period * 2)), max(2, int(w / period * 2))), np.uint8
        )
        cv2.randu(small, 0, 256)
        on = cv2.resize(
            small, (w, h), interpolation=cv2.INTER_CUBIC
        ) > rng.randrange(90, 190)
    else:
        print_ = np.zeros((h, w), np.uint8)
        for _ in range(rng.randrange(1, 4)):
            text = "".join(
                rng.choice("ABEHKMNORSTUX0158")
                for _ in range(rng.randrange(2, 8))
            )
            cv2.putText(
                print_,
                text,
                (rng.randrange(w), rng.randrange(h)),
                rng.choice((0, 2, 3)),
                rng.uniform(0.4, 2.5),
                255,
                rng.randrange(1, 8),
            )
        on = print_ > 0
    return np.where(on[..., None], colours[1], colours[0]).astype(np.uint8)


def dress(scene, rng, other):
    """Other clothes: a pattern on the person below the head, with its shading kept."""
    e = extent(scene[1])
    if e is None or (e[1] - e[0]) * (e[3] - e[2]) < 400:
        return
    h, w = scene[1].shape
    region = scene[1].copy()
    tall = e[1] - e[0]
    # people who reach the lower border are cut off, so their heads take more of the height
    region[
        : e[0]
        + int(
            tall
            * (
                rng.uniform(0.3, 0.6)
                if e[1] >= h - 1
                else rng.uniform(0.15, 0.35)
            )
        )
    ] = 0
    if (
        rng.random() < 0.5
    ):  # a part only: trousers, a jumper, one side of an open jacket
        part = np.zeros((h, w), np.uint8)
        centre = (rng.randrange(e[2], e[3]), rng.randrange(e[0], e[1]))
        size = (
            max(4, int((e[3] - e[2]) * rng.uniform(0.15, 0.6))),
            max(4, int(tall * rng.uniform(0.15, 0.6))),
        )
        if rng.random() < 0.5:
            cv2.ellipse(
                part, centre, size, rng.uniform(0, 180), 0, 360, 255, -1
            )
        else:
            cv2.rectangle(
                part,
                (centre[0] - size[0], centre[1] - size[1]),
                (centre[0] + size[0], centre[1] + size[1]),
                255,
                -1,
            )
        region = cv2.min(region, part)
    grey = cv2.cvtColor(scene[0], cv2.COLOR_BGR2GRAY)
    mean = cv2.mean(grey, region)[0] + 8
    cloth = pattern((h, w), rng, other).astype(np.float32)
    shade = (grey.astype(np.float32) + 8) / mean
    keep = rng.uniform(0.2, 1)
    cloth = np.clip(
        cloth * (1 + (np.clip(shade, 0, 2) - 1) * keep)[..., None], 0, 255
    ).astype(np.uint8)
    scene[0] = lerp(scene[0], cloth, region)


def recolour(scene, rng):
    """Moves the person's colours alone: as the wall behind, crushed, blown out, or at random."""
    alpha = scene[1]
    e = extent(alpha)
    if e is None:
        return
    if rng.random() < 0.5:  # without the head
        alpha = alpha.copy()
        alpha[: e[0] + int((e[1] - e[0]) * rng.uniform(0.2, 0.5))] = 0
        if not alpha.any():
            return
    x = scene[0].astype(np.float32)
    how = rng.randrange(4)
    if how == 0:  # white on white, black on black
        back = 255 - cv2.dilate(scene[1], np.ones((5, 5), np.uint8))
        if rng.random() < 0.6:  # what is beside the person, not all of the room
            back[: e[0]] = 0
        if not back.any():
            return
        there, here = np.array(cv2.mean(scene[0], back)[:3]), np.array(
            cv2.mean(scene[0], alpha)[:3]
        )
        x = (
            (x - here) * rng.uniform(0.4, 1)
            + here
            + (there - here) * rng.uniform(0.6, 1.05)
        )
    elif how == 1:
        x = (x - rng.uniform(20, 90)) * rng.uniform(0.3, 1)
    elif how == 2:
        x = x * rng.uniform(1.2, 2) + rng.uniform(0, 110)
    else:
        x = x * np.array(
            [rng.uniform(0.5, 1.5) for _ in range(3)]
        ) + rng.uniform(-60, 60)
    scene[0] = lerp(scene[0], np.clip(x, 0, 255).astype(np.uint8), alpha)


def colour(rng):
    c = rng.random()
    if c < 0.4:
        return [rng.randrange(0, 45)] * 3
    return (
        [rng.randrange(180, 256)] * 3
        if c < 0.55
        else [rng.randrange(256) for _ in range(3)]
    )


def attach(scene, rng):
    """Straps, badges, lanyards, belts, headsets and mugs: they are the person's."""
    e = extent(scene[1])
    if e is None:
        return
    tall, wide = e[1] - e[0], e[3] - e[2]
    if min(tall, wide) < 30:
        return
    drawn = np.zeros(scene[1].shape, np.uint8)
    image = scene[0].copy()
    cx = (e[2] + e[3]) / 2

    def at(
        x, y
    ):  # parts of the person's width from the middle, and of the height
        return int(cx + x * wide), int(e[0] + y * tall)

    def line(a, b, thick, c):
        cv2.line(image, a, b, c, thick, cv2.LINE_AA)
        cv2.line(drawn, a, b, 255, thick, cv2.LINE_AA)

    def box(a, b, c):
        cv2.rectangle(image, a, b, c, -1)
        cv2.rectangle(drawn, a, b, 255, -1)

    outside, c, thick = (
        False,
        colour(rng),
        max(1, int(wide * rng.uniform(0.015, 0.08))),
    )
    how = rng.randrange(6)
    if how == 0:  # one strap, or two
        x = rng.uniform(-0.35, 0.35)
        line(
            at(x, rng.uniform(0.25, 0.5)),
            at(-x * rng.uniform(-1, 1.2), 1),
            thick,
            c,
        )
        if rng.random() < 0.4:
            line(at(-x, rng.uniform(0.25, 0.5)), at(-x, 1), thick, c)
    elif how == 1:  # a badge
        x, y, s = (
            rng.uniform(-0.3, 0.3),
            rng.uniform(0.45, 0.85),
            rng.uniform(0.04, 0.14),
        )
        box(at(x, y), at(x + s, y + s * rng.uniform(0.5, 1.5)), c)
        box(
            at(x + s * 0.2, y + s * 0.2),
            at(x + s * 0.8, y + s * 0.35),
            colour(rng),
        )
    elif how == 2:  # a lanyard
        x, y = rng.uniform(-0.1, 0.1), rng.uniform(0.55, 0.9)
        line(at(-0.15, 0.4), at(x, y), max(1, thick // 2), c)
        line(at(0.15, 0.4), at(x, y), max(1, thick // 2), c)
        box(at(x - 0.05, y), at(x + 0.06, y + 0.12), colour(rng))
    elif how == 3:  # a belt, or the band of a print
        y = rng.uniform(0.4, 0.95)
        line(
            at(-0.6, y),
            at(0.6, y + rng.uniform(-0.1, 0.1)),
            int(thick * 1.5) + 1,
            c,
        )
    elif how == 4:  # a headset: over the head of somebody who fills the picture
        head = scene[1][e[0] : e[0] + max(3, int(tall * 0.12))]
        xs = np.flatnonzero((head > 127).any(0))
        if not len(xs) or xs[-1] - xs[0] < 12:
            return
        middle, r = int(xs[0] + xs[-1]) // 2, int(xs[-1] - xs[0]) // 2 + 2
        y = e[0] + r
        cv2.ellipse(
            image,
            (middle, int(y)),
            (r, r),
            0,
            180,
            360,
            c,
            max(1, r // 7),
            cv2.LINE_AA,
        )
        cv2.ellipse(
            drawn,
            (middle, int(y)),
            (r, r),
            0,
            180,
            360,
            255,
            max(1, r // 7),
            cv2.LINE_AA,
        )
        for side in (-1, 1):
            cup = (middle + side * r, int(y + r * 0.3))
            cv2.ellipse(
                image,
                cup,
                (max(2, r // 5), max(3, r // 3)),
                0,
                0,
                360,
                c,
                -1,
                cv2.LINE_AA,
            )
            cv2.ellipse(
                drawn,
                cup,
                (max(2, r // 5), max(3, r // 3)),
                0,
                0,
                360,
                255,
                -1,
                cv2.LINE_AA,
            )
        outside = True
    else:  # a mug or a microphone held before the body
        x, y, s = (
            rng.uniform(-0.3, 0.3),
            rng.uniform(0.35, 0.8),
            rng.uniform(0.06, 0.16),
        )
        box(
            at(x, y),
            (
                at(x + s, y)[0],
                at(x, y)[1] + int(s * wide * rng.uniform(0.9, 2)),
            ),
            c,
        )
        outside = True
    if rng.random() < 0.5:
        drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.4, 1))
    seen = drawn if outside else cv2.min(drawn, scene[1])
    scene[0] = lerp(scene[0], image, seen)
    if outside:
        scene[1] = cv2.max(scene[1], drawn)


def furnish(scene, rng, room):
    """Something behind or beside people that is not theirs: a chair's back, a monitor, a piece of a room."""
    h, w = scene[1].shape
    e = extent(scene[1]) or (h * rng.uniform(0.1, 0.6), h, w * 0.3, w * 0.7)
    image, drawn = scene[0].copy(), np.zeros((h, w), np.uint8)
    tall, wide = e[1] - e[0], e[3] - e[2]
    c = colour(rng)
    how = rng.random()
    if (
        how < 0.45
    ):  # a chair's back: round corners, wider than a head, up to the shoulders or over
        x = (e[2] + e[3]) / 2 + rng.gauss(0, 0.3) * wide
        half = wide * rng.uniform(0.2, 0.6)
        top, r = e[0] + tall * rng.uniform(-0.05, 0.6), max(
            2, int(half * rng.uniform(0.1, 0.7))
        )
        a, b = (int(x - half), int(top)), (
            int(x + half),
            int(top + tall * rng.uniform(0.3, 1.2)),
        )
        cv2.rectangle(
            drawn, (a[0] + r, a[1] + r), (b[0] - r, b[1] - r), 255, 2 * r
        )
        cv2.rectangle(
            drawn, (a[0] + r, a[1] + r), (b[0] - r, b[1] - r), 255, -1
        )
        if rng.random() < 0.3:  # a mesh, or bars
            drawn[:, :: rng.randrange(3, 9)] = 0
        image[:] = c
        if rng.random() < 0.4:
            image = lerp(
                image, room, np.full((h, w), rng.randrange(20, 90), np.uint8)
            )
        ends = rng.uniform(0.6, 1.4), rng.uniform(0.6, 1.4)
        ramp = (
            np.linspace(*ends, w)[None, :, None]
            if rng.random() < 0.5
            else np.linspace(*ends, h)[:, None, None]
        )
        image = np.clip(image * ramp + rng.gauss(0, 6), 0, 255).astype(np.uint8)
    elif how < 0.65:  # a monitor, with its bezel
        x, y = rng.uniform(-0.1, 0.9) * w, e[0] + tall * rng.uniform(-0.2, 0.6)
        a = (int(x), int(y))
        b = (
            int(x + w * rng.uniform(0.15, 0.5)),
            int(y + h * rng.uniform(0.12, 0.4)),
        )
        cv2.rectangle(drawn, a, b, 255, -1)
        bezel = max(1, int((b[1] - a[1]) * rng.uniform(0.03, 0.12)))
        cv2.rectangle(image, a, b, c, -1)
        inner = image[
            max(0, a[1] + bezel) : max(0, b[1] - bezel),
            max(0, a[0] + bezel) : max(0, b[0] - bezel),
        ]
        if inner.size:
            inner[:] = (
                cv2.resize(room, inner.shape[1::-1])
                if rng.random() < 0.6
                else colour(rng)
            )
    else:  # a piece of a room, with the outline of anything
        centre = np.array([rng.uniform(0, w), rng.uniform(0, h)])
        size = math.exp(rng.uniform(math.log(0.08), math.log(0.5))) * max(h, w)
        n = rng.randrange(4, 9)
        points = [
            centre
            + size
            * rng.uniform(0.5, 1)
            * np.array([math.cos(t), math.sin(t) * rng.uniform(0.6, 1.6)])
            for t in (
                2 * math.pi * (i + rng.uniform(0, 0.6)) / n for i in range(n)
            )
        ]
        cv2.fillPoly(
            drawn, [np.array(points).astype(np.int32)], 255, cv2.LINE_AA
        )
        image = room
    if rng.random() < 0.7:
        drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.4, 1.5))
    scene[0] = lerp(
        scene[0],
        image,
        (drawn.astype(np.uint16) * (255 - scene[1]) // 255).astype(np.uint8),
    )
    scene[2] = scene[2] * (drawn < 128)


def blur(scene, rng):
    """A fast hand (a part of the outline, with its mask) or shoulders out of focus."""
    e = extent(scene[1])
    if e is None:
        return
    h, w = scene[1].shape
    if rng.random() < 0.5:
        soft = np.zeros((h, w), np.uint8)
        line = cv2.findContours(
            (scene[1] > 127).astype(np.uint8),
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_NONE,
        )[0]
        line = max(line, key=len)
        x, y = line[rng.randrange(len(line))][0]
        r = int(max(6, min(h, w) * rng.uniform(0.06, 0.25)))
        cv2.circle(soft, (int(x), int(y)), r, 255, -1)
        soft = cv2.blur(soft, (r | 1, r | 1))
        kernel = streak(rng.randrange(5, 25), rng)
        moved = cv2.filter2D(scene[0], -1, kernel), cv2.filter2D(
            scene[1], -1, kernel
        )
    else:
        ramp = (
            np.clip(
                (np.arange(h) - e[0] - (e[1] - e[0]) * rng.uniform(0.2, 0.5))
                / (h * 0.15),
                0,
                1,
            )
            * 255
        )
        soft = np.repeat(ramp.astype(np.uint8)[:, None], w, 1)
        sigma = rng.uniform(1, 4)
        moved = cv2.GaussianBlur(scene[0], (0, 0), sigma), cv2.GaussianBlur(
            scene[1], (0, 0), sigma * 0.7
        )
    scene[0], scene[1] = lerp(scene[0], moved[0], soft), lerp(
        scene[1], moved[1], soft
    )


def bars(scene, rng):
    """The black bars of a picture of another shape."""
    h, w = scene[1].shape
    n = int((w if rng.random() < 0.6 else h) * rng.uniform(0.05, 0.25))
    at = rng.choice(((np.s_[:, :n], np.s_[:, -n:]), (np.s_[:n], np.s_[-n:])))
    c = [0] * 3 if rng.random() < 0.7 else colour(rng)
    for s in at if rng.random() < 0.8 else at[:1]:
        scene[0][s], scene[1][s], scene[2][s] = c, 0, 0
