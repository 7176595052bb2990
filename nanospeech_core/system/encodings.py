"""Text from bytes: UTF-8, or what a byte order mark says; any other encoding is named, with what to do.

Nobody can be certain of an encoding without a mark, so what is guessed is told and not read.
"""

from __future__ import annotations

import codecs
import io
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..errors import UserError

# UTF-32's mark begins with UTF-16's, so it comes first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 1 << 16  # bytes by which an encoding is guessed
LIKELY = 0.5  # the least score of a guess, 0 to 1
DAMAGE = 0.1  # share of broken characters, up to which a table is one in UTF-8 with broken lines


def decode(data: bytes, name: str) -> str:
    """The text of bytes.

    name: what they are, in messages: a file, "the text".

    Raises:
        UserError: they are in another encoding, which is named where it can be guessed, or no text.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise _unknown(name, error) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _named(name, guess(data)) or _unknown(name, error) from error
    if "\0" in text and (found := _zeros(data)):
        raise _named(name, found)
    return text


def read_text(path: str | os.PathLike, name: str | None = None) -> str:
    """The text of a file, as `decode` reads it; `name`: where the path alone does not tell what it is."""
    name = str(path) if name is None else name
    try:
        return decode(Path(path).read_bytes(), name)
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error


def open_text(path: str | os.PathLike, newline: str = "") -> TextIO:
    """A file to be read line by line, as `open` does it; broken characters in UTF-8 are U+FFFD.

    Raises:
        OSError: it cannot be opened.
        UserError: much of its beginning is in another encoding.
    """
    file = open(path, "rb")  # noqa: SIM115  (the caller closes it)
    try:
        data = file.read(SAMPLE)
        file.seek(0)
        encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "utf-8")
        if encoding == "utf-8":
            text = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
            foreign = sum(not character.isascii() for character in text)
            found = guess(data) if text.count("\ufffd") > DAMAGE * foreign else None
            if found or "\0" in text and (found := _zeros(data)):
                raise _named(str(path), found)
        return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=newline)
    except BaseException:
        file.close()
        raise


def argument(text: str) -> str:
    """A text of the command line: UTF-8 bytes that an old locale (LC_ALL=C) let in undecoded are decoded."""
    if text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text):
        return text
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text  # `check_text` says what is wrong with it


def guess(data: bytes) -> str | None:
    """The encoding, as Python and iconv call it, of a text that is not UTF-8; None where none is likely."""
    likely = _zeros(data)
    if likely:
        return likely
    best, data = LIKELY, data[:SAMPLE]
    for encoding, score in _SCORES.items():
        text = _text(data, encoding)
        if text is not None and (value := score(text)) > best:
            best, likely = value, encoding
    return likely


def _zeros(data: bytes) -> str | None:
    """UTF-16 or UTF-32 in letters that are mostly ASCII, by where their zeros are."""
    data = data[:SAMPLE]
    shares = [data[place::4].count(0) / max(1, len(data[place::4])) for place in range(4)]
    often = tuple(place for place in range(4) if shares[place] > 0.5)
    encoding = {(1, 3): "utf-16-le", (0, 2): "utf-16-be", (1, 2, 3): "utf-32-le", (0, 1, 2): "utf-32-be"}.get(
        often
    )
    return encoding if encoding and _text(data, encoding) else None


def _text(data: bytes, encoding: str) -> str | None:
    """The text that it is in an encoding, its last character perhaps cut off; None where it is none."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None
    controls = any(unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\n\v\f\r" for c in text)
    return None if controls else text


def _of(known: Callable[[str], bool]) -> Callable[[str], float]:
    """The share of a text's characters outside ASCII that are `known`."""

    def score(text: str) -> float:
        foreign = [character for character in text if not character.isascii()]
        return sum(map(known, foreign)) / max(1, len(foreign))

    return score


def _simplified(character: str) -> bool:
    """It is punctuation or one of the 3755 frequent characters of GB 2312 (its level 1)."""
    code = character.encode("gb2312", "ignore")
    return len(code) == 2 and (code[0] <= 0xA3 or 0xB0 <= code[0] <= 0xD7)


def _traditional(character: str) -> bool:
    """It is punctuation or one of the 5401 frequent characters of Big5 (its level 1)."""
    code = character.encode("big5", "ignore")
    return len(code) == 2 and code[0] <= 0xC6


def _kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30ff" or character in "、。「」"


def _western(text: str) -> float:
    """Whether letters with accents and marks of typography are strewn into a text of letters."""
    foreign = [character for character in text if not character.isascii()]
    marks = "“”‘’«»–—…€£§°·¿¡©®™•\xa0²³½¼¾"
    plain = all(character.isalpha() or character in marks for character in foreign)
    return float(plain and 3 * len(foreign) <= sum(map(str.isalpha, text)))


def _unmarked(text: str) -> float:
    """How much it is Chinese or Japanese. Any two bytes are a character, so it must have punctuation."""
    if not set(text) & set("，。、！？：；"):
        return 0.0
    return _of(lambda character: _simplified(character) or _traditional(character) or _kana(character))(text)


# The first of equal scores is taken.
_SCORES: dict[str, Callable[[str], float]] = {
    "gbk": _of(_simplified),
    "big5": _of(_traditional),
    "shift_jis": lambda text: min(1.0, 2 * _of(_kana)(text)),  # the other half is Chinese characters
    "cp1252": _western,
    "utf-16-le": _unmarked,
    "utf-16-be": _unmarked,
}


def _named(name: str, encoding: str | None) -> UserError | None:
    if encoding is None:
        return None
    called = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    return UserError(
        f"{name} is not UTF-8 but, it seems, {called}: save it as UTF-8 (or: iconv -f {called} -t UTF-8)"
    )


def _unknown(name: str, error: UnicodeDecodeError) -> UserError:
    return UserError(f"{name} is not UTF-8 (at byte {error.start}); is it binary data?")
