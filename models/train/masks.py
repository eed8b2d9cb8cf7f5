# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads true masks in the forms that people have, as classes of pixels.

A folder has a picture NAME.png for each picture: class numbers, a palette, colours or
white on black; or LabelMe's NAME.json. COCO's JSON and CVAT's XML are one file for all,
or the only one of its kind in the folder.
"""
import contextlib
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
from PIL import Image, ImageOps

import outlines

IGNORE = 255  # a pixel of no known class: it is neither trained nor counted
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm")
# Names of pixels that a person left undecided.
UNKNOWN = ("unlabelled", "unlabeled", "ignore", "__ignore__", "void")
BACKGROUND = ("background", "_background_", "bg", "none", "nothing", "rest")
MOST_COLORS = 64  # a mask with more is a photograph


class MaskError(Exception):
    """A message for the person whose masks they are."""


class Masks:
    """The masks of a form: `names` of classes, or None where the form has none.

    `read (stem, width, height)` returns class numbers, or None without a mask.
    """

    form, names, colors, notes = "", None, None, ()


@contextlib.contextmanager
def reading(path):
    """Turns the errors of a damaged file into a message that names it."""
    try:
        yield
    except KeyError as e:
        raise MaskError(f"{path} has no {e}") from e
    except (
        OSError,
        SyntaxError,
        TypeError,
        ValueError,
        Image.DecompressionBombError,
    ) as e:
        raise MaskError(f"{path} cannot be read: {e}") from e


def load_json(path):
    with reading(path), open(path, encoding="utf-8-sig") as f:
        return json.load(f)


def list_pictures(folder):
    """Returns {stem: path} of the pictures of a folder and those in it."""
    found = {}
    for base, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            stem, end = os.path.splitext(
                os.path.relpath(os.path.join(base, name), folder)
            )
            if end.lower() not in PICTURES:
                continue
            if stem in found:
                raise MaskError(f"{folder} has two pictures named {stem}")
            found[stem] = os.path.join(base, name)
    return found


def open_picture(path, mode="RGB"):
    """Returns a picture upright. 16 bits of grey become 8 by its own range."""
    with reading(path), Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I") or image.mode == "F":
            grey = np.asarray(image, np.float64)
            low, high = grey.min(), grey.max()
            grey = (grey - low) * (255 / max(high - low, 1e-9))
            image = Image.fromarray(grey.astype(np.uint8))
        return image.convert(mode)


# ---- pictures of masks ----------------------------------------------------


def distinct(a):
    """Returns the values of a plane, or of a picture of colours as 0xRRGGBB."""
    if a.ndim == 3:
        a = a[..., :3].astype(np.int32)
        a = a[..., 0] << 16 | a[..., 1] << 8 | a[..., 2]
    return a, np.unique(a)


def read_plane(path):
    """Returns (values of pixels, palette or None) of a mask as it is stored."""
    with reading(path), Image.open(path) as image:
        if image.mode == "P":
            return np.array(image), np.array(image.getpalette()).reshape(-1, 3)
        if image.mode == "1":
            return np.array(image).astype(np.uint8) * 255, None
        if image.mode in ("LA", "PA"):
            image = image.convert("L")
        a = np.array(image)
    if a.ndim == 3:
        a = a[..., :3]
        if (a[..., :1] == a).all():
            a = a[..., 0]
    return a, None


class PictureMasks(Masks):
    """One picture of a mask for each picture. All are read once, to learn their form."""

    def __init__(self, folder):
        self.paths = list_pictures(folder)
        values, odd, total, palette, colors = set(), 0, 0, None, False
        for path in self.paths.values():
            plane, own = read_plane(path)
            palette = own if palette is None else palette
            colors = colors or plane.ndim == 3
        for path in self.paths.values():
            plane, own = read_plane(path)
            if colors and plane.ndim == 2:
                plane = np.repeat(plane[..., None], 3, 2)
            plane, found = distinct(plane)
            if colors and len(found) > MOST_COLORS:
                raise MaskError(f"{path} has {len(found)} colours: no mask")
            values.update(found.tolist())
            total += plane.size
            odd += np.count_nonzero((plane != 0) & (plane != 255))
        self.choose_form(sorted(values), odd, total, palette, colors)

    def choose_form(self, values, odd, total, palette, colors):
        self.is_color, self.table, self.notes = colors, None, []
        self.white = False
        known = [v for v in values if v != IGNORE]
        if colors:
            if len(values) > MOST_COLORS:
                raise MaskError(f"masks have {len(values)} colours")
            self.form = f"pictures of {len(values)} colours"
            self.table = values
            self.colors = [f"#{v:06x}" for v in values]
        elif palette is not None:
            self.form = "palettes of class numbers"
            self.colors = [
                "#%02x%02x%02x" % tuple(palette[v]) if v < len(palette) else ""
                for v in range(max(known, default=0) + 1)
            ]
        elif max(values) >= 128 and odd <= 0.02 * total and 0 in values:
            self.form, self.white = "white on black", True
            self.names = ["background", "foreground"]
        elif len(known) <= 16 and max(known, default=0) > 4 * len(known):
            self.form = "levels of grey " + ", ".join(map(str, values))
            self.table = values
        else:
            self.form = "class numbers"
            if max(values) > IGNORE:
                raise MaskError(f"masks have a class number {max(values)}")

    def read(self, stem, width, height):
        path = self.paths.get(stem)
        if path is None:
            return None
        plane, _ = read_plane(path)
        if self.is_color and plane.ndim == 2:
            plane = np.repeat(plane[..., None], 3, 2)
        plane, _ = distinct(plane)
        if self.white:
            plane = plane > 127
        elif self.table:
            plane = np.searchsorted(self.table, plane)
        plane = plane.astype(np.uint8)
        if plane.shape != (height, width):
            if abs(plane.shape[1] / plane.shape[0] * height / width - 1) > 0.02:
                raise MaskError(
                    f"{path} has {plane.shape[1]}x{plane.shape[0]} pixels, "
                    f"and its picture {width}x{height}"
                )
            near = Image.fromarray(plane).resize((width, height), Image.NEAREST)
            plane = np.array(near)
        return plane


# ---- outlines -------------------------------------------------------------


class OutlineMasks(Masks):
    """Outlines by name: `shapes[stem]` is a list of (label, function of height and width)."""

    def __init__(self, form):
        self.form, self.shapes, self.left_out = form, {}, {}
        self.sizes = {}

    def add(self, stem, label, draw):
        self.shapes.setdefault(stem, []).append((label, draw))

    def leave_out(self, what):
        self.left_out[what] = self.left_out.get(what, 0) + 1

    def finish(self, order=None):
        """Numbers the classes: the background, then names in the file's order or sorted."""
        found = {label for s in self.shapes.values() for label, _ in s}
        ordered = [n for n in order or sorted(found) if n in found or order]
        ground = [n for n in ordered if n.lower() in BACKGROUND]
        known = [
            n
            for n in ordered
            if n.lower() not in UNKNOWN and n.lower() not in BACKGROUND
        ]
        self.names = ["background"] + known
        self.number = {n: i for i, n in enumerate(self.names)}
        self.number.update({n: 0 for n in ground})
        self.notes = [
            f"{count} {what} left out: no area"
            for what, count in sorted(self.left_out.items())
        ]
        return self

    def read(self, stem, width, height):
        if stem not in self.shapes:
            return None
        drawn = self.sizes.get(stem, (width, height))
        plane = np.zeros(drawn[::-1], np.uint8)
        for label, draw in self.shapes[stem]:
            with reading(f"a {label} of {stem}"):
                inside = draw(drawn[1], drawn[0])
            plane[inside] = self.number.get(label, IGNORE)
        if drawn != (width, height):
            near = Image.fromarray(plane).resize((width, height), Image.NEAREST)
            plane = np.array(near)
        return plane


