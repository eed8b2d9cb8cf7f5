#!/usr/bin/env python3
"""Measures person networks: tables per kind of picture, at the pictures' own size.

MODEL is a checkpoint (.pt), or an ONNX file with one input and a mask with the sigmoid
inside. What has a fixed input shape gets pictures stretched to it; what has not, in
their own aspect at the area of --side squared. Without --images it measures the
validation pictures that prepare.py set aside (--pack tells which those are).
"""
import argparse
import json
import os

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
        p.name: p.mask == 2 for p in load_pack(pack, True) if p.kind == "street"
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
    a = p.parse_args()
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
