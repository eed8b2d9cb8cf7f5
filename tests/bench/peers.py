# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs other engines from PyPI into a folder of their own, and starts them
as servers of the line protocol (peer.py)."""
import os
import subprocess
import sys

import ort

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = {
    "openvino": ("openvino",),
    "ncnn": ("ncnn", "pnnx"),
    "litert": ("ai-edge-litert",),
}


def python():
    """Returns the interpreter that has, or will have, the packages.
    UNETSEG_PEERS names another virtual environment."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.environ.get("UNETSEG_PEERS") or os.path.join(
        base, "unetseg", "peers"
    )
    return os.path.join(folder, "bin", "python3")


def run(command, what, timeout=600):
    try:
        done = subprocess.run(
            command, timeout=timeout, text=True, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ort.Missing("%s: %s" % (what, error)) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ort.Missing("%s: %s" % (what, lines[-1] if lines else "failed"))
    return done.stdout


def version(name):
    """Returns the version of the package, or None where it is not installed."""
    code = "import importlib.metadata as m; print(m.version(%r))" % (
        PACKAGES[name][0]
    )
    try:
        return run([python(), "-c", code], name, 60).strip()
    except ort.Missing:
        return None


def install(names):
    """Installs the packages of @names that are missing."""
    missing = [name for name in names if version(name) is None]
    if not missing:
        return
    folder = os.path.dirname(os.path.dirname(python()))
    if not os.path.exists(python()):
        run([sys.executable, "-m", "venv", folder], "venv")
    packages = [p for name in missing for p in PACKAGES[name]]
    run([python(), "-m", "pip", "install", "-q", "numpy", *packages], "pip")


def server(name):
    return ort.Server([python(), os.path.join(HERE, "peer.py"), name])
