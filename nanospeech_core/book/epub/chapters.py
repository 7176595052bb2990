"""From the pages of an EPUB and its table of contents to chapters."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from ...errors import UserError
from ...text.language_detection import detect_language
from ...text.languages import find_language
from .. import gutenberg
from ..book import AFTER_TITLE, SCENE_BREAK, Book, Chapter, has_words, image_format
from ..headings import joined_title, left_out, title_of
from .archive import Archive
from .navigation import Entry, read_navigation
from .package import Package, read_package
from .page import Block, Page

SHORT_PART = 600  # characters: an entry with less before its first subentry is a part, not a chapter
LINKS, LINKED = 5, 0.6  # a page with so many links, which are this share of its text, is a table of contents
_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}encoding=[\"']([\w.-]{1,40})|<meta[^>]{0,200}charset=[\"']?([\w.-]{1,40})"
)
_TYPES = {  # of EPUB 3's and the guide's, those that are left out
    "cover": "cover",
    "titlepage": "title page",
    "title-page": "title page",
    "halftitlepage": "title page",
    "copyright-page": "copyright",
    "copyright": "copyright",
    "imprint": "copyright",
    "colophon": "copyright",
    "toc": "contents",
    "doc-toc": "contents",
    "loi": "list of illustrations",
    "lot": "list of illustrations",
    "index": "index",
    "doc-index": "index",
    "footnotes": "notes",
    "endnotes": "notes",
}


@dataclass(frozen=True)
class _Start:
    """Where a chapter begins: the number of a block, and its title."""

    place: int
    title: str


@dataclass
class _Text:
    """The blocks of all pages, in reading order; `places` has the first block of each (file, fragment)."""

    blocks: list[Block]
    places: dict[tuple[str, str], int]
    files: list[str]  # of each block


def read_epub(path: str | os.PathLike) -> Book:
    """The book in an EPUB file.

    Raises UserError if the file is no EPUB, is damaged or encrypted, or has no text.
    """
    with Archive(path) as archive:
        package = read_package(archive)
        text = _read_pages(archive, package)
        starts = _starts(read_navigation(archive, package), text) or _by_headings(text)
        cover = _read_cover(archive, package.cover)
    name = os.path.splitext(os.path.basename(path))[0]
    chapters = _cut(text, starts, package, package.title or name)
    if not chapters:
        raise UserError(f"cannot read {path}: it has no text (are its pages pictures?)")
    return Book(package.title or name, package.author, tuple(chapters), package.language, package.date, cover)


def _read_pages(archive: Archive, package: Package) -> _Text:
    pages = []
    for path in package.pages:
        found = archive.find(path)
        if found is not None:
            pages.append(Page(path, _decode(archive.read(found))))
    if not pages:
        raise UserError(f"cannot read {archive.path}: all pages of its reading order are missing")
    noted = set().union(*(page.noted for page in pages))
    text = _Text([], {}, [])
    for page in pages:
        text.places.setdefault((page.path, ""), len(text.blocks))
        note = False
        for block in _without_notices(page.blocks):
            for name in block.ids:
                text.places.setdefault((page.path, name), len(text.blocks))
            # A note's further paragraphs have no link: they end at a heading, or at the end of the page.
            note = block.note and any((page.path, name) in noted for name in block.ids)
            if not note:
                text.blocks.append(block)
                text.files.append(page.path)
    return text


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    declared = _DECLARED.search(data[:1000])
    encoding = next((name.decode() for name in (declared.groups() if declared else ()) if name), "utf-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode(encoding, "replace")
        except LookupError:
            return data.decode("utf-8", "replace")


def _without_notices(blocks: list[Block]) -> list[Block]:
    """The blocks without Project Gutenberg's notices."""
    begin, end = 0, len(blocks)
    for number, block in enumerate(blocks):
        if "GUTENBERG" in block.text.upper():
            if gutenberg.start(block.text):
                begin = number + 1
            elif gutenberg.end(block.text) < len(block.text) and number >= begin:
                end = min(end, number)
    return blocks[begin:end]


def _read_cover(archive: Archive, name: str) -> bytes | None:
    """The picture, if it can be read: a book without a cover is still a book."""
    if not name or archive.find(name) is None:
        return None
    try:
        data = archive.read(name)
    except UserError:
        return None
    return data if image_format(data) else None


def _starts(entries: list[Entry], text: _Text) -> list[_Start]:
    """Where the chapters begin, by the table of contents."""

    def place(entry: Entry) -> int | None:
        if not entry.file:
            return None
        return text.places.get((entry.file, entry.fragment), text.places.get((entry.file, "")))

    def collect(level: list[Entry]) -> list[_Start]:
        found: list[_Start] = []
        for entry in level:
            own = place(entry)
            below = collect(entry.entries)
            first = min((start.place for start in below), default=None)
            if own is None:
                found += below
            elif first is not None and first >= own and _length(text.blocks[own:first]) < SHORT_PART:
                first_start = next(start for start in below if start.place == first)
                title = joined_title(title_of(entry.title), first_start.title)
                found += [_Start(own, title), *(start for start in below if start is not first_start)]
            else:  # its subentries are sections
                found.append(_Start(own, title_of(entry.title)))
        return found

    starts: dict[int, _Start] = {}
    for start in collect(entries):
        starts.setdefault(start.place, start)
    return [starts[key] for key in sorted(starts) if key < len(text.blocks)]


