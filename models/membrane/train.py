#!/usr/bin/env python3
"""Trains the membrane network on 25 of the 30 sections in DATA (image/N.png, label/N.png).

One large deformed crop a step, as the paper has it; stops and resumes at any step. The
number of steps is read again from OUT/total when that file is there.
"""
import argparse
import math
import os
import time

import cv2
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

import data
import evaluate
from net import LOST, MEAN, STD, Net


class Crops(IterableDataset):
    def __init__(self, folder, size, seed):
        self.folder, self.size, self.seed = folder, size, seed

    def __iter__(self):
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        sampler = data.Sampler(
            data.load(self.folder, False), self.size, LOST, self.seed
        )
        while True:
            yield tuple(torch.from_numpy(v)[None] for v in sampler.sample())


class Training:
    def __init__(self, a):
        self.a, self.step, self.seconds, self.loss = a, 0, 0.0, None
        self.device = torch.device(
            "cuda" if torch.cuda.is_available() else "cpu"
        )
        torch.manual_seed(a.seed)
        self.net, self.ema = (
            Net(d).to(self.device, memory_format=torch.channels_last)
            for d in (a.dropout, 0)
        )
        self.ema.load_state_dict(self.net.state_dict())
        self.ema.eval()
        self.opt = torch.optim.AdamW(
            self.net.parameters(), lr=a.lr, weight_decay=1e-3
        )
        self.held_out = data.load(a.data, True)
        self.resume()

    def path(self, name):
        return os.path.join(self.a.out, name)

    def resume(self):
        if not os.path.exists(self.path("last.pt")):
            return
        c = torch.load(
            self.path("last.pt"), map_location=self.device, weights_only=False
        )
        for name in ("net", "ema", "opt"):
            getattr(self, name).load_state_dict(c[name])
        self.step, self.seconds = c["step"], c["seconds"]
        print(f"resumed at step {self.step}", flush=True)

    def save(self):
        c = {n: getattr(self, n).state_dict() for n in ("net", "ema", "opt")}
        torch.save(
            c | {"step": self.step, "seconds": self.seconds},
            self.path("last.pt.new"),
        )
        os.replace(self.path("last.pt.new"), self.path("last.pt"))

    def total(self):
        try:
            with open(self.path("total")) as f:
                return int(f.read())
        except (OSError, ValueError):
            return self.a.steps

    def rate(self, total):
        return min(1.0, (self.step + 1) / 50) * (
            0.5 + 0.5 * math.cos(math.pi * min(1.0, self.step / total))
        )

    def advance(self, crop, total):
        x, mask, weight = (v.to(self.device) for v in crop)
        x = ((x[None] - MEAN) / STD).contiguous(
            memory_format=torch.channels_last
        )
        for g in self.opt.param_groups:
            g["lr"] = self.a.lr * self.rate(total)
        with torch.autocast(self.device.type, torch.bfloat16):
            y = self.net(x)
        loss = (
            F.cross_entropy(y.float(), mask.long(), reduction="none") * weight
        ).mean()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.opt.step()
        self.step += 1
        keep = min(0.99, self.step / (self.step + 10))
        with torch.no_grad():
            for a, b in zip(self.ema.parameters(), self.net.parameters()):
                a.lerp_(b, 1 - keep)
        self.loss = (
            loss.item()
            if self.loss is None
            else 0.98 * self.loss + 0.02 * loss.item()
        )

    def run(self):
        a = self.a
        loader = iter(
            DataLoader(
                Crops(a.data, a.crop, a.seed + self.step),
                batch_size=None,
                num_workers=1,
                prefetch_factor=4,
            )
        )
        self.net.train()
        clock = time.time()
        while self.step < self.total():
            self.advance(next(loader), self.total())
            self.seconds += time.time() - clock
            clock = time.time()
            if self.step % 25 == 0:
                print(
                    f"{self.step}/{self.total()} {self.seconds:.0f} s loss {self.loss:.4f}",
                    flush=True,
                )
            if self.step % a.save_every == 0:
                self.save()
                print(evaluate.summary(self.ema, self.held_out), flush=True)
                clock = time.time()
        self.save()
        print(evaluate.summary(self.ema, self.held_out), flush=True)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("data", metavar="DATA")
    p.add_argument(
        "out",
        metavar="OUT",
        help="folder for checkpoints; resumes what is there",
    )
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument(
        "--crop",
        type=int,
        default=572,
        help="input pixels, 12 more than a multiple of 16",
    )
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--save-every", type=int, default=150)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "pid"), "w") as f:
        f.write(f"{os.getpgrp()}\n")
    Training(a).run()


if __name__ == "__main__":
    main()
