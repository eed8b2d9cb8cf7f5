#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""element-pages.py PLUGIN-FOLDER SOURCE-FOLDER OUTPUT-FOLDER

Writes the reference pages of the elements, unetseg.md and unetsegdraw.md. What
gst-inspect-1.0 shows comes from the plugin: pads, properties with defaults,
ranges and values. The introduction and the examples come from the comments
`SECTION:element-NAME` of the sources. Needs Debian's python3-gi and
gir1.2-gstreamer-1.0."""
import os
import re
import sys
import tempfile
import textwrap

ELEMENTS = {"unetseg": "gstunetseg.c", "unetsegdraw": "gstunetsegdraw.c"}
# GObject names the types of properties; the pages use these words for them.
TYPES = {
    "gboolean": "boolean",
    "gchararray": "text",
    "gdouble": "number",
    "gint": "integer",
    "guint": "unsigned integer",
    "guint64": "unsigned integer",
}


# ---- comments --------------------------------------------------------------


def read_section(path, name):
    """Returns the comment of an element, without its frame of stars."""
    with open(path, encoding="utf-8") as source:
        text = source.read()
    found = re.search(
        r"/\*\*\n \* SECTION:element-%s\n(.*?)\n \*/" % name, text, re.S
    )
    lines = [re.sub(r"^ \* ?", "", line) for line in found[1].splitlines()]
    return "\n".join(line for line in lines if not line.startswith("@title"))


def link(text):
    """Types in the library become links, as gi-docgen has them."""
    text = re.sub(r"#Unet(\w+)", r"[struct@Unetseg.\1]", text)
    return re.sub(r"#(Gst\w+)", r"`\1`", text)


def split_section(text):
    """Returns the introduction, and pairs of an example and its meaning."""
    parts = text.split("\n## ")
    examples = [
        (" ".join(command.split()), " ".join(meaning.split()))
        for command, meaning in re.findall(
            r"\|\[\n(.*?)\n\]\|(.*?)(?=\n\|\[|\n\nSince|\Z)", parts[1], re.S
        )
    ]
    return link(parts[0].strip()), examples


# ---- the plugin ------------------------------------------------------------


def open_gstreamer(folder, registry):
    """Returns the module Gst, which finds the plugin in the folder."""
    os.environ["GST_PLUGIN_PATH"] = os.path.abspath(folder)
    os.environ["GST_REGISTRY"] = registry
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    return Gst


def is_own(prop):
    """Returns whether the project's classes install the property."""
    return prop.owner_type.name.startswith("GstUnet")


def describe_range(prop):
    if hasattr(prop, "minimum"):
        return "%g to %g" % (prop.minimum, prop.maximum)
    return ""


def describe_default(value):
    """Describes the value of a property in a new element."""
    if hasattr(value, "value_nick"):
        return "`%s`" % value.value_nick
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "`%s`" % str(value).lower()
    if isinstance(value, float):
        return "`%.6g`" % value
    return "`%s`" % value


def describe_access(gst, prop):
    """Says when a property can be set."""
    flags = int(prop.flags)
    if not flags & 2:
        return "read only"
    if flags & int(gst.PARAM_CONTROLLABLE):
        return "at any time, and by a controller"
    if flags & int(gst.PARAM_MUTABLE_PLAYING):
        return "at any time"
    if flags & int(gst.PARAM_MUTABLE_READY):
        return "in the states NULL and READY"
    return "before the element starts"


# ---- pages -----------------------------------------------------------------


def escape(text):
    """In a cell of a table."""
    return text.replace("|", "\\|")


def write_property(gst, prop, value):
    yield "### `%s`" % prop.name
    yield ""
    yield textwrap.fill(prop.blurb + ".", 88, break_on_hyphens=False)
    yield ""
    name = prop.value_type.name
    rows = [
        ("type", TYPES.get(name, "`%s`" % name)),
        ("default", describe_default(value)),
        ("range", describe_range(prop)),
        ("can be set", describe_access(gst, prop)),
    ]
    if not int(prop.flags) & 2:
        rows = [rows[0], ("access", "read only")]
    yield "| | |"
    yield "| --- | --- |"
    for key, text in rows:
        if text:
            yield "| %s | %s |" % (key, escape(text))
    yield ""
    # Versions of PyGObject differ in prop.enum_class.
    if hasattr(value, "value_nick"):
        yield "| value | meaning |"
        yield "| --- | --- |"
        for choice in type(value).__enum_values__.values():
            yield "| `%s` (%d) | %s |" % (
                choice.value_nick,
                int(choice),
                escape(choice.value_name),
            )
        yield ""


def write_pad(gst, template):
    yield "### `%s`" % template.name_template
    yield ""
    yield "%s, which %s exists." % (
        "Sink pad"
        if template.direction == gst.PadDirection.SINK
        else "Source pad",
        template.presence.value_nick,
    )
    yield ""
    caps = template.get_caps()
    for i in range(caps.get_size()):
        structure = caps.get_structure(i)
        yield "`%s`:" % structure.get_name()
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        for field in re.findall(
            r", ([\w-]+)=(\(.*?\)[\[{].*?[\]}]|[^,;]+)", structure.to_string()
        ):
            value = re.sub(r"^\(\w+\)", "", field[1])
            yield "| %s | `%s` |" % (field[0], " ".join(value.split()))
        yield ""


def write_page(gst, name, source):
    factory = gst.ElementFactory.find(name)
    element = factory.create(None)
    introduction, examples = split_section(read_section(source, name))
    yield "Title: %s" % name
    yield "Slug: %s" % name
    yield ""
    yield "# %s" % name
    yield ""
    yield introduction
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    for key in ("long-name", "klass", "description", "author"):
        yield "| %s | %s |" % (key, escape(factory.get_metadata(key)))
    yield "| plugin | %s |" % factory.get_plugin_name()
    yield "| rank | %d |" % factory.get_rank()
    yield ""
    yield "## Examples"
    yield ""
    for command, meaning in examples:
        yield textwrap.fill(meaning, 88, break_on_hyphens=False)
        yield ""
        yield "```sh"
        yield " \\\n  ".join(
            textwrap.wrap(
                command, 62, break_long_words=False, break_on_hyphens=False
            )
        )
        yield "```"
        yield ""
    yield "## Pads"
    yield ""
    for template in element.get_pad_template_list():
        yield from write_pad(gst, template)
    yield "## Properties"
    yield ""
    for prop in sorted(element.list_properties(), key=lambda p: p.name):
        if is_own(prop):
            value = element.get_property(prop.name)
            yield from write_property(gst, prop, value)


def main(plugin, sources, output):
    with tempfile.TemporaryDirectory() as folder:
        gst = open_gstreamer(plugin, os.path.join(folder, "registry.bin"))
        for name, source in ELEMENTS.items():
            path = os.path.join(output, name + ".md")
            lines = write_page(gst, name, os.path.join(sources, source))
            with open(path, "w", encoding="utf-8") as page:
                page.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
