"""The person network: a U-Net on a MobileNetV2 0.5 encoder with DeepLab's context head.

Convolutions carry a bias and no batch normalisation: the initial weights come
with it folded in, and one network then serves training, export and int8 alike.
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train")
)
from nets import DEEP, MOBILE, STRIDE2  # noqa: E402

from norm import fold  # noqa: E402

# channels of MobileNetV2 0.5 and 1.0: what follows the first convolution's 16 and 32
OUT = {
    16: (8, 12, 12, 16, 16, 16, 32, 32, 32, 32, 48, 48, 48, 80, 80, 80, 160),
    32: MOBILE,
}
# the decoder's, from 1/16 to 1/2, beside each encoder: what 1.0 costs more is saved where the picture is large
WIDTHS = {16: (96, 64, 40, 24), 32: (96, 64, 32, 16)}
# of the dense designs, from 1/2 to 1/32: plain and residual take about the same time
DENSE = {False: (16, 48, 96, 192, 256), True: (16, 32, 80, 128, 192)}
MULTIPLE = 32  # input sides must be multiples of this


class Conv(nn.Module):
    """A convolution; norm.py may put batch normalisation behind it while it trains."""

    def __init__(
        self,
        i,
        o,
        k=1,
        stride=1,
        dilation=1,
        groups=1,
        act=F.relu,
        may_normalise=True,
    ):
        super().__init__()
        self.c = nn.Conv2d(i, o, k, stride, k // 2 * dilation, dilation, groups)
        self.n = None
        self.act = act
        self.may_normalise = may_normalise
        self.is_sparse = stride > 1 and groups > 1

    def convolve(self, x):
        # oneDNN's backward pass of these takes 4 to 16 times as long in bf16
        if self.is_sparse and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return self.c(x.float())
        return self.c(x)

    def forward(self, x):
        x = self.convolve(x)
        if self.n is not None:
            x = self.n(x)
        return self.act(x) if self.act else x


class Block(nn.Module):
    """MobileNetV2's inverted residual; returns the expanded tensor too, for the skip."""

    def __init__(self, i, o, stride, dilation, expand):
        super().__init__()
        hidden = 6 * i if expand else 2 * o
        self.e = Conv(i, hidden, act=F.relu6) if expand else None
        self.d = Conv(hidden, hidden, 3, stride, dilation, hidden, act=F.relu6)
        self.p = Conv(hidden, o, act=None)
        self.residual = stride == 1 and i == o

    def forward(self, x):
        e = self.e(x) if self.e else x
        y = self.p(self.d(e))
        return (x + y if self.residual else y), e


class Encoder(nn.Module):
    """MobileNetV2. `skips` are the channels of the skips, deepest first."""

    def __init__(self, atrous=False, stem=16):
        super().__init__()
        self.st = Conv(3, stem, 3, 2, act=F.relu6)
        self.b, self.skips = nn.ModuleList(), []
        i, dilation = stem, 1
        for n, o in enumerate(OUT[stem]):
            stride = 2 if n in STRIDE2 else 1
            if n in STRIDE2:
                self.skips.insert(0, 6 * i)
            step = dilation
            if atrous and n in (
                6,
                13,
            ):  # DeepLab keeps 1/8 and dilates what follows
                stride, dilation = 1, dilation * 2
            self.b.append(Block(i, o, 1 if n == 0 else stride, step, n > 0))
            i = o
        # the wider one is brought to what the decoder of the narrow one takes
        self.fit = nn.Conv2d(i, DEEP, 1) if i != DEEP else nn.Identity()

    def begin(self, x, blocks):
        """What the first blocks make of a picture: (their output, the skips so far, their count)."""
        return self.go_on(self.st(x * 2 - 1), [], 0, blocks)

    def go_on(self, x, skips, first, last):
        skips = list(skips)
        for n in range(first, last):
            x, e = self.b[n](x)
            if n in STRIDE2:
                skips.append(e)
        return x, skips, last

    def forward(self, x, begun=None):
        """`begun` is what `begin` gave for this picture, from here or from an encoder that begins alike."""
        begun = begun or self.begin(x, 0)
        x, skips, _ = self.go_on(*begun, len(self.b))
        return skips, self.fit(x)


class Context(nn.Module):
    """DeepLab's head: each place sees itself and the mean of the whole picture.

    Its projection of the concatenation is split into a sum, which needs no tiling.
    """

    def __init__(self):
        super().__init__()
        # the mean of a picture is a single pixel: too few values for statistics
        self.pool = Conv(160, 256, may_normalise=False)
        self.aspp = Conv(160, 256)
        self.from_pool = Conv(256, 256, act=None, may_normalise=False)
        self.from_aspp = nn.Conv2d(256, 256, 1, bias=False)

    def forward(self, x):
        whole = self.from_pool(self.pool(F.adaptive_avg_pool2d(x, 1)))
        return F.relu(self.from_aspp(self.aspp(x)) + whole)


