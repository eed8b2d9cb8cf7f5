#!/usr/bin/env python3
"""Packs pictures and masks into one small file and splits off a validation set.

The split is by whole source picture and fixed: a hash of the picture's name, the
same for pictures that look alike, so that no near-copy of a validation picture
is ever trained on. Pictures of KIND are under DATA/KIND/images/NAME.jpg with
masks in DATA/KIND/masks/NAME.png; a kind without masks has no person in it.
"""
import argparse
import hashlib
import os

import cv2
import numpy as np

# kind of picture in the tables <- folder, in the order of the tables
KINDS = {
    "portraits": ["eg1800"],
    "street": ["ccp"],
    "groups": ["voc_person"],
    "mixed": ["vikram_human", "aisegment_portraits", "coco_voc_extra"],
    "empty": ["negatives"],
}
PERCENT = 12  # of the pictures are kept for validation


def pictures(data):
    """Yields (kind, name, image path, mask path or None) in a fixed order."""
    for kind, folders in KINDS.items():
        for folder in folders:
            base = os.path.join(data, folder)
            for f in sorted(os.listdir(os.path.join(base, "images"))):
                stem = os.path.splitext(f)[0]
                mask = os.path.join(base, "masks", stem + ".png")
                if kind == "empty" or os.path.exists(mask):
                    yield kind, f"{folder}/{stem}", os.path.join(
                        base, "images", f
                    ), mask if kind != "empty" else None


def shrink(image, side):
    s = side / max(image.shape[:2])
    size = (
        max(1, round(image.shape[1] * s)),
        max(1, round(image.shape[0] * s)),
    )
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def fingerprint(image):
    """64 bits that survive scaling and recompression: where it gets brighter to the right.

    Always by way of 320 pixels: the split must not depend on the size of the pack.
    """
    g = cv2.cvtColor(shrink(image, 320), cv2.COLOR_BGR2GRAY)
    g = cv2.resize(g, (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(g[:, 1:] > g[:, :-1]).view(np.uint64)[0]


def split(names, prints):
    """True where a picture is for validation. Look-alikes follow the first of them."""
    prints = np.array(prints, np.uint64)
    val = np.zeros(len(names), bool)
    for i, name in enumerate(names):
        same = np.flatnonzero(
            np.bitwise_count(prints[: i + 1] ^ prints[i]) <= 4
        )
        leader = names[same[0]]
        val[i] = (
            int(hashlib.sha1(leader.encode()).hexdigest(), 16) % 100 < PERCENT
        )
    return val


def bystanders(teacher, image, mask):
    """Where an unlabelled person surely is: away from the subject, and the teacher agrees."""
    import torch

    x = (
        torch.from_numpy(np.ascontiguousarray(image[:, :, ::-1]))
        .permute(2, 0, 1)[None]
        .float()
        / 255
    )
    with torch.no_grad():
        p = (
            torch.nn.functional.interpolate(
                teacher(x), image.shape[:2], mode="bilinear"
            )
            .softmax(1)[0, 15]
            .numpy()
        )
    near = cv2.dilate(mask, np.ones((17, 17), np.uint8)) > 0
    return (
        cv2.dilate(
            ((p > 0.6) & ~near).astype(np.uint8), np.ones((9, 9), np.uint8)
        )
        * ~near
    )


def load_teacher(path):
    import net

    teacher = net.Semantic(atrous=True).eval()
    net.load_weights(teacher, path)
    return teacher


def main():
    a = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    a.add_argument("data", metavar="DATA")
    a.add_argument("pack", metavar="PACK.npz")
    a.add_argument(
        "--side", type=int, default=320, help="long side of the packed pictures"
    )
    a.add_argument("--quality", type=int, default=88, help="of JPEG")
    a.add_argument(
        "--teacher",
        help="DeepLab weights (.npz): leave out of the loss the bystanders it is sure of",
    )
    a = a.parse_args()
    teacher = a.teacher and load_teacher(a.teacher)
    kinds, names, prints, jpegs, masks, ignored = [], [], [], [], [], 0
    for kind, name, image_path, mask_path in pictures(a.data):
        image = cv2.imread(image_path)
        prints.append(fingerprint(image))
        image = shrink(image, a.side)
        size = image.shape[1::-1]
        mask = np.zeros(size[::-1], np.uint8)
        if mask_path:
            mask = cv2.imread(mask_path, cv2.IMREAD_GRAYSCALE)
            mask = (
                cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 127
            ).astype(np.uint8)
        if teacher and kind == "street":
            mask[bystanders(teacher, image, mask) > 0] = 2
            ignored += (mask == 2).any()
        kinds.append(kind)
        names.append(name)
        jpegs.append(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, a.quality])[
                1
            ].ravel()
        )
        masks.append(cv2.imencode(".png", mask)[1].ravel())
    val = split(names, prints)
    np.savez(
        a.pack,
        kind=kinds,
        name=names,
        val=val,
        jpeg=np.concatenate(jpegs),
        mask=np.concatenate(masks),
        jpeg_end=np.cumsum([len(j) for j in jpegs]),
        mask_end=np.cumsum([len(m) for m in masks]),
    )
    print(
        f"{len(names)} pictures, {val.sum()} for validation, {ignored} with bystanders left out, "
        f"{os.path.getsize(a.pack) / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
