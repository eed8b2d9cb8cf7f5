# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sheet of the worst pictures: as they are, the true mask, and the one found."""
import numpy as np
from PIL import Image, ImageDraw

from masks import IGNORE, open_picture

SIDE, WORST, GAP = 220, 12, 4  # pixels of a picture, pictures, pixels between


def paint(image, plane, classes, opacity=0.55):
    """Returns the picture with its classes drawn in; unknown pixels are dark."""
    out = np.asarray(image, np.float32).copy()
    for channel, color in enumerate(classes.colors):
        if color:
            rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
            at = plane == channel
            out[at] = out[at] * (1 - opacity) + np.float32(rgb) * opacity
    out[plane == IGNORE] *= 0.3
    return Image.fromarray(out.astype(np.uint8))


def shrink(image, side=SIDE):
    w, h = image.size
    s = side / max(w, h)
    return image.resize((max(1, round(w * s)), max(1, round(h * s))))


def write(path, classes, folder, each):
    """Writes rows of three, the worst first, two rows beside each other."""
    worst = sorted(each, key=lambda e: e[0])[:WORST]
    rows = []
    for value, picture, plane in worst:
        image = open_picture(picture.path)
        parts = [image, paint(image, folder.truth(picture), classes)]
        parts.append(paint(image, plane, classes))
        rows.append((f"{value:.3f} {picture.name}", [shrink(p) for p in parts]))
    high = max(p.size[1] for _, parts in rows for p in parts) + 16
    wide = 3 * SIDE + 4 * GAP
    out = Image.new("RGB", (2 * wide, high * -(-len(rows) // 2)), "white")
    draw = ImageDraw.Draw(out)
    for n, (text, parts) in enumerate(rows):
        x, y = n % 2 * wide, n // 2 * high
        draw.text((x + GAP, y + 2), text[:60], "black")
        for i, part in enumerate(parts):
            out.paste(part, (x + GAP + i * (SIDE + GAP), y + 14))
    out.save(path, quality=85)
