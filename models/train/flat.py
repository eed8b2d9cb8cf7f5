# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tells when a training brings nothing any more."""

# Least number of validations, and gain of IoU, below which a training is flat; the
# quotient of two losses above which the later one is the same.
LEAST_ROUNDS, FLAT, SAME_LOSS = 12, 0.002, 0.95


def brings_nothing(scores, count):
    """Whether the last `count` validations are no better than those before."""
    return max(scores[-count:]) < max(scores[:-count]) + FLAT


def is_flat(scores, losses):
    """Whether training brings nothing any more.

    The last third of the validations was no better and the loss stayed, or the last
    half was no better, however the loss falls: the network learns pictures by heart.
    """
    n = len(scores)
    if n < LEAST_ROUNDS:
        return False
    third, half = n // 3, n // 2
    stays = losses[-1] > SAME_LOSS * losses[-third - 1]
    if stays and brings_nothing(scores, third):
        return True
    return brings_nothing(scores, half)
