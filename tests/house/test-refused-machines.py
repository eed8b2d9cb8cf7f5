#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-refused-machines.py SOURCE-FOLDER COMPILER…

Tests that meson refuses machines on which unetseg cannot work, with one sentence
that names the machine. Cross files describe the machines, so a compiler for
x86-64 is enough. Prints TAP."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

CROSS = """[binaries]
c = [%s]
[host_machine]
system = 'linux'
cpu_family = '%s'
cpu = '%s'
endian = '%s'
"""


def set_up(source, folder, compiler, family, endian):
    """Returns what meson says of such a machine, and its exit status."""
    cross = folder / (family + ".ini")
    words = ", ".join("'%s'" % word for word in compiler)
    cross.write_text(CROSS % (words, family, family, endian), encoding="utf-8")
    run = subprocess.run(
        ["meson", "setup", "--cross-file", cross, folder / family, source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return run.stdout, run.returncode


def refuses(source, compiler, family, endian, sentence):
    with tempfile.TemporaryDirectory() as folder:
        text, status = set_up(
            source, pathlib.Path(folder), compiler, family, endian
        )
    if status == 0 or sentence not in text:
        raise AssertionError(text)


def test_big_endian(source, compiler):
    """A big-endian machine is refused."""
    sentence = "little-endian machines only; this one, s390x, is big-endian."
    refuses(source, compiler, "s390x", "big", "unetseg runs on " + sentence)


def test_32_bits(source, compiler):
    """A 32-bit machine is refused."""
    if os.uname().machine != "x86_64":
        raise tap.Skip("compilers for x86-64 only have -m32")
    sentence = (
        "64-bit machines only; pointers of this one, x86, have fewer bits."
    )
    refuses(
        source,
        compiler + ["-m32"],
        "x86",
        "little",
        "unetseg runs on " + sentence,
    )


def main(source, compiler):
    if not shutil.which("meson"):
        tap.skip_all("meson is not in the search path")
    results = tap.Tap()
    results.case(test_big_endian, source, compiler)
    results.case(test_32_bits, source, compiler)
    return results.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
