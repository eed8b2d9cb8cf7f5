# SPDX-License-Identifier: LGPL-2.1-or-later
"""The loss: weighted cross-entropy, and the overlap of each class."""
import torch

from masks import IGNORE


def class_weights(shares):
    """Returns weights that fall with the root of a class's share; their mean is 1."""
    w = torch.tensor(shares, dtype=torch.float32).clamp(min=1e-4) ** -0.5
    w = w / (w * torch.tensor(shares)).sum().clamp(min=1e-6)
    return w.clamp(0.2, 8)


def loss_of(logits, classes, weight, balance):
    """Returns cross-entropy plus the mean of one minus Dice over classes that are there.

    Dice is counted over the batch, as intersection over union is over a set. Planes of
    all classes cost the most of it, so few are made.
    """
    count = logits.shape[1]
    log = logits.contiguous().log_softmax(1)
    known = classes != IGNORE
    truth = classes.where(known, torch.zeros_like(classes))
    own = log.gather(1, truth[:, None])[:, 0]
    share = known * weight
    loss = -(own * balance[truth] * share).sum() / share.sum().clamp(min=1)
    p = log.exp()
    if not known.all():
        p = p * known[:, None]
    at, known = truth.flatten(), known.flatten().float()
    zero = torch.zeros(count, device=log.device)
    area = zero.index_add(0, at, known)
    hit = zero.index_add(0, at, own.exp().flatten() * known)
    dice = (2 * hit + 1) / (p.sum((0, 2, 3)) + area + 1)
    seen = (area > 0).float()
    return loss + ((1 - dice) * seen).sum() / seen.sum().clamp(min=1)
