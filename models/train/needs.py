# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the modules which a program needs are installed."""
import importlib.util
import sys

# The packages that bring a module: Debian's, PyPI's.
PACKAGES = {
    "torch": ("python3-torch", "torch"),
    "numpy": ("python3-numpy", "numpy"),
    "PIL": ("python3-pil", "pillow"),
    "onnx": ("python3-onnx", "onnx"),
}


def check(program, *modules):
    """Ends the program with the line that installs what is missing."""
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if not missing:
        return
    debian = " ".join(PACKAGES[m][0] for m in missing)
    pypi = " ".join(PACKAGES[m][1] for m in missing)
    sys.exit(
        f"{program}: {', '.join(missing)} not installed for {sys.executable}:"
        f" apt install {debian}, or in a virtual environment: pip install {pypi}"
    )
