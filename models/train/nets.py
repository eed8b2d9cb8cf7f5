# SPDX-License-Identifier: LGPL-2.1-or-later
"""The networks: the U-Net of 2015, and a U-Net on MobileNetV2 or on residual blocks.

All have batch normalisation after each convolution, which export folds in, and return
logits of all classes. `lost` is by how many rows and columns an output is smaller.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

# MobileNetV2 1.0 (Sandler et al. 2018): the width of each block.
MOBILE = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64) + (96,) * 3 + (160,) * 3
MOBILE += (320,)
STRIDE2 = (1, 3, 6, 13)  # blocks that halve the resolution
DEEP, CONTEXT = 160, 256


class Conv(nn.Module):
    def __init__(
        self, i, o, k=3, stride=1, groups=1, act=F.relu, pad=True, norm=True
    ):
        super().__init__()
        edge = k // 2 if pad else 0
        self.c = nn.Conv2d(i, o, k, stride, edge, 1, groups, bias=not norm)
        self.n = nn.BatchNorm2d(o) if norm else None
        self.act = act
        self.is_sparse = stride > 1 and groups > 1
        nn.init.kaiming_normal_(self.c.weight)

    def convolve(self, x):
        # oneDNN's backward pass of these takes 4 to 16 times as long in bf16
        if self.is_sparse and x.dtype == torch.bfloat16 and not x.is_cuda:
            with torch.autocast("cpu", enabled=False):
                return self.c(x.float())
        return self.c(x)

    def forward(self, x):
        x = self.convolve(x)
        if self.n is not None:
            x = self.n(x)
        return self.act(x) if self.act else x


# ---- the U-Net of 2015 ------------------------------------------------------


def lost_by(depth):
    """Returns the rows that valid convolutions cut off: 184 with four poolings."""
    return 4 if depth == 0 else 8 + 2 * lost_by(depth - 1)


def rest_of(depth):
    """Returns r: inputs of n * 2^depth + r lose no row in a pooling."""
    return 0 if depth < 2 else (2 * rest_of(depth - 1) + 4) % 2**depth


class Classic(nn.Module):
    """Ronneberger, Fischer and Brox (2015, fig. 1) with `base` channels on top.

    Valid convolutions, cropped skips, dropout at the end of the contracting path. The
    bottom is no wider than the level above it: few pictures do not fill more.
    """

    multiple, tiles, mean, std = 1, True, 0.5, 0.25

    def __init__(self, channels, classes, base=16, depth=4, dropout=0.2):
        super().__init__()
        self.depth, self.lost = depth, lost_by(depth)
        widths = [base << min(n, depth - 1) for n in range(depth + 1)]
        self.down, self.up, self.merge = (nn.ModuleList() for _ in range(3))
        i = channels
        for w in widths:
            self.down.append(self.pair(i, w))
            i = w
        for w in widths[-2::-1]:
            self.up.append(nn.ConvTranspose2d(i, w, 2, 2))
            self.merge.append(self.pair(2 * w, w))
            i = w
        self.drop = nn.Dropout2d(dropout)
        self.out = nn.Conv2d(i, classes, 1)

    @staticmethod
    def pair(i, o):
        return nn.Sequential(Conv(i, o, pad=False), Conv(o, o, pad=False))

    def fit(self, side):
        """Returns the least input side whose output has at least that side."""
        step, rest = 2**self.depth, rest_of(self.depth)
        return side + self.lost + (rest - side - self.lost) % step

    def forward(self, x):
        skips = []
        for n, part in enumerate(self.down):
            x = part(x)
            if n < self.depth:
                skips.append(x)
                x = F.max_pool2d(x, 2)
        x = self.drop(x)
        for up, merge in zip(self.up, self.merge):
            x, skip = up(x), skips.pop()
            top, left = (
                (s - t) // 2 for s, t in zip(skip.shape[2:], x.shape[2:])
            )
            skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            x = merge(torch.cat([skip, x], 1))
        return self.out(x)


# ---- on an encoder ----------------------------------------------------------


class Inverted(nn.Module):
    """MobileNetV2's inverted residual. Returns the expanded tensor too, for the skip."""

    def __init__(self, i, o, stride, expand):
        super().__init__()
        hidden = 6 * i if expand else 2 * o
        self.e = Conv(i, hidden, 1, act=F.relu6) if expand else None
        self.d = Conv(hidden, hidden, 3, stride, hidden, act=F.relu6)
        self.p = Conv(hidden, o, 1, act=None)
        self.residual = stride == 1 and i == o

    def forward(self, x):
        e = self.e(x) if self.e is not None else x
        y = self.p(self.d(e))
        return (x + y if self.residual else y), e


