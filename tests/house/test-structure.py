#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structure of the C sources: no circle of files, no long file or function.

usage: test-structure.py SOURCE [BUILD]

A source needs a header that it includes (read from SOURCE). An object needs another
that defines a symbol for it (read from the objects below BUILD with nm). Neither
relation may have a circle. Prints TAP, each circle, and each length over its limit.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOMS = ("src", "gst", "tools")
MOST_LINES_OF_FILE = 600
MOST_LINES_OF_FUNCTION = 60
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def sources(top):
    return sorted(
        p for room in ROOMS for p in (top / room).rglob("*.[ch]") if p.is_file()
    )


def find_header(top, path, name):
    """The header that PATH includes as NAME, or None for a generated one."""
    for base in (path.parent, top / "src", top / "tools", top / "gst"):
        if (base / name).is_file():
            return (base / name).resolve()
    return None


def include_edges(top):
    edges = collections.defaultdict(set)
    for path in sources(top):
        for name in INCLUDE.findall(path.read_text()):
            header = find_header(top, path, name)
            if header and any(header.is_relative_to(top / r) for r in ROOMS):
                edges[str(path)].add(str(header))
    return edges


def objects(build):
    """Yields (unit, object file) of the library, the plugin and the program.

    Meson names the object of engine/run/arena.c engine_run_arena.c.o; no source
    has an underscore in its name.
    """
    for room in ROOMS:
        for path in sorted((build / room).rglob("*.c.o")):
            name = path.name[: -len(".c.o")]
            if name.startswith("meson-generated"):
                continue
            inside = path.parent.parent.relative_to(build)
            if name.startswith(".._"):
                name, inside = name[3:], inside.parent
            yield str(inside / name.replace("_", "/")), path


def symbol_edges(build):
    """One run of nm reads all objects, since starting it takes most of its time."""
    names = {str(path): name for name, path in objects(build)}
    owner, asks = {}, collections.defaultdict(set)
    out = subprocess.run(
        ["nm", "--extern-only", "--print-file-name", *names],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in out.stdout.splitlines():
        path, _, symbol = line.rpartition(":")
        *_, kind, symbol = symbol.split()
        if kind == "U":
            asks[names[path]].add(symbol)
        else:
            owner[symbol] = names[path]
    return {
        name: {owner[s] for s in wanted if s in owner}
        for name, wanted in asks.items()
    }


def circles(edges):
    """Strongly connected components of more than one file (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            component = stack[at:]
            del stack[at:]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def long_functions(path):
    """Yields (line, length) of functions whose braces are both in column one."""
    start = 0
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            if n - start - 1 > MOST_LINES_OF_FUNCTION:
                yield start, n - start - 1
            start = 0


def too_long(top):
    for path in sources(top):
        count = len(path.read_text().splitlines())
        if count > MOST_LINES_OF_FILE:
            yield f"{path.relative_to(top)}: {count} lines"
    for path in sources(top):
        for line, length in long_functions(path):
            yield f"{path.relative_to(top)}:{line}: a function of {length} lines"


def main():
    top = pathlib.Path(sys.argv[1]).resolve()
    cases = [("includes have no circle", circles(include_edges(top)))]
    cases.append(("files and functions are short", list(too_long(top))))
    if len(sys.argv) > 2:
        edges = symbol_edges(pathlib.Path(sys.argv[2]))
        assert sum(map(len, edges.values())) > 200, "too few objects were found"
        cases.append(("symbols have no circle", circles(edges)))
    print(f"1..{len(cases)}")
    for n, (what, wrong) in enumerate(cases, 1):
        for w in wrong:
            print("#", w if isinstance(w, str) else " ".join(w))
        print(f"{'not ' if wrong else ''}ok {n} - {what}")
    return any(wrong for _, wrong in cases)


if __name__ == "__main__":
    sys.setrecursionlimit(10000)
    sys.exit(main())
