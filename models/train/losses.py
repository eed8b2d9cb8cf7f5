# SPDX-License-Identifier: LGPL-2.1-or-later
"""The loss: weighted cross-entropy, and the overlap of each class."""
import torch
import torch.nn.functional as F

from masks import IGNORE


def class_weights(shares):
    """Returns weights that fall with the root of a class's share; their mean is 1."""
    w = torch.tensor(shares, dtype=torch.float32).clamp(min=1e-4) ** -0.5
    w = w / (w * torch.tensor(shares)).sum().clamp(min=1e-6)
    return w.clamp(0.2, 8)


def loss_of(logits, classes, weight, balance):
    """Returns cross-entropy plus the mean of one minus Dice over classes that are there.

    Dice is counted over the batch, as intersection over union is over a set.
    """
    ce = F.cross_entropy(
        logits, classes, balance, ignore_index=IGNORE, reduction="none"
    )
    known = (classes != IGNORE).float()
    loss = (ce * weight).sum() / (known * weight).sum().clamp(min=1)
    p = logits.softmax(1) * known[:, None]
    t = F.one_hot(classes.clamp(max=logits.shape[1] - 1), logits.shape[1])
    t = t.permute(0, 3, 1, 2).float() * known[:, None]
    area = t.sum((0, 2, 3))
    dice = (2 * (p * t).sum((0, 2, 3)) + 1) / (p.sum((0, 2, 3)) + area + 1)
    seen = (area > 0).float()
    return loss + ((1 - dice) * seen).sum() / seen.sum().clamp(min=1)