class MobileEncoder(nn.Module):
    """MobileNetV2 1.0, whose weights models/person.onnx has."""

    def __init__(self):
        super().__init__()
        self.st = Conv(3, 32, 3, 2, act=F.relu6)
        self.b, self.skips, i = nn.ModuleList(), [], 32
        for n, o in enumerate(MOBILE):
            if n in STRIDE2:
                self.skips.insert(0, 6 * i)
            self.b.append(Inverted(i, o, 2 if n in STRIDE2 else 1, n > 0))
            i = o
        self.fit = nn.Conv2d(i, DEEP, 1)
        self.still = 0

    def hold(self, blocks):
        """Keeps the first convolution and `blocks` blocks as they are.

        They see edges and colours, which all pictures have alike, and at their
        resolutions a backward pass costs the most.
        """
        self.still = blocks
        if blocks:
            self.st.requires_grad_(False)
            self.b[:blocks].requires_grad_(False)
        self.train(self.training)

    def train(self, mode=True):
        super().train(mode)
        if self.still:
            self.st.eval()
            self.b[: self.still].eval()
        return self

    def forward(self, x):
        x, skips = self.st(x), []
        for n, block in enumerate(self.b):
            x, e = block(x)
            if n in STRIDE2:
                skips.append(e)
        return skips, self.fit(x)


class Residual(nn.Module):
    """Two 3x3 convolutions round which the input goes (He et al. 2016)."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.a, self.b = Conv(i, o, 3, stride), Conv(o, o, act=None)
        self.s = Conv(i, o, 1, stride, act=None) if stride > 1 else None

    def forward(self, x):
        y = self.b(self.a(x))
        return F.relu(y + (x if self.s is None else self.s(x)))


class ResidualEncoder(nn.Module):
    """Residual blocks from 1/2 to 1/32; it starts from nothing."""

    def __init__(self, channels, base=24):
        super().__init__()
        widths = [base, base * 2, base * 4, base * 6, DEEP]
        self.st = Conv(channels, widths[0], 3, 2)
        self.b = nn.ModuleList(
            nn.Sequential(Residual(i, o, 2), Residual(o, o, 1))
            for i, o in zip(widths, widths[1:])
        )
        self.skips = widths[-2::-1]

    def forward(self, x):
        skips, x = [], self.st(x)
        for block in self.b:
            skips.append(x)
            x = block(x)
        return skips, x


class Context(nn.Module):
    """DeepLab's head: each place sees itself and the mean of the whole picture.

    The mean has one value for each channel, so it has a bias and no normalisation.
    """

    def __init__(self):
        super().__init__()
        self.pool = Conv(DEEP, CONTEXT, 1, norm=False)
        self.aspp = Conv(DEEP, CONTEXT, 1)
        self.from_pool = Conv(CONTEXT, CONTEXT, 1, act=None, norm=False)
        self.from_aspp = nn.Conv2d(CONTEXT, CONTEXT, 1, bias=False)

    def forward(self, x):
        whole = self.from_pool(self.pool(F.adaptive_avg_pool2d(x, 1)))
        return F.relu(self.from_aspp(self.aspp(x)) + whole)


class Encoded(nn.Module):
    """The person network's decoder on either encoder, with a channel for each class.

    Many classes get twice the channels at half the resolution.
    """

    multiple, tiles, lost, mean, std = 32, False, 0, 0.5, 0.5

    def __init__(self, encoder, classes):
        super().__init__()
        self.enc = encoder
        self.ctx = Context()
        self.mix = nn.Conv2d(CONTEXT, DEEP, 3, 1, 1)
        self.u, self.k, self.d = (nn.ModuleList() for _ in range(3))
        i = DEEP
        for skip, w in zip(
            encoder.skips, (96, 64, 32, 16 if classes < 4 else 32)
        ):
            self.u.append(nn.ConvTranspose2d(i, w, 2, 2))
            self.k.append(Conv(skip, w, 1))
            self.d.append(nn.Sequential(Conv(2 * w, w), Conv(w, w)))
            i = w
        self.o = nn.ConvTranspose2d(i, classes, 2, 2)

    def fit(self, side):
        """Returns the least input side that is at least that side."""
        return -(-side // self.multiple) * self.multiple

    def forward(self, x):
        skips, x = self.enc(x)
        x = x + self.mix(self.ctx(x))
        for u, k, d in zip(self.u, self.k, self.d):
            x = d(torch.cat([u(x), k(skips.pop())], 1))
        return self.o(x)


def make(name, channels, classes, base=16, depth=4):
    """Makes a network by its name: classic, mobile or residual."""
    if name == "classic":
        return Classic(channels, classes, base, depth)
    if name == "mobile":
        return Encoded(MobileEncoder(), classes)
    return Encoded(ResidualEncoder(channels), classes)
