# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the zoo's tables and writes them as a page of the documentation. An
entry holds what is known of one file."""
import statistics

from parts import is_right


def print_row(name, way, entry):
    cells = [name, way]
    if "no_export" in entry:
        cells += ["not exported: " + entry["no_export"][:100]]
    elif "error" in entry:
        cells += ["REFUSED: " + entry["error"]]
    elif "difference" in entry:
        cells += [
            "%.1e%s"
            % (entry["difference"], "" if is_right(entry) else " WRONG")
        ]
        if "ort_self" in entry:
            cells += ["ONNX Runtime from itself %.1e" % entry["ort_self"]]
        if "ms" in entry:
            ratio = entry["ort_ms"] / entry["ms"]
            cells += ["%.2f ms" % entry["ms"], "%.2f ms" % entry["ort_ms"]]
            cells += ["%.2f" % ratio]
        if "openvino_ms" in entry:
            ratio = entry["openvino_ms"] / entry["ms"]
            cells += ["%.2f ms" % entry["openvino_ms"], "%.2f" % ratio]
        elif "openvino_error" in entry:
            cells += ["OpenVINO: " + entry["openvino_error"][:60], ""]
        if "int8_iou" in entry:
            cells += [
                "%.4f" % entry["int8_difference"],
                "%.3f" % entry["int8_iou"],
                "%d in f32" % entry["int8_f32_layers"],
            ]
    print("| " + " | ".join(cells) + " |", flush=True)


def summarise(rows):
    """Prints the counts of networks and files."""
    tried = [row for row in rows if {"difference", "error"} & set(row[2])]
    missing = [row for row in rows if "no_export" in row[2]]
    right = [row for row in tried if is_right(row[2])]
    bad = {row[0] for row in tried if not is_right(row[2])}
    names = {row[0] for row in tried}
    print(
        "%d of %d networks agree, in %d of %d files; %d files were not exported"
        % (
            len(names) - len(bad),
            len(names),
            len(right),
            len(tried),
            len(missing),
        )
    )
    return 1 if bad else 0


def print_families(rows):
    """Prints a line for each family: networks, files, the largest difference,
    the middle ratios of times, and the middle int8 agreement."""
    families = {}
    for name, _, entry in rows:
        if "difference" in entry:
            parts = name.split("-")
            count = 2 if parts[0] == "smp" else 1
            family = families.setdefault("-".join(parts[:count]), [])
            family.append((name, entry))
    print(
        "\n| family | networks | files | largest difference "
        "| ONNX Runtime's time | OpenVINO's time | int8 |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for family, found in families.items():
        print(
            "| %s | %d | %d | %.1e | %s | %s | %s |"
            % (
                family,
                len({name for name, _ in found}),
                len(found),
                max(entry["difference"] for _, entry in found),
                middle_ratio(found, "ort_ms"),
                middle_ratio(found, "openvino_ms"),
                middle_int8([entry for _, entry in found]),
            )
        )


def middle_ratio(found, key):
    """The median of another library's times as multiples of ours."""
    ratios = [e[key] / e["ms"] for _, e in found if key in e and "ms" in e]
    return "%.2f" % statistics.median(ratios) if ratios else ""


def middle_int8(entries):
    found = [e["int8_difference"] for e in entries if "int8_difference" in e]
    return "%.3f" % statistics.median(found) if found else ""


# ---- a page of the documentation ------------------------------------------

HEAD = """# Networks of other packages

`tests/zoo/zoo --build build --made --no-agreement --page docs/zoo.md` writes this page
from the results of the zoo, which [models](models.md#networks-of-other-packages)
describes. The weights are random. Pictures have 128 to 256 pixels a side, those of a
name that ends in a size that size.

- **difference**: the largest difference from ONNX Runtime in f32, relative to the
  largest logit; at most 1e-4 is allowed.
- **ms**: the median time of a run in f32 with two threads, in milliseconds.
  **ONNX Runtime** and **OpenVINO** are their times as multiples of it. Below 1 this
  library is slower, and the number is bold.
- **int8**: what `unetseg calibrate` finds on two pictures after it measured four: the
  mean difference of probabilities from f32, the intersection over union of the masks,
  and the number of layers that stay in f32. A network of random weights has no
  confident regions, so both are worse than those of a trained network.

An empty cell has not been measured.

"""
COLUMNS = (
    "network",
    "export",
    "difference",
    "ms",
    "ONNX Runtime",
    "OpenVINO",
    "int8 difference",
    "int8 IoU",
    "f32 layers",
)


def ratio_cell(entry, key):
    if key not in entry or "ms" not in entry:
        refused = key == "openvino_ms" and "openvino_error" in entry
        return "refused" if refused else ""
    ratio = "%.2f" % (entry[key] / entry["ms"])
    return "**%s**" % ratio if float(ratio) < 1 else ratio


def page_cells(name, way, entry):
    difference = "%.1e" % entry["difference"]
    cells = [name, way, difference if is_right(entry) else difference + " ✗"]
    cells.append("%.1f" % entry["ms"] if "ms" in entry else "")
    cells += [ratio_cell(entry, "ort_ms"), ratio_cell(entry, "openvino_ms")]
    if "int8_iou" not in entry:
        return cells + ["", "", ""]
    cells += ["%.3f" % entry["int8_difference"], "%.3f" % entry["int8_iou"]]
    return cells + ["%d" % entry["int8_f32_layers"]]


def write_page(path, rows):
    """Writes the table of all files that have been compared. A column that is
    empty in all rows is left out."""
    table = [page_cells(*row) for row in rows if "difference" in row[2]]
    kept = [i for i in range(len(COLUMNS)) if any(cells[i] for cells in table)]
    with open(path, "w", encoding="utf-8") as f:
        f.write(HEAD)
        for cells in (
            COLUMNS,
            ["---" if i < 2 else "---:" for i in range(len(COLUMNS))],
            *table,
        ):
            f.write("| %s |\n" % " | ".join(cells[i] for i in kept))
