# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes files of the zoo. The script `zoo` runs it with the zoo's own Python.

    make.py FOLDER WAYS NAME…
    make.py --list

Each network becomes a FOLDER/NAME@WAY.onnx for each way to export, separated by
commas. A way that fails leaves a FOLDER/NAME@WAY.txt with the message. Files
that are there are kept."""
import os
import signal
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "networks"))
import torch  # noqa: E402
import catalog  # noqa: E402
import export  # noqa: E402
import weights  # noqa: E402

# Seconds for one export, several times what the largest takes.
PATIENCE = 300


def first_line(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def give_up(*_):
    raise TimeoutError("not done within %d s" % PATIENCE)


def make(name, entry, folder, ways):
    """Makes the missing files of one network."""
    base = os.path.join(folder, name + "@")
    todo = [
        way
        for way in ways
        if not os.path.exists(base + way + ".onnx")
        and not os.path.exists(base + way + ".txt")
    ]
    if not todo:
        return
    network = None
    for way in todo:
        signal.alarm(PATIENCE)
        try:
            if network is None:
                network = entry.make(entry.size)
                pictures = catalog.pictures(4, entry.size)
                weights.settle(network, pictures)
            export.export(network, pictures[:1], base + way + ".onnx", way)
        except Exception as error:  # torch's exporters raise many kinds
            with open(base + way + ".txt", "w", encoding="utf-8") as f:
                f.write(first_line(error) + "\n")
        signal.alarm(0)


def main():
    torch.set_num_threads(1)
    entries = catalog.entries()
    if sys.argv[1:] == ["--list"]:
        print("\n".join(entries))
        return
    signal.signal(signal.SIGALRM, give_up)
    folder, ways, names = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    for name in names or entries:
        make(name, entries[name], folder, ways)


if __name__ == "__main__":
    main()