class Semantic(nn.Module):
    """DeepLab itself: 21 VOC classes, 15 = person."""

    def __init__(self, atrous=False):
        super().__init__()
        self.enc = Encoder(atrous)
        self.ctx = Context()
        self.sem = nn.Conv2d(256, 21, 1)

    def forward(self, x):
        return self.sem(self.ctx(self.enc(x)[1]))


class Net(nn.Module):
    """Returns logits; in training also the coarse mask at 1/8 and VOC classes at 1/32.

    `plain` is the first person network's shape, without context and residual step;
    `stem` chooses the encoder: 16 channels of MobileNetV2 0.5 or 32 of 1.0.
    """

    def __init__(self, plain=False, stem=16, widths=None):
        super().__init__()
        widths = widths or WIDTHS[stem]
        self.plain = plain
        self.enc = Encoder(stem=stem)
        self.u, self.k, self.d = (
            nn.ModuleList(),
            nn.ModuleList(),
            nn.ModuleList(),
        )
        i = DEEP
        for skip, w in zip(self.enc.skips, widths):
            self.u.append(nn.ConvTranspose2d(i, w, 2, 2))
            self.k.append(Conv(skip, w))
            self.d.append(nn.Sequential(Conv(2 * w, w, 3), Conv(w, w, 3)))
            i = w
        self.o = nn.ConvTranspose2d(i, 1, 2, 2)
        if plain:
            return
        self.ctx = Context()
        self.mix = nn.Conv2d(256, 160, 3, 1, 1)
        self.r = nn.Sequential(Conv(96, 96, 3), Conv(96, 96, 3, act=None))
        self.aux = nn.Conv2d(widths[1], 1, 1)
        self.sem = nn.Conv2d(256, 21, 1)
        for zero in (
            self.mix,
            self.r[1].c,
        ):  # additions start as nothing: old weights keep their function
            nn.init.zeros_(zero.weight)
            nn.init.zeros_(zero.bias)

    def forward(self, x, begun=None):
        skips, x = self.enc(x, begun)
        aux = None
        if not self.plain:
            context = self.ctx(x)
            x = x + self.mix(context)
        for j in range(len(self.u)):
            x = self.d[j](torch.cat([self.u[j](x), self.k[j](skips.pop())], 1))
            if j == 0 and not self.plain:
                x = F.relu(x + self.r(x))
            if j == 1 and self.training:
                aux = self.aux(x)
        y = self.o(x)
        return (y, aux, self.sem(context)) if self.training else y


class Normed(nn.Module):
    """3x3 convolution with batch normalisation: it starts from nothing. Export folds that in."""

    def __init__(self, i, o, stride=1, act=True):
        super().__init__()
        self.c = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.n = nn.BatchNorm2d(o)
        self.act = act

    def forward(self, x):
        x = self.n(self.c(x))
        return F.relu(x) if self.act else x


class Pair(nn.Module):
    """Two 3x3 convolutions; `residual` adds the input of the second pair's (He et al. 2016)."""

    def __init__(self, i, o, stride, residual):
        super().__init__()
        self.a, self.b = Normed(i, o, stride), Normed(o, o, act=not residual)
        self.residual = residual

    def forward(self, x):
        x = self.a(x)
        return F.relu(x + self.b(x)) if self.residual else self.b(x)


class Dense(nn.Module):
    """A U-Net of dense 3x3 convolutions alone, from 1/2 to 1/32; to compare the person network with.

    `plain` has two a level, as the 2015 paper; `residual` adds across the second one, and
    across two more a level below 1/4. Returns what Net returns; it has no classes.
    """

    def __init__(self, residual=False, widths=None):
        super().__init__()
        widths = widths or DENSE[residual]
        self.d, self.u, self.m = (
            nn.ModuleList(),
            nn.ModuleList(),
            nn.ModuleList(),
        )
        i = 3
        for n, o in enumerate(widths):
            level = [Pair(i, o, 2, residual)]
            if residual and n > 1:
                level.append(Pair(o, o, 1, True))
            self.d.append(nn.Sequential(*level))
            i = o
        for o in widths[-2::-1]:
            self.u.append(nn.ConvTranspose2d(i, o, 2, 2))
            self.m.append(Pair(2 * o, o, 1, residual))
            i = o
        self.o = nn.ConvTranspose2d(i, 1, 2, 2)
        self.aux = nn.Conv2d(widths[2], 1, 1)

    def forward(self, x):
        x = x * 2 - 1
        skips, aux = [], None
        for level in self.d:
            x = level(x)
            skips.append(x)
        skips.pop()
        for j, (u, m) in enumerate(zip(self.u, self.m)):
            x = m(torch.cat([u(x), skips.pop()], 1))
            if j == 1 and self.training:
                aux = self.aux(x)
        y = self.o(x)
        return (y, aux, None) if self.training else y


def design(name, stem=32):
    return Net(stem=stem) if name == "mobile" else Dense(name == "residual")


