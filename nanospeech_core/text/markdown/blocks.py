"""Streaming Markdown to text for speech: marks are dropped, words kept, code and formulas only mentioned.

A paragraph is spoken before its end is known. So the parser does not need whole documents: it decides on each
character after the few characters that follow. It reads the parts of CommonMark (https://spec.commonmark.org)
and of GitHub's tables, task lists and footnotes that chat models write.
"""

from __future__ import annotations

import re
import unicodedata

from ..language_detection import ALPHABETIC, detect_language
from ..languages import Language, find_language
from .inline import InlineParser, Parsing

_DELIMITERS = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")  # of a table's head
_CELL_END = re.compile(r"(?<!\\)\|")


class MarkdownParser(InlineParser):
    """Takes Markdown in pieces of any size and returns text. The sizes make no difference.

    Paragraphs, headings, list items and table rows end with a line break. Other white space becomes a space.

    language: of text in letters; what is omitted is mentioned in it.
    """

    def __init__(self, language: str = ALPHABETIC) -> None:
        super().__init__()
        self._alphabetic = language
        self._parser = self._document()
        next(self._parser)

    def feed(self, piece: str) -> str:
        """Parse a piece; returns the text that is certain by now."""
        for character in piece:
            if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs"):
                self._parser.send(character)
        return self._take_output()

    def finish(self) -> str:
        """End the Markdown; returns the rest of the text."""
        try:
            while True:
                self._parser.send("")
        except StopIteration:
            return self._take_output()

    def _take_output(self) -> str:
        text = "".join(self._output)
        self._output.clear()
        return text

    # blocks

    def _document(self) -> Parsing:
        while (yield from self._peek()):
            yield from self._block()
        self._break()
        return ""

    def _block(self) -> Parsing:
        """One line, or all lines of an omitted block."""
        first = yield from self._next()
        while first in (" ", "\t", ">"):
            first = yield from self._next()
        if first in ("", "\n"):
            self._break()
        elif first == "#":
            yield from self._heading()
        elif first == "|":
            yield from self._row()
        elif first in ("`", "~"):
            yield from self._fence(first)
        elif first in ("$", "\\"):
            yield from self._formula(first)
        elif first in "-*+_=":
            yield from self._mark(first)
        elif first.isascii() and first.isdigit():
            yield from self._number(first)
        else:
            self._push(first)
            yield from self._text()
        return ""

    def _text(self) -> Parsing:
        """The rest of a line of a paragraph."""
        if self._open:
            self._emit(" ")
        self._before = " "
        start = True
        while (character := (yield from self._next())) not in ("", "\n"):
            yield from self._inline(character, start)
            start = False
        return ""

    def _item(self, mark: str = "") -> Parsing:
        """A list item, after its mark. Any block may follow."""
        self._break()
        self._output.append(mark)  # without opening a paragraph, as an item without words is dropped
        yield from self._run(" ")
        box = ""
        for expected in ("[", " xX", "]", " "):
            character = yield from self._next()
            box += character
            if not character or character not in expected:
                self._push(box)
                break
        return ""

    def _mark(self, first: str) -> Parsing:
        """A list item, a line across, or emphasis at the beginning of a paragraph."""
        run = first + (yield from self._run(first))
        following = yield from self._peek()
        if run in ("-", "*", "+") and following in (" ", "\t"):
            yield from self._item()
            return ""
        blanks = yield from self._run(" ")
        if (yield from self._peek()) in ("", "\n"):
            yield from self._line()
            self._break()
        else:
            self._push(run + blanks)
            yield from self._text()
        return ""

    def _number(self, digits: str) -> Parsing:
        while len(digits) < 4:
            character = yield from self._next()
            digits += character
            if not (character.isascii() and character.isdigit()):
                break
        if len(digits) > 1 and digits[-1] in ".)" and (yield from self._peek()) == " ":
            yield from self._item(f"{digits[:-1]}. ")
        else:
            self._push(digits)
            yield from self._text()
        return ""

    def _heading(self) -> Parsing:
        marks = "#" + (yield from self._run("#"))
        if len(marks) > 6 or (yield from self._peek()) not in (" ", "\t", "\n", ""):
            self._push(marks)
            yield from self._text()
            return ""
        self._break()
        line = yield from self._line()
        self._push(re.sub(r"(?:^|\s+)#+\s*$", "", line).strip() + "\n")
        yield from self._text()
        self._break()
        return ""

    def _row(self) -> Parsing:
        """A table row, which becomes a sentence of its cells."""
        self._break()
        line = (yield from self._line()).rstrip()
        if _DELIMITERS.fullmatch(line):
            return ""
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.removesuffix("|"))]
        comma, stop = self._language(line).list_marks
        row = comma.join(filter(None, cells))
        if row and not row.endswith((".", "!", "?", "。", "！", "？")):
            row += stop
        self._push(row + "\n")
        yield from self._text()
        self._break()
        return ""

    def _fence(self, mark: str) -> Parsing:
        run = mark + (yield from self._run(mark))
        info = ""
        if len(run) >= 3:
            info = yield from self._line()
        if len(run) < 3 or (mark == "`" and "`" in info):
            self._push(run + info + ("\n" if info else ""))
            yield from self._text()
            return ""
        self._omit("code")
        while (yield from self._peek()):
            line = (yield from self._line()).strip(" \t>")
            if len(line) >= len(run) and not line.strip(mark):
                break
        return ""

    def _formula(self, first: str) -> Parsing:
        """$$ ... $$ or \\[ ... \\], over one line or several, none of them blank."""
        second = yield from self._next()
        end = {"$$": "$$", "\\[": "\\]"}.get(first + second)
        if end is None:
            self._push(first + second)
            yield from self._text()
            return ""
        self._omit("formula")
        text = ""
        while text not in (end, "\n\n") and (character := (yield from self._next())):
            text = (text + character)[-2:]
        return ""

    def _omit(self, what: str) -> None:
        self._break()
        language = self._language(self._tail)
        self._emit(language.code_omitted if what == "code" else language.formula_omitted)
        self._break()

    def _language(self, text: str) -> Language:
        return find_language(detect_language(text, self._alphabetic))
