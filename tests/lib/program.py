# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unetseg program for a test. sys.argv[1] is its path."""
import os
import subprocess
import sys

# Absolute, because ssh starts workers in another folder.
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "unetseg"

# Seconds until a call that hangs fails the test.
TIMEOUT = 900


def call(*words, **options):
    """Runs the program to its end. Returns the CompletedProcess; stdout and
    stderr are text."""
    return subprocess.run(
        [PROGRAM, *words],
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
        **options,
    )


def good(*words, **options):
    """Runs the program, requires exit status 0 and returns its stdout."""
    done = call(*words, **options)
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


def bad(status, *words, says="", **options):
    """Runs the program and requires that exit status, one message on stderr
    that contains a text, and nothing on stdout. A status of 2 adds the line
    that names --help. Warnings of libraries fail, too."""
    done = call(*words, **options)
    assert done.returncode == status, (words, done.returncode, done.stderr)
    lines = done.stderr.splitlines()
    assert lines and lines[0].startswith("unetseg: "), done.stderr
    assert len(lines) == (2 if status == 2 else 1), done.stderr
    assert says in done.stderr, done.stderr
    assert not done.stdout, done.stdout


def start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
    """Starts the program and returns its Popen."""
    return subprocess.Popen(
        [PROGRAM, *words], text=True, stdout=stdout, stderr=stderr
    )