def polygon(points):
    return lambda h, w: outlines.fill(points, h, w)


def labelme_shape(shape):
    """Returns the function that draws a shape of LabelMe, or None without area."""
    kind, p = shape.get("shape_type") or "polygon", shape["points"]
    if kind == "polygon":
        return polygon(p)
    if kind == "mask" and shape.get("mask"):
        return lambda h, w: outlines.embedded(shape["mask"], *p[0], h, w)
    if kind == "rectangle":
        (x0, y0), (x1, y1) = p[0], p[-1] if len(p) == 2 else p[2]
        return polygon(outlines.box(x0, y0, x1, y1))
    if kind == "circle":
        (x, y), r = p[0], float(np.hypot(*np.subtract(p[1], p[0])))
        return polygon(outlines.ellipse(x, y, r, r))
    return None


def add_labelme(masks, stem, page):
    if page.get("imageWidth") and page.get("imageHeight"):
        masks.sizes[stem] = (page["imageWidth"], page["imageHeight"])
    masks.shapes.setdefault(stem, [])
    for shape in page["shapes"]:
        draw = labelme_shape(shape)
        if draw:
            masks.add(stem, shape["label"], draw)
        else:
            masks.leave_out(shape.get("shape_type"))


def read_labelme(paths):
    masks = OutlineMasks("LabelMe outlines")
    for stem, path in paths.items():
        page = load_json(path)
        with reading(path):
            add_labelme(masks, stem, page)
    return masks.finish()


