# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures in which arithmetic a network trains faster on this machine."""
import math
import time

import torch

GAIN = 0.9  # of the time in f32, at most: less is noise


def bf16_is_faster(forward, x, rounds=2):
    """Whether a step takes less time in bfloat16. Weights stay in f32.

    `forward` returns a tensor for `x`; the gradients that this leaves are to be cleared.
    """
    if x.is_cuda:
        return torch.cuda.is_bf16_supported()
    seconds = {}
    for low in (False, True) * rounds:
        clock = time.perf_counter()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low):
            y = forward(x)
        y.float().mean().backward()
        took = time.perf_counter() - clock
        seconds[low] = min(took, seconds.get(low, math.inf))
    print(
        f"a step of {len(x)} in f32 {seconds[False]:.2f} s, "
        f"in bf16 {seconds[True]:.2f} s",
        flush=True,
    )
    return seconds[True] < GAIN * seconds[False]
