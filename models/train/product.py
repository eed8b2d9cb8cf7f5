# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures an exported network with the unetseg program, as the element runs it."""
import json
import os
import shutil
import tempfile

import numpy as np
from PIL import Image

import card
import score
import sheet
from caller import ProgramError, call, find_program
from masks import IGNORE, open_picture

# Edges between many classes move more than one outline does: the IoU of each class
# says what that costs.
CLASSES_AGREE = "0.95"  # least IoU of masks in int8 and f32, of several classes
REFUSED = "int8 will not be used"  # what `unetseg calibrate` says then
MOST_CALIBRATED = 48  # pictures; as many as the program takes


def flat(name):
    """Returns the name of a picture in a folder without folders."""
    return name.replace(os.sep, "_")


class Folder:
    """A folder of kept pictures, upright as PNG, with masks that are white in
    the foreground, or have the channel of each pixel where there are several
    classes. Programs read it as they would any."""

    def __init__(self, found, kept):
        self.place = tempfile.TemporaryDirectory(prefix="unetseg-train.")
        self.path = self.place.name
        self.images = os.path.join(self.path, "images")
        self.masks = os.path.join(self.path, "masks")
        os.makedirs(self.images)
        os.makedirs(self.masks)
        self.found, self.kept = found, kept
        for p in kept:
            name = flat(p.name) + ".png"
            open_picture(p.path).save(os.path.join(self.images, name))
            plane = self.truth(p)
            if found.classes.is_binary:
                outside = (1 if found.classes.inverted else 0, IGNORE)
                plane = 255 * (~np.isin(plane, outside)).astype(np.uint8)
            plane = Image.fromarray(plane.astype(np.uint8))
            plane.save(os.path.join(self.masks, name))

    def truth(self, picture):
        """Returns the channel of each pixel, at the picture's own size."""
        plane = self.found.read_mask(
            picture.name, picture.width, picture.height
        )
        return self.found.classes.table()[plane]


def arithmetic(precision, ranges):
    words = ["--precision", precision]
    if precision == "int8":
        words += ["--calibration", ranges]
    return words


def ask_eval(program, model, folder, words):
    """Returns what `unetseg eval` says."""
    if not folder.found.classes.is_binary:
        words = ["--classes", *words]
    text = call(
        program,
        "eval",
        model,
        *("--images", folder.images, "--masks", folder.masks),
        *("--json", *words),
    )
    return json.loads(text)


def find_classes(program, model, folder, words):
    """Returns {name: channel of each pixel} of `unetseg batch`, and checks the sizes."""
    classes, out = folder.found.classes, os.path.join(folder.path, "out")
    shutil.rmtree(out, ignore_errors=True)
    threshold = "0.5" if classes.is_binary else "0"
    call(
        program,
        *("batch", folder.images, "-o", out, "--to", "masks", "--quiet"),
        *("--model", model, "--threshold", threshold, *words),
    )
    planes = {}
    for base, _, names in os.walk(out):
        for name in names:
            if not name.endswith(".png"):
                continue
            stem = os.path.relpath(base, out).split(os.sep)[0]
            plane = np.array(Image.open(os.path.join(base, name)))
            plane = plane.astype(np.int16) - (not classes.has_background)
            if classes.inverted:
                plane = 1 - plane
            planes[os.path.splitext(stem)[0]] = plane
    return planes


def measure(program, model, folder, words):
    """Returns {"iou": [...], "mean": ..., "each": [(score, picture, mask)]}."""
    classes = folder.found.classes
    planes = find_classes(program, model, folder, words)
    total = np.zeros((classes.count,) * 2, np.int64)
    each = []
    for p in folder.kept:
        plane, truth = planes[flat(p.name)], folder.truth(p)
        plane = np.clip(plane, 0, classes.count - 1).astype(np.uint8)
        own = score.confusion(plane, truth, classes.count)
        total += own
        each.append((score.mean_overlap(own, classes.is_binary), p, plane))
    mean = score.mean_overlap(total, False)
    wrong = 1 - np.trace(total) / max(1, total.sum())
    result = {"iou": score.overlaps(total).tolist(), "mean": mean}
    result.update(each=each, wrong=wrong)
    result["eval"] = ask_eval(program, model, folder, words)
    return result


def calibrate(program, model, found, trained, ranges):
    """Writes the ranges of training pictures; returns None, or what went wrong."""
    step, name = max(1, len(trained) // MOST_CALIBRATED), "training pictures"
    model, ranges = os.path.abspath(model), os.path.abspath(ranges)
    with tempfile.TemporaryDirectory(prefix="unetseg-train.") as folder:
        os.makedirs(os.path.join(folder, name))
        for p in trained[::step][:MOST_CALIBRATED]:
            path = os.path.join(folder, name, flat(p.name) + ".png")
            open_picture(p.path).save(path)
        words = ["calibrate", model, name, "-o", ranges]
        if not found.classes.is_binary:
            words += ["--min-iou", CLASSES_AGREE]
        try:
            said = call(program, *words, folder=folder).strip()
        except ProgramError as e:
            return str(e)
    print(said)
    return "its masks differ too much" if REFUSED in said else None


def print_result(name, result, classes):
    said = result["eval"]
    if classes.is_binary:
        print(
            f"unetseg eval, {name}: foreground IoU {said['foreground_iou'] or 0:.4f},"
            f" boundary IoU {said['boundary_iou'] or 0:.4f}, pixel error"
            f" {result['wrong']:.4f}"
        )
    else:
        print(
            f"unetseg eval, {name}: mIoU {said['miou']:.4f} over"
            f" {len(said['classes'])} classes, pixel error"
            f" {said['pixel_error']:.4f}"
        )
        for label, iou in zip(classes.labels, result["iou"]):
            print(f"  {label} {iou:.4f}")


def measure_all(program, found, trained, kept, a):
    """Calibrates, measures in f32 and int8, and writes the sheet. Returns
    {precision: result}; what the program refuses is said, and left out."""
    root, results = os.path.splitext(a.output)[0], {}
    folder, ways = Folder(found, kept), ["f32"]
    if not a.no_int8:
        wrong = calibrate(program, a.output, found, trained, root + ".ranges")
        if wrong:
            print(f"no int8: {wrong}")
        else:
            ways.append("int8")
    try:
        for way in ways:
            words = arithmetic(way, root + ".ranges")
            results[way] = measure(program, a.output, folder, words)
            print_result(way, results[way], found.classes)
    except ProgramError as e:
        print(f"not measured any further: {program}: {e}")
    if results:
        sheet.write(
            root + ".jpg", found.classes, folder, results["f32"]["each"]
        )
    return results


def finish(found, trained, kept, plan, training, a):
    """Calibrates, measures, and writes sheet and card."""
    root, results = os.path.splitext(a.output)[0], {}
    program = find_program(a.program)
    if program is None:
        print(
            "unetseg is not here: neither measured nor calibrated (--program)"
        )
    else:
        results = measure_all(program, found, trained, kept, a)
    threshold = None
    if found.classes.is_binary:
        threshold = score.best_threshold(
            training.best_net(), found, kept, training.mode
        )
        if found.classes.inverted:
            threshold = 1 - threshold[0], threshold[1]
        print("threshold %.2f has the least pixel error, %.4f" % threshold)
    card.write(
        root + ".md", found, trained, kept, plan, training, results, threshold
    )
    print(f"wrote {a.output}, {root}.md", flush=True)
