# SPDX-License-Identifier: LGPL-2.1-or-later
"""Moves the logits of classes so that the mean IoU of whole pictures is best.

Training shows rare classes more often than pictures do, and weighs them more: the
network then finds too much of some. Offsets are chosen on training pictures alone,
and go into the bias of the last layer, so that they cost nothing.
"""
import numpy as np
import torch

import score
from masks import IGNORE

PICTURES, PIXELS = 48, 4000  # that are looked at, and of each
STEPS = (1.0, 0.5, 0.25)  # of the search, in logits
LARGEST = 3.0  # beyond it a class is not uncertain but unknown


def gather(net, pictures, chosen, mode, low):
    """Returns (log probabilities N x classes, channels N) of random pixels."""
    rng = np.random.default_rng(1)
    logs, truths = [], []
    for picture in chosen:
        image, truth = pictures.load(picture, mode)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            p = score.infer(net, image, "cpu").float().numpy()
        at = np.flatnonzero(truth != IGNORE)
        at = rng.choice(at, min(PIXELS, len(at)), replace=False)
        logs.append(np.log(p.reshape(len(p), -1)[:, at].T + 1e-7))
        truths.append(truth.ravel()[at])
    return np.concatenate(logs), np.concatenate(truths)


def overlap(logs, truth, offsets):
    found = (logs + offsets).argmax(1)
    matrix = score.confusion(found, truth, logs.shape[1])
    return score.mean_overlap(matrix, False)


def search(logs, truth):
    """Returns the offsets that a search by one class after another finds."""
    offsets = np.zeros(logs.shape[1], np.float32)
    best = overlap(logs, truth, offsets)
    for step in STEPS:
        moved = True
        while moved:
            moved = False
            for c in range(len(offsets)):
                for way in (-step, step):
                    new = offsets.copy()
                    new[c] += way
                    if abs(new[c]) > LARGEST:
                        continue
                    value = overlap(logs, truth, new)
                    if value > best + 1e-5:
                        offsets, best, moved = new, value, True
    return offsets


def fit(net, pictures, trained, mode, low=False):
    """Moves the bias of the network's last layer where that helps.

    Offsets that are found on every second picture have to help on the others.
    """
    step = max(1, len(trained) // PICTURES)
    chosen = trained[::step][:PICTURES]
    if len(chosen) < 8:
        return
    sets = [gather(net, pictures, chosen[n::2], mode, low) for n in (0, 1)]
    offsets = search(*sets[0])
    before = overlap(*sets[1], np.zeros_like(offsets))
    after = overlap(*sets[1], offsets)
    print(
        f"offsets of classes: mIoU of other training pictures {before:.4f},"
        f" then {after:.4f}",
        flush=True,
    )
    if after <= before:
        return
    both = [np.concatenate(parts) for parts in zip(*sets)]
    offsets = search(*both)
    last = net.out if hasattr(net, "out") else net.o
    with torch.no_grad():
        last.bias += torch.from_numpy(offsets - offsets.mean())
