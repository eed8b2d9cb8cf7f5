#!/usr/bin/env python3
"""Makes the decoder of a person network narrower: layers are chosen from and fitted.

Of each layer those channels stay that carry most (how much they vary, times the weights that read
them). What the layers behind then compute is fitted to what they computed before, by least
squares over augmented training pictures, from 1/16 to 1/2.
"""
import argparse

import torch
import torch.nn.functional as F

import data
from net import Net, trained
from transplant import Fit

PLACES = 6000  # of a batch, for each fit


class Watch:
    """What goes in and out of modules."""

    def __init__(self, net, names):
        modules = dict(net.named_modules())
        self.seen = {n: [] for n in names}
        self.hooks = [
            modules[n].register_forward_hook(
                lambda m, given, out, n=n: self.seen[n].append((given[0], out))
            )
            for n in names
        ]

    def run(self, net, batches):
        for x in batches:
            net(x)
        for h in self.hooks:
            h.remove()
        return self.seen


def spread(outputs):
    return torch.cat([o.transpose(0, 1).flatten(1) for o in outputs], 1).std(1)


def choose(importance, n):
    return torch.topk(importance, n).indices.sort()[0]


def columns(x, size):
    """Every place of a 3x3 convolution's input as a picture of its window."""
    n, c, h, w = x.shape
    return F.unfold(x, size, padding=size // 2).view(n, c * size * size, h, w)


def some(x, places):
    """Some places of a batch, as Fit takes them."""
    return (
        x.flatten(2)
        .permute(0, 2, 1)
        .reshape(-1, x.shape[1])[places][..., None, None]
    )


def fit(inputs, outputs, size):
    total = Fit()
    for x, y in zip(inputs, outputs):
        places = torch.randperm(x.shape[0] * x.shape[2] * x.shape[3])[:PLACES]
        total.add(some(columns(x, size), places), some(y, places))
    weight, bias, r2 = total.solve()
    return weight[..., 0, 0], bias, r2


class Narrowing:
    def __init__(self, old, new, batches):
        self.old, self.new, self.batches = old, new, batches
        self.a, self.b = dict(old.named_modules()), dict(new.named_modules())
        self.pending = (
            None  # what the next upsampling was fitted to, all its outputs
        )

    def keep(self, name, outputs, inputs=None):
        a, b = self.a[name], self.b[name]
        up = isinstance(a, torch.nn.ConvTranspose2d)
        weight, bias = (
            (a.weight, a.bias)
            if self.pending is None or not up
            else self.pending
        )
        b.weight.copy_(weight[:, outputs] if up else weight[outputs])
        b.bias.copy_(bias[outputs])

    def refit(self, name, outputs, seen):
        """A 3x3 convolution that reads fewer channels now."""
        self.b[name].weight.zero_()
        now = Watch(self.new, [name]).run(self.new, self.batches)[name]
        weight, bias, r2 = fit(
            [x for x, _ in now], [y[:, outputs] for _, y in seen], 3
        )
        self.b[name].weight.copy_(weight.view(self.b[name].weight.shape))
        self.b[name].bias.copy_(bias)
        print(f"{name}: {len(bias)} channels, {100 * r2:.1f} % of the variance")

    def refit_up(self, name, before, seen):
        """The upsampling behind: four values a place."""
        now = Watch(self.new, [before]).run(self.new, self.batches)[before]
        weight, bias, _ = fit(
            [y.relu() for _, y in now],
            [F.pixel_unshuffle(y, 2) for _, y in seen],
            1,
        )
        n = self.a[name].out_channels
        return weight.T.reshape(-1, n, 2, 2), bias.view(n, 4).mean(1)

    def level(self, j):
        u, k, d0, d1 = f"u.{j}", f"k.{j}.c", f"d.{j}.0.c", f"d.{j}.1.c"
        after = f"u.{j + 1}" if j < 3 else "o"
        w, n = self.a[u].out_channels, self.b[u].out_channels
        seen = Watch(self.old, [u, k, d0, d1, after]).run(
            self.old, self.batches
        )
        reads = self.a[d0].weight.square().sum((0, 2, 3)).sqrt()
        self.keep(u, choose(reads[:w] * spread([y for _, y in seen[u]]), n))
        self.keep(
            k, choose(reads[w:] * spread([y.relu() for _, y in seen[k]]), n)
        )
        for name, reader, dims in ((d0, d1, (0, 2, 3)), (d1, after, (1, 2, 3))):
            reads = self.a[reader].weight.square().sum(dims).sqrt()
            self.refit(
                name,
                choose(reads * spread([y.relu() for _, y in seen[name]]), n),
                seen[name],
            )
        self.pending = self.refit_up(after, d1, seen[after])


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("pack", metavar="PACK.npz")
    p.add_argument("checkpoint", metavar="IN.pt")
    p.add_argument("out", metavar="OUT.pt")
    p.add_argument(
        "--widths",
        type=int,
        nargs=4,
        default=[96, 64, 32, 16],
        metavar="N",
        help="from 1/16 to 1/2",
    )
    p.add_argument("--batches", type=int, default=14)
    a = p.parse_args()
    torch.manual_seed(0)
    old = trained(a.checkpoint)
    stem = len(old.enc.st.c.bias)
    new = Net(stem=stem, widths=a.widths).eval()
    state = new.state_dict()
    new.load_state_dict(
        {
            k: v
            for k, v in old.state_dict().items()
            if state[k].shape == v.shape
        },
        strict=False,
    )
    pictures = data.load_pack(a.pack, False)
    sampler = data.Sampler(
        pictures,
        torch.full((sum(q.kind == "empty" for q in pictures),), 0.05),
        5,
        0.3,
        256,
    )
    batches = [
        torch.from_numpy(sampler.batch(6)[0]).permute(0, 3, 1, 2).float() / 255
        for _ in range(a.batches)
    ]
    narrowing = Narrowing(old, new, batches)
    first = next(
        (j for j in range(4) if old.u[j].out_channels != a.widths[j]), 4
    )
    for j in range(first, 4):
        narrowing.level(j)
    if first < 4:
        new.o.weight.copy_(narrowing.pending[0])
        new.o.bias.copy_(narrowing.pending[1])
    torch.save({"ema": new.state_dict()}, a.out)


if __name__ == "__main__":
    main()
