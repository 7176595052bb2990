"""Inline Markdown to text for speech: emphasis, links, code spans, HTML, entities."""

from __future__ import annotations

import html
import re
from collections.abc import Generator

_MAX_LABEL, _MAX_ADDRESS = 300, 2000  # characters; longer ones are kept as plain text
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_DEFINITION = re.compile(r"\s*<?(?:\w+:|[/#.]|www\.)\S*.*")
_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z\d+.-]+:|[\w.+-]+@)[^\s<>]+")
_TAG = re.compile(
    r"/?(?:a|abbr|b|blockquote|br|center|code|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark|"
    r"ol|p|pre|q|s|samp|small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var)"
    r"(?:\s[^<>]*)?/?",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,31});")

# A coroutine that receives the next character by `yield`; "" is the end of the text.
Parsing = Generator[None, str, str]


class InlineParser:
    """The part of `MarkdownParser` inside a line: reads characters and emits text."""

    def __init__(self) -> None:
        self._output: list[str] = []
        self._tail = ""  # the end of the emitted text, to find its language
        self._pushed: list[str] = []  # characters to read again, the next one last
        self._before = " "  # the previous character of the source
        self._code = 0  # the length of the run of backticks that opened a code span
        self._open = False  # inside a paragraph

    # reading

    def _next(self) -> Parsing:
        if self._pushed:
            return self._pushed.pop()
        return (yield)

    def _push(self, text: str) -> None:
        self._pushed.extend(reversed(text))

    def _peek(self) -> Parsing:
        character = yield from self._next()
        self._push(character)
        return character

    def _run(self, mark: str) -> Parsing:
        """All directly following `mark`s."""
        run = ""
        while (character := (yield from self._next())) == mark:
            run += character
        self._push(character)
        return run

    def _until(self, end: str, opening: str = "", most: int = _MAX_LABEL) -> Parsing:
        """The text up to and including `end`; without `end` if the line ends before it or is too long.

        Each `opening` needs one more `end`. Escaped characters count as neither.
        """
        text, depth = "", 1
        while len(text) < most:
            character = yield from self._next()
            if character in ("", "\n"):
                self._push(character)
                break
            text += character
            if not text.endswith("\\" + character) or text.endswith("\\\\" + character):
                depth += (character == opening) - (character == end)
            if not depth:
                break
        return text

    def _line(self) -> Parsing:
        """The rest of the line, without its end, which is read too."""
        line = ""
        while (character := (yield from self._next())) not in ("", "\n"):
            line += character
        return line

    # writing

    def _emit(self, text: str) -> None:
        self._output.append(text)
        self._tail = (self._tail + text)[-200:]
        if text:
            self._open = True

    def _break(self) -> None:
        """End the paragraph."""
        if self._open:
            self._emit("\n")
        self._open, self._code, self._before = False, 0, " "

    # inside a line

    def _inline(self, character: str, start: bool = False) -> Parsing:
        before, self._before = self._before, character
        if character == "`":
            run = character + (yield from self._run(character))
            if self._code in (0, len(run)):
                self._code = len(run) - self._code
        elif self._code:
            self._emit(character)
        elif character in ("*", "_", "~"):
            yield from self._emphasis(character, before)
        elif character == "[":
            yield from self._link(start)
        elif character == "!" and (yield from self._peek()) == "[":
            pass  # an image is read like a link
        elif character == "<":
            yield from self._angle()
        elif character == "&":
            yield from self._entity()
        elif character == "\\":
            following = yield from self._next()
            if following in _PUNCTUATION:
                self._emit(following)
            else:
                self._push(following)
                self._emit("" if following in ("", "\n") else character)
        else:
            self._emit(character)
        return ""

    def _emphasis(self, mark: str, before: str) -> Parsing:
        """Emphasis marks. Marks between blanks, inside a name or in a product are kept."""
        run = mark + (yield from self._run(mark))
        after = yield from self._peek()
        alone = before.isspace() and (not after or after.isspace()) and len(run) == 1
        inside = before.isalnum() and after.isalnum()
        if mark == "*":
            inside = before.isdigit() and after.isdigit() and len(run) == 1
        if run == "~" or (mark != "~" and (alone or inside)):
            self._emit(run)
        return ""

    def _link(self, start: bool) -> Parsing:
        """[text](address), [text][label] and images become text; [^1] is dropped; other brackets are kept."""
        label = yield from self._until("]", "[")
        if not label.endswith("]"):
            self._emit("[")
            self._push(label)
            return ""
        text, following = label[:-1], (yield from self._next())
        closing = {"(": ")", "[": "]"}.get(following)
        if closing:
            target = yield from self._until(closing, following, _MAX_ADDRESS)
            if target.endswith(closing):
                self._push(text)
                return ""
            following += target
        elif following == ":" and start:  # the definition of a label
            line = yield from self._line()
            if text.startswith("^"):
                self._push(line.lstrip() + "\n")
                return ""
            if _DEFINITION.fullmatch(line):
                self._push("\n")
                return ""
            following += line + "\n"
        if text.startswith("^"):
            self._push(following)
        else:
            self._emit("[")
            self._push(label + following)
        return ""

    def _angle(self) -> Parsing:
        """HTML tags and comments are dropped; <address> and the sign in "a < b" are kept."""
        first = yield from self._peek()
        if not first or not (first in "/!" or (first.isascii() and first.isalpha())):
            self._emit("<")
            return ""
        inner = yield from self._until(">")
        if inner.startswith("!--"):
            text = inner
            while not text.endswith("-->") and (character := (yield from self._next())):
                text = (text + character)[-3:]
        elif inner.endswith(">") and _TAG.fullmatch(inner[:-1]):
            if re.match(r"/?(?:br|dd|div|dt|h[1-6]|hr|li|p|td|th|tr)\b", inner, re.IGNORECASE):
                self._emit(" ")
        elif inner.endswith(">") and _ADDRESS.fullmatch(inner[:-1]):
            self._emit(inner[:-1].removeprefix("mailto:"))
        else:
            self._emit("<")
            self._push(inner)
        return ""

    def _entity(self) -> Parsing:
        text = "&"
        while len(text) < 34:
            character = yield from self._next()
            if not (character.isascii() and (character.isalnum() or character in "#;")) or not character:
                self._push(character)
                break
            text += character
            if character == ";":
                break
        plain = html.unescape(text) if _ENTITY.fullmatch(text) else text
        self._emit(text[0] if plain == text else " ".join(plain.split()) or " ")
        if plain == text:
            self._push(text[1:])
        return ""
