#!/usr/bin/env python3
"""Contact sheet: pictures or frames of clips with what MODEL (.pt, .onnx) calls a person.

The person keeps its colours, the rest turns green; with --data and --pack the worst
validation pictures of each kind come first, with a red line round the true person.
"""
import argparse
import os

import cv2
import numpy as np

import evaluate
import metrics


def tile(image, probability, truth, side, text):
    h, w = image.shape[:2]
    a = cv2.resize(probability, (w, h))[..., None]
    out = image * a + (1 - a) * (image * 0.3 + np.array([60, 110, 30]) * 0.7)
    out = out.astype(np.uint8)
    if truth is not None:
        lines = cv2.findContours(
            truth.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
        )[0]
        cv2.drawContours(
            out, lines, -1, (0, 0, 255), max(1, round(max(h, w) / side))
        )
    s = side / max(h, w)
    out = cv2.resize(
        out,
        (max(1, round(w * s)), max(1, round(h * s))),
        interpolation=cv2.INTER_AREA,
    )
    out = cv2.copyMakeBorder(
        out, 0, side - out.shape[0], 0, side - out.shape[1], cv2.BORDER_CONSTANT
    )
    cv2.putText(
        out,
        text,
        (3, side - 4),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.4,
        (255, 255, 255),
        1,
        cv2.LINE_AA,
    )
    return out


def frames(path, count):
    clip = cv2.VideoCapture(path)
    total = max(1, int(clip.get(cv2.CAP_PROP_FRAME_COUNT)))
    wanted = {round((i + 0.5) * total / count) for i in range(count)}
    n = 0
    while clip.grab():
        if n in wanted:
            yield clip.retrieve()[1]
        n += 1


def validation_tiles(model, a):
    rows = {}
    for kind, name, image_path, mask_path in evaluate.validation(
        a.data, a.pack
    ):
        image = cv2.imread(image_path)
        truth = (
            cv2.imread(mask_path, 0) > 127
            if mask_path
            else np.zeros(image.shape[:2], bool)
        )
        p = evaluate.infer(model, image)
        m = metrics.measure(p, truth)
        good = m.get("foreground_iou", 1 - m.get("false_area", 0))
        rows.setdefault(kind, []).append(
            (good, name, tile(image, p, truth, a.side, f"{good:.3f}"))
        )
    for kind in rows:
        for _, _, t in sorted(rows[kind], key=lambda r: r[:2])[
            a.skip : a.skip + a.each
        ]:
            yield t


def file_tiles(model, a):
    for path in a.file:
        name = os.path.basename(path)[:24]
        if path.lower().endswith((".jpg", ".jpeg", ".png")):
            shown = [cv2.imread(path)]
        else:
            shown = frames(path, a.each)
        for image in shown:
            yield tile(image, evaluate.infer(model, image), None, a.side, name)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", metavar="MODEL")
    p.add_argument("out", metavar="OUT.png")
    p.add_argument("file", nargs="*", help="pictures and clips")
    p.add_argument("--data")
    p.add_argument("--pack")
    p.add_argument(
        "--each",
        type=int,
        default=10,
        help="pictures of a kind, frames of a clip",
    )
    p.add_argument(
        "--skip", type=int, default=0, help="leave out this many of the worst"
    )
    p.add_argument("--columns", type=int, default=10)
    p.add_argument("--side", type=int, default=160, help="of a tile")
    a = p.parse_args()
    model = evaluate.load(a.model, 288)
    tiles = (list(validation_tiles(model, a)) if a.data else []) + list(
        file_tiles(model, a)
    )
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % a.columns)
    rows = [
        np.concatenate(tiles[i : i + a.columns], 1)
        for i in range(0, len(tiles), a.columns)
    ]
    cv2.imwrite(a.out, np.concatenate(rows))


if __name__ == "__main__":
    main()
