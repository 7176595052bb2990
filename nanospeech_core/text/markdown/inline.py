"""What stands in a line of Markdown, as it is read aloud: emphasis, links, code spans, HTML, entities."""

from __future__ import annotations

import html
import re
from collections.abc import Generator

_LABEL, _ADDRESS_LENGTH = 300, 2000  # characters; what is longer is read as it stands
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

# Reads a character by `yield`; "" is the end of the text.
Reader = Generator[None, str, str]


class SpokenInline:
    """Reads the characters it is sent, says what is to be spoken: `SpokenMarkdown` without the blocks."""

    def __init__(self):
        self._said: list[str] = []
        self._tail = ""  # the end of all that was said, to tell its language
        self._pushed: list[str] = []  # characters to be read again, the next one last
        self._before = " "  # the character before, as it was written
        self._code = 0  # the length of the run of backticks that opened a code span
        self._open = False  # a paragraph is being written

    # reading

    def _next(self) -> Reader:
        if self._pushed:
            return self._pushed.pop()
        return (yield)

    def _push(self, text: str) -> None:
        self._pushed.extend(reversed(text))

    def _peek(self) -> Reader:
        character = yield from self._next()
        self._push(character)
        return character

    def _run(self, mark: str) -> Reader:
        """As many of `mark` as there are."""
        run = ""
        while (character := (yield from self._next())) == mark:
            run += character
        self._push(character)
        return run

    def _until(self, end: str, opening: str = "", most: int = _LABEL) -> Reader:
        """What stands before `end` in this line, `end` with it: short of it if the line ends or is too long.

        An `opening` asks for one more `end`; what follows a backslash counts as neither.
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

    def _line(self) -> Reader:
        """The rest of the line, its end read but left out."""
        line = ""
        while (character := (yield from self._next())) not in ("", "\n"):
            line += character
        return line

    # saying

    def _say(self, text: str) -> None:
        self._said.append(text)
        self._tail = (self._tail + text)[-200:]
        if text:
            self._open = True

    def _break(self) -> None:
        """End the paragraph."""
        if self._open:
            self._say("\n")
        self._open, self._code, self._before = False, 0, " "

    # inside a line

    def _inline(self, character: str, start: bool = False) -> Reader:
        before, self._before = self._before, character
        if character == "`":
            run = character + (yield from self._run(character))
            if self._code in (0, len(run)):
                self._code = len(run) - self._code
        elif self._code:
            self._say(character)
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
                self._say(following)
            else:
                self._push(following)
                self._say("" if following in ("", "\n") else character)
        else:
            self._say(character)
        return ""

    def _emphasis(self, mark: str, before: str) -> Reader:
        """Marks that stand between blanks, or inside a name or a product, are no emphasis."""
        run = mark + (yield from self._run(mark))
        after = yield from self._peek()
        alone = before.isspace() and (not after or after.isspace()) and len(run) == 1
        inside = before.isalnum() and after.isalnum()
        if mark == "*":
            inside = before.isdigit() and after.isdigit() and len(run) == 1
        if run == "~" or (mark != "~" and (alone or inside)):
            self._say(run)
        return ""

    def _link(self, start: bool) -> Reader:
        """[text](address), [text][label] and images by their text; [^1] not at all; other brackets stay."""
        label = yield from self._until("]", "[")
        if not label.endswith("]"):
            self._say("[")
            self._push(label)
            return ""
        text, following = label[:-1], (yield from self._next())
        closing = {"(": ")", "[": "]"}.get(following)
        if closing:
            target = yield from self._until(closing, following, _ADDRESS_LENGTH)
            if target.endswith(closing):
                self._push(text)
                return ""
            following += target
        elif following == ":" and start:  # what a label stands for
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
            self._say("[")
            self._push(label + following)
        return ""

    def _angle(self) -> Reader:
        """HTML tags and comments go, <address> stays, as does the sign in "a < b"."""
        first = yield from self._peek()
        if not first or not (first in "/!" or (first.isascii() and first.isalpha())):
            self._say("<")
            return ""
        inner = yield from self._until(">")
        if inner.startswith("!--"):
            text = inner
            while not text.endswith("-->") and (character := (yield from self._next())):
                text = (text + character)[-3:]
        elif inner.endswith(">") and _TAG.fullmatch(inner[:-1]):
            if re.match(r"/?(?:br|dd|div|dt|h[1-6]|hr|li|p|td|th|tr)\b", inner, re.IGNORECASE):
                self._say(" ")
        elif inner.endswith(">") and _ADDRESS.fullmatch(inner[:-1]):
            self._say(inner[:-1].removeprefix("mailto:"))
        else:
            self._say("<")
            self._push(inner)
        return ""

    def _entity(self) -> Reader:
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
        self._say(text[0] if plain == text else " ".join(plain.split()) or " ")
        if plain == text:
            self._push(text[1:])
        return ""
