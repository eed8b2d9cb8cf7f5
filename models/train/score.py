# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a network over whole pictures, and counts which pixels are right."""
import numpy as np
import torch
import torch.nn.functional as F

from masks import IGNORE

TILE = 512  # output pixels of a tile of a network of valid convolutions


def reflect(x, top, bottom, left, right):
    """Mirrors a 1 x C x H x W picture beyond its borders, as far as is asked."""
    h, w = x.shape[2:]
    rows = np.pad(np.arange(h), (top, bottom), "reflect" if h > 1 else "edge")
    columns = np.pad(
        np.arange(w), (left, right), "reflect" if w > 1 else "edge"
    )
    return x[:, :, torch.from_numpy(rows)][:, :, :, torch.from_numpy(columns)]


@torch.no_grad()
def infer(net, image, device):
    """Returns probabilities C x H x W of a picture of bytes, H x W x channels."""
    x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    x = ((x.float() / 255) - net.mean) / net.std
    h, w = x.shape[2:]
    if not net.tiles:
        size = net.fit(h), net.fit(w)
        y = F.interpolate(x, size, mode="bilinear", align_corners=False)
        y = net(y.to(device)).float()
        y = F.interpolate(y, (h, w), mode="bilinear", align_corners=False)
        return y.softmax(1)[0].cpu()
    edge, out = net.lost // 2, None
    for top in range(0, h, TILE):
        for left in range(0, w, TILE):
            th, tw = min(TILE, h - top), min(TILE, w - left)
            more_h = net.fit(th) - net.lost - th
            more_w = net.fit(tw) - net.lost - tw
            wide = reflect(x, edge, edge + more_h, edge, edge + more_w)
            part = wide[
                :,
                :,
                top : top + th + net.lost + more_h,
                left : left + tw + net.lost + more_w,
            ]
            y = net(part.to(device)).float().softmax(1)[0, :, :th, :tw].cpu()
            if out is None:
                out = torch.empty(y.shape[0], h, w)
            out[:, top : top + th, left : left + tw] = y
    return out


def confusion(found, truth, count):
    """Returns a matrix [truth, found] of pixels whose class is known."""
    known = truth != IGNORE
    pair = truth[known].astype(np.int64) * count + found[known]
    return np.bincount(pair, minlength=count * count).reshape(count, count)


def overlaps(matrix):
    """Returns the IoU of each class; NaN where it is neither there nor found."""
    hit = np.diag(matrix).astype(float)
    union = matrix.sum(0) + matrix.sum(1) - hit
    return np.where(union > 0, hit / np.maximum(union, 1), np.nan)


def mean_overlap(matrix, is_binary):
    """Returns the foreground's IoU, or the mean over the classes that are there."""
    iou = overlaps(matrix)
    if is_binary:
        return float(np.nan_to_num(iou[1]))
    there = matrix.sum(1) > 0
    return float(np.nanmean(iou[there])) if there.any() else 0.0


def best_threshold(net, pictures, kept, mode):
    """Returns (threshold of the second class, share of wrong pixels) that is least."""
    levels = np.arange(0.05, 1, 0.05)
    wrong, total = np.zeros(len(levels)), 0
    for picture in kept:
        image, truth = pictures.load(picture, mode)
        p = infer(net, image, "cpu")[1].numpy()
        known = truth != IGNORE
        total += known.sum()
        wrong += [((p >= t) != truth)[known].sum() for t in levels]
    # Several levels may be equally good: this takes the middle one.
    least = np.flatnonzero(wrong == wrong.min())
    best = least[len(least) // 2]
    return levels[best], wrong[best] / max(1, total)


def validate(net, pictures, kept, mode, device, low=False):
    """Returns the matrix of all kept pictures at the size of training. `low`: in bf16."""
    count = pictures.classes.count
    matrix = np.zeros((count, count), np.int64)
    was = net.training
    net.eval()
    for picture in kept:
        image, truth = pictures.load(picture, mode)
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            found = infer(net, image, device).argmax(0).numpy()
        matrix += confusion(found, truth, count)
    net.train(was)
    return matrix
