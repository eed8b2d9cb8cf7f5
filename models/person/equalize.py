"""Brings the channels of each tensor to a common range, so that one scale in int8 fits them all.

A channel made s times as large where it is computed, and its weights 1/s of
themselves where it is read, leave the network as it was: linear layers and ReLU
pass the factor on, ReLU6 as long as nothing that was below 6 comes above it
(Nagel et al. 2019, "Data-free quantization through weight equalization"; ranges
here are those of pictures).
"""
import torch

from net import STRIDE2

RANGE = 6.0
MARGIN = 1.5  # of what pictures show, below the clip of a ReLU6


class Ranges:
    """The largest magnitude of each channel that modules put out."""

    def __init__(self, modules):
        self.most = {}
        self.hooks = [m.register_forward_hook(self.see) for m in modules]

    def see(self, module, _, out):
        out = (
            out[0] if isinstance(out, tuple) else out
        )  # a block, with its skip
        most = out.detach().abs().amax((0, 2, 3))
        self.most[module] = (
            torch.maximum(self.most[module], most)
            if module in self.most
            else most
        )

    def of(self, *modules):
        return torch.stack([self.most[m] for m in modules]).amax(0)

    def close(self):
        for h in self.hooks:
            h.remove()


def write(layer, s):
    """Makes what a convolution computes s times as large."""
    up = isinstance(layer, torch.nn.ConvTranspose2d)
    layer.weight.mul_(s[None, :, None, None] if up else s[:, None, None, None])
    if layer.bias is not None:
        layer.bias.mul_(s)


def read(layer, s, start=0):
    """Undoes s where a convolution reads those channels, from `start` on."""
    if isinstance(layer, torch.nn.ConvTranspose2d):
        layer.weight.div_(s[:, None, None, None])
    elif layer.groups > 1:
        layer.weight.div_(s[:, None, None, None])
    else:
        layer.weight[:, start : start + len(s)] /= s[None, :, None, None]


def factors(most, clipped=False):
    if (
        clipped
    ):  # a channel that pictures leave at nothing keeps its weights: fp16 would not hold them
        return torch.where(
            most < 6e-3,
            torch.ones_like(most),
            (6 / MARGIN / most.clamp(min=6e-3)).clamp(min=1),
        )
    # one that is off in all pictures stays: made larger each time, fp16 would not hold it in the end
    least = 1e-3 * float(most.max())
    return torch.where(
        most < least, torch.ones_like(most), RANGE / most.clamp(min=least)
    )


def steps(net):
    """(modules seen, what writes, what reads with its first channel, clipped) of each tensor, in order."""
    enc, b = net.enc, net.enc.b
    fitted = isinstance(
        enc.fit, torch.nn.Conv2d
    )  # the narrow encoder's last block is the decoder's own input
    yield [enc.st], [enc.st.c], [(b[0].d.c, 0)], True
    for n, block in enumerate(b):
        if block.e:
            skip = [(net.k[3 - STRIDE2.index(n)].c, 0)] if n in STRIDE2 else []
            yield [block.e], [block.e.c], [(block.d.c, 0)] + skip, True
        yield [block.d], [block.d.c], [(block.p.c, 0)], True
    n = 0
    while n < len(b):  # blocks joined by residuals share their channels
        last = n
        while last + 1 < len(b) and b[last + 1].residual:
            last += 1
        chain = b[n : last + 1]
        n = last + 1
        if n < len(b) or fitted:
            after = b[n].e.c if n < len(b) else enc.fit
            yield (
                list(chain) + [k.p for k in chain],
                [k.p.c for k in chain],
                [(k.e.c, 0) for k in chain[1:]] + [(after, 0)],
                False,
            )
    ctx = net.ctx
    into = [(ctx.pool.c, 0), (ctx.aspp.c, 0), (net.u[0], 0)]
    if fitted:
        yield [enc.fit, net.mix], [enc.fit, net.mix], into, False
    else:
        yield (
            list(chain) + [k.p for k in chain] + [net.mix],
            [k.p.c for k in chain] + [net.mix],
            into + [(k.e.c, 0) for k in chain[1:]],
            False,
        )
    yield [ctx.pool], [ctx.pool.c], [(ctx.from_pool.c, 0)], False
    yield [ctx.aspp], [ctx.aspp.c], [(ctx.from_aspp, 0)], False
    yield [ctx], [ctx.from_pool.c, ctx.from_aspp], [
        (net.mix, 0),
        (net.sem, 0),
    ], False
    for j, (u, k, d) in enumerate(zip(net.u, net.k, net.d)):
        yield [u], [u], [(d[0].c, 0)], False
        yield [k], [k.c], [(d[0].c, u.out_channels)], False
        yield [d[0]], [d[0].c], [(d[1].c, 0)], False
        after = net.u[j + 1] if j + 1 < len(net.u) else net.o
        if j == 0:
            yield [net.r[0]], [net.r[0].c], [(net.r[1].c, 0)], False
            yield [d[1], net.r[1]], [d[1].c, net.r[1].c], [
                (net.r[0].c, 0),
                (after, 0),
            ], False
        else:
            yield [d[1]], [d[1].c], [(after, 0)] + (
                [(net.aux, 0)] if j == 1 else []
            ), False


def rows(layer):
    """Mean square of the weights behind each channel that a convolution computes."""
    up = isinstance(layer, torch.nn.ConvTranspose2d)
    return layer.weight.square().mean((0, 2, 3) if up else (1, 2, 3))


def columns(layer, n, start=0):
    """Mean square of the weights that read each of n channels."""
    if isinstance(layer, torch.nn.ConvTranspose2d):
        return layer.weight.square().mean((1, 2, 3))
    if layer.groups > 1:
        return layer.weight.square().mean((1, 2, 3))
    return layer.weight[:, start : start + n].square().mean((0, 2, 3))


def balanced(most, writers, readers, clipped):
    """Factors that make the weights on both sides of a channel alike, for training."""
    w = torch.stack([rows(k) for k in writers]).mean(0)
    r = torch.stack([columns(k, len(w), start) for k, start in readers]).mean(0)
    s = ((r + 1e-12) / (w + 1e-12)) ** 0.25
    s = (s / s.log().mean().exp()).clamp(0.05, 20)  # the layer's own size stays
    if not clipped:
        return s * (RANGE / 2 / (most * s).max())
    # a ReLU6 that clips keeps its range; what does not reach the clip must not do so afterwards
    return torch.where(
        most > 5.99,
        torch.ones_like(s),
        torch.minimum(s, 6 / MARGIN / most.clamp(min=6e-3)),
    )


@torch.no_grad()
def equalize(net, pictures, balance=False):
    """`net` in evaluation mode; `pictures`: a list of 1x3xHxW tensors. Changes the weights in place.

    `balance` goes the other way: weights of like size, which an optimiser's steps of one size suit.
    """
    plan = list(steps(net))
    ranges = Ranges({m for seen, *_ in plan for m in seen})
    before = [net(x) for x in pictures]
    ranges.close()
    for seen, writers, readers, clipped in plan:
        most = ranges.of(*seen)
        s = (
            balanced(most, writers, readers, clipped)
            if balance
            else factors(most, clipped)
        )
        for layer in writers:
            write(layer, s)
        for layer, start in readers:
            read(layer, s, start)
    return max(
        float((net(x).sigmoid() - y.sigmoid()).abs().max())
        for x, y in zip(pictures, before)
    )
