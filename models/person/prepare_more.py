#!/usr/bin/env python3
"""Packs more pictures: labelled by teachers (label.py), with masks of others, or without people.

A label counts where two of the teachers agree (IoU --agree of what is over one half): it is the mean of
those who do, made steeper, since a blurred mean is not an unsure person. Wide zones
that stay unsure are left out of the loss. Where boxes say who must be found, each must be filled
and little may lie outside. Frames count while their area follows that of their neighbours. Validation
is split off by whole source picture, and by whole clip; what looks like a validation picture of
an earlier pack is left out.

With --true, masks of an earlier pack are corrected in training: where all teachers are sure of the
contrary, the loss looks away. Labels of one teacher alone tell of bystanders only.
"""
import argparse
import hashlib
import os

import cv2
import numpy as np

import prepare
from data import IGNORE, SURE
from prepare import PERCENT, fingerprint, shrink

LABELLED = {
    "idenprof": "clothes",
    "humanv2": "clothes",
    "masks679": "clothes",
    "realmask": "clothes",
    "video": "video",
}
EMPTY = ("rooms", "backgrounds")


def iou(a, b):
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


def agreed(teachers, least):
    """The mean of those who agree, or None. Two are enough; the third joins when it agrees with them."""
    pairs = [
        (iou(teachers[a] > 127, teachers[b] > 127), a, b)
        for a, b in (("ours", "rvm"), ("ours", "selfie"), ("rvm", "selfie"))
    ]
    best, a, b = max(pairs)
    if best < least:
        return None
    p = (teachers[a].astype(np.float32) + teachers[b]) / 510
    (third,) = set(teachers) - {a, b}
    if iou(teachers[third] > 127, p > 0.5) >= least:
        p = (p * 2 + teachers[third].astype(np.float32) / 255) / 3
    return p


def encode(p):
    """Probabilities as a pack has them: steeper, and without what stays unsure over some width."""
    unsure = ((p > 0.2) & (p < 0.8)).astype(np.uint8)
    wide = cv2.dilate(
        cv2.morphologyEx(unsure, cv2.MORPH_OPEN, np.ones((13, 13), np.uint8)),
        np.ones((5, 5), np.uint8),
    )
    out = (np.clip((p - 0.5) * 1.8 + 0.5, 0, 1) * SURE + 0.5).astype(np.uint8)
    out[wide > 0] = IGNORE
    return out


def covered(p, boxes):
    """Each box is filled by somebody, and nobody is outside of them."""
    h, w = p.shape
    inside = np.zeros((h, w), bool)

    def part(x, y, half_w, half_h):
        return np.s_[
            max(0, int((y - half_h) * h)) : int((y + half_h) * h) + 1,
            max(0, int((x - half_w) * w)) : int((x + half_w) * w) + 1,
        ]

    for x, y, bw, bh in boxes:
        if (p[part(x, y, bw / 2, bh / 2)] > 0.5).mean() < 0.2:
            return False
        inside[part(x, y, bw * 0.65, bh * 0.6)] = True
    return (p[~inside] > 0.5).sum() <= 0.08 * max(1, (p > 0.5).sum())


def read_boxes(path):
    boxes = {}
    if os.path.exists(path):
        for line in open(path):
            f, *v = line.split()
            boxes.setdefault(os.path.splitext(f)[0], []).append(
                [float(x) for x in v]
            )
    return boxes


class Pack:
    def __init__(self, side, quality, known):
        self.side, self.quality, self.known = side, quality, known
        self.rows, self.prints, self.names = [], [], []

    def add(self, kind, val_kind, name, image, mask, source=None):
        """`mask` as a pack has it, of any size; `source` is what the split goes by."""
        image = (
            shrink(image, self.side)
            if max(image.shape[:2]) > self.side
            else image
        )
        if mask.shape != image.shape[:2]:
            size, less = image.shape[1::-1], mask.shape[0] > image.shape[0]
            soft = cv2.resize(
                mask,
                size,
                interpolation=cv2.INTER_AREA if less else cv2.INTER_LINEAR,
            )
            left_out = cv2.resize(
                (mask == IGNORE).astype(np.uint8),
                size,
                interpolation=cv2.INTER_NEAREST,
            )
            mask = np.where(
                left_out > 0, IGNORE, np.minimum(soft, SURE)
            ).astype(np.uint8)
        f = fingerprint(image)
        if len(self.known) and np.bitwise_count(self.known ^ f).min() <= 4:
            return
        self.prints.append(f)
        self.names.append(source or name)
        jpeg = cv2.imencode(
            ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        )[1].ravel()
        self.rows.append(
            (kind, val_kind, name, jpeg, cv2.imencode(".png", mask)[1].ravel())
        )

    def save(self, path):
        val = prepare.split(self.names, self.prints)
        for i, n in enumerate(self.names):  # a clip stays whole
            if n.startswith("clip/"):
                val[i] = (
                    int(hashlib.sha1(n.encode()).hexdigest(), 16) % 100
                    < PERCENT
                )
        kinds = [r[1] if v else r[0] for r, v in zip(self.rows, val)]
        jpegs, masks = [r[3] for r in self.rows], [r[4] for r in self.rows]
        np.savez(
            path,
            kind=kinds,
            name=[r[2] for r in self.rows],
            val=val,
            jpeg=np.concatenate(jpegs),
            mask=np.concatenate(masks),
            jpeg_end=np.cumsum([len(j) for j in jpegs]),
            mask_end=np.cumsum([len(m) for m in masks]),
        )
        count = {}
        for k, v in zip(kinds, val):
            count[k] = count.get(k, 0) + 1
        print(
            f"{len(kinds)} pictures, {val.sum()} for validation, {os.path.getsize(path) / 1e6:.1f} MB,",
            count,
        )


