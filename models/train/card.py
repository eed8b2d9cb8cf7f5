# SPDX-License-Identifier: LGPL-2.1-or-later
"""A card in Markdown: what a network is, what it was trained on, and its numbers."""
import os

import torch

from progress import clock_of

WORDS = {
    "classic": "the U-Net of 2015 (valid convolutions, {weights}, tiles), "
    "{base} channels, {depth} poolings",
    "mobile": "a U-Net on MobileNetV2 1.0 with the decoder of the person network",
    "residual": "a U-Net on residual blocks",
}


def table_of(results, classes):
    """Yields the lines of the numbers."""
    yield "| | " + " | ".join(results) + " |"
    yield "| --- |" + " --- |" * len(results)
    for i, label in enumerate(classes.labels):
        values = (f"{r['iou'][i]:.4f}" for r in results.values())
        yield f"| IoU of {label} | " + " | ".join(values) + " |"
    for title, key in (
        ("mean IoU over all pixels", "mean"),
        ("pixel error", "wrong"),
    ):
        values = (f"{r[key]:.4f}" for r in results.values())
        yield f"| {title} | " + " | ".join(values) + " |"
    for key in ("foreground_iou", "boundary_iou", "false_area", "miou"):
        said = [r["eval"].get(key) for r in results.values()]
        if said and said[0] is not None:
            values = " | ".join(f"{v:.4f}" for v in said)
            yield f"| `unetseg eval`: {key} | {values} |"


def command_of(name, classes, results, ranges):
    words = f"model={name}.onnx"
    if "int8" in results:
        words += f" calibration={ranges}"
    if not classes.is_binary:
        words += " threshold=0"
    return f"    … ! unetseg {words} ! …"


def write(path, found, trained, kept, plan, training, results, threshold):
    classes = found.classes
    name = os.path.splitext(os.path.basename(path))[0]
    sum_of = sum(p.numel() for p in plan.make().parameters())
    weights = "border weights" if plan.borders else "no border weights"
    kind = WORDS[plan.network].format(weights=weights, **plan.as_dict())
    h, w = plan.crop
    lines = [
        f"# {name}",
        "",
        command_of(name, classes, results, name + ".ranges"),
        "",
        f"- Network: {kind}; {sum_of / 1e6:.2f} M parameters.",
        f"- Classes: {', '.join(classes.labels)}.",
        f"- Pictures: {len(trained)} to train, {len(kept)} kept back, "
        f"treated as {plan.kind}; masks were {found.masks.form}.",
        f"- Training: {training.step} steps of {plan.batch} crops of {w}x{h}, "
        f"{clock_of(training.seconds)} on {training.device.type} with "
        f"PyTorch {torch.__version__}; {'bf16' if training.low else 'f32'}.",
    ]
    if plan.start:
        lines.append(f"- Start: the weights of {os.path.basename(plan.start)}.")
    if threshold:
        lines.append(
            "- Threshold with the least pixel error on kept pictures: "
            "%.2f (%.4f)." % threshold
        )
    if results:
        lines += ["", "Kept pictures, at their own size, by the program:", ""]
        lines += table_of(results, classes)
        lines += ["", f"![The worst kept pictures]({name}.jpg)"]
    lines += ["", f"![Curve of the training]({name}.training/curve.svg)", ""]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
