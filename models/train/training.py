# SPDX-License-Identifier: LGPL-2.1-or-later
"""The loop of training. It stops and resumes at any step, also after kill -9.

The folder has last.pt (all that the next step needs), best.pt (the weights that were
best on the kept pictures), curve.csv and curve.svg. Files are replaced, never written
over, so that one of both states is there whatever happens.
"""
import math
import os
import time

import torch
from torch.utils.data import DataLoader, IterableDataset

import augment
import losses
import normal
import progress
import score
import start
from checkpoint import average, replace_file
from flat import is_flat
from precision import bf16_is_faster

WARM = 40  # steps until the rate is full
DECAY = 0.8  # of the training, at its end: the rate falls as a cosine
FLAT_END = 0.3  # of the training so far: what is left of one that is flat
ROUNDS = 25  # validations of a training
VALIDATION_SHARE = 0.1  # of the time, at most about that
MOST_VALIDATED = 48  # pictures in training; at the end all are measured
ENCODER_RATE = 0.4  # of the rate, for weights that were trained before
MOST_GRADIENT = 2.0


class Batches(IterableDataset):
    """Samples in worker processes, each with its own numbers."""

    def __init__(self, sampler, batch, seed, threads):
        self.sampler, self.count, self.seed = sampler, batch, seed
        self.threads = threads

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        if worker:
            torch.set_num_threads(1)
        seed = self.seed * 1000 + (worker.id if worker else 0)
        self.sampler.rng.seed(seed)
        torch.manual_seed(seed)
        while True:
            yield self.sampler.batch(self.count)


