# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts a network from the weights of models/person.onnx, which ship with the project.

The file has normalisation folded into its convolutions. Training needs it apart: the
weights of one network lie between 0.005 and 20, and steps of one size suit none. So
each row of weights gets a norm of 1, and the normalisation takes the statistics of
pictures, and a gain and an offset with which it changes nothing yet.
"""
import numpy as np
import torch
import torch.nn as nn


def read_weights(path):
    """Returns {name: tensor} of an ONNX file that models/person/export.py wrote."""
    import onnx
    from onnx import numpy_helper

    state = {}
    for t in onnx.load(path).graph.initializer:
        if t.name.startswith("net."):
            name = t.name[4:]
            name = name[: -len(".half")] if name.endswith(".half") else name
            a = numpy_helper.to_array(t).astype(np.float32)
            state[name] = torch.from_numpy(a.copy())
    return state


@torch.no_grad()
def load(net, path):
    """Copies the weights whose shapes fit, and returns the share of parameters."""
    state, taken = read_weights(path), 0
    for name, module in net.named_modules():
        if not isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            continue
        weight, bias = (state.get(f"{name}.{p}") for p in ("weight", "bias"))
        if weight is None or weight.shape != module.weight.shape:
            continue
        module.weight.copy_(weight)
        taken += weight.numel()
        if module.bias is not None:
            module.bias.copy_(bias)
        elif name.endswith(".c") and bias is not None:
            unfold(module, dict(net.named_modules())[name[:-2] + ".n"], bias)
    return taken / sum(p.numel() for p in net.parameters())


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
