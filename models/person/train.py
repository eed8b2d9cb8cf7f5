#!/usr/bin/env python3
"""Trains the person network on a pack made by prepare.py; stops and resumes at any step.

Rates follow steps, never the clock, so a paused or slow machine changes nothing:
warm-up, a constant stretch, then a cosine down over the last part. The number
of steps is read again from OUT/total when that file is there, so a running training
can be told to end earlier or later. Kill -STOP and -CONT the process group in
OUT/pid to pause it with its workers.
"""
import argparse
import copy
import csv
import os
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

import data
import metrics
from int8 import Rounding
from net import (
    OUT,
    Net,
    Semantic,
    design,
    load_weights,
    trained,
)
from norm import normalise
from optimizer import freeze, groups, rate

# after net, which knows where they are
from checkpoint import average, replace_file  # noqa: E402
from precision import bf16_is_faster  # noqa: E402


MEASURED = (
    "portraits",
    "street",
    "groups",
    "mixed",
)  # kinds whose masks somebody drew


class Batches(IterableDataset):
    def __init__(self, pictures, hard, n, seed, **sampler):
        self.pictures, self.hard, self.n = pictures, hard, n
        self.seed, self.sampler = seed, sampler

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        seed = self.seed * 1000 + worker.id
        cv2.setRNGSeed(seed)
        sampler = data.Sampler(self.pictures, self.hard, seed, **self.sampler)
        while True:
            yield tuple(torch.from_numpy(c) for c in sampler.batch(self.n))


def mask_loss(y, m, w):
    """Cross-entropy with a heavy outline, dice per picture so that small people count, and two terms for sureness.

    The absolute error where the mask is sure pulls most at what is undecided, and to the side that most of
    the evidence is on; a factor on wrong pixels in the cross-entropy (as in focal losses) does the
    contrary: with one of up to four, 10.5 % of the pixels were unsure after 200 steps, where 7 % had been.
    Regions are squares of 8 and 32 pixels, whose mean must be right: a hole or an island fails in all
    of them. Dice hardly falls with the size of a large false area, so empty pictures weigh more instead.
    """
    w = w * (1 + 2 * (m.sum((1, 2, 3), keepdim=True) == 0))
    bce = (
        F.binary_cross_entropy_with_logits(y, m, reduction="none") * w
    ).mean()
    seen = (w > 0).float()
    p = y.sigmoid() * seen
    m = m * seen
    sure = ((p - m).abs() * (2 * m - 1).abs()).mean()
    dice = 1 - (2 * (p * m).sum((1, 2, 3)) + 1) / (
        p.sum((1, 2, 3)) + m.sum((1, 2, 3)) + 1
    )
    regions = sum(
        (F.avg_pool2d(p, k) - F.avg_pool2d(m, k)).abs().mean() for k in (8, 32)
    )
    return bce + 0.7 * dice.mean() + sure + 0.5 * regions, p


def begin_alike(a, b, blocks):
    """Whether two networks' first blocks are the same."""
    return all(
        torch.equal(p, q)
        for m, n in zip(
            [a.enc.st, *a.enc.b[:blocks]], [b.enc.st, *b.enc.b[:blocks]]
        )
        for p, q in zip(m.parameters(), n.parameters())
    )


@torch.no_grad()
def validate(net, pictures, device, side):
    rows = {}
    for p in pictures:
        h, w = metrics.shape_for(*p.truth.shape, side)
        x = cv2.resize(p.image, (w, h), interpolation=cv2.INTER_AREA)[
            :, :, ::-1
        ]
        x = (
            torch.from_numpy(np.ascontiguousarray(x))
            .to(device)
            .permute(2, 0, 1)[None]
            .float()
            / 255
        )
        y = net(x.contiguous(memory_format=torch.channels_last))
        row = metrics.measure(
            y.float().sigmoid()[0, 0].cpu().numpy(), p.truth, p.ignore
        )
        rows.setdefault(p.kind, []).append(row)
    return {k: metrics.means(v) for k, v in rows.items()}


