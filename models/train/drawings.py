# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes masks in the forms that drawing tools open: LabelMe's JSON and CVAT's XML."""
import json
import os
import xml.etree.ElementTree as ElementTree

import numpy as np

import outlines

BACKGROUND = "_background_"  # LabelMe's word


def area_of(line):
    """Returns the area of an outline; holes are negative."""
    x, y = np.asarray(line).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def shapes_of(plane, labels, tolerance=1.0, least=16):
    """Returns [(label, outline)] of a plane of class numbers, to be drawn in order.

    Large outlines come first, and what lies in them after. A hole is an outline of the
    background. Outlines of fewer than `least` pixels are left out.
    """
    found = []
    for number in range(1, len(labels)):
        for line in outlines.trace(plane == number, 0):
            area = area_of(line)
            label = labels[number] if area > 0 else BACKGROUND
            found.append((-abs(area), area > 0, label, line))
    found.sort(key=lambda f: f[:2])
    kept = [f for f in found if -f[0] >= least]
    return [(n, outlines.simplify(line, tolerance)) for _, _, n, line in kept]


def write_labelme(path, picture, size, shapes):
    """Writes LabelMe's page of one picture of (width, height)."""
    page = {
        "version": "5.0.1",
        "flags": {},
        "shapes": [
            {
                "label": label,
                "points": [list(p) for p in line],
                "group_id": None,
                "shape_type": "polygon",
                "flags": {},
            }
            for label, line in shapes
        ],
        "imagePath": picture,
        "imageData": None,
        "imageHeight": size[1],
        "imageWidth": size[0],
    }
    with open(path, "w", encoding="utf-8") as f:
        json.dump(page, f, indent=1)


def new_cvat(labels):
    """Returns CVAT's root for images 1.1, without images."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    meta = ElementTree.SubElement(root, "meta")
    task = ElementTree.SubElement(meta, "task")
    names = ElementTree.SubElement(task, "labels")
    for label in labels[1:]:
        entry = ElementTree.SubElement(names, "label")
        ElementTree.SubElement(entry, "name").text = label
    return root


def old_cvat(path):
    """Returns the root of a file of CVAT without the images that are gone from its
    folder, and the first number that no image has."""
    root, folder = ElementTree.parse(path).getroot(), os.path.dirname(path)
    first = 0
    for image in root.findall("image"):
        first = max(first, 1 + int(image.get("id", -1)))
        if not os.path.exists(os.path.join(folder, image.get("name", ""))):
            root.remove(image)
    return root, first


def write_cvat(path, pages, labels):
    """Writes CVAT's file for images 1.1: pages are (picture, size, plane). A file that
    is there keeps its images, which a person may have corrected."""
    root, first = new_cvat(labels), 0
    if os.path.exists(path):
        root, first = old_cvat(path)
    for n, (picture, (width, height), plane) in enumerate(pages, first):
        words = {"id": str(n), "name": picture}
        words.update(width=str(width), height=str(height))
        image = ElementTree.SubElement(root, "image", words)
        for number in range(1, len(labels)):
            add_cvat_mask(image, labels[number], plane == number)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")


def add_cvat_mask(image, label, inside):
    """Adds a mask as run lengths along the rows of its box."""
    rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
    if not len(rows):
        return
    top, left = rows[0], columns[0]
    box = inside[top : rows[-1] + 1, left : columns[-1] + 1]
    flat = np.concatenate([[0], box.ravel().astype(np.int8)])
    ends = np.concatenate([[0], np.flatnonzero(np.diff(flat)), [box.size]])
    words = {"label": label, "rle": ",".join(map(str, np.diff(ends)))}
    words.update(left=str(left), top=str(top), occluded="0", z_order="0")
    words.update(width=str(box.shape[1]), height=str(box.shape[0]))
    ElementTree.SubElement(image, "mask", words)
