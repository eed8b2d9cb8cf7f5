#!/usr/bin/env python3
"""Averages the weights of two checkpoints of one training (Izmailov et al. 2018)."""
import argparse

import torch

from norm import fold


def load(path):
    state = torch.load(path, map_location="cpu", weights_only=False)
    return fold(state.get("ema", state))


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("first", metavar="FIRST.pt")
    p.add_argument("second", metavar="SECOND.pt")
    p.add_argument("out", metavar="OUT.pt")
    p.add_argument("--weight", type=float, default=0.5, help="of the second")
    a = p.parse_args()
    first, second = load(a.first), load(a.second)
    if {k: v.shape for k, v in first.items()} != {
        k: v.shape for k, v in second.items()
    }:
        raise SystemExit("they are of two designs")
    torch.save(
        {
            "ema": {
                k: v.lerp(second[k], a.weight) if v.is_floating_point() else v
                for k, v in first.items()
            }
        },
        a.out,
    )


if __name__ == "__main__":
    main()
