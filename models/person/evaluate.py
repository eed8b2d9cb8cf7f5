#!/usr/bin/env python3
"""Measures person networks: tables per kind of picture, at the pictures' own size.

MODEL is a checkpoint (.pt), or an ONNX file with one input and a mask with the sigmoid
inside. What has a fixed input shape gets pictures stretched to it; what has not, in
their own aspect at the area of --side squared. Without --images it measures the
validation pictures that prepare.py set aside (--pack tells which those are).

With --program the program itself measures, `unetseg eval`, and a Markdown table comes out: each
ONNX file in f32, and in int8 where its ranges lie beside it (NAME.ranges). --more names
further folders with images and masks in them.
"""
import argparse
import json
import os
import subprocess
import tempfile

import cv2
import numpy as np

import metrics
import prepare
from data import load_pack


class Torch:
    def __init__(self, path, side):
        import torch
        from net import MULTIPLE, trained

        self.torch, self.side, self.multiple = torch, side, MULTIPLE
        self.net = trained(path)

    def shape(self, h, w):
        return metrics.shape_for(h, w, self.side, self.multiple)

    def run(self, x):
        with self.torch.no_grad():
            return (
                self.net(
                    self.torch.from_numpy(x.transpose(2, 0, 1).copy())[None]
                )
                .sigmoid()[0, 0]
                .numpy()
            )


class Onnx:
    def __init__(self, path, side):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self.input, self.side = self.session.get_inputs()[0], side
        self.nhwc = self.input.shape[3] == 3
        hw = self.input.shape[1:3] if self.nhwc else self.input.shape[2:4]
        self.fixed = tuple(hw) if all(isinstance(v, int) for v in hw) else None
        meta = self.session.get_modelmeta().custom_metadata_map
        self.multiple = int(meta.get("unetseg.multiple", 32))

    def shape(self, h, w):
        return self.fixed or metrics.shape_for(h, w, self.side, self.multiple)

    def run(self, x):
        x = x[None] if self.nhwc else x.transpose(2, 0, 1)[None]
        y = self.session.run(None, {self.input.name: np.ascontiguousarray(x)})[
            0
        ]
        return y.reshape([v for v in y.shape if v > 1])


def load(path, side):
    return (Onnx if path.endswith(".onnx") else Torch)(path, side)


def infer(model, image):
    """Probability at model resolution for a BGR picture."""
    h, w = model.shape(*image.shape[:2])
    x = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    return model.run(x.astype(np.float32) / 255)


def validation(data, pack):
    z = np.load(pack)
    names = set(z["name"][z["val"]])
    return [p for p in prepare.pictures(data) if p[1] in names]


def bystanders(pack):
    """Of street pictures by name: where a teacher is sure of somebody whose mask was not drawn."""
    return {
        p.name: p.ignore > 0
        for p in load_pack(pack, True)
        if p.kind == "street" and p.ignore is not None
    }


def folder(images, masks, kind):
    """Pictures of a folder; a missing mask means that nobody is there."""
    for f in sorted(os.listdir(images)):
        mask = masks and os.path.join(masks, os.path.splitext(f)[0] + ".png")
        yield kind, f, os.path.join(images, f), mask if mask and os.path.exists(
            mask
        ) else None


def without(probability, truth, left_out):
    """Foreground IoU where nothing is left out of the count."""
    h, w = truth.shape
    found = (
        cv2.resize(probability, (w, h), interpolation=cv2.INTER_LINEAR) > 0.5
    )
    counts = (
        cv2.resize(
            left_out.astype(np.uint8), (w, h), interpolation=cv2.INTER_NEAREST
        )
        == 0
    )
    return metrics.iou(found & counts, truth & counts)


def measure(model, pictures, left_out={}):
    rows = {}
    for kind, name, image_path, mask_path in pictures:
        image = cv2.imread(image_path)
        truth = np.zeros(image.shape[:2], bool)
        if mask_path:
            truth = cv2.imread(mask_path, cv2.IMREAD_GRAYSCALE) > 127
        probability = infer(model, image)
        row = metrics.measure(probability, truth)
        if name in left_out:
            row["without_bystanders"] = without(
                probability, truth, left_out[name]
            )
        rows.setdefault(kind, []).append(row)
    return {k: metrics.means(v) for k, v in rows.items()}


