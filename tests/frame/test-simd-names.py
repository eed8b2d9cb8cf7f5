#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions with clones for several processors have names of their own.

Clang gives the resolver of a static function's clones a global name, so two
files with a function of the same name do not link; gcc never notices.
"""
import collections
import pathlib
import re
import sys

CLONED = re.compile(r"^UNET_SIMD\s+static\s+[^;{]*?\b(\w+) \(", re.M)

files = collections.defaultdict(list)
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.c")):
    for name in CLONED.findall(path.read_text()):
        files[name].append(path.name)
print("1..1")
twice = {name: paths for name, paths in files.items() if len(paths) > 1}
for name, paths in twice.items():
    print(f'# {name}: {", ".join(paths)}')
assert len(files) > 50, f"only {len(files)} functions found"
print(f'{"not " if twice else ""}ok 1 - {len(files)} names')
sys.exit(bool(twice))