def coco_shape(segmentation, size):
    """Returns the function that draws an annotation of COCO."""
    if isinstance(segmentation, list):

        def draw(h, w):
            inside = np.zeros((h, w), bool)
            for part in segmentation:
                inside |= outlines.fill(part, h, w)
            return inside

        return draw
    h, w = segmentation.get("size", size)
    return lambda *_: outlines.expand(segmentation["counts"], h, w)


def read_coco(page):
    masks = OutlineMasks("COCO")
    names = {c["id"]: c["name"] for c in page["categories"]}
    images = {i["id"]: i for i in page["images"]}
    stems = {}
    for key, image in images.items():
        stems[key] = os.path.splitext(image["file_name"])[0]
        masks.shapes.setdefault(stems[key], [])
        if image.get("width") and image.get("height"):
            masks.sizes[stems[key]] = (image["width"], image["height"])
    # small things lie on large ones
    drawn = sorted(page["annotations"], key=lambda a: -a.get("area", 0))
    for a in drawn:
        stem = stems[a["image_id"]]
        if not a.get("segmentation"):
            masks.leave_out("box")
            continue
        image = images[a["image_id"]]
        size = image.get("height"), image.get("width")
        label = "ignore" if a.get("iscrowd") else names[a["category_id"]]
        masks.add(stem, label, coco_shape(a["segmentation"], size))
    return masks.finish([names[k] for k in sorted(names)])


def cvat_mask(shape):
    counts = [int(v) for v in shape.get("rle").split(",")]
    x, y, w, h = (
        int(float(shape.get(k))) for k in ("left", "top", "width", "height")
    )

    def draw(height, width):
        inside = np.zeros((height, width), bool)
        inside[y : y + h, x : x + w] = outlines.expand(counts, h, w, False)
        return inside

    return draw


def cvat_shape(shape):
    """Returns the function that draws a shape of CVAT, or None without area."""
    if shape.tag == "polygon":
        pairs = shape.get("points").split(";")
        return polygon([[float(v) for v in p.split(",")] for p in pairs])
    if shape.tag == "box":
        names = ("xtl", "ytl", "xbr", "ybr")
        return polygon(outlines.box(*(float(shape.get(n)) for n in names)))
    if shape.tag == "ellipse":
        names = ("cx", "cy", "rx", "ry")
        return polygon(outlines.ellipse(*(float(shape.get(n)) for n in names)))
    return cvat_mask(shape) if shape.tag == "mask" else None


