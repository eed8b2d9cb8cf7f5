#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains a U-Net on a folder of pictures and their masks, for the unetseg element.

IMAGES is a folder of pictures. MASKS has NAME.png for each IMAGES/NAME.jpg (class
numbers, a palette, colours, or white on black) or the outlines of a drawing
tool (LabelMe's JSON, CVAT's XML, COCO's JSON). A file labels.txt in it, or --labels,
names the classes.

Writes my.onnx, and beside it my.ranges (for int8), my.md (a card), my.jpg (the worst
pictures) and my.training (checkpoints and curve). The same command goes on where an
earlier one was stopped; after masks were added, it starts from the earlier weights.

Needs PyTorch 1.13 or newer, NumPy, Pillow and onnx: Debian's python3-torch,
python3-pil and python3-onnx, or the same from PyPI.
"""
import argparse
import hashlib
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import needs  # noqa: E402

needs.check("train.py", "torch", "numpy", "PIL", "onnx")
import numpy as np  # noqa: E402
import torch  # noqa: E402

import augment  # noqa: E402
import choice  # noqa: E402
import offsets  # noqa: E402
import pictures as pictures_  # noqa: E402
import product  # noqa: E402
from export import export  # noqa: E402
from masks import MaskError  # noqa: E402
from training import Training  # noqa: E402


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("images", metavar="IMAGES")
    p.add_argument("masks", metavar="MASKS")
    p.add_argument("-o", "--output", required=True, metavar="MY.onnx")
    p.add_argument(
        "--minutes",
        type=float,
        default=60,
        help="of training; measuring comes on top (60)",
    )
    p.add_argument("--steps", type=int, default=0, help="instead of minutes")
    p.add_argument("--labels", help="names of classes, joined by commas")
    p.add_argument(
        "--keep", metavar="PATTERN", help="pictures to keep back, as val_*"
    )
    p.add_argument("--kind", default="auto", choices=["auto", *augment.KINDS])
    p.add_argument(
        "--network",
        default="auto",
        choices=("auto", "classic", "mobile", "residual"),
    )
    p.add_argument(
        "--side", type=int, default=0, help="larger pictures shrink to N x N"
    )
    p.add_argument("--base", type=int, default=0, help="channels of classic")
    p.add_argument("--batch", type=int, default=0, help="crops a step")
    p.add_argument("--rate", type=float, default=0, help="of AdamW")
    p.add_argument(
        "--start",
        default="",
        metavar="FILE",
        help="weights to start from: a network that train.py wrote "
        "(mobile: the person network)",
    )
    p.add_argument(
        "--invert",
        metavar="NAME",
        help="of two classes, show the first, by this name",
    )
    p.add_argument(
        "--precision", default="auto", choices=("auto", "f32", "bf16")
    )
    p.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    p.add_argument(
        "--workers", type=int, help="processes that make samples (GPU: 8)"
    )
    p.add_argument("--seed", type=int, default=1)
    p.add_argument(
        "--save-every",
        type=float,
        default=30,
        metavar="SECONDS",
        help="between checkpoints (30)",
    )
    p.add_argument("--again", action="store_true", help="forget checkpoints")
    p.add_argument("--program", help="the unetseg program")
    p.add_argument("--no-int8", action="store_true", help="no calibration")
    a = p.parse_args()
    if not a.output.endswith(".onnx"):
        p.error("the output's name ends with .onnx")
    return a


# ---- what is trained --------------------------------------------------------


def digest_of(found):
    """Returns a text that changes with the pictures and their masks."""
    h = hashlib.sha256()
    for p in found.pictures:
        plane = found.read_mask(p.name, p.width, p.height)
        h.update(f"{p.name} {p.width} {p.height}\n".encode())
        h.update(np.ascontiguousarray(plane).tobytes())
    return h.hexdigest()


def read_settings(folder):
    path = os.path.join(folder, "settings.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_settings(folder, settings):
    path = os.path.join(folder, "settings.json")
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(settings, f, indent=1)
    os.replace(path + ".new", path)


def prepare(found, a, folder, device):
    """Returns (plan, trained, kept): chosen anew, or as an earlier training had them."""
    names = [p.name for p in found.pictures]
    labels, digest = found.classes.labels, digest_of(found)
    old = read_settings(folder)
    if old and old["labels"] != labels:
        raise MaskError(
            f"{folder} is of other classes ({', '.join(old['labels'])}): "
            "choose another output, or --again"
        )
    if old and old["digest"] == digest:
        plan = choice.Plan(**dict(old["plan"], crop=tuple(old["plan"]["crop"])))
        return plan, old["trained"], old["kept"]
    if old:
        trained, kept = pictures_.split_again(
            names, old["kept"], old["trained"]
        )
        why = "those of the last training, and the end of the new ones"
        renew(folder)
    else:
        trained, kept, why = pictures_.split(names, a.keep)
    by_name = {p.name: p for p in found.pictures}
    plan, reasons = choice.choose(
        found, [by_name[n] for n in trained], a, device
    )
    if old and old["plan"]["network"] == plan.network:
        # the weights go on, so the shapes stay
        for key in ("channels", "base", "depth"):
            setattr(plan, key, old["plan"][key])
    print(f"{len(trained)} pictures to train, {len(kept)} kept back: {why}")
    print(*reasons, sep="\n", flush=True)
    settings = {"labels": labels, "digest": digest, "plan": plan.as_dict()}
    write_settings(folder, dict(settings, trained=trained, kept=kept))
    return plan, trained, kept


def renew(folder):
    """Makes the best weights so far those to start from."""
    best = os.path.join(folder, "best.pt")
    if os.path.exists(best):
        os.replace(best, os.path.join(folder, "start.pt"))
    for name in ("last.pt", "curve.csv", "curve.svg"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.remove(path)


def main():
    a = parse_arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(a.threads)
    if a.workers is None:
        a.workers = min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
    folder = os.path.splitext(a.output)[0] + ".training"
    if a.again:
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    labels = [n.strip() for n in a.labels.split(",")] if a.labels else None
    found = pictures_.Set(a.images, a.masks, labels)
    if a.invert and not found.classes.is_binary:
        raise MaskError("--invert is for masks of a background and one class")
    found.classes.inverted = a.invert or ""
    print(*found.describe(), sep="\n", flush=True)
    plan, trained, kept = prepare(found, a, folder, device)
    found.side = plan.side
    by_name = {p.name: p for p in found.pictures}
    trained, kept = ([by_name[n] for n in names] for names in (trained, kept))
    training = Training(found, trained, kept, plan, folder, a, device)
    training.run()
    net = training.best_net()
    if not found.classes.is_binary:
        offsets.fit(net, found, trained, training.mode, training.low)
    export(net, found, plan, trained, a.output)
    product.finish(found, trained, kept, plan, training, a)


if __name__ == "__main__":
    try:
        main()
    except MaskError as e:
        sys.exit(f"train.py: {e}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command goes on")
