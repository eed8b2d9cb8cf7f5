# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that are whole whatever happens, and weights averaged over steps."""
import os

import torch


def replace_file(value, path):
    torch.save(value, path + ".new")
    with open(path + ".new", "rb+") as f:
        os.fsync(f.fileno())
    os.replace(path + ".new", path)


@torch.no_grad()
def average(mean, net, step, most=0.99):
    """Moves `mean` towards `net`: over about 1 / (1 - most) steps, fewer at first."""
    keep = min(most, (step + 1) / (step + 10))
    for mine, its in zip(mean.parameters(), net.parameters()):
        mine.lerp_(its, 1 - keep)
    # statistics are means already: averaged twice, they lag behind the weights
    for mine, its in zip(mean.buffers(), net.buffers()):
        mine.copy_(its)
