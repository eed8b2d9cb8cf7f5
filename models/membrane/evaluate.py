#!/usr/bin/env python3
"""Pixel error, and IoU of the membranes, on the 5 sections of DATA that are never trained on.

MODEL is a checkpoint (.pt). The section is mirrored round its border and goes through in one piece.
"""
import argparse

import cv2
import numpy as np
import torch

import data
from net import LOST, MEAN, REST, STD, STEP, load


def infer(net, image):
    """Probability of membrane for a section."""
    h, w = image.shape
    pads = []
    for n in (h, w):
        more = -(n + LOST - REST) % STEP
        pads.append((LOST // 2, LOST // 2 + more))
    x = np.pad(image, pads, "reflect").astype(np.float32) / 255
    device = next(net.parameters()).device
    with torch.no_grad():
        y = net(torch.from_numpy((x - MEAN) / STD).to(device)[None, None])
    return y.softmax(1)[0, 1, :h, :w].cpu().numpy()


def measure(net, sections, thresholds=(0.5,)):
    """[(pixel error, IoU)] for each threshold, means over the sections."""
    rows = []
    for _, image, cells in sections:
        p = infer(net, image)
        rows.append(
            [((p > t) == cells).mean() for t in thresholds]
            + [
                ((p > t) & ~cells).sum() / ((p > t) | ~cells).sum()
                for t in thresholds
            ]
        )
    m = np.mean(rows, 0)
    return list(zip(m[: len(thresholds)], m[len(thresholds) :]))


def summary(net, sections):
    error, iou = measure(net, sections)[0]
    return f"held out: pixel error {error:.4f}, membrane IoU {iou:.4f}"


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", metavar="MODEL.pt")
    p.add_argument("data", metavar="DATA")
    p.add_argument(
        "--sheet",
        metavar="OUT.png",
        help="sections with membranes found in red, missed in blue",
    )
    a = p.parse_args()
    net, sections = load(a.model), data.load(a.data, True)
    thresholds = np.arange(0.2, 0.81, 0.05)
    for t, (error, iou) in zip(thresholds, measure(net, sections, thresholds)):
        print(
            f"threshold {t:.2f}: pixel error {error:.4f}, membrane IoU {iou:.4f}"
        )
    if a.sheet:
        tiles = []
        for _, image, cells in sections:
            found = infer(net, image) > 0.5
            tile = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
            tile[found] = tile[found] // 2 + np.array([0, 0, 127], np.uint8)
            tile[~found & ~cells] = (255, 64, 64)
            tiles.append(tile)
        cv2.imwrite(a.sheet, np.concatenate(tiles, 1))


if __name__ == "__main__":
    main()
