# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lets tests and benchmarks use ONNX Runtime: installs the pinned
onnxruntime-node from npm into a cache folder and talks to ort.mjs."""
import json
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """ONNX Runtime cannot be installed here."""


class Failed(Exception):
    """A server answered with an error, or ended."""


def default_folder():
    """Returns the folder in which node_modules is or will be."""
    given = os.environ.get("UNETSEG_NODE_MODULES")
    if given:
        return os.path.dirname(os.path.abspath(given))
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "unetseg", "npm")


def installed_version(folder):
    path = os.path.join(folder, "node_modules/onnxruntime-node/package.json")
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)["version"]
    except (OSError, ValueError, KeyError):
        return None


def wanted_version():
    with open(os.path.join(HERE, "package.json"), encoding="utf-8") as f:
        return json.load(f)["dependencies"]["onnxruntime-node"]


def install(timeout=240):
    """Returns a folder whose node_modules has onnxruntime-node. Installs it if
    it is missing."""
    folder = default_folder()
    npm = shutil.which("npm")
    if not shutil.which("node"):
        raise Missing("node is not installed")
    if installed_version(folder) == wanted_version():
        return folder
    if not npm:
        raise Missing("npm is not installed")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, "package.json"), folder)
    # The package has its CPU library, and its script would fetch CUDA's.
    command = [
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--fetch-retries=1",
        "--fetch-timeout=60000",
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            timeout=timeout,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        raise Missing("npm did not answer within %d s" % timeout) from None
    if installed_version(folder) != wanted_version():
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(
            "npm cannot install onnxruntime-node: "
            + (lines[0] if lines else "no message")
        )
    return folder


class Server:
    """A process that speaks the line protocol of ort.mjs and runner.c."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, **(env or {})),
        )

    def ask(self, *words):
        line = " ".join(str(w) for w in words)
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed("%s: the process ended" % line)
        if answer.startswith("error"):
            raise Failed("%s: %s" % (line, answer[6:].strip()))
        return answer.split()

    def close(self):
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def server(folder):
    return Server(
        ["node", os.path.join(HERE, "ort.mjs")], {"ORT_FOLDER": folder}
    )
