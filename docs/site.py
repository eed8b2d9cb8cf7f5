#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""site.py SOURCE-FOLDER OUTPUT-FOLDER VERSION [REFERENCE]

Writes the documentation as a site of HTML pages: README.md and docs/*.md, with
what they link to. REFERENCE is the address of the reference of the library,
relative to the first page; without it the site has no link to one. Needs
Debian's python3-markdown."""
import html
import os
import re
import shutil
import sys

import markdown

# The pages that the navigation names, in its order.
NAVIGATION = [
    ("README.md", "Start"),
    ("docs/element.md", "Elements"),
    ("docs/live.md", "Live"),
    ("docs/gallery.md", "Gallery"),
    ("docs/models.md", "Models"),
    ("docs/training.md", "Training"),
    ("docs/batch.md", "Batch"),
    ("docs/programming.md", "Programming"),
    ("docs/tuning.md", "Tuning"),
    ("docs/speed.md", "Speed"),
    ("docs/architecture.md", "Architecture"),
    ("CONTRIBUTING.md", "Contributing"),
    ("NEWS.md", "News"),
]
PICTURES = (".jpg", ".png", ".svg")
# Characters of a table's longest cell, above which its rows become blocks where
# a page is narrow: about what half of a phone's width holds in two lines.
LONG_CELL = 40
LANGUAGES = {"README.ja.md": "ja"}
# A folder is shown by the first of these that it has, else by a list of files.
COVERS = ("README.md", "CARD.md")

PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{root}site.css">
</head>
<body>
<nav>
<a class="name" href="{root}index.html">unetseg <small>{version}</small></a>
<ul>
{navigation}
</ul>
</nav>
<main>
{body}
</main>
</body>
</html>
"""


# ---- names -----------------------------------------------------------------


def page_of(path):
    """Returns the file of the page that shows a file or a folder."""
    if path == "README.md":
        return "index.html"
    if path.endswith(".md"):
        page = re.sub(r"^docs/", "", path)[: -len(".md")] + ".html"
        return page if "/" in path else page.lower()
    return os.path.join("source", path.strip("./") + ".html")


def anchor(text, separator):
    """Returns the anchor of a heading, as GitHub has it."""
    text = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return text.replace(" ", separator)


def is_external(address):
    return bool(re.match(r"[a-z]+:", address))


def separate_lists(text):
    """Puts an empty line before a list that follows a line of text. GitHub
    needs none there, and the library does."""
    lines, after_text, in_code = [], False, False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        is_item = bool(re.match(r"([-*]|1\.) ", line)) and not in_code
        if is_item and after_text:
            lines.append("")
        # A line of an item is indented.
        after_text = bool(re.match(r"\S", line)) and not is_item
        lines.append(line)
    return "\n".join(lines)


def frame_table(match):
    """A table scrolls by itself where it is too wide. Rows with sentences become
    blocks on a phone, where each cell is named after its column."""
    table = match[0]
    heads = re.findall(r"<th[^>]*>(.*?)</th>", table, re.S)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table, re.S)
    longest = max(
        (len(re.sub(r"<.*?>", "", cell)) for cell in cells), default=0
    )
    if longest <= LONG_CELL:
        return '<div class="wide">%s</div>' % table
    names = [html.escape(re.sub(r"<.*?>", "", head)) for head in heads]
    count = iter(range(len(cells)))
    table = re.sub(
        r"<td\b",
        lambda found: '<td data-column="%s"' % names[next(count) % len(names)],
        table,
    )
    return '<div class="wide">%s</div>' % table.replace(
        "<table>", '<table class="blocks">', 1
    )


# ---- pages -----------------------------------------------------------------


class Site:
    """What is written so far, and what pages that are written link to."""

    def __init__(self, source, output, version, reference):
        self.source, self.output = source, output
        self.version, self.reference = version, reference
        self.waiting = [path for path, name in NAVIGATION]
        self.seen = set(self.waiting)

    def want(self, path):
        """Returns the page or the copy of a file that a page links to."""
        full = os.path.join(self.source, path)
        if not os.path.exists(full):
            raise SystemExit("site: there is no '%s'" % path)
        for cover in COVERS:
            if os.path.isfile(os.path.join(full, cover)):
                path = os.path.join(path, cover)
                break
        if path not in self.seen:
            self.seen.add(path)
            self.waiting.append(path)
        if path.endswith(PICTURES):
            return re.sub(r"^docs/", "", path)
        return page_of(path)

    def translate(self, match, path, page):
        """Returns a link of the file as one of its page."""
        name, address = match[1], html.unescape(match[2])
        if is_external(address) or address.startswith("#"):
            return match[0]
        target, _, fragment = address.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if target.startswith(".."):
            raise SystemExit("site: %s: '%s' is outside" % (path, address))
        target = os.path.relpath(self.want(target), os.path.dirname(page))
        if fragment:
            target += "#" + fragment
        return '%s="%s"' % (name, html.escape(target))

    def make_navigation(self, page):
        root = os.path.dirname(page)
        entries = [(page_of(path), name) for path, name in NAVIGATION]
        if self.reference:
            entries.append((self.reference, "Reference"))
        return "\n".join(
            '<li><a href="%s"%s>%s</a></li>'
            % (
                html.escape(os.path.relpath(target, root)),
                ' aria-current="page"' if target == page else "",
                name,
            )
            for target, name in entries
        )

    def write_page(self, path, page, title, body):
        text = PAGE.format(
            language=LANGUAGES.get(path, "en"),
            title=html.escape(title),
            version=html.escape(self.version),
            root=os.path.relpath(".", os.path.dirname(page)) + "/",
            navigation=self.make_navigation(page),
            body=body,
        )
        full = os.path.join(self.output, page)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def write_markdown(self, path):
        page = page_of(path)
        with open(os.path.join(self.source, path), encoding="utf-8") as file:
            text = file.read()
        body = markdown.markdown(
            separate_lists(text),
            extensions=["tables", "fenced_code", "sane_lists", "toc"],
            extension_configs={"toc": {"slugify": anchor}},
            output_format="html",
        )
        body = re.sub(
            r'\b(href|src)="([^"]*)"',
            lambda match: self.translate(match, path, page),
            body,
        )
        body = re.sub(r"<table>.*?</table>", frame_table, body, flags=re.S)
        heading = re.search(r"^# (.*)", text, re.M)
        name = heading[1] if heading else path
        title = name if path == "README.md" else name + " – unetseg"
        self.write_page(path, page, title, body)

    def write_source(self, path):
        full = os.path.join(self.source, path)
        with open(full, encoding="utf-8") as file:
            text = html.escape(file.read())
        body = "<h1>%s</h1>\n<pre><code>%s</code></pre>" % (path, text)
        self.write_page(path, page_of(path), path, body)

    def write_folder(self, path):
        """A list of the text files of a folder."""
        page, items = page_of(path), []
        for name in sorted(os.listdir(os.path.join(self.source, path))):
            entry = os.path.join(path, name)
            full = os.path.join(self.source, entry)
            if os.path.isdir(full) or is_text(full):
                link = os.path.relpath(self.want(entry), os.path.dirname(page))
                items.append('<li><a href="%s">%s</a></li>' % (link, name))
        body = "<h1>%s</h1>\n<ul>\n%s\n</ul>" % (path, "\n".join(items))
        self.write_page(path, page, path, body)

    def copy_picture(self, path):
        copy = os.path.join(self.output, re.sub(r"^docs/", "", path))
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(os.path.join(self.source, path), copy)
        notice = os.path.join(self.source, os.path.dirname(path), "COPYRIGHT")
        if os.path.exists(notice):
            shutil.copy(notice, os.path.dirname(copy))

    def write(self):
        while self.waiting:
            path = self.waiting.pop()
            if path.endswith(".md"):
                self.write_markdown(path)
            elif path.endswith(PICTURES):
                self.copy_picture(path)
            elif os.path.isdir(os.path.join(self.source, path)):
                self.write_folder(path)
            else:
                self.write_source(path)
        here = os.path.dirname(os.path.abspath(__file__))
        shutil.copyfile(
            os.path.join(here, "site.css"),
            os.path.join(self.output, "site.css"),
        )


def is_text(path):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        start = file.read(4096)
    return b"\0" not in start


def main(source, output, version, reference=None):
    shutil.rmtree(output, ignore_errors=True)
    Site(source, output, version, reference).write()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
