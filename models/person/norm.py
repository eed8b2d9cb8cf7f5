"""Batch normalisation for the time of training, in a network that has none.

Weights with normalisation folded in hardly learn beyond what they know: a rate that
is high enough ruins them (Ioffe and Szegedy 2015). normalise() puts normalisation back
without changing the network's results, and fold() takes it out of a checkpoint again.
"""
import torch
import torch.nn as nn

EPS = 1e-5


def normalised(net):
    """The convolutions that learn and may have normalisation."""
    return [
        m
        for m in net.modules()
        if getattr(m, "may_normalise", False) and m.c.weight.requires_grad
    ]


def measure(norm, given):
    """Sets a normalisation's statistics, and scales and shifts that undo them."""
    y = given[0].float()
    mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
    norm.weight.copy_((var + EPS).sqrt())
    norm.bias.copy_(mean)


@torch.no_grad()
def normalise(net, x):
    """Puts normalisation behind convolutions that learn, with statistics of the batch @x."""
    modules, hooks = normalised(net), []
    for m in modules:
        m.n = nn.BatchNorm2d(m.c.out_channels, EPS).to(x.device)
        hooks.append(m.n.register_forward_pre_hook(measure))
    training = net.training
    net.eval()(x)
    net.train(training)
    for hook in hooks:
        hook.remove()
    # Relative moves scales and shifts in proportion to a channel's deviation
    for m in modules:
        m.n.weight.deviation = m.n.bias.deviation = m.n.weight


def fold(state):
    """A network's state with each normalisation inside the convolution before it."""
    state, end = dict(state), ".n.running_mean"
    for name in [
        k.removesuffix(end)
        for k in state
        if k.endswith(end) and k.removesuffix(end) + ".c.bias" in state
    ]:
        norm, c = name + ".n.", name + ".c."
        state.pop(norm + "num_batches_tracked", None)
        var, mean = (
            state.pop(norm + k) for k in ("running_var", "running_mean")
        )
        scale = state.pop(norm + "weight") / (var + EPS).sqrt()
        state[c + "weight"] = state[c + "weight"] * scale.view(-1, 1, 1, 1)
        shift = state.pop(norm + "bias")
        state[c + "bias"] = (state[c + "bias"] - mean) * scale + shift
    return state
