"""The packed pictures, and the endless stream of augmented batches made from them.

All work here is on 8-bit OpenCV images: on a machine with two cores every
millisecond of augmentation is one the network does not get.
"""
import math
import random

import cv2
import numpy as np

# (height, width) and how often: about the areas of 256x256 and 288x288 in the shapes that frames and pictures have
SHAPES = {
    256: {
        (256, 256): 0.25,
        (224, 288): 0.2,
        (192, 320): 0.15,
        (192, 352): 0.05,
        (288, 224): 0.2,
        (320, 224): 0.1,
        (320, 192): 0.05,
    },
    288: {
        (288, 288): 0.2,
        (256, 320): 0.1,
        (256, 352): 0.15,
        (224, 384): 0.18,
        (224, 352): 0.05,
        (320, 256): 0.1,
        (352, 256): 0.1,
        (352, 224): 0.07,
        (384, 224): 0.05,
    },
}
# how often a picture of this kind is drawn; small kinds that are hard weigh more than they count
SHARES = {
    "portraits": 0.26,
    "street": 0.14,
    "groups": 0.4,
    "mixed": 0.1,
    "clothes": 0.1,
    "video": 0.05,
    "empty": 0.22,
}
# how much another network's masks count beside those of a picture, where that network does well
KEEP = {
    "portraits": 0.3,
    "street": 0.3,
    "groups": 1.0,
    "mixed": 1.0,
    "clothes": 0.5,
    "video": 0.5,
    "empty": 1.0,
}
SURE = 200  # pack masks: 200 is a certain person, 0 is none, between is a probability
IGNORE = 255  # there: do not care
BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)


