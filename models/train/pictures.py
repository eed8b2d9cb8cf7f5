# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures with their true masks: classes found out and told, and split by source."""
import fnmatch
import os
import re
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

import masks
from masks import IGNORE, MaskError, UNKNOWN, BACKGROUND

# Memory for pictures that are read once; beyond it they are read for each sample.
MOST_BYTES = 3 << 30
KEPT_SHARE = 0.2  # of the pictures, kept back from training
# Distinct hues of about one brightness; the background is not drawn.
COLORS = (
    "#e6194b #3cb44b #ffe119 #4363d8 #f58231 #911eb4 #46f0f0 #f032e6 #bcf60c "
    "#fabebe #008080 #e6beff #9a6324 #fffac8 #800000 #aaffc3 #808000 #ffd8b1 "
    "#000075 #808080"
).split()


@dataclass
class Picture:
    """A picture, and the class of each of its pixels. Both are cached by `Set`."""

    name: str
    path: str
    width: int
    height: int


@dataclass
class Classes:
    """The classes of a network: `numbers[i]` of the masks is channel i."""

    labels: list
    colors: list
    numbers: list
    has_background: bool
    shares: list = field(default_factory=list)
    inverted: str = ""  # of two classes: the first is shown, by this name

    @property
    def count(self):
        return len(self.labels)

    @property
    def is_binary(self):
        return self.count == 2 and self.has_background

    def table(self):
        """Returns the channel of each number of a mask."""
        table = np.full(256, IGNORE, np.uint8)
        for channel, number in enumerate(self.numbers):
            table[number] = channel
        return table


class Set:
    """All pictures that have a mask, their classes, and which are kept back."""

    def __init__(self, images, mask_path, labels=None, side=0):
        self.masks = masks.read(mask_path, labels)
        self.side, self.cache, self.bytes = side, {}, 0
        self.pictures, self.alone = [], []
        paths = masks.list_pictures(images)
        if not paths:
            raise MaskError(f"there are no pictures in {images}")
        counts = np.zeros(256, np.int64)
        grey = 0
        for stem, path in sorted(paths.items()):
            image = masks.open_picture(path)
            plane = self.read_mask(stem, *image.size)
            if plane is None:
                self.alone.append(path)
                continue
            self.pictures.append(Picture(stem, path, *image.size))
            counts += np.bincount(plane.ravel(), minlength=256)
            small = np.asarray(image.resize((32, 32)), np.int16)
            grey += np.ptp(small, 2).mean() < 2
        if not self.pictures:
            raise MaskError(f"no mask in {mask_path} has the name of a picture")
        self.is_grey = grey > 0.9 * len(self.pictures)
        self.classes = find_classes(self.masks, counts)

    def read_mask(self, stem, width, height):
        # masks of one folder for pictures in several
        for name in (stem, os.path.basename(stem)):
            plane = self.masks.read(name, width, height)
            if plane is not None:
                return plane
        return None

    def size_of(self, picture):
        """Returns the (width, height) at which a picture is trained."""
        w, h = picture.width, picture.height
        if not self.side or w * h <= self.side**2:
            return w, h
        shrink = self.side / (w * h) ** 0.5
        return max(32, round(w * shrink)), max(32, round(h * shrink))

    def load(self, picture, mode):
        """Returns (H x W x C bytes, channel of each pixel) at the size of training."""
        if picture.name in self.cache:
            return self.cache[picture.name]
        image = masks.open_picture(picture.path, mode)
        plane = self.read_mask(picture.name, *image.size)
        plane = self.classes.table()[plane]
        size = self.size_of(picture)
        if size != image.size:
            image = image.resize(size, Image.BOX)
            plane = np.array(Image.fromarray(plane).resize(size, Image.NEAREST))
        a = np.array(image)  # torch wants it writable
        a = a[..., None] if a.ndim == 2 else a
        if self.bytes < MOST_BYTES:
            self.bytes += a.nbytes + plane.nbytes
            self.cache[picture.name] = a, plane
        return a, plane

    def describe(self):
        """Yields lines that tell the person what was found."""
        yield f"{len(self.pictures)} pictures with a mask: {self.masks.form}"
        if self.alone:
            yield f"{len(self.alone)} pictures have no mask and are left out"
        yield from self.masks.notes or ()
        c = self.classes
        for i in range(c.count):
            yield (
                f"  {i} {c.labels[i]}: {100 * c.shares[i]:.2f} % of the pixels"
                f", {c.colors[i] or 'not drawn'}"
            )


