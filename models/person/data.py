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
    "portraits": 0.2,
    "street": 0.18,
    "groups": 0.34,
    "mixed": 0.11,
    "empty": 0.17,
}
BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)


class Picture:
    """image BGR; mask 0 = background, 1 = person, 2 = do not care."""

    def __init__(self, kind, name, image, mask):
        self.kind, self.name, self.image, self.mask = kind, name, image, mask
        self.person = (mask == 1).astype(np.uint8) * 255
        self.ignore = (
            (mask == 2).astype(np.uint8) if (mask == 2).any() else None
        )
        p = self.person
        self.cut = [
            bool(e.any()) for e in (p[0], p[-1], p[:, 0], p[:, -1])
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
        at = np.flatnonzero(p.person)
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
        k = rng.choice((3, 5, 7, 9))
        line = np.zeros((k, k), np.float32)
        line[k // 2] = 1.0 / k
        turn = cv2.getRotationMatrix2D((k // 2, k // 2), rng.uniform(0, 180), 1)
        line = cv2.warpAffine(line, turn, (k, k))
        image = cv2.filter2D(image, -1, line / max(line.sum(), 1e-3))
    elif rng.random() < 0.1 * often:
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
        self.cutouts = [
            p
            for p in pictures
            if p.has_person()
            and not any(p.cut[i] for i in (0, 2, 3))
            and p.person.any()
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
        ys, xs = np.flatnonzero(p.person.any(1)), np.flatnonzero(
            p.person.any(0)
        )
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
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        if kind == "empty":
            p, index = self.empty()
            scene = window(p, shape, rng)
        else:
            p, index = rng.choice(self.kinds[kind]), -1
            scene = window(p, shape, rng)
            if rng.random() < 0.22 * self.often:
                back = self.background(shape)
                back[0] = tone(back[0], rng)
                scene = paste(back, [tone(scene[0], rng)] + scene[1:], rng)
        if rng.random() < (0.3 if kind == "empty" else 0.12) * self.often:
            for _ in range(rng.choice((1, 1, 2, 3))):
                scene = paste(scene, self.smaller(shape), rng)
            index = -1
        return scene, index

    def sample(self, shape):
        (image, person, ignore), index = self.view(shape)
        image = camera(
            tone(image, self.rng, 0.4 + 0.6 * self.often), self.rng, self.often
        )
        mask = (person > 127).astype(np.uint8)
        k = np.ones((7, 7), np.uint8)
        weight = 1 + 2 * (
            cv2.dilate(mask, k) - cv2.erode(mask, k)
        )  # the outline counts three times
        weight[ignore > 0] = 0
        return image[:, :, ::-1], mask, weight, index

    def batch(self, n):
        shape = self.rng.choices(list(self.shapes), list(self.shapes.values()))[
            0
        ]
        columns = zip(*(self.sample(shape) for _ in range(n)))
        return tuple(np.stack(c) for c in columns)
