"""The notices of Project Gutenberg around a text, and what its plain texts have in place of marks."""

from __future__ import annotations

import re

_START = re.compile(
    r"^\W{0,3}\*{3} ?START OF (?:TH(?:E|IS) )?PROJECT GUTENBERG[^\n]*$", re.MULTILINE | re.IGNORECASE
)
_END = re.compile(
    r"^\W{0,3}\*{3} ?END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG|^End of (?:the )?Project Gutenberg",
    re.MULTILINE | re.IGNORECASE,
)
_FIELD = r"^{}:[ \t]*(\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)"
_PRODUCED = re.compile(r"\s*(?:E-text prepared|Produced|Transcribed)\s(?:[^\n]+\n)+\s*\n", re.IGNORECASE)
_PICTURE = re.compile(r"\[(?:Illustration|Decoration|Frontispiece)\b[^\]]*\]", re.IGNORECASE)
_FOOTNOTE = re.compile(
    r"^[ \t]*\[(?:Foot)?note[^\]]{0,8}:(?:[^\[\]]|\[[^\[\]]*\])*\]", re.MULTILINE | re.IGNORECASE
)
_PAGE = re.compile(r"[\[{](?:Pg|Page|p\.) ?[\divxlc]+[\]}]\s?|\{\d{1,4}\}\s?", re.IGNORECASE)
_REFERENCE = re.compile(r"(?<=[\w.,;:!?\"'”’)])\[(?:\d{1,3}|[A-Z]|\*+)\]")
_ITALIC = re.compile(r"(?<![\w_])_(?=\S)((?:[^_\n]|\n(?!\n)){1,600}?)(?<=\S)_(?![\w_])")
_BOLD = re.compile(r"(?<![\w=])=(?=\S)([^=\n]{1,200}?)(?<=\S)=(?![\w=])")


def start(text: str) -> int:
    """Where the book begins, after the notice; 0 if there is none."""
    match = _START.search(text[:30_000])
    return match.end() if match else 0


def end(text: str) -> int:
    """Where the book ends, before the license."""
    match = _END.search(text)
    return match.start() if match else len(text)


def fields(text: str) -> tuple[str, str]:
    """The title and the author that the notice names; "" for each that is missing."""
    head = text[: start(text)]
    found = (re.search(_FIELD.format(name), head, re.MULTILINE) for name in ("Title", "Author"))
    title, author = (" ".join(match[1].split()) if match else "" for match in found)
    return title, author


def without_notices(text: str) -> str:
    """The text without the notices at both ends."""
    begin = start(text)
    text = text[begin : end(text)] if end(text) > begin else text[begin:]
    produced = _PRODUCED.match(text)
    return text[produced.end() :] if produced else text


def without_marks(text: str) -> str:
    """The text without pictures, footnotes and their marks, page numbers, and the marks of italics."""
    text = _FOOTNOTE.sub("", _PICTURE.sub("", text))
    text = _REFERENCE.sub("", _PAGE.sub("", text))
    text = _BOLD.sub(r"\1", _ITALIC.sub(r"\1", text))
    return re.sub(r"(?<!\w)_(?=\w)|(?<=[\w.,!?])_(?!\w)", "", text)  # of italics over several paragraphs
