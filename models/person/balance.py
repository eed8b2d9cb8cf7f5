#!/usr/bin/env python3
"""Makes a checkpoint to train from out of a network that export.py wrote: the same masks, weights of like size."""
import argparse

import torch

from equalize import equalize
from export import read_pictures
from net import trained


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", metavar="MODEL.onnx")
    p.add_argument(
        "pictures",
        metavar="DIR",
        help="training photos, which show how large values get",
    )
    p.add_argument("out", metavar="OUT.pt")
    a = p.parse_args()
    net, pictures = trained(a.model), read_pictures(a.pictures)
    for _ in range(3):
        print(
            f"masks differ by {equalize(net, pictures, balance=True):.1e} at most"
        )
    torch.nn.init.normal_(
        net.aux.weight, 0, 0.01
    )  # the file has no head at 1/8
    torch.nn.init.zeros_(net.aux.bias)
    torch.save({"ema": net.state_dict()}, a.out)


if __name__ == "__main__":
    main()
