# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unetseg program."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class ProgramError(Exception):
    """What the program said."""


def find_program(asked=None):
    """Returns the path of unetseg: as asked, installed, or in a build folder here."""
    if asked:
        return os.path.abspath(asked)
    built = os.path.join(HERE, "..", "..", "build", "tools", "unetseg")
    if os.path.exists(built):
        return os.path.abspath(built)
    return shutil.which("unetseg")


def call(program, *words, folder=None):
    """Runs the program, in a folder, and returns its stdout. A program in a build
    folder gets the plugin that was built with it."""
    env, built = dict(os.environ), os.path.dirname(os.path.dirname(program))
    plugins = os.path.join(built, "gst")
    if os.path.exists(os.path.join(plugins, "libgstunetseg.so")):
        env.setdefault("GST_PLUGIN_PATH", plugins)
    done = subprocess.run(
        [program, *words], capture_output=True, text=True, cwd=folder, env=env
    )
    if done.returncode:
        raise ProgramError(done.stderr.strip() or f"exit {done.returncode}")
    return done.stdout