class Picture:
    """image BGR; person 0 to 255; ignore 1 = do not care."""

    def __init__(self, kind, name, image, mask):
        self.kind, self.name, self.image = kind, name, image
        ignore = mask == IGNORE
        self.person = np.where(
            ignore, 0, np.minimum(mask.astype(np.uint16) * 255 // SURE, 255)
        ).astype(np.uint8)
        self.ignore = ignore.astype(np.uint8) if ignore.any() else None
        self.truth = self.person > 127
        t = self.truth
        self.cut = [
            bool(e.any()) for e in (t[0], t[-1], t[:, 0], t[:, -1])
        ]  # top, bottom, left, right

    def has_person(self):
        return self.kind != "empty"


def load_pack(path, val):
    z = np.load(path)
    jpeg, mask = z["jpeg"], z["mask"]
    ends = [np.concatenate([[0], z[k]]) for k in ("jpeg_end", "mask_end")]
    out = []
    for i in np.flatnonzero(z["val"] == val):
        image = cv2.imdecode(
            jpeg[ends[0][i] : ends[0][i + 1]], cv2.IMREAD_COLOR
        )
        m = cv2.imdecode(
            mask[ends[1][i] : ends[1][i + 1]], cv2.IMREAD_GRAYSCALE
        )
        if m.max(initial=0) <= 2:  # an older pack: 1 is a person, 2 is ignored
            m = np.array([0, SURE, IGNORE], np.uint8)[m]
        out.append(Picture(str(z["kind"][i]), str(z["name"][i]), image, m))
    return out


def warp(
    p,
    shape,
    step,
    centre,
    angle=0.0,
    flip=1,
    stretch=1.0,
    border=cv2.BORDER_CONSTANT,
):
    """The picture seen through a window: `step` source pixels per pixel, round `centre`."""
    h, w = shape
    shrink = 1
    while step / shrink > 2:  # bilinear sampling alone would alias
        shrink *= 2
    images = [p.image, p.person] + ([p.ignore] if p.ignore is not None else [])
    if shrink > 1:
        size = (
            max(1, p.image.shape[1] // shrink),
            max(1, p.image.shape[0] // shrink),
        )
        images = [
            cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images
        ]
    sx, sy = step / shrink * flip * math.sqrt(
        stretch
    ), step / shrink / math.sqrt(stretch)
    c, s = math.cos(angle), math.sin(angle)
    m = np.array([[c * sx, -s * sy, 0], [s * sx, c * sy, 0]], np.float64)
    m[:, 2] = np.array(centre) / shrink - m[:, :2] @ [w / 2, h / 2]
    kinds = [cv2.INTER_LINEAR, cv2.INTER_LINEAR, cv2.INTER_NEAREST]
    # past the border of a picture there is never a person, but for a mirrored one
    borders = [
        border,
        border if border == cv2.BORDER_REFLECT_101 else cv2.BORDER_CONSTANT,
        cv2.BORDER_CONSTANT,
    ]
    out = [
        cv2.warpAffine(
            i, m, (w, h), flags=k | cv2.WARP_INVERSE_MAP, borderMode=b
        )
        for i, k, b in zip(images, kinds, borders)
    ]
    return out if len(out) == 3 else out + [np.zeros((h, w), np.uint8)]


def window(p, shape, rng):
    """A random view of a picture, from a close-up to all of it with some border."""
    sh, sw = p.image.shape[:2]
    h, w = shape
    inside, whole = min(sw / w, sh / h), max(sw / w, sh / h)
    step = math.exp(rng.uniform(math.log(inside * 0.5), math.log(whole * 1.15)))
    if rng.random() < 0.3:  # just as the element sees it
        step = whole if rng.random() < 0.5 else inside
    half = np.array([step * w / 2, step * h / 2])
    size = np.array([sw, sh], float)
    low, high = np.minimum(half, size - half), np.maximum(half, size - half)
    centre = np.array([rng.uniform(a, b) for a, b in zip(low, high)])
    if p.has_person() and rng.random() < 0.4:  # look at a person
        at = np.flatnonzero(p.truth)
        y, x = (
            divmod(int(at[rng.randrange(len(at))]), sw)
            if len(at)
            else (sh / 2, sw / 2)
        )
        centre = np.clip(
            [x + rng.gauss(0, half[0] / 2), y + rng.gauss(0, half[1] / 2)],
            low,
            high,
        )
    if (
        p.has_person() and rng.random() < 0.2
    ):  # cut below, at a side or at the neck, through the person
        ys, xs = np.flatnonzero(p.truth.any(1)), np.flatnonzero(p.truth.any(0))
        side = rng.random()
        if len(ys) and side < 0.35:
            centre[1] = ys[0] + (ys[-1] - ys[0]) * rng.uniform(0.3, 1) - half[1]
        elif len(ys) and side < 0.75:  # no head in view
            centre[1] = (
                ys[0] + (ys[-1] - ys[0]) * rng.uniform(0.1, 0.6) + half[1]
            )
        elif len(xs):
            edge = xs[0] + (xs[-1] - xs[0]) * rng.uniform(0.1, 0.9)
            centre[0] = edge + half[0] * rng.choice((-1, 1))
        centre = np.clip(centre, low, high)
    angle = rng.gauss(0, 0.5 if rng.random() < 0.06 else 0.1)
    return warp(
        p,
        shape,
        step,
        centre,
        angle,
        rng.choice((-1, 1)),
        math.exp(rng.gauss(0, 0.12)),
        rng.choice(BORDERS),
    )


def tone(image, rng, strength=1.0):
    """Exposure, contrast, gamma, white balance and saturation."""
    x = np.arange(256, dtype=np.float32) / 255
    gamma = math.exp(rng.gauss(0, 0.25 * strength))
    gain = math.exp(rng.gauss(0, 0.2 * strength))
    contrast = math.exp(rng.gauss(0, 0.2 * strength))
    mean = float(image.mean()) / 255
    curve = ((x**gamma) - mean) * contrast + mean * gain
    if rng.random() < 0.1:  # a dark room
        curve = curve * rng.uniform(0.15, 0.6)
    lut = np.stack(
        [curve * math.exp(rng.gauss(0, 0.06 * strength)) for _ in range(3)], -1
    )
    image = cv2.LUT(image, np.clip(lut * 255, 0, 255).astype(np.uint8)[None])
    colour = 0.0 if rng.random() < 0.06 else rng.uniform(0.4, 1.4)
    grey = cv2.cvtColor(
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR
    )
    return cv2.addWeighted(image, colour, grey, 1 - colour, 0)


def camera(image, rng, often=1.0):
    """What lenses, sensors and codecs do."""
    h, w = image.shape[:2]
    if rng.random() < 0.15 * often:
        s = rng.uniform(0.35, 0.8)
        image = cv2.resize(
            cv2.resize(image, None, fx=s, fy=s, interpolation=cv2.INTER_AREA),
            (w, h),
        )
    if rng.random() < 0.12 * often:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.0))
    if rng.random() < 0.25 * often:
        noise = np.empty((h, w, 3), np.int16)
        cv2.randn(noise, 0, rng.uniform(1, 16))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.3 * often:
        q = cv2.imencode(
            ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, rng.randrange(15, 75)]
        )[1]
        image = cv2.imdecode(q, cv2.IMREAD_COLOR)
    return image


