#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the batch normalisation that models/person trains with.

    test-normalised-training.py MODELS

Prints TAP, one line a case. Needs PyTorch and onnx; without them it is skipped.
"""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

try:
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import torch
except ImportError as missing:
    tap.skip_all("%s is not installed" % missing.name)

MODELS = sys.argv[1]
sys.path.insert(0, os.path.join(MODELS, "person"))
import net as networks  # noqa: E402
from norm import fold, normalise, normalised  # noqa: E402
from optimizer import freeze, groups  # noqa: E402

FROZEN = 3
# of the largest logit: rounding of some sixty layers in f32
NEAR = 1e-3


def built_in():
    net = networks.trained(os.path.join(MODELS, "person.onnx"))
    freeze(net, FROZEN)
    return net


def batch(seed):
    torch.manual_seed(seed)
    coarse = torch.rand(4, 3, 12, 16)
    return torch.nn.functional.interpolate(
        coarse, (96, 128), mode="bilinear", align_corners=False
    )


def assert_near(a, b):
    off = (a - b).abs().max() / a.abs().max()
    assert off < NEAR, off


def results_stay():
    """normalisation leaves a network's results as they are"""
    net = built_in()
    with torch.no_grad():
        before = net(batch(1))
        normalise(net, batch(1))
        assert len(normalised(net)) > 40
        assert_near(before, net(batch(1)))
        assert_near(built_in()(batch(2)), net(batch(2)))


def frozen_blocks_have_none():
    """blocks that do not learn get no normalisation"""
    net = built_in()
    normalise(net, batch(1))
    for part in [net.enc.st, *net.enc.b[:FROZEN]]:
        for name, _ in part.named_modules():
            assert not name.endswith(".n"), name


def folded_after_steps():
    """a checkpoint of a few steps, folded, has the results of its network"""
    net = built_in()
    normalise(net, batch(1))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net.train()
    optimizer = groups(net, 1e-3)
    for group in optimizer.param_groups:
        group["lr"] *= group["scale"]
    for seed in range(3):
        loss = net(batch(seed))[0].square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    net.eval()
    state = net.state_dict()
    assert not torch.equal(
        before["d.0.0.n.weight"], state["d.0.0.n.weight"]
    ), "nothing was learned"
    plain = networks.Net(
        stem=32, widths=[len(state["k.%d.c.bias" % j]) for j in range(4)]
    ).eval()
    plain.load_state_dict(fold(state))
    with torch.no_grad():
        assert_near(net(batch(5)), plain(batch(5)))


def main():
    torch.set_num_threads(1)
    t = tap.Tap()
    t.case(results_stay)
    t.case(frozen_blocks_have_none)
    t.case(folded_after_steps)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
