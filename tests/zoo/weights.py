# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gives a torch network random weights with which its outputs vary as those of
trained networks do."""
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

CONVS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
# Values of LayerScale that training would have left.
SCALE = 0.3


def randomise(network, seed):
    """Sets weights with He's variance, and affine parameters near 1 and 0."""
    rng = torch.Generator().manual_seed(seed)

    def normal(tensor, std, mean=0.0):
        tensor.data = torch.randn(tensor.shape, generator=rng) * std + mean

    for module in network.modules():
        for name, p in module.named_parameters(recurse=False):
            if isinstance(module, CONVS) and name == "weight":
                fan = p[0].numel()
                if isinstance(module, nn.ConvTranspose2d):
                    stride = module.stride[0] * module.stride[1]
                    fan = p.shape[0] * p[0, 0].numel() / stride
                gain = 1 if isinstance(module, nn.Linear) else 2
                normal(p, (gain / max(fan, 1)) ** 0.5)
            elif p.ndim > 1:  # positions, tokens, packed projections
                normal(p, 0.02 if p.ndim > 2 else p.shape[-1] ** -0.5)
            elif name == "bias" and "Norm" in type(module).__name__:
                normal(p, 0.2, 0.2)
            elif name in ("bias", "beta", "in_proj_bias"):
                normal(p, 0.1)
            elif name in ("gamma", "lambda1", "scale") and p.abs().max() < 0.1:
                normal(p, 0.1, SCALE)
            elif name == "weight" and "Norm" in type(module).__name__:
                normal(p, 0.15, 1.0)


def settle_statistics(module, inputs):
    """Sets the statistics of a batch normalisation from what it is given. The
    variance is so large that no channel is the small difference of large
    numbers."""
    x = inputs[0].detach().float()
    axes = [0] + list(range(2, x.ndim))
    mean, var = x.mean(axes), x.var(axes, unbiased=False)
    floor = 0.1 * var.mean() + 0.1 * mean**2 + 1e-6
    module.running_mean.copy_(mean)
    module.running_var.copy_(torch.maximum(var, floor))


def first_tensor(value):
    while not torch.is_tensor(value):
        value = next(
            iter(value.values() if hasattr(value, "values") else value)
        )
    return value


def settle_logits(network, pictures):
    """Scales the layer that makes the output, so that its logits have a mean of
    0 and a standard deviation of 2 in each channel."""
    last = {}

    def remember(module, _, output):
        last["module"], last["output"] = module, output.detach()

    hooks = [
        m.register_forward_hook(remember)
        for m in network.modules()
        if isinstance(m, CONVS) and not getattr(m, "leave_alone", False)
    ]
    with torch.no_grad():
        y = first_tensor(network(pictures))
        for hook in hooks:
            hook.remove()
        module = last["module"]
        if module.weight.shape[0] != y.shape[1]:
            return
        axes = [i for i in range(y.ndim) if i != 1]
        mean, std = y.mean(axes), y.std(axes).clamp(min=1e-3)
        factor = 2 / std
        module.weight.data *= factor.view([-1] + [1] * (module.weight.ndim - 1))
        bias = module.bias.data if module.bias is not None else 0
        # Also right where a resize follows: it moves no mean.
        bias = (bias - mean) * factor
        if module.bias is not None:
            module.bias.data = bias


def settle(network, pictures, seed=1):
    """Makes a network ready for export; pictures is a batch of examples."""
    randomise(network, seed)
    network.eval()
    hooks = [
        m.register_forward_pre_hook(settle_statistics)
        for m in network.modules()
        if isinstance(m, _BatchNorm)
        and not isinstance(m, _InstanceNorm)
        and m.track_running_stats
    ]
    with torch.no_grad():
        network(pictures)
    for hook in hooks:
        hook.remove()
    settle_logits(network, pictures)
    return network
