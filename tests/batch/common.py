# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions that several tests of batches use."""
import filecmp
import json
import os
import shutil

import numpy as np
from PIL import Image


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def copy_plan(source, target):
    """Copies the plan, so that another batch has the same masks."""
    os.makedirs(os.path.join(target, ".unetseg"))
    shutil.copy(
        os.path.join(source, ".unetseg", "plan.json"),
        os.path.join(target, ".unetseg", "plan.json"),
    )


def same_masks(a, b):
    names = sorted(os.listdir(os.path.join(a, "masks")))
    assert names == sorted(os.listdir(os.path.join(b, "masks"))), (a, b)
    files = ["results.jsonl"] + [os.path.join("masks", n) for n in names]
    _, differ, errors = filecmp.cmpfiles(a, b, files, shallow=False)
    assert not differ and not errors, (a, b, differ, errors)


def coco_decode(segmentation):
    """Decodes RLE as rleFrString() and rleDecode() of COCO's maskApi.c do."""
    counts, text = [], segmentation["counts"]
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            c = ord(text[at]) - 48
            value |= (c & 0x1F) << (5 * shift)
            more = bool(c & 0x20)
            at += 1
            shift += 1
            if not more and c & 0x10:
                value |= -1 << (5 * shift)
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
    rows, columns = segmentation["size"]
    flat = np.repeat(np.arange(len(counts)) % 2, counts)
    assert flat.size == rows * columns
    return flat.reshape(columns, rows).T


def png_classes(path):
    image = Image.open(path)
    return image, np.unique(np.asarray(image))
