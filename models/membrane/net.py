"""The U-Net of Ronneberger, Fischer and Brox (2015, fig. 1), narrower.

Two unpadded 3x3 convolutions a level, 2x2 max pooling, 2x2 up-convolutions, cropped
skips, a 1x1 convolution to two classes. A quarter of the paper's channels, and no more at
the bottom than above it: 1.2 M parameters for its 31 M.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS = (16, 32, 64, 128, 128)
LOST = 184  # rows and columns of the input that the output lacks
STEP, REST = 16, 12  # inputs at which no pooling loses a row: n * STEP + REST
MEAN, STD = 0.54, 0.17  # of the sections' grey values in 0..1


def pair(i, o):
    return nn.Sequential(
        nn.Conv2d(i, o, 3), nn.ReLU(), nn.Conv2d(o, o, 3), nn.ReLU()
    )


class Net(nn.Module):
    """Grey values in 0..1, normalised -> logits of (cell, membrane)."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.down, self.up, self.merge = (
            nn.ModuleList(),
            nn.ModuleList(),
            nn.ModuleList(),
        )
        i = 1
        for w in WIDTHS:
            self.down.append(pair(i, w))
            i = w
        for w in WIDTHS[-2::-1]:
            self.up.append(nn.ConvTranspose2d(i, w, 2, 2))
            self.merge.append(pair(2 * w, w))
            i = w
        self.drop = nn.Dropout(dropout)  # at the end of the contracting path
        self.out = nn.Conv2d(i, 2, 1)
        for m in self.modules():  # section 3: deviation of sqrt (2 / fan-in)
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        skips = []
        for n, part in enumerate(self.down):
            x = part(x)
            if n < len(self.down) - 1:
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


def load(path, key="ema"):
    net = Net().eval()
    net.load_state_dict(
        torch.load(path, map_location="cpu", weights_only=False)[key]
    )
    return net
