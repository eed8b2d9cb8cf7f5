"""The packed pictures, and the endless stream of augmented batches made from them.

All work here is on 8-bit OpenCV images: on a machine with two cores every
millisecond of augmentation is one the network does not get.
"""
import math
import random

import cv2
import numpy as np

from spoil import attach, bars, blur, dress, furnish, recolour
from views import camera, near_whole, paste, streak, tone, warp, window

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
STRETCH = 1.25  # of whole pictures, at most
FEW = 20  # pictures, fewer of which are not shown whole
MOSTLY = 0.8  # of the pictures of a batch
SURE = 200  # pack masks: 200 is a certain person, 0 is none, between is a probability
IGNORE = 255  # there: do not care


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


def is_alike(p, shape):
    h, w = p.image.shape[:2]
    return 1 / STRETCH < w / h / (shape[1] / shape[0]) < STRETCH


class Sampler:
    """Draws training samples. `hard` holds, for each empty picture, how badly it did lately;
    `often` scales how many pictures are composed or spoilt; `whole` is the part of the samples
    that show all of a picture and little else; `shares` replaces some of SHARES.
    """

    def __init__(
        self,
        pictures,
        hard,
        seed,
        often=1.0,
        side=256,
        whole=0.0,
        shares=None,
    ):
        self.rng, self.often, self.whole = random.Random(seed), often, whole
        self.shapes = SHAPES[side]
        self.kinds = {k: [p for p in pictures if p.kind == k] for k in SHARES}
        self.aspects = {}
        shares = {**SHARES, **(shares or {})}
        self.shares = {k: v for k, v in shares.items() if self.kinds[k]}
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

    def nearest_shape(self):
        """The shape that is nearest to the aspect of some picture."""
        rng = self.rng
        kind = rng.choices(list(self.shares), list(self.shares.values()))[0]
        image = rng.choice(self.kinds[kind]).image
        aspect = image.shape[1] / image.shape[0]
        return min(
            self.shapes, key=lambda s: abs(math.log(s[1] / s[0] / aspect))
        )

    def alike(self, kind, shape):
        """The pictures of a kind whose aspect is nearly that of a shape."""
        key = kind, shape
        if key not in self.aspects:
            self.aspects[key] = [
                p for p in self.kinds[kind] if is_alike(p, shape)
            ]
        return self.aspects[key]

    def whole_view(self, shape):
        """All of a picture of nearly the shape's aspect."""
        rng = self.rng
        shares = {
            k: v
            for k, v in self.shares.items()
            if k != "empty" and len(self.alike(k, shape)) >= FEW
        }
        shares["empty"] = self.shares.get("empty", 0)
        kind = rng.choices(list(shares), list(shares.values()))[0]
        if kind == "empty":
            p, index = self.empty()
            see = near_whole if is_alike(p, shape) else window
            return see(p, shape, rng), index, KEEP[kind]
        p = rng.choice(self.alike(kind, shape))
        return near_whole(p, shape, rng), -1, KEEP[kind]

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

    def spoilt_view(self, shape):
        scene, index, keep = self.view(shape)
        scene = list(scene)
        if self.spoil(scene):
            keep = 0.0
        if self.rng.random() < 0.06 * self.often:  # the camera moves
            kernel = streak(self.rng.randrange(3, 12), self.rng)
            scene[:2] = [cv2.filter2D(i, -1, kernel) for i in scene[:2]]
        return scene, index, keep

    def sample(self, shape, whole):
        """`whole`: how often all of a picture is shown."""
        rng = self.rng
        if rng.random() < whole:
            scene, index, keep = self.whole_view(shape)
            strength, often = 0.3, 0.3
        else:
            scene, index, keep = self.spoilt_view(shape)
            strength, often = 0.4 + 0.6 * self.often, 1
        image, person, ignore = scene
        image = camera(tone(image, rng, strength), rng, often * self.often)
        mask = (person > 127).astype(np.uint8)
        k = np.ones((7, 7), np.uint8)
        weight = 1 + 2 * (
            cv2.dilate(mask, k) - cv2.erode(mask, k)
        )  # the outline counts three times
        weight[ignore > 0] = 0
        return image[:, :, ::-1], person, weight, index, np.float32(keep)

    def batch(self, n):
        """Pictures of one shape: mostly whole ones, or mostly others."""
        if self.rng.random() < self.whole:
            shape, whole = self.nearest_shape(), MOSTLY
        else:
            shapes, chances = list(self.shapes), list(self.shapes.values())
            shape = self.rng.choices(shapes, chances)[0]
            whole = (1 - MOSTLY) * (self.whole > 0)
        columns = zip(*(self.sample(shape, whole) for _ in range(n)))
        return tuple(np.stack(c) for c in columns)