def score(v):
    """One number to choose a checkpoint by: mean IoU of the kinds, less what is seen in empty rooms."""
    return (
        float(
            np.mean(
                [r["foreground_iou"] for k, r in v.items() if k in MEASURED]
            )
        )
        - v["empty"]["false_area"]
    )


def share(text):
    """KIND=PART of the command line."""
    kind, _, part = text.partition("=")
    if kind not in data.SHARES:
        kinds = ", ".join(data.SHARES)
        raise argparse.ArgumentTypeError(f"{kind} is none of {kinds}")
    return kind, float(part)


class Training:
    def __init__(self, a):
        self.a, self.out = a, a.out
        self.sampler = {
            "often": a.often,
            "side": a.side,
            "whole": a.whole,
            "shares": dict(a.share),
        }
        self.device = torch.device(
            "cuda" if torch.cuda.is_available() else "cpu"
        )
        torch.manual_seed(a.seed)
        self.net = design(a.design, a.stem)
        for path in a.init:
            load_weights(self.net, path)
        self.net = self.net.to(self.device, memory_format=torch.channels_last)
        self.train, self.val = (
            [p for path in a.pack for p in data.load_pack(path, v)]
            for v in (False, True)
        )
        freeze(self.net, a.freeze)
        if a.normalise:
            self.normalise()
        self.ema = copy.deepcopy(self.net).eval()
        self.opt = groups(self.net, a.lr)
        self.teacher = None
        if a.teacher:
            self.teacher = Semantic().eval().requires_grad_(False)
            load_weights(self.teacher, a.teacher)
            self.teacher = self.teacher.to(
                self.device, memory_format=torch.channels_last
            )
        self.model = None
        if a.distil:
            self.model = (
                trained(a.distil)
                .requires_grad_(False)
                .to(self.device, memory_format=torch.channels_last)
            )
        # with frozen blocks in common, both networks go on from what these make of the pictures
        self.shared = (
            self.model is not None
            and a.freeze > 0
            and isinstance(self.net, Net)
            and isinstance(self.model, Net)
            and begin_alike(self.net, self.model, a.freeze)
        )
        self.rounding = Rounding(self.net, a.freeze) if a.int8 > 0 else None
        self.step, self.best, self.seconds, self.loss = 0, -1.0, 0.0, None
        self.low = a.bf16 == "on" or a.bf16 == "auto" and self.bf16_is_faster()
        self.val = self.val[:: a.val_part]
        # shared with the workers: how much of each empty picture is taken for a person
        self.hard = torch.full(
            (sum(p.kind == "empty" for p in self.train),), 0.05
        ).share_memory_()
        self.resume()

    def normalise(self):
        """Normalisation for the time of training, from two batches' statistics."""
        a = self.a
        hard = torch.full((sum(p.kind == "empty" for p in self.train),), 0.05)
        sampler = data.Sampler(self.train, hard, a.seed, **self.sampler)
        x = torch.from_numpy(sampler.batch(2 * a.batch)[0].copy())
        normalise(self.net, x.to(self.device).permute(0, 3, 1, 2).float() / 255)

    def bf16_is_faster(self):
        x = torch.rand(self.a.batch, 3, self.a.side, self.a.side)
        x = x.to(self.device, memory_format=torch.channels_last)
        faster = bf16_is_faster(lambda v: self.net(v)[0], x)
        self.net.zero_grad(set_to_none=True)
        return faster

    def path(self, name):
        return os.path.join(self.out, name)

    def resume(self):
        if not os.path.exists(self.path("last.pt")):
            return
        c = torch.load(
            self.path("last.pt"), map_location=self.device, weights_only=False
        )
        self.net.load_state_dict(c["net"])
        self.ema.load_state_dict(c["ema"])
        self.opt.load_state_dict(c["opt"])
        if len(c["hard"]) == len(self.hard):  # else other packs were added
            self.hard.copy_(c["hard"])
        self.step, self.best, self.seconds = c["step"], c["best"], c["seconds"]
        print(f"resumed at step {self.step}", flush=True)

    def save(self):
        c = {
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "opt": self.opt.state_dict(),
            "hard": self.hard,
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
        }
        replace_file(c, self.path("last.pt"))

    def total(self):
        try:
            with open(self.path("total")) as f:
                return int(f.read())
        except (OSError, ValueError):
            return self.a.steps

    def losses(self, x, m, w, index, keep):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.low):
            begun = {}
            if self.shared:
                with torch.no_grad():
                    begun["begun"] = self.net.enc.begin(x, self.a.freeze)
            y, aux, sem = self.net(x, **begun)
            if self.rounding and self.rounding.on:  # the other is not rounded
                begun = {}
            with torch.no_grad():
                known = (
                    self.teacher(x).float().softmax(1) if self.teacher else None
                )
                soft = (
                    self.model(x, **begun).float().sigmoid()
                    if self.model
                    else None
                )
        loss, p = mask_loss(y.float(), m, w)
        coarse = F.binary_cross_entropy_with_logits(
            aux.float(), F.avg_pool2d(m, 8), reduction="none"
        )
        loss = loss + 0.3 * (coarse * (F.avg_pool2d(w, 8) > 0.9)).mean()
        if soft is not None:  # its word, also where no mask says anything
            away = F.binary_cross_entropy_with_logits(
                y.float(), soft, reduction="none"
            ).mean((1, 2, 3))
            if self.a.distil_where == "good":
                away = away * keep
            loss = loss + self.a.distil_weight * away.mean()
        if (
            known is not None and sem is not None
        ):  # remember what cats and chairs are
            loss = (
                loss
                + self.a.remember
                * -(known * sem.float().log_softmax(1)).sum(1).mean()
            )
        with torch.no_grad():
            area = p.mean((1, 2, 3)).cpu()
            for i, v in zip(index.tolist(), area.tolist()):
                if i >= 0:
                    self.hard[i] = 0.6 * self.hard[i] + 0.4 * v
        return loss

    def advance(self, batch, total):
        x, m, w, index, keep = batch
        x = (
            x.to(self.device).permute(0, 3, 1, 2).float() / 255
        )  # stays channels last in memory
        m, w = (
            m.to(self.device)[:, None].float() / 255,
            w.to(self.device)[:, None].float(),
        )
        for g in self.opt.param_groups:
            g["lr"] = (
                self.a.lr * g["scale"] * rate(self.step, total, self.a.decay)
            )
        if self.rounding and self.step >= total * (1 - self.a.int8):
            self.rounding.advance(x)
        loss = self.losses(x, m, w, index, keep.to(self.device))
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.opt.step()
        average(self.ema, self.net, self.step, 0.995)
        self.step += 1
        value = loss.item()
        self.loss = (
            value if self.loss is None else 0.98 * self.loss + 0.02 * value
        )

    def report(self):
        v = validate(self.ema, self.val, self.device, self.a.side)
        s = score(v)
        row = {
            "step": self.step,
            "seconds": round(self.seconds),
            "loss": f"{self.loss or 0:.4f}",
            "score": f"{s:.4f}",
        }
        for k, r in sorted(v.items()):
            for n in (
                "foreground_iou",
                "boundary_iou",
                "poor",
                "false_area",
                "unsure",
            ):
                if n in r:
                    row[f"{k}.{n}"] = f"{r[n]:.4f}"
        fresh = not os.path.exists(self.path("curve.csv"))
        with open(self.path("curve.csv"), "a", newline="") as f:
            c = csv.DictWriter(f, row)
            if fresh:
                c.writeheader()
            c.writerow(row)
        print("val", *(f"{k} {v}" for k, v in row.items()), flush=True)
        torch.save(
            {"ema": self.ema.state_dict(), "step": self.step, "score": s},
            self.path(f"ema-{self.step:06}.pt"),
        )
        if s > self.best:
            self.best = s
            torch.save(
                {"ema": self.ema.state_dict(), "step": self.step, "score": s},
                self.path("best.pt"),
            )

    def run(self):
        a = self.a
        loader = DataLoader(
            Batches(
                self.train,
                self.hard,
                a.batch,
                a.seed + self.step,
                **self.sampler,
            ),
            batch_size=None,
            num_workers=a.workers,
            prefetch_factor=4,
        )
        if self.step == 0 and not a.skip_first:
            self.report()
        self.net.train()
        clock = time.time()
        for batch in loader:
            total = self.total()
            if self.step >= total:
                break
            self.advance(batch, total)
            self.seconds += time.time() - clock
            clock = time.time()
            if self.step % 20 == 0:
                print(
                    f"{self.step}/{total} {self.seconds:.0f} s loss {self.loss:.4f} "
                    f"rate {rate(self.step, total, self.a.decay):.3f} hardest {self.hard.max():.3f}",
                    flush=True,
                )
            if self.step % a.save_every == 0:
                self.save()
            if self.step % a.val_every == 0:
                self.report()
                clock = time.time()
        self.save()
        self.report()


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("pack", metavar="PACK.npz", nargs="+")
    p.add_argument(
        "--out",
        required=True,
        help="folder for checkpoints and curves; resumes what is there",
    )
    p.add_argument(
        "--init",
        action="append",
        default=[],
        help="initial weights (.npz, .onnx, .pt), in this order",
    )
    p.add_argument(
        "--teacher",
        help="DeepLab weights (.npz) whose classes the encoder should not forget",
    )
    p.add_argument(
        "--remember", type=float, default=0.05, help="weight of that"
    )
    p.add_argument(
        "--design",
        default="mobile",
        choices=("mobile", "plain", "residual"),
        help="the network",
    )
    p.add_argument(
        "--distil",
        help="checkpoint of a network whose masks are to be learned, too",
    )
    p.add_argument(
        "--distil-where",
        default="all",
        choices=("all", "good"),
        help="good: on pictures as they are, and by how well it does each kind",
    )
    p.add_argument(
        "--distil-weight", type=float, default=1.0, help="weight of that"
    )
    p.add_argument("--steps", type=int, default=5000)
    p.add_argument("--batch", type=int, default=24)
    p.add_argument(
        "--lr",
        type=float,
        default=2e-3,
        help="part of a weight that one step moves",
    )
    p.add_argument(
        "--decay",
        type=float,
        default=0.6,
        help="part of the steps over which the rate falls",
    )
    p.add_argument(
        "--int8",
        type=float,
        default=0.0,
        metavar="PART",
        help="of the steps, the last, in which weights and values are rounded as in int8",
    )
    p.add_argument(
        "--often",
        type=float,
        default=1.0,
        help="how often pictures are composed or spoilt; less near the end",
    )
    p.add_argument(
        "--share",
        type=share,
        action="append",
        default=[],
        metavar="KIND=PART",
        help="how often pictures of a kind are drawn, in place of SHARES in data.py",
    )
    p.add_argument(
        "--whole",
        type=float,
        default=0.5,
        metavar="PART",
        help="of the batches that mostly show all of each picture, with nothing composed",
    )
    p.add_argument(
        "--side",
        type=int,
        default=288,
        choices=sorted(data.SHAPES),
        help="pictures of about the area of its square",
    )
    p.add_argument(
        "--stem",
        type=int,
        default=32,
        choices=sorted(OUT),
        help="encoder: 32 is MobileNetV2 1.0, 16 0.5",
    )
    p.add_argument(
        "--freeze",
        type=int,
        default=3,
        help="blocks at the start of the encoder that stay as they are",
    )
    p.add_argument(
        "--normalise",
        action="store_true",
        help="with batch normalisation, which checkpoints have folded in when they are read",
    )
    p.add_argument(
        "--bf16",
        default="auto",
        choices=("auto", "on", "off"),
        help="compute in bfloat16; auto measures a step of both",
    )
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--save-every", type=int, default=200)
    p.add_argument(
        "--val-part", type=int, default=1, help="measure one picture of so many"
    )
    p.add_argument(
        "--skip-first",
        action="store_true",
        help="do not measure what training starts from",
    )
    p.add_argument("--val-every", type=int, default=500)
    a = p.parse_args()
    if a.int8 and a.design != "mobile":
        p.error("--int8 is for the mobile design")
    torch.set_flush_denormal(
        True
    )  # before other threads begin, which then do so, too
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(1)
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "pid"), "w") as f:
        f.write(f"{os.getpgrp()}\n")
    Training(a).run()


if __name__ == "__main__":
    main()
