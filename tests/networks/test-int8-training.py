#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks what models/person/int8.py does to a network while it trains.

    test-int8-training.py PROGRAM MODELS

The last case compares with the program: the built-in model in int8 must be nearer to
the rounded network than to the network in floats. A training that rounds something
else than the program does would learn to do with other errors.
Prints TAP, one line a case. Needs PyTorch and onnx; without them it is skipped.
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

try:
    import numpy as np
    import onnx  # noqa: F401
    import torch
except ImportError as missing:
    tap.skip_all("%s is not installed" % missing.name)

PROGRAM, MODELS = sys.argv[1:3]
sys.path.insert(0, os.path.join(MODELS, "person"))
import net as networks  # noqa: E402
from int8 import Rounding, round_weight  # noqa: E402

TIMEOUT = 120
STEPS = 127  # of a weight, on each side of zero


def has_vnni():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = f.read()
    cap = os.environ.get("UNETSEG_MAX_ISA", "avx512_vnni")
    known = "avx512_vnni" in flags or "avx_vnni" in flags
    return known and ("vnni" in cap or "bf16" in cap or "amx" in cap)


def made_up(seed, h=128, w=160):
    """A picture of smooth colours with something like a head and shoulders."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[:h, :w] / h
    person = ((x - 0.6) / 0.17) ** 2 + ((y - 0.35) / 0.22) ** 2 < 1
    person |= ((x - 0.6) / 0.4) ** 2 + ((y - 1.05) / 0.5) ** 2 < 1
    room = np.stack([0.4 + 0.3 * np.sin(5 * x + k) * y for k in range(3)])
    skin = np.array([0.8, 0.6, 0.5])[:, None, None] * (1.1 - 0.4 * y)
    picture = np.where(person, skin, room) + rng.normal(0, 0.03, (3, h, w))
    return torch.from_numpy(picture.clip(0, 1)[None]).float()


def rounded(net, x):
    """A network that rounds, with the ranges of one picture."""
    rounding = Rounding(net)
    rounding.advance(x)
    return rounding


def weights_have_whole_steps():
    """each row of a layer's weights becomes a whole number of its steps"""
    torch.manual_seed(1)
    layers = (
        (torch.nn.Conv2d(6, 4, 3), (1, 2, 3), (1, -1, 1, 1)),
        (torch.nn.ConvTranspose2d(6, 4, 2, 2), 0, (-1, 1, 1, 1)),
    )
    for layer, across, shape in layers:
        reads = torch.rand(6) + 0.5
        before = layer.weight.detach() / reads.view(shape)
        after = round_weight(layer, layer.weight, reads).detach()
        after = after / reads.view(shape)
        step = before.abs().amax(across, keepdim=True) / STEPS
        off = (after / step - (after / step).round()).abs().max()
        assert off < 1e-3, off
        assert ((after - before).abs() <= step * 0.501).all()
        assert not torch.equal(after, before)


def off_at_first():
    """a network is left as it is until rounding begins, and then is not"""
    net = networks.trained(os.path.join(MODELS, "person.onnx"))
    x = made_up(1)
    with torch.no_grad():
        before = net(x)
        rounding = Rounding(net)
        assert torch.equal(before, net(x))
        rounding.advance(x)
        assert not torch.equal(before, net(x))


def learning_passes():
    """every weight that learns gets a gradient, and rounding leaves it as it is"""
    net = networks.trained(os.path.join(MODELS, "person.onnx")).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    x = made_up(2)
    rounded(net, x)
    net(x)[0].square().mean().backward()
    for name, p in net.named_parameters():
        if not name.startswith(("aux", "sem")):
            assert p.grad is not None and p.grad.isfinite().all(), name
            assert p.grad.abs().max() > 0, name
    for name, v in net.state_dict().items():
        assert torch.equal(v, before[name]), name


def as_the_program_rounds():
    """the program's int8 is nearer to the rounded network than to floats"""
    if not has_vnni():
        raise tap.Skip("weights have seven bits here")
    model = os.path.join(MODELS, "person.onnx")
    x = made_up(3)
    with torch.no_grad():
        net = networks.trained(model)
        floats = net(x).sigmoid().numpy()
        rounded(net, x)
        ours = net(x).sigmoid().numpy()
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "x.npy")
        np.save(picture, x.numpy())
        command = [PROGRAM, "run", model, "--input", "image=" + picture]
        command += ["-p", "int8", "--min-iou", "0", "--max-difference", "1"]
        command += ["--calibration", os.path.join(MODELS, "person.ranges")]
        command += ["-o", folder]
        subprocess.run(
            command, check=True, timeout=TIMEOUT, stdout=subprocess.DEVNULL
        )
        theirs = np.load(os.path.join(folder, "mask.npy"))
    near, far = abs(theirs - ours).mean(), abs(theirs - floats).mean()
    assert far > 0, "the program did not compute in int8"
    assert near < far, "%g from the rounded network, %g from floats" % (
        near,
        far,
    )


def main():
    torch.set_num_threads(1)
    t = tap.Tap()
    t.case(weights_have_whole_steps)
    t.case(off_at_first)
    t.case(learning_passes)
    t.case(as_the_program_rounds)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
