"""What the tables show, and the input shape a picture is given."""
import math

import cv2
import numpy as np


def shape_for(height, width, side=256, multiple=32):
    """Input (height, width) as the element picks it: about the area of side x side, near the
    picture's aspect; lost area counts as much as distortion, area won half as much.
    """

    def cost(h, w):
        growth = math.log(h * w / side**2)
        return abs(math.log(w / h * height / width)) + max(-growth, growth / 2)

    h = side * math.sqrt(height / width)
    tries = [
        [max(1, f(v / multiple)) * multiple for f in (math.floor, math.ceil)]
        for v in (h, h * width / height)
    ]
    return min(
        ((y, x) for y in tries[0] for x in tries[1]), key=lambda s: cost(*s)
    )


def iou(a, b):
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def band(mask, width):
    """The pixels of the mask at most `width` from its outline; the picture's border is one too."""
    m = cv2.copyMakeBorder(
        mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0
    )
    inner = cv2.erode(m, np.ones((3, 3), np.uint8), iterations=width)
    return mask & ~inner[1:-1, 1:-1].astype(bool)


def measure(probability, truth, ignore=None):
    """Numbers for one picture; truth is a boolean mask at the picture's own size."""
    h, w = truth.shape
    p = cv2.resize(probability, (w, h), interpolation=cv2.INTER_LINEAR)
    found = p > 0.5
    unsure = float(((p > 0.2) & (p < 0.8)).mean())
    if ignore is not None:
        found = found & (ignore == 0)
    if not truth.any():
        return {"false_area": float(found.mean()), "unsure": unsure}
    width = max(1, round(0.02 * math.hypot(h, w)))
    fore = iou(found, truth)
    return {
        "foreground_iou": fore,
        "miou": (fore + iou(~found, ~truth)) / 2,
        "boundary_iou": iou(band(found, width), band(truth, width)),
        "poor": fore < 0.9,
        "unsure": unsure,
    }


def means(rows):
    """Means over pictures of [{name: number}]."""
    keys = sorted({k for r in rows for k in r})
    return {k: float(np.mean([r[k] for r in rows if k in r])) for k in keys} | {
        "pictures": len(rows)
    }
