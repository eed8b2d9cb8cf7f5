"""What int8 does to a network, done while it trains, so that it learns to do with bytes.

Weights are rounded to 127 steps for each row that the engine quantises alone; values to 255 steps of
what they reach, or to 127 on both sides of zero. Export equalises channels (equalize.py), so
that each has steps of its own here; a value's gradient passes as if nothing had been rounded. Ranges
follow the largest values of batches, as a moving mean: what lies beyond is cut off. Convolutions of a
single pixel, which the engine computes in f32, and the first depthwise one, which person.ranges keeps in
f32, stay as they are.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from equalize import factors, steps
from net import STRIDE2

FOLLOW = 0.1  # of the way that a range goes to what a batch shows
EVERY = 10  # batches, one of which is looked at


class Round(torch.autograd.Function):
    """x to the nearest whole number of steps, between two limits. The gradient passes."""

    @staticmethod
    def forward(ctx, x, step, low, high):
        step = step.to(x.dtype)
        return (x / step).round_().clamp_(low, high).mul_(step)

    @staticmethod
    def backward(ctx, g):
        return g, None, None, None


def round_weight(layer, weight, reads):
    """`reads`: factors by which equalisation makes the channels that a layer reads larger."""
    up = isinstance(layer, nn.ConvTranspose2d)
    if layer.groups > 1:
        reads = torch.ones(1)
    shape = (-1, 1, 1, 1) if up else (1, -1, 1, 1)
    w = weight.detach() / reads.view(shape)
    # a row: what one channel is computed from; upsampling has one for each of its pixels
    most = w.abs().amax(0 if up else (1, 2, 3), keepdim=True)
    step = most.clamp(min=1e-30) / 127
    rounded = (w / step).round_().mul_(step * reads.view(shape))
    return weight + (rounded - weight).detach()


class Tensor:
    """One value of the network: how large its channels get, and their steps."""

    def __init__(self, signed):
        self.signed, self.most, self.step = signed, None, None

    def see(self, x):
        most = x.detach().abs().amax((0, 2, 3)).float()
        self.most = most if self.most is None else self.most.lerp(most, FOLLOW)

    def settle(self, s):
        """The largest channel, once equalised, decides the steps of all."""
        top = (self.most * s).max().clamp(min=1e-20)
        self.step = (top / (127 if self.signed else 255) / s)[
            None, :, None, None
        ]

    def __call__(self, x):
        if self.step is None:
            return x
        return Round.apply(
            x,
            self.step,
            -127 if self.signed else 0,
            127 if self.signed else 255,
        )


class Rounding:
    """Hooks that round the network's weights and values where the engine has bytes; off at first."""

    def __init__(self, net, frozen=0):
        """`frozen`: blocks at the start that do not learn. Of their values only what leaves is rounded, for speed."""
        self.net, self.on, self.batches = net, False, 0
        self.seen = {}  # module -> Tensor of what it puts out
        self.values = []  # (Tensor, function that gives its factors)
        self.plan = list(steps(net))
        self.factors = [None] * len(self.plan)
        self.reads = {}  # layer -> [(first channel, entry of the plan)]
        for n, (modules, _, readers, _) in enumerate(self.plan):
            for m in modules:
                self.seen[m] = Tensor(False)
            for layer, start in readers:
                self.reads.setdefault(layer, []).append((start, n))
        self.outputs(frozen)
        self.inputs()
        spared = {net.ctx.pool.c, net.ctx.from_pool.c, net.enc.b[0].d.c}
        spared |= {net.aux, net.sem}  # heads of training alone
        for m in net.modules():
            if (
                isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
                and m not in spared
            ):
                self.replace(m)

    def entry(self, module):
        return next(n for n, e in enumerate(self.plan) if module in e[0])

    def outputs(self, frozen):
        """What is rounded as a module puts it out; all others are only looked at."""
        net, ctx = self.net, self.net.ctx
        rounded = {ctx.aspp, ctx, net.r[0], net.enc.fit}
        for n, b in enumerate(net.enc.b):
            rounded |= {b, b.e, b.d} if n >= frozen else set()
            rounded |= {b.e} if n in STRIDE2 else set()
        rounded |= {net.enc.b[frozen - 1] if frozen else net.enc.st}
        for d in net.d:
            rounded |= {d[0], d[1]}
        for m, t in self.seen.items():
            n = self.entry(m)
            if m in rounded:
                t.signed = m is net.enc.fit or m in set(net.enc.b)
                self.values.append((t, lambda n=n: self.factors[n]))
            m.register_forward_hook(
                lambda _, __, out, t=t, r=m in rounded: self.see(t, out, r)
            )

    def inputs(self):
        """Sums and joined channels have no module: they are rounded as the next one takes them."""
        net = self.net
        takers = [(net.u[0], True, [self.entry(net.mix)])]
        takers += [(net.u[1], False, [self.entry(net.r[1])])]
        takers += [
            (d[0].c, True, [self.entry(u), self.entry(k)])
            for u, k, d in zip(net.u, net.k, net.d)
        ]
        for layer, signed, entries in takers:
            t = Tensor(signed)
            self.values.append(
                (
                    t,
                    lambda e=entries: torch.cat([self.factors[n] for n in e]),
                )
            )
            layer.register_forward_pre_hook(
                lambda _, given, t=t: (self.see(t, given[0], True),)
            )

    def replace(self, layer):
        def forward(x):
            w = layer.weight
            if self.on:
                w = round_weight(layer, w, self.read_by(layer))
            if isinstance(layer, nn.ConvTranspose2d):
                return F.conv_transpose2d(x, w, layer.bias, layer.stride)
            return layer._conv_forward(x, w, layer.bias)

        layer.forward = forward

    def read_by(self, layer):
        parts = [self.factors[n] for _, n in sorted(self.reads.get(layer, []))]
        return torch.cat(parts) if parts else torch.ones(1)

    def looks(self):
        return self.on and self.batches % EVERY == 0

    def see(self, t, out, rounded):
        """A hook's work. A block puts its skip out, too, which is rounded by then."""
        x = out[0] if isinstance(out, tuple) else out
        if self.looks():
            t.see(x)
        if not (self.on and rounded):
            return out
        x = t(x)
        return (x, *out[1:]) if isinstance(out, tuple) else x

    @torch.no_grad()
    def settle(self):
        """Steps for the batches to come, from what was seen."""
        for n, (modules, _, _, clipped) in enumerate(self.plan):
            most = torch.stack([self.seen[m].most for m in modules]).amax(0)
            self.factors[n] = factors(most, clipped)
        for t, s in self.values:
            t.settle(s())

    def begin(self, x):
        """Turns rounding on, with the ranges of a first batch, which is not rounded itself."""
        self.on, self.batches = True, 0
        self.factors = [torch.ones(1, device=x.device)] * len(self.plan)
        reads, self.reads = self.reads, {}
        with torch.no_grad():
            self.net(x)
        self.reads = reads
        self.settle()

    def advance(self, x):
        """Before each batch that is to be rounded."""
        if not self.on:
            self.begin(x)
        elif self.looks():
            self.settle()
        self.batches += 1
