#!/usr/bin/env python3
"""Labels pictures that have no mask: what each teacher sees, side by side, for pack.

Teachers are ONNX files with one input (RGB, 0..1) and one mask. A name may stand for several
files of fixed shapes, joined by commas; each picture goes to the one nearest to its aspect.
For each picture, OUT/NAME.npz holds the probabilities of all of them, in bytes, at
the picture's size (long side at most --side). Clips give every n-th frame (--every), which
are written to OUT as pictures, too. What is there already is not made again.
"""
import argparse
import math
import os

import cv2
import numpy as np
import onnxruntime

import metrics
import prepare


class Teacher:
    def __init__(self, paths):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.nets = []
        for path in paths.split(","):
            s = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
            i = s.get_inputs()[0]
            nhwc = i.shape[3] == 3
            hw = i.shape[1:3] if nhwc else i.shape[2:4]
            self.nets.append(
                (
                    s,
                    i.name,
                    nhwc,
                    tuple(hw) if all(isinstance(v, int) for v in hw) else None,
                )
            )

    def __call__(self, image):
        h, w = image.shape[:2]
        s, name, nhwc, fixed = min(
            self.nets,
            key=lambda n: abs(math.log(n[3][1] / n[3][0] * h / w))
            if n[3]
            else 0,
        )
        y, x = fixed or metrics.shape_for(h, w, 288)
        less = cv2.INTER_AREA if w > x else cv2.INTER_LINEAR
        given = (
            cv2.resize(image, (x, y), interpolation=less)[
                None, :, :, ::-1
            ].astype(np.float32)
            / 255
        )
        out = s.run(
            None,
            {
                name: np.ascontiguousarray(
                    given if nhwc else given.transpose(0, 3, 1, 2)
                )
            },
        )[0]
        p = np.clip(out.reshape(y, x), 0, 1)
        return (
            cv2.resize(p, (w, h), interpolation=cv2.INTER_LINEAR) * 255 + 0.5
        ).astype(np.uint8)


def pictures(paths, out, every):
    for path in paths:
        if os.path.isdir(path):
            for f in sorted(os.listdir(path)):
                yield os.path.splitext(f)[0], lambda f=f: cv2.imread(
                    os.path.join(path, f)
                )
            continue
        clip, n = cv2.VideoCapture(path), 0
        while clip.grab():
            if n % every == 0:
                frame = clip.retrieve()[1]
                name = f"{os.path.splitext(os.path.basename(path))[0]}-{n:04}"
                cv2.imwrite(
                    os.path.join(out, name + ".jpg"),
                    frame,
                    [cv2.IMWRITE_JPEG_QUALITY, 92],
                )
                yield name, lambda: frame
            n += 1


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("out", metavar="OUT")
    p.add_argument("path", nargs="+", metavar="FOLDER|CLIP")
    p.add_argument(
        "--teacher",
        action="append",
        required=True,
        metavar="NAME=FILE[,FILE...]",
    )
    p.add_argument("--every", type=int, default=6)
    p.add_argument("--side", type=int, default=448)
    a = p.parse_args()
    cv2.setNumThreads(1)
    os.makedirs(a.out, exist_ok=True)
    teachers = {k: Teacher(v) for k, v in (t.split("=", 1) for t in a.teacher)}
    for name, read in pictures(a.path, a.out, a.every):
        path = os.path.join(a.out, name + ".npz")
        if os.path.exists(path):
            continue
        image = read()
        if max(image.shape[:2]) > a.side:
            image = prepare.shrink(image, a.side)
        np.savez_compressed(
            path + ".new.npz", **{k: t(image) for k, t in teachers.items()}
        )
        os.replace(path + ".new.npz", path)


if __name__ == "__main__":
    main()