def streak(length, rng):
    """The kernel of a motion blur."""
    k = length | 1
    line = np.zeros((k, k), np.float32)
    line[k // 2] = 1.0 / k
    turn = cv2.getRotationMatrix2D((k // 2, k // 2), rng.uniform(0, 180), 1)
    line = cv2.warpAffine(line, turn, (k, k))
    return line / max(line.sum(), 1e-3)


def lerp(a, b, alpha):
    """a where alpha (8 bits) is 0, b where it is 255."""
    w = alpha.astype(np.float32) / 255
    if a.ndim == 3:
        w = w[..., None]
    return (a + (b.astype(np.float32) - a) * w + 0.5).astype(np.uint8)


def paste(scene, person, rng):
    """Puts what `person` shows of people before `scene`; its outline is softened as a lens would."""
    alpha = person[1]
    if rng.random() < 0.7:
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.5, 1.3))
    a = alpha.astype(np.float32)[..., None] / 255
    image = (person[0] * a + scene[0] * (1 - a)).astype(np.uint8)
    return [
        image,
        np.maximum(person[1], scene[1]),
        scene[2] * (person[1] < 128),
    ]


def extent(mask):
    """top, bottom, left, right of what is over one half; None if nothing is."""
    ys, xs = np.flatnonzero((mask > 127).any(1)), np.flatnonzero(
        (mask > 127).any(0)
    )
    return (ys[0], ys[-1] + 1, xs[0], xs[-1] + 1) if len(ys) else None


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
    # the head of somebody who reaches the lower border takes more of the height
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


class Sampler:
    """Draws training samples. `hard` holds, for each empty picture, how badly it did lately;
    `often` scales how many pictures are composed or spoilt."""

    def __init__(self, pictures, hard, seed, often=1.0, side=256):
        self.rng, self.often, self.shapes = (
            random.Random(seed),
            often,
            SHAPES[side],
        )
        self.kinds = {k: [p for p in pictures if p.kind == k] for k in SHARES}
        self.shares = {k: v for k, v in SHARES.items() if self.kinds[k]}
        self.cutouts = [
            p
            for p in pictures
            if p.has_person()
            and not any(p.cut[i] for i in (0, 2, 3))
            and p.truth.any()
            and p.ignore is None
        ]
        self.hard = hard

    def empty(self):
        """An empty picture, the ones that still fool the network more often."""
        w = np.sqrt(self.hard.numpy() + 0.02)
        i = self.rng.choices(range(len(w)), w)[0]
        return self.kinds["empty"][i], i

    def background(self, shape):
        return window(self.empty()[0], shape, self.rng)

    def smaller(self, shape):
        """One or two people somewhere, small to medium, as the scene's own size suggests."""
        rng = self.rng
        p = rng.choice(self.cutouts)
        ys, xs = np.flatnonzero(p.truth.any(1)), np.flatnonzero(p.truth.any(0))
        tall = ys[-1] - ys[0] + 1
        height = math.exp(rng.uniform(math.log(0.12), math.log(0.8))) * shape[0]
        step = tall / height
        cx, cy = (xs[0] + xs[-1]) / 2, (ys[0] + ys[-1]) / 2
        # the person's middle goes to (px, py); those cut off below stand on the lower border
        px = rng.uniform(0, shape[1])
        py = (
            shape[0] - height * rng.uniform(0.2, 0.5)
            if p.cut[1]
            else rng.uniform(0.2, 0.95) * shape[0]
        )
        flip = rng.choice((-1, 1))
        centre = (
            cx - flip * (px - shape[1] / 2) * step,
            cy - (py - shape[0] / 2) * step,
        )
        view = warp(p, shape, step, centre, 0, flip)
        return [tone(view[0], rng, 0.6)] + view[1:]

    def view(self, shape):
        rng = self.rng
        kind = rng.choices(list(self.shares), list(self.shares.values()))[0]
        keep = KEEP[kind]
        if kind == "empty":
            p, index = self.empty()
            scene = window(p, shape, rng)
        else:
            p, index = rng.choice(self.kinds[kind]), -1
            scene = window(p, shape, rng)
            if rng.random() < 0.22 * self.often and p.ignore is None:
                back = self.background(shape)
                back[0] = tone(back[0], rng)
                scene = paste(back, [tone(scene[0], rng)] + scene[1:], rng)
                keep = 0.0
        if rng.random() < (0.3 if kind == "empty" else 0.12) * self.often:
            for _ in range(rng.choice((1, 1, 2, 3))):
                scene = paste(scene, self.smaller(shape), rng)
            index, keep = -1, 0.0
        return scene, index, keep

    def spoil(self, scene):
        """What the network should not fall for; each now and then. Tells whether there is any."""
        rng = self.rng

        def room():
            return self.background(scene[1].shape)[0]

        def furniture():
            for _ in range(rng.choice((1, 1, 2))):
                furnish(scene, rng, room())

        ways = (
            (
                0.22,
                lambda: dress(
                    scene, rng, room() if rng.random() < 0.3 else None
                ),
            ),
            (0.15, lambda: recolour(scene, rng)),
            (0.15, lambda: attach(scene, rng)),
            (0.25, furniture),
            (0.12, lambda: blur(scene, rng)),
            (0.06, lambda: bars(scene, rng)),
        )
        taken = [
            way for chance, way in ways if rng.random() < chance * self.often
        ]
        for way in taken:
            way()
        return bool(taken)

    def sample(self, shape):
        scene, index, keep = self.view(shape)
        scene = list(scene)
        if self.spoil(scene):
            keep = 0.0
        image, person, ignore = scene
        rng = self.rng
        if rng.random() < 0.06 * self.often:  # the camera moves
            kernel = streak(rng.randrange(3, 12), rng)
            image, person = cv2.filter2D(image, -1, kernel), cv2.filter2D(
                person, -1, kernel
            )
        image = camera(
            tone(image, rng, 0.4 + 0.6 * self.often), rng, self.often
        )
        mask = (person > 127).astype(np.uint8)
        k = np.ones((7, 7), np.uint8)
        weight = 1 + 2 * (
            cv2.dilate(mask, k) - cv2.erode(mask, k)
        )  # the outline counts three times
        weight[ignore > 0] = 0
        return image[:, :, ::-1], person, weight, index, np.float32(keep)

    def batch(self, n):
        shape = self.rng.choices(list(self.shapes), list(self.shapes.values()))[
            0
        ]
        columns = zip(*(self.sample(shape) for _ in range(n)))
        return tuple(np.stack(c) for c in columns)
