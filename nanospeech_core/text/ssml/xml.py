"""The XML of SSML as a list of tags and texts that know their places in the source.

The parser is expat. A document type is refused, so there are no entities that grow or that name files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

from ...errors import UserError
from ..traced import TracedText

MAX_DEPTH = 64  # elements inside each other
_SPACE = "\ufeff \t\r\n"
_SSML = re.compile(
    r"[\ufeff\s]*(?:<\?xml\b[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!DOCTYPE\s+)?speak(?=[\s/>\[]|$)",
    re.DOTALL,
)
_TAG = re.compile(r"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_HINTS = {
    expat.errors.XML_ERROR_INVALID_TOKEN: "write & as &amp; and < as &lt;",
    expat.errors.XML_ERROR_UNDEFINED_ENTITY: "write the character itself",
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "nothing may follow </speak>",
}


@dataclass(frozen=True)
class Tag:
    """The begin of an element, or its end. An empty element has both.

    Attributes:
        name: of the element.
        start: where it is in the source.
        attributes: of the element; None: this is its end.
    """

    name: str
    start: int
    attributes: Mapping[str, str] | None


def is_ssml(text: str) -> bool:
    """Whether a text is SSML: it begins with <speak, after an XML declaration, white space and comments."""
    return _SSML.match(text) is not None


def spoken_text(text: str) -> str:
    """About what is spoken of a text, to find its language: without the tags, if it is SSML."""
    return _TAG.sub(" ", text) if is_ssml(text) else text


def error_at(source: str, position: int, message: str) -> UserError:
    """The error to raise for something at a place in the source."""
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    return UserError(f"SSML, line {line}, column {column}: {message}")


def tag_end(source: str, start: int) -> int:
    """Where the tag that begins at `start` ends."""
    match = _TAG.match(source, start)
    return match.end() if match else start


def parse(source: str) -> list[Tag | TracedText]:
    """The tags and the texts between them, in order. White space is spaces, one for each character.

    Raises:
        UserError: it is not well-formed XML, has a document type or control characters, or is nested too
            deeply. The message names the line and the column.
    """
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str):
        self._source = source
        self._start = len(source) - len(source.lstrip(_SPACE))
        self._data = source[self._start :].encode()
        self._byte, self._character = 0, self._start  # the same place, in the data and in the source
        self._items: list[Tag | TracedText] = []
        self._open: list[str] = []
        self._literal = False  # in a CDATA section, where & is a character
        self._expat = expat.ParserCreate("utf-8")  # whatever the XML declaration says
        self._expat.StartElementHandler = self._begin
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.StartCdataSectionHandler = lambda: self._set_literal(True)
        self._expat.EndCdataSectionHandler = lambda: self._set_literal(False)
        self._expat.StartDoctypeDeclHandler = self._doctype

    def parse(self) -> list[Tag | TracedText]:
        try:
            self._expat.Parse(self._data, True)
        except expat.ExpatError as error:
            raise self._error(error) from error
        return self._items

    def _error(self, error: expat.ExpatError) -> UserError:
        message = expat.ErrorString(error.code)
        if self._open and message == expat.errors.XML_ERROR_TAG_MISMATCH:
            message = f"<{self._open[-1]}> is not closed before this tag"
        elif self._open and message in (
            expat.errors.XML_ERROR_NO_ELEMENTS,
            expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        ):
            message = f"the text ends before </{self._open[-1]}>"
        elif message in _HINTS:
            message += f": {_HINTS[message]}"
        position = self._position(self._expat.ErrorByteIndex)
        position -= 2 * self._source[:position].endswith("</")  # of a closing tag expat has the name
        return error_at(self._source, position, message)

    def _set_literal(self, literal: bool) -> None:
        self._literal = literal

    def _position(self, byte: int) -> int:
        """The character of the source for a byte of the data; the bytes asked for only grow."""
        byte = max(byte, self._byte)
        self._character += len(self._data[self._byte : byte].decode(errors="ignore"))
        self._byte = byte
        return self._character

    def _here(self) -> int:
        return self._position(self._expat.CurrentByteIndex)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise error_at(self._source, self._here(), f"elements are nested more than {MAX_DEPTH} deep")
        self._items.append(Tag(name, self._here(), attributes))

    def _end(self, name: str) -> None:
        self._open.pop()
        self._items.append(Tag(name, self._here(), None))

    def _text(self, data: str) -> None:
        start, source = self._here(), self._source
        written = source[start : start + len(data)]
        if source[start : start + 1] == "&" and not self._literal:  # &amp; or &#38;
            text = TracedText.read_as(data, (start, source.find(";", start) + 1))
            if any(unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() for c in data):
                raise error_at(source, start, f"a control character (U+{ord(data):04X})")
        elif written == data or data == "\n":  # expat makes every line break one character
            places = range(start, start + len(data))
            text = TracedText(data, tuple((place, place + 1) for place in places))
        else:
            raise AssertionError(f"expat reports {data!r:.40} at {start}, where the text is {written!r:.40}")
        spaced = "".join(" " if character.isspace() else character for character in data)
        text = TracedText(spaced, text.spans)
        self._items.append(text)

    def _doctype(self, *_: object) -> None:
        start = self._source.rfind("<!DOCTYPE", 0, self._here())  # expat is at its end
        raise error_at(self._source, start, "remove the document type (<!DOCTYPE ...>): it is not read")
