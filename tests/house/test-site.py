#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-site.py SCRIPT SOURCE-FOLDER [SITE]

Tests the site of the documentation, as SCRIPT writes it: every link, picture and
anchor resolves, and no Markdown is left in the pages. With SITE it tests that
folder instead, which was built and may have links to the reference beside it.
Prints TAP."""
import html.parser
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402

PICTURES = (".jpg", ".png", ".svg")


class Page(html.parser.HTMLParser):
    """The links, pictures and anchors of a page, and its text outside of code."""

    def __init__(self, path):
        super().__init__()
        self.links, self.pictures, self.anchors = [], [], set()
        self.unnamed, self.text, self.within = 0, [], []
        self.current = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.anchors.add(attrs["id"])
        if tag in ("a", "link") and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag == "img":
            self.pictures.append(attrs.get("src", ""))
            self.unnamed += not attrs.get("alt")
        if "aria-current" in attrs:
            self.current.append(attrs["href"])
        if tag in ("code", "pre", "title"):
            self.within.append(tag)

    def handle_endtag(self, tag):
        if self.within and self.within[-1] == tag:
            self.within.pop()

    def handle_data(self, data):
        if not self.within:
            self.text.append(data)


def write(script, source, output):
    return subprocess.run(
        ["/usr/bin/python3", script, source, output, "1.2.3"],
        capture_output=True,
        text=True,
    )


def read_pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def find_broken(pages, page, address):
    """Returns what is wrong with a link of a page, or None."""
    target, _, fragment = address.partition("#")
    if re.match(r"[a-z]+:", target):
        return None
    path = pathlib.Path(
        os.path.normpath(page.parent / urllib.parse.unquote(target))
        if target
        else page
    )
    if not path.is_file():
        return "%s: no file '%s'" % (page, address)
    if fragment and path in pages and fragment not in pages[path].anchors:
        return "%s: no anchor '%s'" % (page, address)
    return None


# ---- cases -----------------------------------------------------------------


def check_links(pages):
    """Every link, anchor and picture of every page resolves."""
    count, broken = 0, []
    for path, page in pages.items():
        for address in page.links + page.pictures:
            count += 1
            broken.append(find_broken(pages, path, address))
    broken = [line for line in broken if line]
    assert not broken, "\n".join(broken)
    assert count > 500, "only %d links" % count


def check_contents(pages, site, source):
    """Every page and picture of docs is there."""
    for path in sorted((source / "docs").rglob("*")):
        name = path.relative_to(source / "docs")
        if path.suffix == ".md" and name != pathlib.Path("notes/README.md"):
            assert site / name.with_suffix(".html") in pages, name
        elif path.suffix in PICTURES:
            assert (site / name).read_bytes() == path.read_bytes(), name


def check_navigation(pages, site):
    """Every page has the same navigation, which marks the page itself."""
    start = pages[site / "index.html"]
    entries = [
        link
        for link in start.links
        if link.endswith(".html") and "/" not in link
    ]
    assert len(entries) >= 12, entries
    for path, page in pages.items():
        found = {os.path.normpath(path.parent / link) for link in page.links}
        for entry in entries[:12]:
            assert str(site / entry) in found, (path, entry)
        assert len(page.current) <= 1, path
        for link in page.current:
            assert os.path.normpath(path.parent / link) == str(path), path


def check_text(pages):
    """No Markdown is left in the text, and every picture is described."""
    marks = re.compile(r"\]\(|\*\*|```|^\s*\|.*\|\s*$|^#+ |^\s*[-*] \w", re.M)
    for path, page in pages.items():
        if "source" in path.parts:
            continue
        left = marks.search("".join(page.text))
        assert left is None, "%s: '%s'" % (path, left and left[0])
        assert not page.unnamed, "%s: a picture without a text" % path


def check_style(site):
    """The style has dark colours and a narrow form, and fetches nothing."""
    style = (site / "site.css").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in style
    assert "@media (max-width" in style
    assert "url(" not in style and "@import" not in style


def check_missing(script):
    """A link to a file that does not exist ends the program with its name."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "source")
        (source / "docs").mkdir(parents=True)
        spec = importlib.util.spec_from_file_location("site_script", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, _ in module.NAVIGATION:
            (source / name).write_text("# A page\n\nText.\n")
        done = write(script, source, os.path.join(folder, "out"))
        assert done.returncode == 0, done.stderr
        (source / "NEWS.md").write_text("# News\n\n[gone](docs/gone.md)\n")
        done = write(script, source, os.path.join(folder, "out"))
        assert done.returncode != 0 and "docs/gone.md" in done.stderr, done


def main(script, source, site=None):
    if importlib.util.find_spec("markdown") is None:
        tap.skip_all("python3-markdown is not installed")
    results = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        if site is None:
            site = os.path.join(os.path.realpath(folder), "site")
            done = write(script, source, site)
            results.check(done.returncode == 0, "the site is made", done.stderr)
        site, source = pathlib.Path(site), pathlib.Path(source)
        pages = read_pages(site)
        results.case(check_links, pages)
        results.case(check_contents, pages, site, source)
        results.case(check_navigation, pages, site)
        results.case(check_text, pages)
        results.case(check_style, site)
        results.case(check_missing, script)
    return results.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
