#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains a network on 30 pictures by models/train: test-training.py PROGRAM.
Prints TAP. The cases skip where no Python has PyTorch; UNETSEG_TORCH_PYTHON
names one that has. The networks take less than a minute of one core."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = os.path.join(HERE, "..", "..", "models", "train")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import program  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402

PICTURES, LEAST_IOU = 30, 0.95
# 150 steps reach 0.96 on Zen 4, with 37 s of one core.
STEPS = "200"
WAIT = 900  # seconds until a training that hangs fails the test
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")


def find_python():
    """Returns a Python that has PyTorch and onnx: as the environment says, of a
    virtual environment in the user's cache, or the system's."""
    for python in (
        os.environ.get("UNETSEG_TORCH_PYTHON"),
        os.path.join(CACHE, "unetseg", "torch", "bin", "python"),
        "/usr/bin/python3",
    ):
        if python and shutil.which(python):
            words = [python, "-c", "import torch, onnx, PIL"]
            if subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0:
                return python
    return None


class Place:
    def __init__(self, folder, python):
        self.folder, self.python = folder, python
        self.data = os.path.join(folder, "data")
        self.model = os.path.join(folder, "shapes.onnx")
        self.training = os.path.join(folder, "shapes.training")
        shapes.save(self.data, PICTURES)

    def start(self, model=None, steps=STEPS, more=("--base", "8"), tool=None):
        words = [self.python, "-B", os.path.join(TRAIN, "train.py")]
        words += [os.path.join(self.data, n) for n in ("images", "masks")]
        words += ["-o", model or self.model, "--steps", steps, *more]
        words += ["--threads", "1", "--save-every", "0.5", "--no-int8"]
        words += ["--program", tool or program.PROGRAM]
        return subprocess.Popen(
            words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


def killed(place):
    """A training that is killed leaves a checkpoint and no network"""
    run = place.start()
    until = time.monotonic() + WAIT
    last = os.path.join(place.training, "last.pt")
    while not os.path.exists(last):
        assert run.poll() is None, run.stdout.read()
        assert time.monotonic() < until, "no checkpoint"
        time.sleep(0.1)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not os.path.exists(place.model)


def resumed(place):
    """The same command goes on, and writes network, card, sheet and curve"""
    run = place.start()
    said, _ = run.communicate(timeout=WAIT)
    assert run.returncode == 0, said
    assert "resumed at step" in said, said
    assert "resumed at step 0" not in said, said
    for name in ("shapes.md", "shapes.jpg", "shapes.training/curve.svg"):
        size = os.path.getsize(os.path.join(place.folder, name))
        assert size > 500, (name, size)


def unmeasured(place):
    """A program that fails costs the figures, and nothing else"""
    run = place.start(tool="/bin/false")
    said, _ = run.communicate(timeout=WAIT)
    assert run.returncode == 0, said
    assert "not measured any further: /bin/false: exit 1" in said, said
    with open(os.path.join(place.folder, "shapes.md")) as f:
        assert "at their own size, by the program" not in f.read()


def accurate(place):
    """The program measures an IoU of at least 0.95 on pictures kept back"""
    with open(os.path.join(place.training, "settings.json")) as f:
        settings = json.load(f)
    assert not set(settings["kept"]) & set(settings["trained"])
    assert len(settings["kept"]) == 6 and len(settings["trained"]) == 24
    kept = os.path.join(place.folder, "kept")
    for kind in ("images", "masks"):
        os.makedirs(os.path.join(kept, kind))
        for name in settings["kept"]:
            name = os.path.join(kind, name + ".png")
            shutil.copy(
                os.path.join(place.data, name), os.path.join(kept, name)
            )
    words = ["--images", kept + "/images", "--masks", kept + "/masks"]
    said = json.loads(program.good("eval", place.model, *words, "--json"))
    assert said["pictures"] == 6, said
    assert said["foreground_iou"] >= LEAST_IOU, said
    print("# foreground IoU %.4f" % said["foreground_iou"])


def contract(place):
    """The file has its contract, labels and colours inside"""
    said = program.good("inspect", place.model)
    for text in (
        "fit=tile",
        "labels=background,foreground",
        "colors=foreground=#",
    ):
        assert text in said, said


def started(place):
    """A network starts from another's file, and may show what masks leave black"""
    model = os.path.join(place.folder, "again.onnx")
    words = ("--start", place.model, "--rate", "1e-5", "--invert", "gap")
    said, _ = place.start(model, "1", words).communicate(timeout=WAIT)
    found = re.search(r"f32: foreground IoU ([0-9.]+),.* error ([0-9.]+)", said)
    assert "% of the weights are those of shapes.onnx" in said, said
    assert found, said
    assert float(found[1]) > LEAST_IOU and float(found[2]) < 0.02, said
    said = program.good("inspect", model)
    for text in ("invert=true", "labels=foreground,gap", "colors=gap=#"):
        assert text in said, said


OFFSETS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, offsets
rng = np.random.default_rng(7)
truth = rng.choice(3, 20000, p=(0.9, 0.08, 0.02))
logs = rng.normal(0, 1, (20000, 3))
logs[np.arange(20000), truth] += 2
logs[:, 2] += 2.5  # as after a training that weighed it too much
found = offsets.search(logs, truth)
print(offsets.overlap(logs, truth, 0 * found), offsets.overlap(logs, truth, found))
"""


def balanced(place):
    """Classes that were weighed too much are found less, which is better"""
    words = [place.python, "-B", "-c", OFFSETS, TRAIN]
    said = subprocess.run(words, check=True, capture_output=True, text=True)
    before, after = map(float, said.stdout.split())
    assert before < 0.35 and after > before + 0.15, said.stdout


PLAIN = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from PIL import Image
import augment, pictures
rng, folder = np.random.default_rng(2), sys.argv[2]
inside = rng.random((70, 90)) < 0.4
grey = rng.integers(0, 60, inside.shape) + 150 * inside
for name, plane in (("images", grey), ("masks", 255 * inside)):
    os.makedirs(os.path.join(folder, name))
    path = os.path.join(folder, name, "a.png")
    Image.fromarray(plane.astype(np.uint8)).save(path)
found = pictures.Set(folder + "/images", folder + "/masks")
sampler = augment.Sampler(found, "microscopy", (60, 60), 20, 3)
sampler.start(found.pictures, "L")
rows = {r[i : i + 60].tobytes() for g in (grey, grey[:, ::-1])
        for a in (g, g.T) for r in a.astype(np.uint8) for i in range(len(r) - 59)}
rows |= {r[::-1] for r in rows}
for plain in (0, 1):
    sampler.plain.fill_(plain)
    x, classes, _ = sampler.sample()
    x = (x[0] * 255).round().byte().numpy()
    print(sum(r.tobytes() in rows for r in x))
assert ((x[10:-10, 10:-10] > 100) == classes.numpy()).all()
"""


def plain_samples(place):
    """Samples at the end of a training have the pixels of the pictures"""
    folder = os.path.join(place.folder, "plain")
    words = [place.python, "-B", "-c", PLAIN, TRAIN, folder]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    changed, plain = map(int, done.stdout.split())
    # rows beyond the picture are mirrored, so that they have others' pixels
    assert changed == 0 and plain > 20, done.stdout


STATISTICS = """
import sys
sys.path.insert(0, sys.argv[1])
import torch, torch.nn as nn, normal
torch.manual_seed(1)
net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)).eval()
net[2].requires_grad_(False)
crops = torch.rand(16, 1, 8, 8) + torch.rand(16, 1, 1, 1)
normal.measure(net, crops, torch.device("cpu"))
mean = net[0](crops).mean((0, 2, 3))
assert torch.allclose(net[1].running_mean, mean, atol=1e-5)
assert net[1].momentum == 0.1 and not net[1].training
assert net[2].running_mean.abs().max() == 0, "a layer that does not learn"
"""


def settled(place):
    """Averaged weights get the statistics of the crops that they are run over"""
    words = [place.python, "-B", "-c", STATISTICS, TRAIN]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def main():
    python = find_python()
    if python is None:
        tap.skip_all("no Python has PyTorch and onnx")
    out = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, python)
        for case in (
            killed,
            resumed,
            accurate,
            contract,
            started,
            balanced,
            settled,
            plain_samples,
            unmeasured,
        ):
            out.case(case, place)
    return out.done()


if __name__ == "__main__":
    sys.exit(main())
