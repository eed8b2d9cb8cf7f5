# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows how far a training is: a line in the terminal, and a curve as SVG."""
import csv
import os
import sys


def clock_of(seconds):
    """Returns a time as 1:02:03 or 2:03."""
    m, s = divmod(int(seconds + 0.5), 60)
    h, m = divmod(m, 60)
    return f"{h}:{m:02}:{s:02}" if h else f"{m}:{s:02}"


class Line:
    """One line that is written again and again. Where the output is no terminal,
    only results of validation are printed, each on its own line."""

    def __init__(self, out=sys.stdout):
        self.out, self.terminal, self.length = out, out.isatty(), 0

    def show(self, text, keep=False):
        if not self.terminal:
            if keep:
                print(text, file=self.out, flush=True)
            return
        blank = " " * max(0, self.length - len(text))
        end = "\n" if keep else ""
        self.out.write("\r" + text + blank + end)
        self.out.flush()
        self.length = 0 if keep else len(text)


def bar(share, width=24):
    full = int(share * width)
    return "[" + "#" * full + "." * (width - full) + "]"


def describe(step, share, seconds, loss, score, best):
    """Returns the text of the line."""
    left = seconds * (1 - share) / share if share > 0.01 else None
    words = [bar(min(1, share)), f"{100 * min(1, share):3.0f} %"]
    words.append(f"step {step}, {clock_of(seconds)} done")
    words.append(f"{clock_of(left)} left" if left is not None else "")
    words.append(f"loss {loss:.3f}" if loss is not None else "")
    if score is not None:
        words.append(f"IoU {score:.4f} (best {best:.4f})")
    return "  ".join(w for w in words if w)


def append_row(path, row):
    """Adds a line to a table of values separated by commas."""
    fresh = not os.path.exists(path)
    with open(path, "a", newline="") as f:
        table = csv.DictWriter(f, row)
        if fresh:
            table.writeheader()
        table.writerow(row)


def read_rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 330"
 font-family="sans-serif" font-size="12">
<rect width="640" height="330" fill="white"/>
{grid}
<polyline fill="none" stroke="#b0413e" stroke-width="1.5" points="{loss}"/>
<polyline fill="none" stroke="#20639b" stroke-width="2" points="{score}"/>
<text x="60" y="22" fill="#20639b">IoU of kept pictures, {last:.4f}</text>
<text x="300" y="22" fill="#b0413e">loss, 0 to {top:.2f}</text>
<text x="600" y="324" text-anchor="end">minutes of training</text>
</svg>
"""


def write_curve(table, path):
    """Draws the curve of a table as an SVG file."""
    rows = read_rows(table)
    if not rows:
        return
    x = [float(r["seconds"]) / 60 for r in rows]
    score = [float(r["score"]) for r in rows]
    loss = [float(r["loss"]) for r in rows]
    end, top = max(x[-1], 1e-6), max(loss + [1e-6])

    def place(minute, share):
        return 50 + 560 * minute / end, 290 - 250 * share

    grid = []
    for i in range(6):
        (x0, y), (x1, _) = place(0, i / 5), place(end, i / 5)
        grid.append(
            f'<path d="M{x0} {y:.0f}H{x1}" stroke="#ddd"/>'
            f'<text x="44" y="{y + 4:.0f}" text-anchor="end">{i / 5:.1f}</text>'
        )
        column, _ = place(end * i / 5, 0)
        grid.append(
            f'<text x="{column:.0f}" y="305" text-anchor="middle">'
            f"{end * i / 5:.3g}</text>"
        )

    def line(values):
        points = (place(m, v) for m, v in zip(x, values))
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)

    text = SVG.format(
        grid="\n".join(grid),
        loss=line([v / top for v in loss]),
        score=line(score),
        last=score[-1],
        top=top,
    )
    with open(path, "w") as f:
        f.write(text)
