"""The text of a page (XHTML) in blocks: paragraphs and headings, without notes, page numbers and pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from .archive import resolve

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_SKIPPED = frozenset(
    "head script style svg nav audio video object iframe canvas template form button select rt rp map".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt figcaption figure footer "
    "h1 h2 h3 h4 h5 h6 header hr li main ol p pre section summary table tbody tfoot thead tr ul".split()
)
_NOTES = frozenset(
    "footnote footnotes endnote endnotes rearnote rearnotes note doc-footnote doc-endnote doc-endnotes "
    "pagebreak doc-pagebreak page-list landmarks".split()
)
_NOTE_CLASSES = frozenset("footnote footnotes endnote endnotes fnote".split())
_PAGE_CLASSES = frozenset("pagenum pageno page-number pagenumber pagebreak page-break-number pgnum".split())
_CODE_CLASSES = re.compile(r"code|listing|screen|highlight|terminal|console", re.IGNORECASE)
_REFERENCES = frozenset("noteref footnoteref footnote-ref fnanchor fn-ref endnote-ref doc-noteref".split())
_MARK = re.compile(r"[\[(]?\s*(?:\d{1,4}|[*†‡§‖¶]{1,4}|[ivxlc]{1,6}|[a-z])\s*[\])]?[.:]?", re.IGNORECASE)
_SIGNED = re.compile(r"[\[(].*[\])]|[*†‡§‖¶]+")
_AFTER_MARK = re.compile(r"[.,;:!?\"'”’)\]]$")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_SIGNS = re.compile(r"[^\w]{1,40}")


@dataclass
class Block:
    """A paragraph or a heading.

    kind: "text", "heading", "code" (left out, to be mentioned), "break" (between scenes).
    ids: where links can point to: its own and those of what begins with it.
    note: it begins with a link back to where it is noted.
    linked: how many of its characters are links inside the book.
    types: what EPUB 3 calls the parts that it is in: "titlepage", "chapter".
    """

    kind: str
    text: str
    ids: set[str] = field(default_factory=set)
    note: bool = False
    linked: int = 0
    types: frozenset[str] = frozenset()


@dataclass
class _Open:
    tag: str
    skips: bool = False
    types: frozenset[str] = frozenset()
    items: int = 0  # of an ordered list


@dataclass
class _Link:
    at: int  # in the parts
    attributes: dict[str, str]
    raised: bool


class Page(HTMLParser):
    """Parses a page; then `blocks` has its text, and `noted` what its dropped references to notes point to.

    Args:
        path: of the page in the archive.
        text: its XHTML. Broken markup is read as well as possible.
    """

    def __init__(self, path: str, text: str):
        super().__init__(convert_charrefs=True)
        self.path = path
        self.blocks: list[Block] = []
        self.noted: set[tuple[str, str]] = set()
        self._open: list[_Open] = []
        self._skipping = self._pre = self._raised = 0
        self._parts: list[str] = []
        self._kind, self._ids, self._note, self._linked = "text", set[str](), False, 0
        self._link: _Link | None = None
        self._cells: list[str] | None = None
        self.feed(text)
        self.close()
        self._flush()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        kinds = set(f"{attributes.get('epub:type', '')} {attributes.get('role', '')}".lower().split())
        classes = set(attributes.get("class", "").lower().split())
        if not self._skipping:
            self._begin(tag, attributes, classes)
        if tag in _VOID:
            return
        reference = tag == "a" or kinds & _REFERENCES
        skips = not reference and (tag in _SKIPPED or bool(kinds & _NOTES) or _is_hidden(attributes))
        skips = skips or (tag != "body" and bool(classes & _PAGE_CLASSES or "pg-boilerplate" in classes))
        skips = skips or (
            tag in ("div", "section", "aside", "p", "li", "ol") and bool(classes & _NOTE_CLASSES)
        )
        outer = self._open[-1].types if self._open else frozenset()
        self._open.append(_Open(tag, skips, outer | kinds))
        self._skipping += skips

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not any(each.tag == tag for each in self._open):
            return
        while True:
            closed = self._open[-1]
            if not self._skipping:
                self._end(closed.tag)
            self._open.pop()
            self._skipping -= closed.skips
            if closed.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            data = data.translate(_INVISIBLE)
            self._parts.append(data if self._pre else re.sub(r"\s+", " ", data))

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA["):
            self.handle_data(data[6:])

    def _begin(self, tag: str, attributes: dict[str, str], classes: set[str]) -> None:
        in_row = self._cells is not None and tag not in ("tr", "table")
        if tag in _BLOCKS and not in_row:
            self._flush()
        elif tag in _BLOCKS:
            self._parts.append(" ")
        self._ids |= {value for key in ("id", "name") if (value := attributes.get(key, ""))}
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self._kind = "heading"
        elif tag == "hr":
            self.blocks.append(Block("break", ""))
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "pre":
            self._pre += 1
            self._kind = "code" if any(map(_CODE_CLASSES.search, classes)) else "text"
        elif tag == "code" and self._pre:
            self._kind = "code"
        elif tag == "math" and attributes.get("display") == "block":
            self._flush()
            self._kind = "formula"
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "li" and self._open and self._open[-1].tag == "ol":
            self._open[-1].items += 1
            if "none" not in attributes.get("style", ""):
                self._parts.append(f"{self._open[-1].items}. ")
        elif tag in ("sup", "sub"):
            self._raised += 1
        elif tag == "a":
            self._link = _Link(len(self._parts), attributes, self._raised > 0)
        if tag in ("sup", "sub") and self._link is not None and len(self._parts) == self._link.at:
            self._link.raised = True

    def _end(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            self._end_link(self._link)
        elif tag in ("sup", "sub"):
            self._raised = max(0, self._raised - 1)
            self._drop_raised()
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr" and self._cells is not None:
            self._end_cell()
            cells, self._cells = self._cells, None
            row = ", ".join(cells)
            self._parts = [row + "." if len(cells) > 1 and row[-1:] not in ".!?。！？" else row]
            self._flush()
        elif tag in _BLOCKS or tag == "math":
            if self._cells is None and (tag != "math" or self._kind == "formula"):
                self._flush()
            self._pre -= tag == "pre"

    def _end_cell(self) -> None:
        if self._cells is not None:
            cell = " ".join("".join(self._parts).split())
            self._cells += [cell] if cell else []
            self._parts = []

    def _end_link(self, link: _Link) -> None:
        """Drop a reference to a note, and the mark with which a note begins."""
        self._link = None
        at = min(link.at, len(self._parts))
        text, before = "".join(self._parts[at:]).strip(), "".join(self._parts[:at])
        target = resolve(self.path, link.attributes.get("href", ""))
        kinds = f"{link.attributes.get('epub:type', '')} {link.attributes.get('role', '')} "
        named = set((kinds + link.attributes.get("class", "")).lower().split()) & _REFERENCES
        inside = bool(target[0] and "href" in link.attributes)
        marked = inside and bool(target[1]) and _MARK.fullmatch(text)
        if marked and not before.strip() and not self.blocks_only_number():
            self._note = True
            del self._parts[at:]
        elif named or (
            marked and (link.raised or _SIGNED.fullmatch(text) or (text.isdigit() and before[-1:].strip()))
        ):
            self.noted.add(target)
            del self._parts[at:]
        elif inside:
            self._linked += len(text)

    def blocks_only_number(self) -> bool:
        """Whether the open block is a heading, in which a linked number is its title."""
        return self._kind == "heading"

    def _drop_raised(self) -> None:
        """A raised number after a mark is a note's: "he said.²"."""
        if len(self._parts) > 1 and self._parts[-1].strip().isdigit() and self._link is None:
            if _AFTER_MARK.search("".join(self._parts[:-1])[-3:]):
                self._parts.pop()

    def _flush(self) -> None:
        """End the block."""
        text = "".join(self._parts)
        if self._kind == "code" or not self._pre:
            text = re.sub(r"[^\S\n]+", " ", text)
        text = re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()
        kind = self._kind
        if re.fullmatch(r"\d{1,3}\. ?", text + " "):  # a list item without words
            text = ""
        if kind in ("text", "heading") and _SIGNS.fullmatch(text):
            kind, text = "break", ""
        if text or kind == "break":
            types = self._open[-1].types if self._open else frozenset()
            self.blocks.append(Block(kind, text, self._ids, self._note, self._linked, types))
            self._ids = set()
        self._parts, self._kind, self._note, self._linked = [], "text", False, 0


def _is_hidden(attributes: dict[str, str]) -> bool:
    style = attributes.get("style", "").replace(" ", "").lower()
    return "hidden" in attributes or attributes.get("aria-hidden") == "true" or "display:none" in style
