"""Views of pictures: windows, colours, cameras, and people before scenes."""
import math

import cv2
import numpy as np

BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)


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
    # the mask goes on past the border as the picture does; black has no person in it
    borders = [border, border, cv2.BORDER_CONSTANT]
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


def near_whole(p, shape, rng):
    """All of a picture, or nearly, stretched to the shape: what the element mostly sees."""
    sh, sw = p.image.shape[:2]
    h, w = shape
    step = math.sqrt(sw / w * sh / h) * rng.uniform(0.92, 1.03)
    centre = (
        sw / 2 + rng.gauss(0, 0.01) * sw,
        sh / 2 + rng.gauss(0, 0.01) * sh,
    )
    return warp(
        p,
        shape,
        step,
        centre,
        rng.gauss(0, 0.015),
        rng.choice((-1, 1)),
        (sw / w) / (sh / h),
        cv2.BORDER_REPLICATE,
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
