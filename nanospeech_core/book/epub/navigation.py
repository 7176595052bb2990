"""The table of contents of an EPUB: the navigation document of EPUB 3, or the NCX of EPUB 2."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from ...errors import UserError
from .archive import Archive, resolve
from .package import Package
from .xml import Element

DEEPEST = 20


@dataclass
class Entry:
    """An entry: its title, the file and the fragment where it begins ("" for no link), and those below it."""

    title: str
    file: str = ""
    fragment: str = ""
    entries: list[Entry] = field(default_factory=list)


def read_navigation(archive: Archive, package: Package) -> list[Entry]:
    """The entries of the table of contents; [] if there is none that can be read."""
    readers = ((package.navigation, _read_document), (package.toc, _read_ncx))
    for path, read in readers:
        if path and archive.find(path):
            try:
                entries = read(archive, path)
            except UserError:
                continue  # the headings of the pages serve as well
            if entries:
                return entries
    return []


def _read_ncx(archive: Archive, path: str) -> list[Entry]:
    def entries(parent: Element) -> list[Entry]:
        found = []
        for point in parent.all("navPoint"):
            label, content = point.find("navLabel"), point.find("content")
            link = content.attributes.get("src", "") if content else ""
            target = resolve(path, link) if link else ("", "")
            found.append(Entry(label.words() if label else "", *target, entries(point)))
        return found

    points = archive.xml(path).find("navMap")
    return entries(points) if points else []


def _read_document(archive: Archive, path: str) -> list[Entry]:
    parser = _Navigation(path)
    parser.feed(archive.read(path).decode("utf-8", "replace"))
    parser.close()
    return parser.root.entries


class _Navigation(HTMLParser):
    """Reads the lists of `<nav epub:type="toc">`, or of the first nav if none has that type."""

    def __init__(self, path: str):
        super().__init__()
        self.root = Entry("")
        self._path = path
        self._typed = False
        self._nav = 0
        self._lists: list[Entry] = []  # the entries whose lists are open
        self._label: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        if tag == "nav":
            kinds = f"{attributes.get('epub:type', '')} {attributes.get('role', '')}".split()
            contents = "toc" in kinds or "doc-toc" in kinds
            if (contents and not self._typed) or (not kinds and not self.root.entries):
                self.root, self._lists, self._nav = Entry(""), [], 1
                self._typed = contents
        elif self._nav and tag in ("ol", "ul") and len(self._lists) < DEEPEST:
            self._lists.append(
                self._lists[-1].entries[-1] if self._lists and self._lists[-1].entries else self.root
            )
        elif self._nav and self._lists and tag == "li":
            self._lists[-1].entries.append(Entry(""))
        elif self._nav and self._lists and self._lists[-1].entries and tag in ("a", "span"):
            entry = self._lists[-1].entries[-1]
            if not entry.title:
                self._label = []
            if tag == "a" and not entry.file:
                entry.file, entry.fragment = resolve(self._path, attributes.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav":
            self._nav, self._label = 0, None
        elif tag in ("ol", "ul") and self._lists:
            self._lists.pop()
        elif tag in ("a", "span") and self._label is not None and "".join(self._label).strip():
            self._lists[-1].entries[-1].title = " ".join("".join(self._label).split())
            self._label = None

    def handle_data(self, data: str) -> None:
        if self._label is not None:
            self._label.append(data)