def files(folder):
    for f in sorted(os.listdir(folder)):
        if f.endswith(".jpg"):
            yield os.path.splitext(f)[0], os.path.join(folder, f)


def with_masks(pack, more, agree):
    """Pictures that came with labels, and rooms."""
    base = os.path.join(more, "ccp_more")
    good = {
        f[0]
        for f in (
            line.split() for line in open(os.path.join(base, "agreement.tsv"))
        )
        if float(f[1]) >= agree
    }
    for name, path in files(os.path.join(base, "images")):
        soft = cv2.imread(os.path.join(base, "soft", name + ".png"), 0)
        if name in good and soft is not None:
            image = cv2.imread(path)
            p = (
                cv2.resize(
                    soft, image.shape[1::-1], interpolation=cv2.INTER_CUBIC
                ).astype(np.float32)
                / 255
            )
            pack.add(
                "street",
                "labelled street",
                "ccp_more/" + name,
                image,
                encode(p),
            )
    base = os.path.join(more, "coco128_person")
    for name, path in files(os.path.join(base, "images")):
        mask = cv2.imread(os.path.join(base, "masks", name + ".png"), 0)
        if mask is not None:
            pack.add(
                "groups",
                "coco",
                "coco128/" + name,
                cv2.imread(path),
                (mask > 127).astype(np.uint8) * SURE,
            )
    for folder in EMPTY:
        for name, path in files(os.path.join(more, folder, "images")):
            image = cv2.imread(path)
            pack.add(
                "empty",
                "rooms",
                f"{folder}/{name}",
                image,
                np.zeros(image.shape[:2], np.uint8),
            )


def labelled(pack, more, labels, agree):
    for folder, kind in LABELLED.items():
        base = os.path.join(labels, folder)
        if not os.path.isdir(base):
            continue
        images = (
            base if folder == "video" else os.path.join(more, folder, "images")
        )
        boxes = read_boxes(os.path.join(more, folder, "boxes.tsv"))
        before, seen, taken = {}, 0, 0
        for name, path in files(images):
            label = os.path.join(base, name + ".npz")
            if not os.path.exists(label):
                continue
            seen += 1
            z = np.load(label)
            p = agreed({k: z[k] for k in z.files}, agree)
            if (
                p is None
                or (p > 0.5).mean() < 0.005
                or name in boxes
                and not covered(p, boxes[name])
            ):
                continue
            clip = name.rsplit("-", 1)[0]
            if (
                folder == "video"
            ):  # from one frame to the next one taken, the area changes by little
                last, before[clip] = before.get(clip), (p > 0.5).mean()
                if last and abs(before[clip] / last - 1) > 0.1:
                    continue
            taken += 1
            pack.add(
                kind,
                "labelled " + kind,
                f"{folder}/{name}",
                cv2.imread(path),
                encode(p),
                "clip/" + clip if folder == "video" else None,
            )
        print(f"{folder}: {taken} of {seen} labels count")


def corrected(path, labels, out):
    """An earlier pack whose training masks look away where all teachers are sure of the contrary."""
    z = dict(np.load(path))
    ends = np.concatenate([[0], z["mask_end"]])
    masks, changed = [], 0
    for i, name in enumerate(z["name"]):
        png = z["mask"][ends[i] : ends[i + 1]]
        label = os.path.join(labels, str(name) + ".npz")
        if not z["val"][i] and os.path.exists(label):
            m = cv2.imdecode(png, 0)
            t = [cv2.resize(v, m.shape[1::-1]) for v in np.load(label).values()]
            if (
                len(t) == 1
            ):  # one alone is believed about people beside the one of the mask
                wrong = (
                    (m == 0)
                    & (t[0] > 200)
                    & (
                        cv2.dilate((m == 1).astype(np.uint8), np.ones((17, 17)))
                        == 0
                    )
                )
            else:
                wrong = (m == 1) & (np.max(t, 0) < 40) | (m == 0) & (
                    np.min(t, 0) > 215
                )
            wrong = wrong.astype(np.uint8)
            wrong = cv2.morphologyEx(
                wrong, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)
            )
            if wrong.any():
                m[cv2.dilate(wrong, np.ones((7, 7), np.uint8)) > 0] = 2
                png = cv2.imencode(".png", m)[1].ravel()
                changed += 1
        masks.append(png)
    z["mask"], z["mask_end"] = np.concatenate(masks), np.cumsum(
        [len(m) for m in masks]
    )
    np.savez(out, **z)
    print(f"{changed} masks of {path} corrected")


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("more", metavar="MORE", help="folder of folders of pictures")
    p.add_argument(
        "labels",
        metavar="LABELS",
        help="folder of what label.py wrote, by the same names",
    )
    p.add_argument("pack", metavar="PACK.npz")
    p.add_argument(
        "--true",
        nargs=2,
        metavar=("PACK.npz", "OUT.npz"),
        help="an earlier pack to correct",
    )
    p.add_argument("--agree", type=float, default=0.9)
    p.add_argument("--side", type=int, default=448)
    p.add_argument("--quality", type=int, default=88)
    a = p.parse_args()
    cv2.setNumThreads(1)
    known = []
    if a.true:
        corrected(a.true[0], a.labels, a.true[1])
        z = np.load(a.true[0])
        ends = np.concatenate([[0], z["jpeg_end"]])
        jpeg = z["jpeg"]
        known = [
            fingerprint(cv2.imdecode(jpeg[ends[i] : ends[i + 1]], 1))
            for i in np.flatnonzero(z["val"])
        ]
    pack = Pack(a.side, a.quality, np.array(known, np.uint64))
    with_masks(pack, a.more, a.agree)
    labelled(pack, a.more, a.labels, a.agree)
    pack.save(a.pack)


if __name__ == "__main__":
    main()