def lay_out(pictures, more, folder):
    """Folders of pictures and masks, one for each kind, as `unetseg eval` takes them."""
    kinds = []
    for kind, name, image, mask in pictures:
        if kind not in kinds:
            kinds.append(kind)
        for sub, path in (("images", image), ("masks", mask)):
            if path:
                os.makedirs(os.path.join(folder, kind, sub), exist_ok=True)
                link = os.path.join(
                    folder,
                    kind,
                    sub,
                    name.replace("/", "-") + os.path.splitext(path)[1],
                )
                os.symlink(os.path.abspath(path), link)
    for path in more:
        kinds.append(os.path.basename(path.rstrip("/")))
        os.symlink(os.path.abspath(path), os.path.join(folder, kinds[-1]))
    return kinds


def ask(program, model, precision, folder):
    """What the program measures, with the count of pictures below 0.9."""
    command = [
        program,
        "eval",
        model,
        "--images",
        os.path.join(folder, "images"),
        "--precision",
        precision,
    ]
    command += ["--each", "--json"]
    if os.path.isdir(os.path.join(folder, "masks")):
        command += ["--masks", os.path.join(folder, "masks")]
    if precision == "int8":
        command += [
            "--calibration",
            os.path.splitext(model)[0] + ".ranges",
            "--min-iou",
            "0",
        ]
    r = json.loads(
        subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout
    )
    r["poor"] = sum((e.get("foreground_iou") or 1) < 0.9 for e in r["each"])
    return r


def table(a):
    names = {m: os.path.splitext(os.path.basename(m))[0] for m in a.model}
    columns = [(m, "f32") for m in a.model]
    columns += [
        (m, "int8")
        for m in a.model
        if os.path.exists(os.path.splitext(m)[0] + ".ranges")
    ]
    with tempfile.TemporaryDirectory() as folder:
        kinds = lay_out(
            validation(a.data, a.pack) if a.data else [], a.more, folder
        )
        print(
            "| kind (pictures) |",
            " | ".join(f"{names[m]}, {p}" for m, p in columns),
            "|",
        )
        print("| --- |" + " --- |" * len(columns))
        for kind in kinds:
            rows = [
                ask(a.program, *c, os.path.join(folder, kind)) for c in columns
            ]
            if rows[0]["foreground_iou"] is None:
                cells = [f"{r['false_area']:.4f}" for r in rows]
            else:
                cells = [
                    f"{r['foreground_iou']:.4f} / {r['boundary_iou']:.3f} / {r['poor']}"
                    for r in rows
                ]
            print(
                f"| {kind} ({rows[0]['pictures'] or rows[0]['empty_pictures']}) |",
                " | ".join(cells),
                "|",
                flush=True,
            )


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", nargs="+", metavar="MODEL")
    p.add_argument("--data", help="folder that prepare.py packed")
    p.add_argument("--pack", help="its pack")
    p.add_argument("--images", help="measure the pictures of this folder")
    p.add_argument("--masks", help="with these masks")
    p.add_argument("--side", type=int, default=288)
    p.add_argument("--json", action="store_true")
    p.add_argument("--program", help="unetseg, which then measures")
    p.add_argument(
        "--more",
        action="append",
        default=[],
        metavar="FOLDER",
        help="with images and masks in it",
    )
    a = p.parse_args()
    if a.program:
        table(a)
        return
    cv2.setNumThreads(1)
    results = {}
    for path in a.model:
        pictures = validation(a.data, a.pack) if a.data else []
        left_out = bystanders(a.pack) if a.data else {}
        if a.images:
            pictures += folder(
                a.images, a.masks, os.path.basename(a.images.rstrip("/"))
            )
        results[path] = measure(load(path, a.side), pictures, left_out)
    if a.json:
        print(json.dumps(results, indent=1))
        return
    for path, kinds in results.items():
        print(path)
        for k, r in kinds.items():
            print(
                f"  {k:12}",
                *(
                    f"{n} {v:.4f}" if n != "pictures" else f"({v})"
                    for n, v in r.items()
                ),
            )


if __name__ == "__main__":
    main()
