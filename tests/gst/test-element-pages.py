#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-element-pages.py SCRIPT PLUGIN-FOLDER SOURCE-FOLDER DOCUMENT

Tests that the generated pages of the elements have everything that
gst-inspect-1.0 shows, and that the hand-written DOCUMENT names every property
and every field of the messages. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

ELEMENTS = ("unetseg", "unetsegdraw")
# Those of GStreamer's base classes have pages there.
FOREIGN = {"name", "parent", "qos"}


def inspect(name, plugin):
    """Returns what gst-inspect-1.0 prints of an element."""
    env = dict(os.environ, GST_PLUGIN_PATH=plugin, LC_ALL="C.UTF-8")
    return subprocess.run(
        ["gst-inspect-1.0", "--no-colors", name],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def parse(text):
    """Returns the properties: name -> the lines that describe it."""
    text = text.split("Element Properties:")[1]
    found = {}
    for line in text.splitlines():
        head = re.match(r"  ([a-z][a-z-]*)\s+: (.*)", line)
        if head:
            found[head[1]] = [head[2]]
        elif found:
            found[list(found)[-1]].append(line.strip())
    return {key: value for key, value in found.items() if key not in FOREIGN}


def sections(page):
    """Returns the properties of a page: name -> its text in one line."""
    text = page.split("\n## Properties\n")[1]
    parts = re.split(r"^### `([\w-]+)`$", text, flags=re.M)[1:]
    return {
        name: " ".join(body.split())
        for name, body in zip(parts[::2], parts[1::2])
    }


class Pages:
    def __init__(self, script, plugin, sources, document):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([script, plugin, sources, folder], check=True)
            self.pages = {
                name: open(os.path.join(folder, name + ".md")).read()
                for name in ELEMENTS
            }
        self.inspected = {name: inspect(name, plugin) for name in ELEMENTS}
        with open(document, encoding="utf-8") as text:
            self.document = text.read()


def has_properties(pages, name):
    """The page has every property, with its description"""
    wanted, found = parse(pages.inspected[name]), sections(pages.pages[name])
    assert len(wanted) >= 17, wanted
    assert list(found) == sorted(wanted), set(wanted) ^ set(found)
    for key, lines in wanted.items():
        assert " ".join(lines[0].split()) in found[key], (key, found[key])


def has_values(pages, name):
    """The page has every value of an enumeration, with its description"""
    found, n = sections(pages.pages[name]), 0
    for key, lines in parse(pages.inspected[name]).items():
        for line in lines:
            value = re.match(r"\((\d+)\): ([\w-]+)\s+- (.*)", line)
            if value:
                row = "| `%s` (%s) | %s |" % (value[2], value[1], value[3])
                assert row in found[key], (row, found[key])
                n += 1
    assert n >= 12, n


def has_defaults(pages, name):
    """The page has every default and range"""
    found, n = sections(pages.pages[name]), 0
    for key, lines in parse(pages.inspected[name]).items():
        text = " ".join(lines)
        number = re.search(r"Range: +(\S+) - +(\S+) Default: +(\S+)", text)
        if number:
            low, high = ("%g" % float(number[i]) for i in (1, 2))
            assert "| range | %s to %s |" % (low, high) in found[key], key
            default = re.search(r"\| default \| `(\S+)` \|", found[key])[1]
            assert abs(float(default) - float(number[3])) < 1e-5, key
            n += 1
        default = re.search(r"(?:Boolean|String)\. Default: (\S+)", text)
        if default:
            value = default[1].strip('"')
            wanted = "unset" if value == "null" else "`%s`" % value
            assert "| default | %s |" % wanted in found[key], key
            n += 1
    assert n >= 10, n


def has_pads(pages, name):
    """The page has pads with formats, and examples"""
    page = pages.pages[name]
    for word in (
        "### `sink`",
        "### `src`",
        "I420",
        "P010_10LE",
        "[ 1, 32767 ]",
    ):
        assert word in page, word
    assert page.count("```sh\ngst-launch-1.0 ") == (
        3 if name == "unetseg" else 1
    )


def has_no_leftovers(pages, name):
    """The page has no name in C and no mark-up of comments"""
    text = re.sub(r"`[^`]*`", "", pages.pages[name])
    for pattern in (r"GST_UNET", r"UNET_[A-Z]", r"\|\[", r"\]\|", r"#Unet"):
        assert not re.search(pattern, text), pattern


def document_names_all(pages, name):
    """docs/element.md names every property"""
    for key in parse(pages.inspected[name]):
        assert "`%s`" % key in pages.document or "`%s=" % key in (
            pages.document
        ), key


def play():
    """Returns the fields of a message and of the statistics of a stream."""
    from gi.repository import Gst

    Gst.init(None)
    pipeline = Gst.parse_launch(
        "videotestsrc num-buffers=2 ! video/x-raw,width=64,height=48 ! "
        "unetseg name=seg messages=true ! fakesink"
    )
    pipeline.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType.ELEMENT | Gst.MessageType.EOS
    kinds |= Gst.MessageType.ERROR
    fields = []
    while True:
        message = pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, kinds)
        assert message and message.type != Gst.MessageType.ERROR
        if message.type == Gst.MessageType.EOS:
            break
        fields.append(names_of(message.get_structure()))
    stats = names_of(pipeline.get_by_name("seg").get_property("stats"))
    pipeline.set_state(Gst.State.NULL)
    assert len(fields) == 2, fields
    return fields[0], stats


def names_of(structure):
    return [structure.nth_field_name(i) for i in range(structure.n_fields())]


def document_names_fields(pages):
    """docs/element.md names every field of the messages and of stats"""
    message, stats = play()
    assert len(message) == 17 and len(stats) >= 17, (message, stats)
    for section, fields in (("## Messages", message), ("### `stats`", stats)):
        text = pages.document.split("\n%s\n" % section)[1].split("\n## ")[0]
        for field in fields:
            assert "`%s`" % field in text, (section, field)


CASES = (
    has_properties,
    has_values,
    has_defaults,
    has_pads,
    has_no_leftovers,
    document_names_all,
)


def main(arguments):
    if not shutil.which("gst-inspect-1.0"):
        tap.skip_all("gstreamer1.0-tools is not installed")
    try:
        import gi

        gi.require_version("Gst", "1.0")
    except (ImportError, ValueError):
        tap.skip_all("python3-gi or gir1.2-gstreamer-1.0 is not installed")
    out = tap.Tap()
    pages = Pages(*arguments)
    for case in CASES:
        title = case.__doc__
        for name in ELEMENTS:
            case.__doc__ = "%s: %s" % (name, title)
            out.case(case, pages, name)
    out.case(document_names_fields, pages)
    return out.done()


if __name__ == "__main__":
    sys.exit(main([os.path.abspath(path) for path in sys.argv[1:]]))
