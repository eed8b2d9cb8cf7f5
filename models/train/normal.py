# SPDX-License-Identifier: LGPL-2.1-or-later
"""Statistics of batch normalisation for weights that are means over many steps.

Statistics that training collects are those of other weights, and of few crops where a
step has few. The averaged weights are therefore run over the same crops each time.
"""
import torch
import torch.nn as nn

FEW_CROPS = 4  # of a step, below which statistics are measured apart
CROPS = 16


@torch.no_grad()
def measure(net, crops, device):
    """Replaces the statistics of all layers that learn by those over `crops`."""
    layers = [
        m
        for m in net.modules()
        if isinstance(m, nn.BatchNorm2d) and m.weight.requires_grad
    ]
    momentum = [m.momentum for m in layers]
    for m in layers:
        m.reset_running_stats()
        m.momentum = None  # the mean over all calls
        m.train()
    for crop in crops:
        x = crop[None].to(device)
        net(x.contiguous(memory_format=torch.channels_last))
    for m, old in zip(layers, momentum):
        m.momentum = old
        m.eval()