def read_cvat(root):
    masks = OutlineMasks("CVAT")
    for image in root.iter("image"):
        stem = os.path.splitext(image.get("name"))[0]
        masks.shapes.setdefault(stem, [])
        masks.sizes[stem] = (int(image.get("width")), int(image.get("height")))
        drawn = sorted(
            (s for s in image if s.get("label")),
            key=lambda s: int(s.get("z_order") or 0),
        )
        for shape in drawn:
            draw = cvat_shape(shape)
            if draw:
                masks.add(stem, shape.get("label"), draw)
            else:
                masks.leave_out(shape.tag)
    named = [n.text for n in root.findall(".//labels/label/name") if n.text]
    return masks.finish(named)


# ---- any form -------------------------------------------------------------


def parse_file(path):
    """Reads one file for all pictures, or returns None when it is none."""
    if path.endswith(".xml"):
        with reading(path):
            root = ElementTree.parse(path).getroot()
            return read_cvat(root) if root.tag == "annotations" else None
    page = load_json(path)
    if isinstance(page, dict) and "annotations" in page and "images" in page:
        with reading(path):
            return read_coco(page)
    return None


def read_folder(folder):
    files = {}
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".json", ".xml")):
                path = os.path.join(base, name)
                stem = os.path.splitext(os.path.relpath(path, folder))[0]
                files.setdefault(stem, path)
    pages = {}
    for stem, path in files.items():
        if path.endswith(".json"):
            page = load_json(path)
            if isinstance(page, dict) and "shapes" in page:
                pages[stem] = path
                continue
        masks = parse_file(path)
        if masks:
            return masks
    if pages:
        return read_labelme(pages)
    if list_pictures(folder):
        return PictureMasks(folder)
    raise MaskError(f"{folder} has neither pictures of masks nor outlines")


def read(path, labels=None):
    """Returns the masks of a folder or a file; `labels` names the classes."""
    if os.path.isdir(path):
        masks = read_folder(path)
        names = find_labels(path)
    elif os.path.exists(path):
        masks, names = parse_file(path), None
        if masks is None:
            raise MaskError(f"{path} is neither of COCO nor of CVAT")
    else:
        raise MaskError(f"there is no {path}")
    if isinstance(masks, OutlineMasks):
        if labels:
            masks.finish(labels)
    elif labels or names:
        rename(masks, labels, names)
    return masks


def find_labels(folder):
    """Returns [(name, colour or None)] of labels.txt in the folder or above it, or None.

    A line has a name, after a number or three levels of a colour, or before #rrggbb.
    """
    for place in (folder, os.path.dirname(os.path.abspath(folder))):
        path = os.path.join(place, "labels.txt")
        if os.path.exists(path):
            # Windows writes a byte order mark
            with reading(path), open(path, encoding="utf-8-sig") as f:
                return [parse_label(line) for line in f if line.strip()]
    return None


def parse_label(line):
    line = line.strip()
    color = re.search(r"#([0-9a-fA-F]{6})\b", line)
    if color:
        line = line.replace(color[0], "").strip(" \t,")
    levels = re.match(r"(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(?=\D)", line)
    if levels:
        color = "#%02x%02x%02x" % tuple(int(v) for v in levels.groups())
        return line[levels.end() :].strip(), color
    name = re.sub(r"^\d+[\s,:]+(?=\S)", "", line).strip()
    return name, color[0].lower() if color else None


def rename(masks, labels, named):
    """Gives classes of pictures their names, by number or by colour."""
    if labels:
        named = [(n, None) for n in labels]
    names = [n for n, _ in named]
    colors = [c for _, c in named]
    if masks.is_color and all(colors):
        # the file's order, whatever colours the masks use
        order = {int(c[1:], 16): i for i, c in enumerate(colors)}
        strange = [v for v in masks.table if v not in order]
        if strange:
            raise MaskError(f"labels.txt has no colour #{strange[0]:06x}")
        numbers = np.array([order[v] for v in masks.table], np.uint8)
        plain = masks.read

        def read_numbers(stem, width, height):
            plane = plain(stem, width, height)
            return None if plane is None else numbers[plane]

        masks.read, masks.colors = read_numbers, colors
    elif masks.table and len(masks.table) > len(names):
        raise MaskError(f"{len(names)} labels for {masks.form}")
    if all(colors):
        masks.colors = colors
    masks.names = names
