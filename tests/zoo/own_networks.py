# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of papers that have no package of their own, small ones, written
after the papers."""
import torch
from torch import nn
from torch.nn import functional as F


def block(ic, oc, norm=nn.BatchNorm2d, act=nn.ReLU):
    """Two 3x3 convolutions, each normalised and activated."""
    layers = []
    for c in (ic, oc):
        layers += [nn.Conv2d(c, oc, 3, padding=1), norm(oc), act()]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """Keeps the features of every level."""

    def __init__(self, widths, make=block):
        super().__init__()
        pairs = zip([3] + widths[:-1], widths)
        self.levels = nn.ModuleList(make(a, b) for a, b in pairs)

    def forward(self, x):
        found = []
        for i, level in enumerate(self.levels):
            x = level(F.max_pool2d(x, 2) if i else x)
            found.append(x)
        return found


class Gate(nn.Module):
    """Additive attention (Oktay et al. 2018, Attention U-Net)."""

    def __init__(self, coarse, fine, inner):
        super().__init__()
        self.g = nn.Conv2d(coarse, inner, 1)
        self.x = nn.Conv2d(fine, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)

    def forward(self, coarse, fine):
        a = torch.sigmoid(self.psi(F.relu(self.g(coarse) + self.x(fine))))
        return fine * a


class AttentionUnet(nn.Module):
    """Has a gate on every skip connection."""

    def __init__(self, classes, widths):
        super().__init__()
        self.encoder = Encoder(widths)
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs
        )
        self.gates = nn.ModuleList(Gate(b, b, b // 2) for _, b in pairs)
        self.blocks = nn.ModuleList(block(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = self.encoder(x)
        x = skips.pop()
        for up, gate, join in zip(self.ups, self.gates, self.blocks):
            x, skip = up(x), skips.pop()
            x = join(torch.cat([gate(x, skip), x], 1))
        return self.head(x)


class Recurrent(nn.Module):
    """Applies one convolution several times to the sum of its input and its
    last result (Alom et al. 2018, R2U-Net)."""

    def __init__(self, c, times=2):
        super().__init__()
        self.times = times
        self.conv = nn.Sequential(
            nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU()
        )

    def forward(self, x):
        y = self.conv(x)
        for _ in range(self.times):
            y = self.conv(x + y)
        return y


class RecurrentBlock(nn.Module):
    """Two recurrent convolutions with a residual connection."""

    def __init__(self, ic, oc):
        super().__init__()
        self.start = nn.Conv2d(ic, oc, 1)
        self.body = nn.Sequential(Recurrent(oc), Recurrent(oc))

    def forward(self, x):
        x = self.start(x)
        return x + self.body(x)


class PlainDecoder(nn.Module):
    """Upsamples bilinearly and joins the features of each level."""

    def __init__(self, classes, widths, make, align):
        super().__init__()
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.blocks = nn.ModuleList(make(a + b, b) for a, b in pairs)
        self.heads = nn.ModuleList(nn.Conv2d(b, classes, 1) for _, b in pairs)
        self.align = align

    def forward(self, skips):
        x, masks = skips[-1], []
        steps = zip(self.blocks, self.heads, skips[-2::-1])
        for join, head, skip in steps:
            size = skip.shape[2:]
            x = F.interpolate(
                x, size=size, mode="bilinear", align_corners=self.align
            )
            x = join(torch.cat([skip, x], 1))
            masks.append(head(x))
        return masks[::-1]


class Chain(nn.Module):
    """An encoder and a decoder; deep supervision returns a mask of each size,
    the largest first, as nnU-Net does."""

    def __init__(self, encoder, decoder, deep=False):
        super().__init__()
        self.encoder, self.decoder, self.deep = encoder, decoder, deep

    def forward(self, x):
        masks = self.decoder(self.encoder(x))
        return tuple(masks) if self.deep else masks[0]


class FullScaleUnet(nn.Module):
    """Joins all levels at each level (Huang et al. 2020, U-Net 3+)."""

    def __init__(self, classes, widths, inner=16):
        super().__init__()
        self.encoder = Encoder(widths)
        n = len(widths)
        self.reduce = nn.ModuleList(
            nn.ModuleList(
                nn.Conv2d(
                    widths[k] if k <= i or k == n - 1 else inner * n,
                    inner,
                    3,
                    padding=1,
                )
                for k in range(n)
            )
            for i in range(n - 1)
        )
        self.join = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inner * n, inner * n, 3, padding=1),
                nn.BatchNorm2d(inner * n),
                nn.ReLU(),
            )
            for _ in range(n - 1)
        )
        self.head = nn.Conv2d(inner * n, classes, 3, padding=1)

    def forward(self, x):
        levels = self.encoder(x)
        for i in range(len(levels) - 2, -1, -1):
            size = levels[i].shape[2:]
            parts = []
            for k, y in enumerate(levels):
                if k < i:
                    y = F.max_pool2d(y, 2 ** (i - k), ceil_mode=True)
                elif k > i:
                    y = F.interpolate(y, size=size, mode="bilinear")
                parts.append(self.reduce[i][k](y))
            levels[i] = self.join[i](torch.cat(parts, 1))
        return self.head(levels[0])


class TransUnet(nn.Module):
    """Runs a transformer over the deepest features (Chen et al. 2021)."""

    def __init__(self, classes, widths, side):
        super().__init__()
        self.encoder = Encoder(widths)
        c = widths[-1]
        n = (side >> (len(widths) - 1)) ** 2
        self.positions = nn.Parameter(torch.zeros(1, n, c))
        layer = nn.TransformerEncoderLayer(
            c, 4, 2 * c, batch_first=True, activation="gelu", norm_first=True
        )
        self.transformer = nn.TransformerEncoder(
            layer, 2, enable_nested_tensor=False
        )
        self.decoder = PlainDecoder(classes, widths, block, True)

    def forward(self, x):
        levels = self.encoder(x)
        deep = levels[-1]
        tokens = deep.flatten(2).transpose(1, 2) + self.positions
        tokens = self.transformer(tokens).transpose(1, 2)
        levels[-1] = tokens.reshape(deep.shape)
        return self.decoder(levels)[0]


def instance(ic, oc):
    """nnU-Net's block: instance normalisation and leaky ReLU."""
    return block(
        ic,
        oc,
        lambda c: nn.InstanceNorm2d(c, affine=True),
        lambda: nn.LeakyReLU(0.01),
    )


def grouped(ic, oc):
    return block(ic, oc, lambda c: nn.GroupNorm(4, c), nn.SiLU)


def networks(classes):
    """Returns a dictionary of names and functions of the picture's side."""
    w = [16, 32, 64, 96]

    def chain(make, deep=False, align=False):
        return lambda side: Chain(
            Encoder(w, make), PlainDecoder(classes, w, make, align), deep
        )

    return {
        "attention-unet": lambda side: AttentionUnet(classes, w),
        "r2u-net": chain(RecurrentBlock),
        "unet-3plus": lambda side: FullScaleUnet(classes, w),
        "transunet": lambda side: TransUnet(classes, w, side),
        "nnunet-deep-supervision": chain(instance, deep=True),
        "group-norm-silu-unet": chain(grouped),
        "unet-align-corners": chain(block, align=True),
    }