def deeplab_state(path):
    """The DeepLab weights (NumPy arrays named as in TensorFlow) under Semantic's names."""
    z = np.load(path)
    state = {}

    def put(name, source):
        state[name + ".weight"] = torch.from_numpy(z[source + ".weight"].copy())
        state[name + ".bias"] = torch.from_numpy(z[source + ".bias"].copy())

    put("enc.st.c", "Conv")
    for n in range(len(OUT[16])):
        prefix = "expanded_conv" + (f"_{n}" if n else "")
        for part, source in (
            ("e", "expand"),
            ("d", "depthwise"),
            ("p", "project"),
        ):
            if n or part != "e":
                put(f"enc.b.{n}.{part}.c", f"{prefix}/{source}")
    put("ctx.pool.c", "image_pooling")
    put("ctx.aspp.c", "aspp0")
    put("ctx.from_pool.c", "concat_projection")
    w = state["ctx.from_pool.c.weight"]
    state["ctx.from_pool.c.weight"], state["ctx.from_aspp.weight"] = (
        w[:, :256],
        w[:, 256:],
    )
    put("sem", "logits/semantic")
    return state


def movenet_state(path):
    """The encoder of MoveNet (a TensorFlow.js graph model, NAME.json beside NAME.bin) under Net's names."""
    import json
    import os

    with open(path) as f:
        manifest = json.load(f)["weightsManifest"]
    state, kinds = {}, {
        "float32": np.float32,
        "float16": np.float16,
        "int32": np.int32,
    }
    names = {
        "Conv1": "enc.st.c",
        "expanded_conv_depthwise": "enc.b.0.d.c",
        "expanded_conv_project": "enc.b.0.p.c",
    }
    for n in range(1, len(OUT[32])):
        for part in ("expand", "depthwise", "project"):
            names[f"block_{n}_{part}"] = f"enc.b.{n}.{part[0]}.c"
    for group in manifest:
        raw = b"".join(
            open(os.path.join(os.path.dirname(path), p), "rb").read()
            for p in group["paths"]
        )
        at = 0
        for w in group["weights"]:
            kind = np.dtype(kinds[w.get("quantization", w)["dtype"]])
            count = int(np.prod(w["shape"], dtype=int))
            value = (
                np.frombuffer(raw, kind, count, at)
                .astype(np.float32)
                .reshape(w["shape"])
            )
            at += count * kind.itemsize
            *_, layer, what = [""] + w["name"].split("/")
            if layer not in names:
                continue
            if value.ndim == 4:  # H,W,I,O or, depthwise, H,W,C,1
                value = (
                    value.transpose(2, 3, 0, 1)
                    if "depthwise" in what
                    else value.transpose(3, 2, 0, 1)
                )
            part = "bias" if what.endswith("bn_offset") else "weight"
            state[f"{names[layer]}.{part}"] = torch.from_numpy(value.copy())
    return state


def baseline_state(path):
    """Weights of the first person network from its ONNX file (opset 13, names cut by folding)."""
    import onnx
    from onnx import numpy_helper

    state, folded = {}, []
    for t in onnx.load(path).graph.initializer:
        value = torch.from_numpy(numpy_helper.to_array(t).copy())
        if t.name.startswith("n."):
            state[t.name[2:]] = value
        else:
            folded.append(value)
    # the decoder's convolutions lost their names when batch normalisation was folded in
    names = [
        n
        for j in range(len(WIDTHS[16]))
        for n in (f"k.{j}.c", f"d.{j}.0.c", f"d.{j}.1.c")
    ]
    for n, (w, b) in zip(names, zip(folded[::2], folded[1::2])):
        state[n + ".weight"], state[n + ".bias"] = w, b
    return state


def exported_state(path):
    """The weights of a network that export.py wrote: names as here, in fp16 with --half."""
    import onnx
    from onnx import numpy_helper

    state = {}
    for t in onnx.load(path).graph.initializer:
        if t.name.startswith("net."):
            name = t.name[4:].removesuffix(".half")
            state[name] = torch.from_numpy(
                numpy_helper.to_array(t).astype(np.float32)
            )
    return state


def load_weights(net, path):
    """Loads initial weights (.npz DeepLab, .json MoveNet, .onnx) or one of our checkpoints."""
    if path.endswith(".json"):
        state = movenet_state(path)
    elif path.endswith(".npz"):
        state = deeplab_state(path)
    elif path.endswith(".onnx"):
        state = exported_state(path) or baseline_state(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=False)
        state = fold(state.get("ema", state))
    result = net.load_state_dict(state, strict=False)
    if result.unexpected_keys:
        raise SystemExit(f"{path}: unexpected {result.unexpected_keys[:3]}")
    return result.missing_keys


def trained(path, plain=False):
    """A network with the weights of a checkpoint, whichever encoder that has. For evaluation."""
    stem, widths = 16, None
    if path.endswith(".onnx"):
        state = exported_state(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=False)
        state = fold(state.get("ema", state))
    if state:
        if "m.0.a.c.weight" in state:
            net = Dense("d.2.1.a.c.weight" in state).eval()
            net.load_state_dict(state)
            return net
        stem, widths = len(state["enc.st.c.bias"]), [
            len(state[f"k.{j}.c.bias"]) for j in range(4)
        ]
    net = Net(plain, stem, widths).eval()
    load_weights(net, path)
    return net