def find_classes(read, counts):
    """Returns the classes that the masks have, with names and colours."""
    names, total = read.names, max(1, counts[:IGNORE].sum())
    found = [n for n in range(IGNORE) if counts[n]]
    if names and max(found, default=0) >= len(names):
        raise MaskError(
            f"masks have a class {max(found)}, and there are {len(names)} labels"
        )
    numbers = list(range(len(names))) if names else found
    if names:
        unknown = [n for n in numbers if names[n].lower() in UNKNOWN]
        numbers = [n for n in numbers if n not in unknown]
        # a name without a pixel is no class to train
        numbers = [n for n in numbers if counts[n] or n == 0]
        labels = [names[n].replace(",", " ") for n in numbers]
    else:
        labels = [f"class {n}" if n else "background" for n in numbers]
    if len(numbers) < 2:
        raise MaskError("the masks have one class alone: nothing to find")
    has_background = labels[0].lower() in BACKGROUND
    colors = []
    for channel, n in enumerate(numbers):
        own = read.colors[n] if read.colors and n < len(read.colors) else None
        own = None if own == "#000000" else own
        spare = COLORS[(channel - has_background) % len(COLORS)]
        colors.append(None if channel == 0 and has_background else own or spare)
    shares = [counts[n] / total for n in numbers]
    return Classes(labels, colors, numbers, has_background, shares)


# ---- the split -------------------------------------------------------------


def source_of(name):
    """Returns the name of a recording, series or folder that a picture is from."""
    return re.sub(r"[-_ .]*(frame|img|f)?[-_ .]*\d+$", "", name, flags=re.I)


def split(names, pattern=None):
    """Returns (trained, kept, why) of names. Neighbours stay on one side.

    A pattern such as 'val_*' chooses, or the names do by val or valid and train.
    Else whole sources are kept. Where there are fewer than four, or one
    has most of the pictures, it is the end of each source.
    """
    names = sorted(names)
    if pattern:
        kept = [n for n in names if fnmatch.fnmatch(n, pattern)]
        why = f"as {pattern} says"
    else:
        kept = [n for n in names if re.match(r"(val|valid|validation)[/_-]", n)]
        why = "by their names"
    if not kept and not pattern:
        kept, why = keep_sources(names)
    if not kept or len(kept) == len(names):
        raise MaskError(
            f"{len(kept)} of {len(names)} pictures would be kept back"
        )
    held = set(kept)
    return [n for n in names if n not in held], kept, why


def keep_sources(names):
    groups = {}
    for n in names:
        groups.setdefault(source_of(n), []).append(n)
    wanted = max(2, round(KEPT_SHARE * len(names)))
    largest = max(map(len, groups.values()))
    if len(groups) < 4 or largest > 0.6 * len(names):
        kept = []
        for members in groups.values():
            n = max(1, round(KEPT_SHARE * len(members)))
            kept += members[-n:] if len(members) > n else []
        return kept, f"the end of each of {len(groups)} sources"
    kept, count = [], 0
    # every fifth source by name, then further ones until enough are kept
    order = sorted(groups)
    order = order[4::5] + [g for i, g in enumerate(order) if i % 5 != 4]
    for g in order:
        if len(kept) >= wanted or count + 1 == len(groups):
            break
        if len(kept) + len(groups[g]) <= 1.5 * wanted:
            kept += groups[g]
            count += 1
    return sorted(kept), f"{count} of {len(groups)} sources"


def split_again(names, kept_before, trained_before):
    """Splits when pictures were added: no picture that was kept is trained on.

    Of new pictures the end of each source is kept.
    """
    kept = [n for n in names if n in set(kept_before)]
    new = [n for n in names if n not in set(kept_before) | set(trained_before)]
    if len(new) >= 5:
        kept += split(new)[1]
    held = set(kept)
    return [n for n in names if n not in held], sorted(kept)