class Training:
    """A network in training on the pictures `trained`, measured on `kept`."""

    def __init__(self, pictures, trained, kept, plan, folder, a, device):
        self.set, self.kept, self.plan, self.a = pictures, kept, plan, a
        self.folder, self.device = folder, device
        self.mode = "L" if plan.channels == 1 else "RGB"
        self.line = progress.Line()
        self.step, self.seconds, self.loss = 0, 0.0, None
        self.best, self.scores, self.losses = -1.0, [], []
        self.decay_at, self.end = 1 - DECAY, 1.0
        self.next_round, self.crops = 1 / ROUNDS, None
        torch.manual_seed(a.seed)
        self.net, self.ema = plan.make(), plan.make()
        self.sampler = augment.Sampler(
            pictures, plan.kind, plan.crop, self.net.lost, a.seed, plan.borders
        )
        self.sampler.start(trained, self.mode)
        self.balance = losses.class_weights(pictures.classes.shares).to(device)
        if not os.path.exists(self.path("last.pt")):
            self.begin()
        self.net, self.ema = (
            n.to(device, memory_format=torch.channels_last)
            for n in (self.net, self.ema)
        )
        self.ema.eval()
        self.opt = self.make_optimizer()
        self.resume()
        self.low = a.precision == "bf16" or (
            a.precision == "auto" and self.low_is_faster()
        )

    def path(self, name):
        return os.path.join(self.folder, name)

    def begin(self):
        """Takes the weights to start from: of an earlier training here, or shipped."""
        if os.path.exists(self.path("start.pt")):
            self.net.load_state_dict(torch.load(self.path("start.pt")))
            print("starts from the weights of the last training")
        elif self.plan.start:
            x = self.sampler.batch(max(8, self.plan.batch))[0]
            x = (x - self.net.mean) / self.net.std
            share = start.load(self.net, self.plan.start, x[:1])
            start.adapt(self.net, x)
            name = os.path.basename(self.plan.start)
            print(f"{100 * share:.0f} % of the weights are those of {name}")
        self.ema.load_state_dict(self.net.state_dict())

    def make_optimizer(self):
        old = []
        if self.plan.start and hasattr(self.net, "enc"):
            old = list(self.net.enc.parameters()) + list(
                self.net.ctx.parameters()
            )
        ids = {id(p) for p in old}
        new = [p for p in self.net.parameters() if id(p) not in ids]
        groups = [{"params": new, "scale": 1.0}]
        if old:
            groups.append({"params": old, "scale": ENCODER_RATE})
        return torch.optim.AdamW(groups, lr=self.plan.rate, weight_decay=1e-2)

    def low_is_faster(self):
        p = self.plan
        x = torch.rand(1, p.channels, *p.crop, device=self.device)
        x = x.contiguous(memory_format=torch.channels_last)
        net = p.make().to(self.device, memory_format=torch.channels_last)
        return bf16_is_faster(net, x)  # of a batch: one is enough

    # ---- checkpoints --------------------------------------------------------

    def resume(self):
        if not os.path.exists(self.path("last.pt")):
            return
        c = torch.load(self.path("last.pt"), map_location=self.device)
        for name in ("net", "ema", "opt"):
            getattr(self, name).load_state_dict(c[name])
        for name in self.NUMBERS:
            setattr(self, name, c[name])
        print(f"resumed at step {self.step}", flush=True)

    NUMBERS = (
        "step",
        "seconds",
        "loss",
        "best",
        "scores",
        "losses",
        "decay_at",
        "end",
        "next_round",
    )

    def save(self):
        c = {n: getattr(self, n).state_dict() for n in ("net", "ema", "opt")}
        c.update({n: getattr(self, n) for n in self.NUMBERS})
        replace_file(c, self.path("last.pt"))

    # ---- steps --------------------------------------------------------------

    @property
    def share(self):
        """The part of the training that is done, by steps or by time."""
        if self.a.steps:
            return self.step / self.a.steps
        return self.seconds / (60 * self.a.minutes)

    def fall(self):
        """Returns what the rate falls by: from 1 to 0, as a cosine."""
        done = (self.share - self.decay_at) / max(
            1e-6, self.end - self.decay_at
        )
        done = min(1.0, max(0.0, done))
        return 0.5 + 0.5 * math.cos(math.pi * done)

    def rate(self):
        warm = min(1.0, (self.step + 1) / WARM)
        return warm * (0.01 + 0.99 * self.fall())

    def end_soon(self):
        """Lets the rate fall from what it is, so that training ends sooner."""
        done = (self.share - self.decay_at) / (self.end - self.decay_at)
        end = self.share * (1 + FLAT_END)
        if end >= self.end:
            return
        self.end = end
        self.decay_at = self.share
        if done > 0:
            self.decay_at = (self.share - done * end) / (1 - done)
        self.line.show("flat: the rate falls, and training ends", keep=True)

    def advance(self, batch):
        x, classes, weight = (v.to(self.device) for v in batch)
        x = ((x - self.net.mean) / self.net.std).contiguous(
            memory_format=torch.channels_last
        )
        # at the end, samples are what the network gets in use
        self.sampler.plain.fill_(1 - self.fall())
        for g in self.opt.param_groups:
            g["lr"] = self.plan.rate * g["scale"] * self.rate()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.low):
            y = self.net(x)
        loss = losses.loss_of(y.float(), classes, weight, self.balance)
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), MOST_GRADIENT)
        self.opt.step()
        average(self.ema, self.net, self.step)
        self.step += 1
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit("the loss is no number: try a lower --rate")
        self.loss = (
            value if self.loss is None else 0.97 * self.loss + 0.03 * value
        )

    def settle_statistics(self):
        """Gives the averaged weights statistics of their own, where a step has few crops."""
        if self.plan.batch >= normal.FEW_CROPS:
            return
        if self.crops is None:
            plain = self.sampler.plain.item()
            self.sampler.plain.fill_(1)
            self.crops = self.sampler.batch(normal.CROPS)[0]
            self.crops = (self.crops - self.net.mean) / self.net.std
            self.sampler.plain.fill_(plain)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.low):
            normal.measure(self.ema, self.crops, self.device)

    def validate(self):
        """Measures the averaged weights, keeps the best, and draws the curve."""
        clock = time.time()
        self.settle_statistics()
        few = self.kept[:: -(-len(self.kept) // MOST_VALIDATED)]
        matrix = score.validate(
            self.ema, self.set, few, self.mode, self.device, self.low
        )
        value = score.mean_overlap(matrix, self.set.classes.is_binary)
        self.scores.append(value)
        self.losses.append(self.loss or 0.0)
        if value > self.best:
            self.best = value
            replace_file(self.ema.state_dict(), self.path("best.pt"))
        if self.end == 1.0 and is_flat(self.scores, self.losses):
            self.end_soon()
        row = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "loss": f"{self.loss or 0:.4f}",
            "score": f"{value:.4f}",
        }
        progress.append_row(self.path("curve.csv"), row)
        progress.write_curve(self.path("curve.csv"), self.path("curve.svg"))
        self.show(keep=True)
        took = (time.time() - clock) / max(self.seconds, 1e-3) * self.share
        self.next_round = self.share + max(1 / ROUNDS, took / VALIDATION_SHARE)
        self.save()

    def show(self, keep=False):
        last = self.scores[-1] if self.scores else None
        text = progress.describe(
            self.step,
            self.share / self.end,
            self.seconds,
            self.loss,
            last,
            self.best,
        )
        self.line.show(text, keep)

    def run(self):
        loader = DataLoader(
            Batches(
                self.sampler,
                self.plan.batch,
                self.a.seed + self.step,
                self.a.threads,
            ),
            batch_size=None,
            num_workers=self.a.workers,
        )
        batches = iter(loader)
        self.net.train()
        clock = saved = time.time()
        while self.share < self.end:
            self.advance(next(batches))
            now = time.time()
            self.seconds += now - clock
            clock = now
            self.show()
            if self.share >= self.next_round or self.share >= self.end:
                self.validate()
                saved = clock = time.time()
            elif now - saved > self.a.save_every:
                self.save()
                saved = clock = time.time()
        if not os.path.exists(self.path("best.pt")):
            replace_file(self.ema.state_dict(), self.path("best.pt"))

    def best_net(self):
        net = self.plan.make().eval()
        net.load_state_dict(
            torch.load(self.path("best.pt"), map_location="cpu")
        )
        return net