def _length(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _by_headings(text: _Text) -> list[_Start]:
    """Where the chapters begin without a table of contents: at each page that begins with a heading."""
    headings: list[_Start] = []
    first: list[_Start] = []  # of those, the ones at the beginning of a page
    place, said = 0, ""
    for number, (block, file) in enumerate(zip(text.blocks, text.files, strict=True)):
        if block.kind != "heading":
            said = ""
            continue
        if said and file == text.files[number - 1]:  # "CHAPTER I", then "THE CAVE"
            said += "\n" + block.text
            headings.pop()
        else:
            place, said = number, block.text
        headings.append(_Start(place, title_of(said)))
        if place == 0 or text.files[place - 1] != file:
            first = [start for start in first if start.place != place] + [headings[-1]]
    return headings if len(first) < 2 else first


def _cut(text: _Text, starts: list[_Start], package: Package, title: str) -> list[Chapter]:
    """The chapters between the starts. A page that no entry names, with front matter, is one of its own."""
    if not starts or starts[0].place > 0:
        starts = [_Start(0, ""), *starts]
    chapters: list[Chapter] = []
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        end = following.place if following else len(text.blocks)
        pages: dict[str, list[Block]] = {}
        for block, file in zip(text.blocks[start.place : end], text.files[start.place : end], strict=True):
            pages.setdefault(file, []).append(block)
        kept: list[Block] = []
        for file, blocks in pages.items():
            reason = _reason(blocks, package.kinds.get(file, ""))
            if reason and (kept or not start.title or len(pages) > 1):
                chapters.append(Chapter(reason.capitalize(), _join(blocks, ""), reason))
            else:
                kept += blocks
        if kept:
            single = next(iter(pages)) if len(pages) == 1 else ""
            reason = left_out(start.title) or _reason(kept, package.kinds.get(single, ""))
            heading = next((block.text for block in kept[:3] if block.kind == "heading"), "")
            name = start.title or title_of(heading) or title
            chapters.append(Chapter(name, _join(kept, start.title), reason))
    chapters = [chapter for chapter in chapters if has_words(chapter.text)]
    return [_judge_opening(chapter, number, chapters) for number, chapter in enumerate(chapters)]


def _judge_opening(chapter: Chapter, number: int, chapters: list[Chapter]) -> Chapter:
    """A few words at the very beginning, before longer chapters, are a title page."""
    first = all(before.left_out for before in chapters[:number])
    later = any(not after.left_out for after in chapters[number + 1 :])
    bare = len(chapter.text) < 300 and not re.search(r"\w{2}[.!?。！？][”\"’]?(?:\s|$)", chapter.text)
    return (
        replace(chapter, left_out="title page")
        if first and later and bare and not chapter.left_out
        else chapter
    )


def _reason(blocks: list[Block], kind: str) -> str:
    """Why a page is left out, by what it is called, its heading and its links; "" if it is spoken."""
    if kind in _TYPES:
        return _TYPES[kind]
    words = [block for block in blocks if block.text]
    for block in words[:1]:
        for name in sorted(block.types):
            if name in _TYPES:
                return _TYPES[name]
        if block.kind == "heading" and (reason := left_out(title_of(block.text))):
            return reason
    linked = [block for block in words if block.linked]
    if len(linked) >= LINKS and sum(block.linked for block in linked) > LINKED * _length(words):
        return "contents"
    return ""


def _join(blocks: list[Block], title: str) -> str:
    """The text of a chapter. A title that its first paragraphs do not have is said first."""
    parts: list[str] = []
    opening = _letters(" ".join(block.text for block in blocks[:4]))
    last_name = title.rpartition(": ")[2]
    if (
        title
        and _letters(last_name) not in opening
        and not any(block.kind == "heading" for block in blocks[:3])
    ):
        parts += [title, AFTER_TITLE]
    for number, block in enumerate(blocks):
        following = blocks[number + 1].kind if number + 1 < len(blocks) else ""
        if block.kind == "break":
            parts += (
                [SCENE_BREAK] if parts and parts[-1] not in (SCENE_BREAK, AFTER_TITLE) and following else []
            )
        elif block.kind in ("code", "formula"):
            language = find_language(detect_language(" ".join(parts[-3:])))
            parts.append(language.code_omitted if block.kind == "code" else language.formula_omitted)
        elif block.kind == "heading":
            parts += [line.strip() for line in block.text.split("\n") if line.strip()]
            parts += [AFTER_TITLE] if following not in ("heading", "break", "") else []
        else:
            parts.append(block.text)
    while parts and parts[-1] in (SCENE_BREAK, AFTER_TITLE):
        parts.pop()
    return "\n\n".join(parts)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
