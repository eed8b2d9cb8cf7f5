# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts a network from the weights of an ONNX file: models/person.onnx, which ships
with the project, or one that train.py wrote.

The file has normalisation folded into its convolutions. Training needs it apart: the
weights of one network lie between 0.005 and 20, and steps of one size suit none. So
each row of weights gets a norm of 1, and the normalisation takes the statistics of
pictures, and a gain and an offset with which it changes nothing yet.
"""
import torch
import torch.nn as nn

import onnxfile


def base_of(path):
    """Returns the number of channels of a network's first convolution."""
    return onnxfile.read_weights(path)[1][0][0].shape[0]


def in_order(net, x):
    """Returns [(name, module)] of the convolutions, as a pass calls them."""
    names, found = {m: n for n, m in net.named_modules()}, []
    hooks = [
        m.register_forward_pre_hook(lambda m, _: found.append((names[m], m)))
        for m in net.modules()
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    was = net.training
    net.eval()(x)
    net.train(was)
    for hook in hooks:
        hook.remove()
    return found


@torch.no_grad()
def load(net, path, x):
    """Copies weights, and returns the share of the parameters that they are.

    A file of the same network has the same shapes in the same order; from others
    come tensors whose names and shapes fit. `x` is an input.
    """
    state, order, normal = onnxfile.read_weights(path)
    modules = dict(net.named_modules())
    mine, taken = in_order(net, x), 0
    if len(order) == len(mine):
        order[-1] = unfold_difference(*order[-1], mine[-1][1])
    same = len(order) == len(mine) and all(
        w is not None and w.shape == m.weight.shape
        for (w, _), (_, m) in zip(order, mine)
    )
    if same and normal:
        order[0] = renormalise(*order[0], normal, (net.mean, net.std))
    for n, (name, module) in enumerate(mine):
        weight, bias = (
            order[n]
            if same
            else (state.get(f"net.{name}.{p}") for p in ("weight", "bias"))
        )
        if weight is None or weight.shape != module.weight.shape:
            continue
        module.weight.copy_(weight)
        taken += weight.numel()
        norm = modules.get(name[:-2] + ".n") if name.endswith(".c") else None
        if bias is not None and module.bias is not None:
            module.bias.copy_(bias)
        elif bias is not None and norm is not None:
            unfold(module, norm, bias)
    return taken / sum(p.numel() for p in net.parameters())


def renormalise(weight, bias, old, new):
    """Returns a first convolution for pictures less another mean, by another deviation."""
    offset = (new[0] - old[0]) / old[1]
    return weight * (new[1] / old[1]), bias + offset * weight.sum((1, 2, 3))


def unfold_difference(weight, bias, last):
    """Returns weights of two classes for those of their difference."""
    axis = 1 if isinstance(last, nn.ConvTranspose2d) else 0
    if weight is None or weight.shape[axis] != 1 or bias is None:
        return weight, bias
    return torch.cat([-weight, weight], axis) / 2, torch.cat([-bias, bias]) / 2


def unfold(conv, norm, bias):
    """Gives rows of weights a norm of 1; the normalisation in evaluation undoes that."""
    size = conv.weight.flatten(1).norm(dim=1).clamp(min=1e-6)
    conv.weight.div_(size[:, None, None, None])
    norm.weight.copy_(size)
    norm.bias.copy_(bias)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


@torch.no_grad()
def adapt(net, x):
    """Gives every normalisation the statistics of its input, and keeps its output.

    Layers run in their order, so each sees what the network made before.
    """

    def measure(norm, inputs):
        var, mean = torch.var_mean(inputs[0], (0, 2, 3), unbiased=False)
        old = (norm.running_var + norm.eps).sqrt()
        new = (var + norm.eps).sqrt()
        gain = norm.weight / old
        norm.bias.add_(gain * (mean - norm.running_mean))
        norm.weight.copy_(gain * new)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)

    hooks = [
        m.register_forward_pre_hook(measure)
        for m in net.modules()
        if isinstance(m, nn.BatchNorm2d)
    ]
    was = net.training
    net.eval()
    net(x)
    net.train(was)
    for hook in hooks:
        hook.remove()
