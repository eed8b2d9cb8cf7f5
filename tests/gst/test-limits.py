#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-limits.py PLUGINS MODEL PLAYER: runs the element under limits of the
system. PLAYER plays a pipeline; gst-launch-1.0 hangs by itself where an error
comes before its main loop runs.

Runs a pipeline in an address space of 150 to 600 MB and with few threads. It
passes frames or says what is missing; it never aborts, crashes or hangs."""
import os
import resource
import subprocess
import sys
import tempfile

plugins, model, player = sys.argv[1:4]
FRAMES = 4
HANGS = 1000  # instead of an exit status


def make_registry():
    """Lets GStreamer scan its plugins without limits, since that needs more
    memory."""
    subprocess.run(
        ["gst-inspect-1.0", "unetseg"],
        env=dict(os.environ, GST_PLUGIN_PATH=plugins, GST_REGISTRY=registry),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def run(limits, threads):
    counts = any(kind == resource.RLIMIT_NPROC for kind, _ in limits)

    def set_limits():
        for kind, value in limits:
            resource.setrlimit(kind, (value, value))
        if counts:
            os.setuid(54321)

    command = [
        player,
        "videotestsrc",
        f"num-buffers={FRAMES}",
        "!",
        "video/x-raw,format=RGB,width=320,height=240",
        "!",
        "unetseg",
        f"model={model}",
        f"threads={threads}",
        "async=false",
        "!",
        "fakesink",
    ]
    environment = dict(
        os.environ,
        GST_PLUGIN_PATH=plugins,
        GST_REGISTRY=registry,
        GST_REGISTRY_UPDATE="no",
        LC_ALL="C",
    )
    if counts:
        environment["HOME"] = environment["XDG_CACHE_HOME"] = "/nonexistent"
    try:
        return subprocess.run(
            command,
            env=environment,
            preexec_fn=set_limits,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=40,
        )
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(
            command, HANGS, "", (late.stderr or b"").decode(errors="replace")
        )


def can_read(user, path):
    """Returns whether a user other than root can read a file; false without a
    user."""
    if user is None:
        return False
    child = os.fork()
    if child == 0:
        os.setuid(user)
        os._exit(not os.access(path, os.R_OK))
    return os.waitpid(child, 0)[1] == 0


def has_no_source(result):
    """Returns whether GStreamer waits for ever for the thread of the source,
    which it got neither memory nor permission for."""
    return (
        result.returncode == HANGS
        and "GStreamer-WARNING" in result.stderr
        and "failed to create thread" in result.stderr
    )


def judge(result):
    """Returns a text about the fault of the run, or nothing."""
    if result.returncode == HANGS:
        return "hangs " + result.stderr[-400:]
    output = result.stdout + result.stderr
    if result.returncode < 0:
        return f"ended by signal {-result.returncode}: {output[-400:]}"
    for sign in ("libgomp:", "GLib-ERROR", "terminate called", "core dumped"):
        if sign in output:
            return f"{sign} {output[-400:]}"
    if (
        result.returncode != 0
        and "ERROR" not in output
        and "error" not in output
    ):
        return f"fails without a message: {output[-400:]}"
    return None


def main():
    cases = [
        (
            f"address space of {mb} MB, {threads} threads",
            [(resource.RLIMIT_AS, mb << 20)],
            threads,
        )
        for mb in range(150, 601, 50)
        for threads in (1, 4)
    ]
    # A limit of threads counts all threads of a user and does not hold for
    # root. With fewer than 4, GStreamer hangs without unetseg.
    user = 54321 if os.geteuid() == 0 else None
    cases += [
        (f"{n} threads at most", [(resource.RLIMIT_NPROC, n)], 8)
        for n in (4, 5, 6, 8, 12, 16)
    ]
    reaches = all(can_read(user, path) for path in (model, plugins, player))
    make_registry()
    passed = 0
    print(f"1..{len(cases) + 1}")
    for number, (name, limits, threads) in enumerate(cases, 1):
        if limits[0][0] == resource.RLIMIT_NPROC and not reaches:
            print(
                "ok", number, "-", name, "# SKIP no other user reads the build"
            )
            continue
        result = run(limits, threads)
        if has_no_source(result):
            print("ok", number, "-", name, "# SKIP no thread for the source")
            continue
        wrong = judge(result)
        passed += wrong is None and result.returncode == 0
        print("not ok" if wrong else "ok", number, "-", name)
        if wrong:
            print("#", wrong.replace("\n", "\n# "))
    # If no run passes frames, the tests show only the limits and not the
    # element.
    print("ok" if passed else "not ok", len(cases) + 1, "- frames pass in some")


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    registry = os.path.join(folder, "registry.bin")
    main()
