"""How the person network's weights move: the rate over the steps, and Adam in proportion."""
import math

import torch


def rate(step, total, decay, warm=60):
    start = total * (1 - decay)
    if step < start:
        return min(1.0, (step + 1) / warm)
    return 0.5 + 0.5 * math.cos(
        math.pi * min(1.0, (step - start) / (total - start))
    )


class Relative(torch.optim.Optimizer):
    """Adam whose steps are parts of what a row of weights has, with `lr` for that part.

    With normalisation folded in, the weights of one network lie between 0.005 and 20: steps of one
    size leave some as they are and ruin others. A row is what one output channel is computed from;
    a bias moves as if its channel were of the size of 0.3.
    """

    def __init__(self, params, lr, betas=(0.9, 0.99)):
        super().__init__(params, {"lr": lr, "betas": betas, "scale": 1.0})

    @staticmethod
    def sizes(p):
        if hasattr(p, "deviation"):  # of what a normalised channel has
            return p.deviation.detach().abs().clamp(min=0.02)
        if p.dim() < 2:
            return torch.full_like(p, 0.3)
        r = (
            p.detach()
            .square()
            .mean(tuple(range(1, p.dim())), keepdim=True)
            .sqrt()
        )
        middle = r.median()
        return r.clamp(middle / 4, middle * 4)

    @torch.no_grad()
    def step(self, closure=None):
        for g in self.param_groups:
            b1, b2 = g["betas"]
            for p in g["params"]:
                if p.grad is None:
                    continue
                s = self.state[p]
                if not s:
                    s["step"], s["m"], s["v"] = (
                        0,
                        torch.zeros_like(p),
                        torch.zeros_like(p),
                    )
                if s["step"] % 100 == 0:
                    s["size"] = self.sizes(p)
                s["step"] += 1
                n = s["step"]
                s["m"].lerp_(p.grad, 1 - b1)
                s["v"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                move = s["m"] / (s["v"].sqrt() * (1 - b2**n) ** -0.5 + 1e-10)
                p.addcmul_(move, s["size"], value=-g["lr"] / (1 - b1**n))


def freeze(net, blocks):
    """The first blocks stay as ImageNet left them: they cost most and change least."""
    if blocks and hasattr(net, "enc"):
        for part in [net.enc.st, *net.enc.b[:blocks]]:
            part.requires_grad_(False)


def groups(net, lr):
    """The parameters that learn; those of a start that knows pictures learn more slowly."""
    if not hasattr(net, "enc"):
        return torch.optim.AdamW(
            [{"params": net.parameters(), "scale": 1.0}],
            lr=lr,
            weight_decay=1e-2,
        )
    old = {id(p) for m in (net.enc, net.ctx, net.sem) for p in m.parameters()}
    named = [p for p in net.parameters() if p.requires_grad]
    return Relative(
        [
            {"params": [p for p in named if id(p) in old], "scale": 0.4},
            {"params": [p for p in named if id(p) not in old], "scale": 1.0},
        ],
        lr,
    )
