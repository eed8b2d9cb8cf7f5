#!/usr/bin/env python3
"""Gives a trained decoder another encoder: the 1x1 convolutions between them are fitted.

A decoder asks its encoder for certain features. Which mixture of the new
encoder's channels comes nearest to them is a matter of least squares, layer by layer, over
augmented training pictures; training then starts from a network that works.
"""
import argparse

import torch

import data
from net import Net, load_weights, trained


class Fit:
    """Least squares of y = x w + b over many pixels, with a little of ridge."""

    def __init__(self):
        self.xx, self.xy, self.yy, self.n = 0, 0, 0, 0

    def add(self, x, y):
        x, y = (t.permute(0, 2, 3, 1).reshape(-1, t.shape[1]) for t in (x, y))
        x = torch.cat([x, x.new_ones(len(x), 1)], 1)
        self.xx = self.xx + (x.T @ x).double()
        self.xy = self.xy + (x.T @ y).double()
        self.yy = self.yy + y.square().sum().double()
        self.n += len(x)

    def solve(self):
        """Weight, bias, and which part of the variance they explain."""
        a = self.xx / self.n
        a = a + 1e-5 * a.diagonal().mean() * torch.eye(len(a), dtype=a.dtype)
        s = torch.linalg.solve(a, self.xy / self.n)
        rest = self.yy - 2 * (s * self.xy).sum() + (s * (self.xx @ s)).sum()
        variance = self.yy - self.xy[-1].square().sum() / self.n
        return (
            s[:-1].T.float()[..., None, None],
            s[-1].float(),
            1 - float(rest / variance),
        )


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("pack", metavar="PACK.npz")
    p.add_argument(
        "decoder",
        metavar="DECODER.pt",
        help="a checkpoint with the narrow encoder",
    )
    p.add_argument(
        "encoder", metavar="ENCODER.json", help="MoveNet's, for the wide one"
    )
    p.add_argument("out", metavar="OUT.pt")
    p.add_argument("--batches", type=int, default=40)
    a = p.parse_args()
    torch.manual_seed(1)
    old, new = trained(a.decoder), Net(stem=32).eval()
    state = {
        k: v
        for k, v in old.state_dict().items()
        if not k.startswith(("enc.", "k."))
    }
    new.load_state_dict(state, strict=False)
    load_weights(new, a.encoder)
    pictures = data.load_pack(a.pack, False)
    hard = torch.full((sum(q.kind == "empty" for q in pictures),), 0.05)
    sampler = data.Sampler(pictures, hard, 7, 0.5, 288)
    fits, last = [Fit() for _ in range(5)], []
    new.enc.fit.register_forward_pre_hook(
        lambda module, given: last.append(given[0])
    )
    for _ in range(a.batches):
        x = (
            torch.from_numpy(sampler.batch(8)[0]).permute(0, 3, 1, 2).float()
            / 255
        )
        skips, deep = old.enc(x)
        last.clear()
        wide = new.enc(x)
        for j in range(
            4
        ):  # before its ReLU: what is below zero tells something, too
            fits[j].add(wide[0][-1 - j], old.k[j].c(skips[-1 - j]))
        fits[4].add(last[0], deep)
    for j, layer in enumerate([new.k[j].c for j in range(4)] + [new.enc.fit]):
        w, b, r2 = fits[j].solve()
        layer.weight.copy_(w)
        layer.bias.copy_(b)
        print(
            f"{layer.in_channels} -> {layer.out_channels}: {100 * r2:.1f} % of the variance"
        )
    torch.save({"ema": new.state_dict()}, a.out)


if __name__ == "__main__":
    main()
